//! What the originator of a request does with its slot, and whoever is the last to use it.

use super::at_end::AtEnd;
use super::slot::{Arrived, InSlot, Slot};
use crate::buffer::PoolAligned;
use crate::completed::{Completed, Reusable};
use crate::irp::Allocated;
use crate::operation::cancel_and_wait;
use crate::request::release_mdl;
use crate::routine::CompletionRoutine;
use crate::sys::{self, IRP};
use crate::target::Target;
use crate::timeout::Timeout;

impl<R: CompletionRoutine, B, T: Target> Slot<R, B, T> {
    /// Returns whether the routine of a request that was just sent has finished without a signal.
    #[inline]
    pub(super) fn was_finished_inline(&self) -> bool {
        self.operation.handshake.is_finished()
    }

    /// Returns whether the routine has finished without a signal, and the originator has not
    /// arrived: everything is the originator's then.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator.
    pub(super) unsafe fn is_finished(&self) -> bool {
        // SAFETY: the originator's alone (invariant 4), by contract.
        let arrived = unsafe { *self.arrived.get() } == Arrived::Yes;
        !arrived && self.operation.handshake.is_finished()
    }

    /// Waits until the routine has signaled or finished; on time-out cancels the IRP and waits on.
    /// Whether it timed out.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `APC_LEVEL`.
    #[inline]
    pub(super) unsafe fn wait(&self, timeout: Timeout) -> bool {
        // SAFETY: the originator's alone (invariant 4), by contract.
        let arrived = unsafe { *self.arrived.get() } == Arrived::Yes;
        // No note that it arrives here: this returns when the request is completed.
        if !arrived && self.operation.handshake.arrive() {
            return false;
        }
        // SAFETY: armed; arrived, first; the IRQL by contract.
        let in_time = unsafe { self.operation.handshake.wait(timeout.relative()) };
        if !in_time {
            // SAFETY: by contract; it has arrived, first.
            unsafe { self.cancel_and_wait() };
        }
        !in_time
    }

    /// Waits until the routine has signaled or finished, or the time-out elapses. Whether it has.
    ///
    /// # Safety
    /// As for [`Slot::wait`].
    pub(super) unsafe fn wait_for(&self, timeout: Timeout) -> bool {
        // SAFETY: by contract.
        unsafe { self.arrive_and_wait(timeout.relative()) }
    }

    /// Looks, without waiting, whether the routine has signaled or finished.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `DISPATCH_LEVEL`.
    pub(super) unsafe fn poll(&self) -> bool {
        // Not KeReadStateEvent: only after a wait does KeSetEvent not use the memory any more.
        // SAFETY: by contract, with a time-out of zero.
        unsafe { self.arrive_and_wait(Some(0)) }
    }

    /// # Safety
    /// A request is in flight and the caller is its originator. The IRQL is one at which a thread
    /// may wait that long.
    unsafe fn arrive_and_wait(&self, timeout: Option<i64>) -> bool {
        // SAFETY: the originator's alone (invariant 4), by contract.
        let arrived = unsafe { &mut *self.arrived.get() };
        if *arrived == Arrived::No {
            if self.operation.handshake.arrive() {
                return true;
            }
            *arrived = Arrived::Yes;
        }
        // SAFETY: armed; arrived, first; the IRQL by contract.
        unsafe { self.operation.handshake.wait(timeout) }
    }

    /// Cancels the IRP and waits until the routine has signaled.
    ///
    /// # Safety
    /// A request is in flight, the caller is its originator, and [`Slot::wait_for`] or
    /// [`Slot::poll`] has not seen its end. IRQL <= `APC_LEVEL`.
    unsafe fn cancel_and_wait(&self) {
        // SAFETY: in flight, by contract.
        let irp = unsafe { self.irp() };
        // SAFETY: by contract; nobody but the originator frees the IRP.
        unsafe { cancel_and_wait(&self.operation.handshake, irp) };
    }

    /// Cancels the IRP (`IoCancelIrp`), which is allocated whatever its state, for only the last of
    /// its users frees it ([H13]).
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator.
    ///
    /// [H13]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h13
    pub(super) unsafe fn cancel(&self) {
        // SAFETY: in flight, by contract.
        let irp = unsafe { self.irp() };
        // SAFETY: allocated as long as the originator has not taken the contents or left.
        unsafe { sys::IoCancelIrp(irp) };
    }

