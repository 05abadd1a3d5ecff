//! Remove locks: `IoAcquireRemoveLockEx` and its kin.
//!
//! The count and the event are in the driver's memory, as in the kernel, so that it is seen when
//! that memory is gone; the tags are in the ledger.

use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use wdm_irp::sys::{
    DISPATCH_LEVEL, IO_REMOVE_LOCK, IO_REMOVE_LOCK_COMMON_BLOCK, KEVENT, NTSTATUS, PASSIVE_LEVEL,
    STATUS_DELETE_PENDING, STATUS_SUCCESS,
};

use crate::fault::DelayPoint;
use crate::ke::dispatcher::SYNCHRONIZATION_EVENT;
use crate::ke::{event, wait};
use crate::kernel::locks::RemoveLockRecord;
use crate::kernel::{Kernel, objects};
use crate::report::kind::ViolationKind;
use crate::sync::{Arc, lock};

/// A remove lock that the ledger knows, and whose memory is valid now.
///
/// # Invariants
/// `0` is an initialized remove lock, which is accessed by this type only, and valid as long as a
/// copy of this value is used; the one that brings the count to zero is used until the wait that it
/// satisfies returns.
#[derive(Clone, Copy)]
struct LockAccess(*mut IO_REMOVE_LOCK);

impl LockAccess {
    /// Initializes a lock, which nobody holds.
    ///
    /// # Safety
    /// `lock` is writable, nobody else accesses it, and it stays valid as long as the result or a
    /// copy of it is used.
    unsafe fn initialize(lock: *mut IO_REMOVE_LOCK) -> Self {
        // SAFETY: a KEVENT has numbers and raw pointers only, for which zeros are valid.
        let event: KEVENT = unsafe { std::mem::zeroed() };
        let new = IO_REMOVE_LOCK_COMMON_BLOCK {
            Removed: 0,
            Reserved: [0; 3],
            IoCount: 1,
            RemoveEvent: event,
        };
        // SAFETY: writable by contract.
        unsafe { lock.write(IO_REMOVE_LOCK { Common: new }) };
        // INVARIANT: by contract.
        let access = Self(lock);
        // SAFETY: a field of the lock that was written above, and is nobody else's by contract.
        unsafe { event::initialize(access.event(), SYNCHRONIZATION_EVENT, false) };
        access
    }

    /// Returns `IoCount`: one, and one for each acquisition.
    fn count<'a>(self) -> &'a AtomicI32 {
        // SAFETY: the lock is valid (by the invariant); this computes an address in it.
        let count = unsafe { &raw mut (*self.0).Common.IoCount };
        // SAFETY: the field is aligned, valid, and accessed as an atomic only (by the invariant).
        unsafe { AtomicI32::from_ptr(count) }
    }

    /// Returns `Removed`.
    fn removed<'a>(self) -> &'a AtomicU8 {
        // SAFETY: the lock is valid (by the invariant); this computes an address in it.
        let removed = unsafe { &raw mut (*self.0).Common.Removed };
        // SAFETY: the field is aligned, valid, and accessed as an atomic only (by the invariant).
        unsafe { AtomicU8::from_ptr(removed) }
    }

    fn event(self) -> *mut KEVENT {
        // SAFETY: the lock is valid (by the invariant); this computes an address in it.
        unsafe { &raw mut (*self.0).Common.RemoveEvent }
    }

    /// Takes one out of the count, and signals the event at zero: then the lock may be gone.
    fn decrement(self) {
        if self.count().fetch_sub(1, Ordering::SeqCst) == 1 {
            // SAFETY: initialized with the lock, which is valid until the wait that this satisfies
            // returns (by the invariant).
            unsafe { event::set(self.event()) };
        }
    }
}

/// How a release goes with the acquisitions.
enum Held {
    /// The lock is held with the tag.
    Yes,
    /// It is held with others only, of which one is released.
    WithOtherTags,
    /// It is not held.
    No,
}

impl RemoveLockRecord {
    /// Takes out one acquisition.
    fn release(&mut self, tag: usize) -> Held {
        if let Some(index) = self.tags.iter().position(|held| *held == tag) {
            self.tags.swap_remove(index);
            return Held::Yes;
        }
        match self.tags.pop() {
            Some(_) => Held::WithOtherTags,
            None => Held::No,
        }
    }
}

impl Kernel {
    /// Initializes a remove lock (`IoInitializeRemoveLockEx`).
    ///
    /// # Safety
    /// `remove_lock` is writable, and nobody else accesses it.
    pub(crate) unsafe fn IoInitializeRemoveLockEx(
        self: &Arc<Self>,
        remove_lock: *mut IO_REMOVE_LOCK,
        tag: u32,
        size: u32,
    ) {
        const FUNCTION: &str = "IoInitializeRemoveLockEx";
        self.check_irql(PASSIVE_LEVEL, None, FUNCTION);
        if tag == 0 || size as usize != size_of::<IO_REMOVE_LOCK>() {
            self.violate(
                ViolationKind::RemoveLockBadArgument,
                None,
                &format!("{FUNCTION} with AllocateTag {tag} and RemlockSize {size}"),
            );
        }
        let address = remove_lock.addr();
        let is_new = {
            let mut ledger = lock(&self.ledger);
            let is_new = !ledger.remove_locks.contains_key(&address);
            ledger.remove_locks.entry(address).or_default();
            is_new
        };
        if !is_new {
            self.violate(
                ViolationKind::RemoveLockInitializedAgain,
                None,
                "IoInitializeRemoveLockEx on a remove lock",
            );
            return;
        }
        objects::insert(address, self);
        // SAFETY: writable and nobody else's by contract.
        unsafe { LockAccess::initialize(remove_lock) };
        self.call(None, FUNCTION);
    }

