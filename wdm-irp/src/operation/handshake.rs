//! The two-sided handshake: when an operation is its originator's alone again.
//!
//! The documented protocol is that the completion routine signals if `PendingReturned` is set, and
//! the originator waits if `IofCallDriver` returned `STATUS_PENDING`. It is right only as long as
//! every lower driver keeps the two in step. This one is right for any lower driver that completes
//! the IRP once (hazard [H23]): the routine signals because of `PendingReturned` *or* because the
//! originator has said that it waits for the event, and the originator waits unless the routine has
//! said that it did not signal. The return value of `IofCallDriver` decides nothing.
//!
//! ```text
//!  originator                    state                 completion routine
//!  begin(), arm()                IN_FLIGHT
//!  IofCallDriver ───────────────────────────────────▶  PendingReturned?
//!                                                        yes: signal(): KeSetEvent, last access
//!                                + ARRIVED         ◀──   no:  finish(), last access …
//!  is_finished()? done
//!  arrive(): + ARRIVED           ARRIVED before    ◀──        … unless the originator arrived
//!  wait() for the event, unless                               first and waits for the event:
//!  the routine arrived first                                  KeSetEvent
//! ```
//!
//! Whoever sets the one bit first tells the other, who finds it set. Cost, uncontended: one atomic
//! read-modify-write for a routine that finishes, none for one that signals; one for an originator
//! that waits, none for one that does not, and one more to claim a slot in static memory. That it
//! is one bit lets `x86_64` do each with `lock bts` and a branch.
//!
//! [H23]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h23

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::Ordering;

use super::loom::{AtomicU32, memory, prepare};
use crate::sys::{self, IRP, KEVENT};

/// No request.
const EMPTY: u32 = 0;
/// The owner fills or empties the slot.
const CLAIMED: u32 = 1;
/// The IRP was sent; nobody has said anything yet.
const IN_FLIGHT: u32 = 2;
/// A bit beside `IN_FLIGHT`: the originator waits for the event, or the completion routine has
/// finished without a signal; whichever came first.
const ARRIVED: u32 = 4;

/// The event and the state beside it.
///
/// # Invariants
/// 1. From `arm` to a `true` of `is_finished`, `arrive` or `wait`, the memory stays where it is.
/// 2. The originator side is used by one thread at a time, the completer side once for each `arm`.
/// 3. `ARRIVED` is set once in a round and stays until the owner calls `release` or `begin`: a
///    routine that finds it signals instead, and an originator that finds it does not wait.
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

    /// Writes the handshake of a request that will be sent: in flight, but for the event.
    ///
    /// # Safety
    /// `this` may be written.
    #[inline]
    pub(crate) unsafe fn init_in_flight(this: *mut Self) {
        // SAFETY: in bounds by contract.
        let state = unsafe { &raw mut (*this).state };
        // SAFETY: by contract. The event needs no initialization.
        unsafe { state.write(AtomicU32::new(IN_FLIGHT)) };
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

    /// Whether there is no request. A hint, unless the caller is the only one who sees the slot.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.load(Ordering::Relaxed) == EMPTY
    }

    /// Owner of a claimed or fresh slot: begins a round.
    #[inline]
    pub(crate) fn begin(&self) {
        memory::lend(self);
        // Relaxed: whatever hands the IRP to the completer's thread hands this over too, as it does
        // the event.
        self.state.store(IN_FLIGHT, Ordering::Relaxed);
    }

    /// Originator: before `IofCallDriver`. A fresh event each time, so that no earlier signal is
    /// left ([H8]).
    ///
    /// # Safety
    /// A round has begun, and no completer of an earlier one is still to come. From now on the
    /// memory stays where it is.
    ///
    /// [H8]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h8
    #[inline]
    pub(crate) unsafe fn arm(&self) {
        prepare(&self.state);
        memory::lend(self);
        // SAFETY: the event's memory is ours, and nobody waits on it, by contract.
        unsafe { sys::KeInitializeEvent(self.event(), sys::NotificationEvent, 0) };
    }

    /// Completer, `PendingReturned` set: `KeSetEvent`, which is its last access.
    ///
    /// # Safety
    /// `this` is armed, and this is the completer's only call for this round.
    #[inline]
    pub(crate) unsafe fn signal(this: *const Self) {
        // No reference to the event: its memory may be gone before KeSetEvent returns.
        // SAFETY: in bounds of a live value, by contract.
        let event = unsafe { &raw const (*this).event };
        let event = UnsafeCell::raw_get(event).cast();
        // SAFETY: initialized by `arm`. `Wait` is FALSE, so IRQL <= DISPATCH_LEVEL suffices
        // (IrqlKeSetEvent).
        unsafe { sys::KeSetEvent(event, sys::IO_NO_INCREMENT, 0) };
    }

    /// Completer, `PendingReturned` not set: nobody waits, unless a lower driver broke the pending
    /// contract. Its last access.
    ///
    /// # Safety
    /// As for [`Handshake::signal`].
    #[inline]
    pub(crate) unsafe fn finish(this: *const Self) {
        // Release: what the routine wrote is the originator's once it finds ARRIVED.
        // SAFETY: alive by contract; the originator does not leave before it finds ARRIVED or the
        // event.
        let state = unsafe { &(*this).state };
        if state.fetch_or(ARRIVED, Ordering::Release) & ARRIVED != 0 {
            // SAFETY: the originator arrived first, so it waits, and the value lives until the
            // event is signaled.
            unsafe { Self::signal(this) };
        }
    }

    /// Originator that has not arrived: whether the routine finished without a signal; everything
    /// is the originator's again then.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.state.load(Ordering::Acquire) & ARRIVED != 0
    }

    /// Originator, once in a round: says that it waits for the event from now on. `true` if the
    /// routine has finished without a signal: there will be none, and everything is the
    /// originator's again.
    #[inline]
    pub(crate) fn arrive(&self) -> bool {
        self.state.fetch_or(ARRIVED, Ordering::Acquire) & ARRIVED != 0
    }

    /// Originator that has arrived first: waits until the routine has signaled, for `timeout` in
    /// units of 100 ns (negative: relative; `None`: forever). Whether it has. May be called again
    /// after `false`.
    ///
    /// Always `KernelMode` and not alertable: the event may be on this thread's stack ([H12]).
    ///
    /// # Safety
    /// The handshake is armed, and the originator arrived before the routine. The IRQL is at most
    /// `APC_LEVEL`, or `DISPATCH_LEVEL` if `timeout` is zero.
    ///
    /// [H12]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h12
    #[inline]
    pub(crate) unsafe fn wait(&self, timeout: Option<i64>) -> bool {
        let units = timeout.unwrap_or_default();
        let timeout = if timeout.is_some() {
            &raw const units
        } else {
            ptr::null()
        };
        // SAFETY: `arm` initialized the event; `timeout` is null or a local; the IRQL is right by
        // contract.
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

/// Asks the lower drivers to complete an IRP soon, and waits until they have, however long that
/// takes: they use its memory until then ([H14]).
///
/// # Safety
/// The IRP was sent with this handshake and is not freed. The caller is its originator and has
/// arrived before the routine. IRQL <= `APC_LEVEL`.
///
/// [H14]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h14
pub(crate) unsafe fn cancel_and_wait(handshake: &Handshake, irp: *mut IRP) {
    // SAFETY: allocated, whatever the lower drivers do with it (H13).
    unsafe { sys::IoCancelIrp(irp) };
    // SAFETY: by contract.
    while !unsafe { handshake.wait(None) } {}
}
