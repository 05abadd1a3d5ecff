//! What is below the driver: its devices, and the kernel.

use wdm_irp::in_flight::Canceller;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::RemoveLock;
use wdm_irp::sys::NTSTATUS;
use wdm_irp::target::{DevicePair, OpenedDevice, Unlocked};
use wdm_irp::{IrpError, TargetDevice};

/// `STATUS_DATA_ERROR`: what a lower device answers to a write of other bytes than expected.
pub const STATUS_DATA_ERROR: NTSTATUS = 0xC000_003E_u32.cast_signed();

/// What is below the driver.
pub trait Kernel {
    /// Makes the next `IoAllocateIrp` return NULL.
    fn fail_next_allocation(&self);

    /// Makes the next `IoSetCompletionRoutineEx` fail.
    fn fail_next_registration(&self);

    /// Returns how many IRPs are allocated and not freed.
    fn allocated(&self) -> isize;

    /// Returns whether `PendingReturned` is set when [`Devices::forward`] has pended a request.
    ///
    /// Windows carries the mark through a stack location without completion routine. Wine does not:
    /// there the driver sees `STATUS_PENDING` and `PendingReturned` clear, which the rules do not
    /// provide for: hazard [H23].
    ///
    /// [H23]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h23
    fn forwards_pending_returned(&self) -> bool;

    /// Has another thread cancel a request and drop the canceller; returns whether there is one.
    fn cancel_elsewhere(&self, canceller: Canceller) -> bool;

    /// Waits for that thread.
    fn join(&self);
}

/// The lower devices, by what they do.
///
/// A read answers with bytes that count up from the low byte of its offset, a write must bring the
/// same. A device control request gets as many bytes of its input back as its output has room for,
/// all bits inverted.
#[expect(
    missing_docs,
    reason = "see `kernel::lower::Behavior`; the names are the same"
)]
pub struct Devices<'a> {
    pub inline: &'a TargetDevice,
    pub inline_direct: &'a TargetDevice,
    pub busy: &'a TargetDevice,
    pub pend: &'a TargetDevice,
    pub pend_direct: &'a TargetDevice,
    pub slow: &'a TargetDevice,
    pub until_cancelled: &'a TargetDevice,
    pub forward: &'a TargetDevice,
    pub record: &'a TargetDevice,
    pub mark_and_return_success: &'a TargetDevice,
    pub return_success_and_complete: &'a TargetDevice,
    /// Its stack has 126 locations, as many as an IRP can have; it gets no requests.
    pub deep: &'a TargetDevice,
    /// How a device with 127 locations was refused as a target.
    pub too_deep: IrpError,
    /// How a pair of the driver's own device and `deep` was refused.
    pub own_over_deep: Option<IrpError>,
    /// A device of the driver's own over `inline`.
    pub own_over_inline: &'a DevicePair<Unlocked>,
    /// A device of the driver's own over `pend`.
    pub own_over_pend: &'a DevicePair<Unlocked>,
    /// The same, whose routine is registered with `IoSetCompletionRoutineEx`.
    pub registered_over_pend: &'a DevicePair<Unlocked>,
    /// A device of the driver's own over `slow`, whose requests hold `lock`.
    pub locked_over_slow: &'a DevicePair<InExtension<RemoveLock>>,
    pub lock: &'a InExtension<RemoveLock>,
    /// A device that was opened by its name. A read answers with the address of the file object that
    /// the request carries.
    pub named: &'a OpenedDevice,
    /// How a name that there is not was refused.
    pub not_opened: Option<IrpError>,
}