    /// Acts on the ledger's page about a remove lock; `None`, and recorded, if there is none.
    fn with_remove_lock<T>(
        &self,
        remove_lock: *mut IO_REMOVE_LOCK,
        function: &str,
        action: impl FnOnce(&mut RemoveLockRecord) -> T,
    ) -> Option<T> {
        let done = lock(&self.ledger)
            .remove_locks
            .get_mut(&remove_lock.addr())
            .map(action);
        if done.is_none() {
            self.violate(
                ViolationKind::RemoveLockNotInitialized,
                None,
                &format!("{function} on a remove lock that is not initialized"),
            );
        }
        done
    }

    /// Acquires a remove lock (`IoAcquireRemoveLockEx`).
    ///
    /// # Safety
    /// `remove_lock` is valid if it is initialized.
    pub(crate) unsafe fn IoAcquireRemoveLockEx(
        &self,
        remove_lock: *mut IO_REMOVE_LOCK,
        tag: usize,
    ) -> NTSTATUS {
        const FUNCTION: &str = "IoAcquireRemoveLockEx";
        self.check_irql(DISPATCH_LEVEL, None, FUNCTION);
        if self
            .with_remove_lock(remove_lock, FUNCTION, |_| ())
            .is_none()
        {
            return STATUS_DELETE_PENDING;
        }
        // INVARIANT: initialized, as the ledger says, and valid by contract.
        let access = LockAccess(remove_lock);
        access.count().fetch_add(1, Ordering::SeqCst);
        if access.removed().load(Ordering::SeqCst) != 0 {
            access.decrement();
            self.call(None, format!("{FUNCTION}: STATUS_DELETE_PENDING"));
            return STATUS_DELETE_PENDING;
        }
        self.with_remove_lock(remove_lock, FUNCTION, |record| record.tags.push(tag));
        self.call(None, format!("{FUNCTION}(tag {tag:#x})"));
        STATUS_SUCCESS
    }

    /// Takes one acquisition out of the ledger; `false`, and recorded, if there is none. A wrong
    /// tag is a `mismatch`.
    fn release_tag(
        &self,
        remove_lock: *mut IO_REMOVE_LOCK,
        tag: usize,
        function: &str,
        mismatch: ViolationKind,
    ) -> bool {
        let release = |record: &mut RemoveLockRecord| record.release(tag);
        let (kind, text) = match self.with_remove_lock(remove_lock, function, release) {
            Some(Held::Yes) => return true,
            Some(Held::WithOtherTags) => (mismatch, "is held with other tags"),
            Some(Held::No) => (ViolationKind::RemoveLockNotHeld, "is not held"),
            None => return false,
        };
        let text = format!("{function} with tag {tag:#x} on a remove lock that {text}");
        self.violate(kind, None, &text);
        kind == mismatch
    }

    /// Releases a remove lock (`IoReleaseRemoveLockEx`).
    ///
    /// # Safety
    /// `remove_lock` is valid if it is held, until it is released.
    pub(crate) unsafe fn IoReleaseRemoveLockEx(
        &self,
        remove_lock: *mut IO_REMOVE_LOCK,
        tag: usize,
    ) {
        const FUNCTION: &str = "IoReleaseRemoveLockEx";
        self.check_irql(DISPATCH_LEVEL, None, FUNCTION);
        let mismatch = ViolationKind::RemoveLockWrongTag;
        if !self.release_tag(remove_lock, tag, FUNCTION, mismatch) {
            return;
        }
        // Recorded before it happens: afterwards the waiter's entries may come first.
        self.call(None, format!("{FUNCTION}(tag {tag:#x})"));
        // INVARIANT: held until the call below, as the ledger says, so initialized, and valid by
        // contract.
        LockAccess(remove_lock).decrement();
        self.faults.delay_at(DelayPoint::AfterSetEvent);
    }

    /// Releases a remove lock and waits for all others that hold it
    /// (`IoReleaseRemoveLockAndWaitEx`).
    ///
    /// # Safety
    /// `remove_lock` is valid if it is held, until this returns.
    pub(crate) unsafe fn IoReleaseRemoveLockAndWaitEx(
        &self,
        remove_lock: *mut IO_REMOVE_LOCK,
        tag: usize,
    ) {
        const FUNCTION: &str = "IoReleaseRemoveLockAndWaitEx";
        self.check_irql(PASSIVE_LEVEL, None, FUNCTION);
        let mismatch = ViolationKind::RemoveLockWrongTagInWait;
        if !self.release_tag(remove_lock, tag, FUNCTION, mismatch) {
            return;
        }
        // INVARIANT: initialized, as the ledger says, and valid by contract.
        let access = LockAccess(remove_lock);
        let begin =
            |record: &mut RemoveLockRecord| std::mem::replace(&mut record.removal_begun, true);
        if self.with_remove_lock(remove_lock, FUNCTION, begin) == Some(true) {
            self.violate(
                ViolationKind::RemoveLockWaitedForTwice,
                None,
                "IoReleaseRemoveLockAndWaitEx on a remove lock that has been waited for",
            );
            access.decrement();
            return;
        }
        self.call(None, format!("{FUNCTION}(tag {tag:#x})"));
        access.removed().store(1, Ordering::SeqCst);
        // This acquisition, and the one that each lock begins with.
        if access.count().fetch_sub(2, Ordering::SeqCst) > 2 {
            self.faults.delay_at(DelayPoint::BeforeWait);
            let what = "a remove lock that is held (IoReleaseRemoveLockAndWaitEx)";
            // SAFETY: the event was initialized with the lock, which is valid by contract.
            unsafe { wait::block(self, access.event(), None, what) };
        }
        self.note(None, format!("{FUNCTION} returned"));
    }
}