    /// Returns the IRP of the request.
    ///
    /// # Safety
    /// A request is in the slot.
    pub(super) unsafe fn irp(&self) -> *mut IRP {
        let request = self.request.get().cast::<InSlot<T>>();
        // SAFETY: written before the request was sent, by contract, and only read since.
        unsafe { (*request).irp }
    }

    /// Takes everything out of the slot, which the caller releases or frees.
    ///
    /// # Safety
    /// A request is in the slot, and is the caller's alone: the routine has signaled or finished,
    /// and the originator, if that is somebody else, has left.
    #[inline]
    pub(super) unsafe fn take(&self, timed_out: bool) -> Completed<R, B, T> {
        // SAFETY: nobody else has a reference to the request, by contract.
        let request = unsafe { &*self.request.get() };
        // SAFETY: there is a request, by contract, and this is its end.
        let InSlot { irp, target, held } = unsafe { request.assume_init_read() };
        // SAFETY: completed, and the caller's by contract; `send` has given it away.
        let irp = unsafe { Allocated::from_raw(irp) };
        // SAFETY: completed, so no transfer is under way.
        unsafe { release_mdl(irp.fields()) };
        // SAFETY: a request is in the slot, and the routine has done with its context.
        let context = unsafe { self.operation.take_context() };
        // SAFETY: a request is in the slot, and the lower drivers have done with its buffer.
        let PoolAligned(buffer) = unsafe { self.buffer.get().cast::<PoolAligned<B>>().read() };
        drop(held);
        Completed::new(Reusable(irp), target, context, buffer, timed_out)
    }

    /// Drops the contents of an abandoned request where they are, but for the target and what is
    /// held of it: those are the caller's, to drop when the slot is released or freed.
    ///
    /// # Safety
    /// As for [`Slot::take`].
    pub(super) unsafe fn drop_contents(&self) -> (T, T::Held) {
        // SAFETY: a request is in the slot, by contract.
        let irp = unsafe { self.irp() };
        // Freed also if the drop of the buffer or the context unwinds.
        // SAFETY: completed, and the caller's by contract; `send` has given it away.
        let irp = unsafe { Allocated::from_raw(irp) };
        // SAFETY: by contract.
        let of_target = unsafe { self.drop_contents_but_irp() };
        drop(irp);
        of_target
    }

    /// Like [`Slot::drop_contents`], but leaves the IRP alone, which others may still cancel.
    ///
    /// # Safety
    /// As for [`Slot::take`]; the IRP is not freed meanwhile.
    pub(super) unsafe fn drop_contents_but_irp(&self) -> (T, T::Held) {
        // SAFETY: nobody else has a reference to the request, by contract.
        let request = unsafe { &*self.request.get() };
        // SAFETY: there is a request, by contract, and this is its end.
        let InSlot { irp, target, held } = unsafe { request.assume_init_read() };
        // SAFETY: the IRP of a request is not null, and allocated by contract.
        let fields = unsafe { sys::irp::Irp::new(irp) };
        // SAFETY: completed, so no transfer is under way.
        unsafe { release_mdl(fields) };
        // Dropped also if the drop of the buffer unwinds.
        let context = AtEnd(|| {
            // SAFETY: a request is in the slot, and the routine has done with its context.
            unsafe { self.operation.drop_context() };
        });
        // SAFETY: nobody else has a reference to the buffer, by contract.
        let buffer = unsafe { &mut *self.buffer.get() };
        // SAFETY: a request is in the slot, and the lower drivers have done with its buffer.
        unsafe { buffer.assume_init_drop() };
        drop(context);
        (target, held)
    }

    /// At the end of `send_scoped`, for a slot whose handle may have been dropped or leaked:
    /// cancels and waits for what is still in flight, and drops its contents.
    ///
    /// # Safety
    /// The caller alone sees the slot; the handle of a request in it, if any, is gone. IRQL <=
    /// `APC_LEVEL`.
    pub(crate) unsafe fn end_scope(&self) {
        if self.is_empty() {
            return;
        }
        // SAFETY: by contract; the caller is the originator, since the handle is gone.
        if !unsafe { self.poll() } {
            // SAFETY: by contract, and it is in flight.
            unsafe { self.cancel_and_wait() };
        }
        // SAFETY: the routine has signaled or finished.
        drop(unsafe { self.drop_contents() });
    }
}
