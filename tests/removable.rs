//! A device extension with locks, and its removal.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock, Tag};
use wdm_irp::rundown::RundownProtection;
use wdm_irp_sim::{Machine, MachineHandle};

use crate::{SOON, passive};

/// A device extension with locks, in memory of its own.
///
/// # Invariants
/// 1. `extension` is a boxed `Extension` with initialized locks, which is used through shared
///    references only, until `remove` frees it.
/// 2. `remove` waits for both locks before.
#[derive(Debug)]
pub struct Removable {
    machine: MachineHandle,
    extension: NonNull<Extension>,
}

/// The locks of a device of the driver.
#[derive(Debug)]
pub struct Extension {
    /// The remove lock.
    pub remove_lock: InExtension<RemoveLock>,
    /// The run-down protection.
    pub rundown: InExtension<RundownProtection>,
}

#[expect(unsafe_code, reason = "promises the memory of the locks")]
// SAFETY: shared access gives shared references to the locks, which belong to no thread.
unsafe impl Sync for Removable {}

#[expect(unsafe_code, reason = "promises the memory of the locks")]
// SAFETY: as for `Sync`; any thread may free the box.
unsafe impl Send for Removable {}

#[expect(unsafe_code, reason = "promises the memory of the locks")]
impl Removable {
    /// Creates an extension and initializes its locks.
    ///
    /// # Panics
    /// If the test has raised the IRQL.
    #[must_use]
    pub fn new(machine: &MachineHandle) -> Self {
        const TAG: AllocationTag = AllocationTag::new(*b"Test").expect("not zero");
        let memory = Box::into_raw(Box::<Extension>::new_uninit()).cast::<Extension>();
        // SAFETY: this computes an address in the box.
        let remove_lock = unsafe { &raw mut (*memory).remove_lock };
        // SAFETY: this computes an address in the box.
        let rundown = unsafe { &raw mut (*memory).rundown };
        // SAFETY: the memory is new; `remove`, which alone frees it, waits for the lock first, and
        // everybody else has shared references.
        unsafe { InExtension::<RemoveLock>::initialize(remove_lock, TAG, passive()) };
        // SAFETY: as in the line above.
        unsafe { InExtension::<RundownProtection>::initialize(rundown, passive()) };
        Self {
            machine: machine.clone(),
            extension: NonNull::new(memory).expect("not null"),
        }
    }

    fn extension(&self) -> &Extension {
        // SAFETY: initialized, and not freed before `remove` (invariant 1).
        unsafe { self.extension.as_ref() }
    }

    /// Returns the remove lock.
    #[must_use]
    pub fn remove_lock(&self) -> &InExtension<RemoveLock> {
        &self.extension().remove_lock
    }

    /// Returns the run-down protection.
    #[must_use]
    pub fn rundown(&self) -> &InExtension<RundownProtection> {
        &self.extension().rundown
    }

    /// Keeps the extension forever, for a test that has waited for its locks or cannot.
    #[expect(
        clippy::must_use_candidate,
        reason = "to keep it is what most tests want"
    )]
    pub fn keep(self) -> Kept {
        Kept(self.into_static())
    }

    /// Keeps the extension forever, for a device that may be used after its removal.
    ///
    /// # Panics
    /// If another test has panicked meanwhile.
    #[must_use]
    pub fn into_static(self) -> &'static Extension {
        static KEPT: Mutex<Vec<&Extension>> = Mutex::new(Vec::new());
        // SAFETY: initialized (invariant 1), and never freed, as this has `self` by value.
        let extension = unsafe { self.extension.as_ref() };
        KEPT.lock().expect("no panic").push(extension);
        extension
    }

    /// Removes the device: waits for the locks and frees the extension at once.
    ///
    /// # Panics
    /// If the test has waited for the locks itself.
    pub fn remove(self) {
        let held = self.remove_lock().acquire(Tag::new(0)).expect("present");
        held.release_and_wait(passive()).expect("the only wait");
        let _ = self.rundown().wait(passive()).expect("the only wait");
        let start = self.extension.as_ptr().addr();
        // Before another thread can get this memory.
        self.machine
            .memory_freed(start..start + size_of::<Extension>());
        // SAFETY: made by `Box::into_raw`. There are no guards (invariant 2), and no references, as
        // this has `self` by value.
        drop(unsafe { Box::from_raw(self.extension.as_ptr()) });
    }
}

impl Removable {
    /// Removes the device while another thread has guards of its locks, and then drops them.
    ///
    /// # Panics
    /// If the removal does not wait for the guards.
    pub fn remove_while_held(self, machine: &Machine, guards: impl Send + 'static) {
        let dropped = Arc::new(AtomicBool::new(false));
        let user = machine.spawn({
            let dropped = dropped.clone();
            move || {
                thread::sleep(SOON);
                dropped.store(true, Ordering::SeqCst);
                drop(guards);
            }
        });
        self.remove();
        assert!(dropped.load(Ordering::SeqCst), "the removal has not waited");
        user.join().expect("no panic");
    }

    /// Removes the device while a thread for each guard drops it.
    ///
    /// The last of them may still run when the memory is freed.
    ///
    /// # Panics
    /// If one of the threads does.
    pub fn remove_while_dropped<G: Send + 'static, const N: usize>(
        self,
        machine: &Machine,
        guards: [G; N],
    ) {
        let users = guards.map(|guard| machine.spawn(move || drop(guard)));
        self.remove();
        for user in users {
            user.join().expect("no panic");
        }
    }
}

/// The locks of a device whose extension stays forever.
#[derive(Clone, Copy, Debug)]
pub struct Kept(&'static Extension);

impl Kept {
    /// Returns the remove lock.
    #[must_use]
    pub fn remove_lock(self) -> &'static InExtension<RemoveLock> {
        &self.0.remove_lock
    }

    /// Returns the run-down protection.
    #[must_use]
    pub fn rundown(self) -> &'static InExtension<RundownProtection> {
        &self.0.rundown
    }

    /// Removes the device: waits for the remove lock.
    ///
    /// # Panics
    /// If it is removed already, or the test has raised the IRQL.
    pub fn remove(self) {
        let held = self.remove_lock().acquire(Tag::new(0)).expect("present");
        held.release_and_wait(passive()).expect("the only wait");
    }
}
