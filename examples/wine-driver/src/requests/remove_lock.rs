//! A remove lock that a request holds until it is completed: in its context, or for a pair of devices.
//!
//! Run-down protection is not among the cases: Wine 8 ends the process that calls it.

use core::sync::atomic::{AtomicBool, Ordering};

use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::lock_storage::InStatic;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock, RemoveLockError, RemoveLockGuard, Tag};
use wdm_irp::sys::{STATUS_DELETE_PENDING, STATUS_SUCCESS};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

use super::below::{Devices, Kernel};
use super::failure::{Failure, is_error, same};
use super::outcome::SOON;

type Held = Option<RemoveLockGuard<'static>>;

/// Set before a completion routine drops its guard.
static COMPLETED: AtomicBool = AtomicBool::new(false);

#[completion_routine]
fn release(mut irp: Completing<'_, Held>) -> Signaled<'_> {
    COMPLETED.store(true, Ordering::Release);
    drop(irp.context_mut().take());
    irp.signal_if_pended()
}

/// Removes the device while a request is in flight, which holds the lock; once while the driver is
/// loaded, since a remove lock is not initialized twice.
pub(super) fn remove_lock(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    static LOCK: InStatic<RemoveLock> = InStatic::new();
    static SLOT: Slot<release, [u8; 16]> = Slot::new();
    const TAG: Option<AllocationTag> = AllocationTag::new(*b"Wine");

    let lock = TAG.and_then(|tag| LOCK.initialize(tag, at));
    same("initialized", lock.is_some(), true)?;
    let Some(lock) = lock else { return Ok(()) };
    let request = |target: &TargetDevice| {
        let held = lock.acquire(Tag::of(target.as_ptr()))?;
        let request = Irp::allocate(target.clone())?
            .read([0; 16], ByteOffset(0))
            .on_completion(release, Some(held));
        request.send_in(&SLOT, at).map_err(Failure::from)
    };

    let done = request(on.inline)?.wait(at, SOON)?;
    same("released inline", done.context().is_none(), true)?;
    COMPLETED.store(false, Ordering::Relaxed);

    let sent = request(on.slow)?;
    let own = lock.acquire(Tag::new(1))?;
    let waited = own.release_and_wait(at).is_ok();
    same("waited", waited, true)?;
    same("completed", COMPLETED.load(Ordering::Acquire), true)?;
    let refused = lock.acquire(Tag::new(2)).err().map(RemoveLockError::status);
    same(
        "status after the removal",
        refused.unwrap_or(STATUS_SUCCESS),
        STATUS_DELETE_PENDING,
    )?;
    let done = sent.wait(at, SOON)?;
    same("released", done.context().is_none(), true)?;
    same("status", done.status(), STATUS_SUCCESS)
}

/// Removes the device of a pair while a request is in flight that was abandoned, and holds its lock;
/// once while the driver is loaded.
pub(super) fn pair_removed_in_flight(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let irp = || Irp::allocate(on.locked_over_slow.clone());
    // One that waits for its next request does not delay the removal.
    let idle = irp()?
        .read([0; 16], ByteOffset(1))
        .send_and_wait(at, SOON)?;
    let (idle, _, ()) = idle.reuse();

    COMPLETED.store(false, Ordering::Relaxed);
    let request = irp()?.read([0; 16], ByteOffset(2));
    let Sent::InFlight(in_flight) = request.on_completion(release, None).send_boxed(at)? else {
        return Err(Failure::NotInFlight);
    };
    in_flight.abandon();
    let own = on.lock.acquire(Tag::new(3))?;
    let waited = own.release_and_wait(at).is_ok();
    same("waited", waited, true)?;
    same("completed", COMPLETED.load(Ordering::Acquire), true)?;

    let refused = idle.read([0; 16], ByteOffset(3)).send_and_wait(at, SOON);
    is_error(
        refused.err().map(|error| error.error()),
        IrpError::DeletePending,
    )
}
