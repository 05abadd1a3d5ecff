//! The two-sided handshake: who touches an operation last.
//!
//! The documented protocol is that the completion routine signals if `PendingReturned` is set, and the originator waits
//! if `IofCallDriver` returned `STATUS_PENDING`. It is right only as long as every lower driver keeps the two in step.
//! This one is right for any lower driver that completes the IRP once (hazard H23): the routine signals because of
//! `PendingReturned` *or* because the originator has said that it relies on the event, and the originator waits unless
//! the routine has said that it did not signal. The return value of `IofCallDriver` decides nothing.
//!
//! ```text
//!  originator                      state                      completion routine
//!  arm()                           IN_FLIGHT
//!  IofCallDriver ──────────────────────────────────────────▶  PendingReturned?
//!                                                               yes: signal(): KeSetEvent, last touch
//!                                  IN_FLIGHT → FINISHED  ◀──    no:  finish(), last touch …
//!  is_finished()? done             WAITING: KeSetEvent   ◀──         … unless the originator relies on the event
//!  wait(): … → WAITING, then the
//!  event, unless it was FINISHED
//! ```
//!
//! Cost, uncontended: one atomic read-modify-write for a routine that finishes, none for one that signals; one for an
//! originator that waits, none for one that does not.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::sys::{self, KEVENT};

/// No request.
const EMPTY: u32 = 0;
/// The owner fills or empties the slot.
const CLAIMED: u32 = 1;
/// The IRP was sent; nobody has said anything yet.
const IN_FLIGHT: u32 = 2;
/// The originator relies on the event. Final until it has been signalled.
const WAITING: u32 = 3;
/// The completion routine is through and did not signal. Final.
const FINISHED: u32 = 4;

/// The event and the state beside it.
///
/// # Invariants
/// - From `arm` to the return of `wait` or a `true` of `is_finished`, the memory stays where it is.
/// - The originator side is used by one thread at a time, the completer side once for each `arm`.
/// - After WAITING the state changes no more until the owner calls `release`: a routine that finds it signals instead.
#[repr(C)]
pub(crate) struct Handshake {
    event: UnsafeCell<MaybeUninit<KEVENT>>,
    state: AtomicU32,
}

impl Handshake {
    pub(crate) const fn new() -> Self {
        Self {
            event: UnsafeCell::new(MaybeUninit::uninit()),
            state: AtomicU32::new(EMPTY),
        }
    }

    fn event(&self) -> *mut KEVENT {
        self.event.get().cast()
    }

    /// Owner: takes an empty slot for itself.
    #[inline]
    pub(crate) fn claim(&self) -> bool {
        self.state
            .compare_exchange(EMPTY, CLAIMED, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Owner: gives the slot up for the next `claim`.
    #[inline]
    pub(crate) fn release(&self) {
        self.state.store(EMPTY, Ordering::Release);
    }

    /// Owner of a slot that nobody else can see: whether a request is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.load(Ordering::Relaxed) == EMPTY
    }

    /// Originator: before `IofCallDriver`. A fresh event each time, so that no earlier signal is left (H8).
    ///
    /// # Safety
    /// No completer of an earlier round is still to come. From now on the memory stays where it is.
    #[inline]
    pub(crate) unsafe fn arm(&self) {
        // SAFETY: the event's memory is ours, and nobody waits on it, by contract.
        unsafe { sys::KeInitializeEvent(self.event(), sys::NotificationEvent, 0) };
        self.state.store(IN_FLIGHT, Ordering::Release);
    }

    /// Completer, `PendingReturned` set: `KeSetEvent`. The last touch.
    ///
    /// # Safety
    /// `this` is armed, and this is the completer's only call for this round.
    #[inline]
    pub(crate) unsafe fn signal(this: *const Self) {
        // No reference to the event: its memory may be gone before KeSetEvent returns.
        // SAFETY: in bounds of a live value, by contract.
        let event = unsafe { &raw const (*this).event };
        let event = UnsafeCell::raw_get(event).cast();
        // SAFETY: initialised by `arm`. `Wait` is FALSE, so IRQL <= DISPATCH_LEVEL suffices (IrqlKeSetEvent).
        unsafe { sys::KeSetEvent(event, sys::IO_NO_INCREMENT, 0) };
    }

    /// Completer, `PendingReturned` not set: nobody waits, unless a lower driver broke the pending contract. The last
    /// touch.
    ///
    /// # Safety
    /// As for [`Handshake::signal`].
    #[inline]
    pub(crate) unsafe fn finish(this: *const Self) {
        // Release: what the routine wrote is the originator's once it reads FINISHED.
        // SAFETY: alive by contract; the originator does not leave before it sees FINISHED or the event.
        let state = unsafe { &(*this).state };
        if state
            .compare_exchange(IN_FLIGHT, FINISHED, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            // SAFETY: the originator is WAITING, so the value lives until the event is signalled.
            unsafe { Self::signal(this) };
        }
    }

    /// Originator: whether the routine finished without a signal; everything is the originator's again then.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.state.load(Ordering::Acquire) == FINISHED
    }

    /// Originator: waits until the routine has let go, for `timeout` in units of 100 ns (negative: relative; `None`:
    /// for ever). Whether it has. May be called again after `false`.
    ///
    /// Always `KernelMode` and not alertable: the event may be on this thread's stack (H12).
    ///
    /// # Safety
    /// The handshake is armed. The IRQL is at most `APC_LEVEL`, or `DISPATCH_LEVEL` if `timeout` is zero.
    #[inline]
    pub(crate) unsafe fn wait(&self, timeout: Option<i64>) -> bool {
        if self.state.swap(WAITING, Ordering::Acquire) == FINISHED {
            return true;
        }
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: `arm` initialised the event; `timeout` is null or a local; the IRQL is right by contract.
        let status = unsafe {
            sys::KeWaitForSingleObject(
                self.event().cast(),
                sys::Executive,
                sys::KernelMode,
                0,
                timeout,
            )
        };
        status == sys::STATUS_SUCCESS
    }
}
