//! Requests that nobody waits for, or that somebody else cancels.

use core::sync::atomic::{AtomicU32, Ordering};

use wdm_irp::in_flight::{InFlight, Sent, Slot, Storage};
use wdm_irp::routine::SignalIfPended;
use wdm_irp::sys::STATUS_CANCELLED;
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    completion_routine,
};

use super::below::{Devices, Kernel};
use super::failure::{Failure, failed, same};
use super::outcome::{Outcome, SOON, Seen, note, read};

/// How many contexts were dropped.
static DROPS: AtomicU32 = AtomicU32::new(0);

/// A context that counts its drop.
struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        DROPS.fetch_add(1, Ordering::SeqCst);
    }
}

#[completion_routine]
fn counted(irp: Completing<'_, Counted>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn in_flight<S: Storage>(sent: Sent<S>) -> Result<InFlight<S>, Failure> {
    match sent {
        Sent::InFlight(in_flight) => Ok(in_flight),
        Sent::Completed(_) => Err(Failure::NotInFlight),
    }
}

/// Waits until so many contexts were dropped: each turn takes as long as the slow device.
fn wait_for_drops(on: &Devices<'_>, at: &PassiveLevel, drops: u32) -> Result<(), Failure> {
    for _ in 0..20 {
        if DROPS.load(Ordering::SeqCst) == drops {
            return Ok(());
        }
        read(on.slow, &mut [0; 16], 0, at)?;
    }
    same("dropped contexts", DROPS.load(Ordering::SeqCst), drops)
}

/// Abandons requests of memory from the pool and of static memory. A device that cancels completes
/// them at once; another one later, and until then the slot is in use: hazard [H40].
///
/// [H40]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h40
pub(super) fn abandoned_in_flight(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    static SLOT: Slot<counted, [u8; 16]> = Slot::new();

    let request = |target: &TargetDevice| {
        let irp = Irp::allocate(target.clone())?;
        Ok::<_, IrpError>(
            irp.read([0; 16], ByteOffset(0))
                .on_completion(counted, Counted),
        )
    };
    DROPS.store(0, Ordering::SeqCst);
    drop(in_flight(request(on.until_cancelled)?.send_boxed(at)?)?);
    in_flight(request(on.until_cancelled)?.send_in(&SLOT, at)?)?.abandon();
    same("dropped contexts", DROPS.load(Ordering::SeqCst), 2)?;

    in_flight(request(on.slow)?.send_boxed(at)?)?.abandon();
    drop(in_flight(request(on.slow)?.send_in(&SLOT, at)?)?);
    same("dropped contexts", DROPS.load(Ordering::SeqCst), 2)?;
    wait_for_drops(on, at, 4)?;
    let sent = request(on.pend)?.send_in(&SLOT, at)?;
    drop(sent.wait(at, SOON)?);
    wait_for_drops(on, at, 5)
}

/// Waits for a request in vain, and then again.
pub(super) fn waited_for_in_vain(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let irp = Irp::allocate(on.slow.clone())?;
    let sent = irp.read([0; 16], ByteOffset(0)).send_boxed(at)?;
    let Err(still) = in_flight(sent)?.wait_for(at, Timeout::milliseconds(1)) else {
        return Err(Failure::NotInFlight);
    };
    let Ok(outcome) = still.wait_for(at, SOON) else {
        return Err(Failure::Irp(IrpError::TimedOut));
    };
    let done = outcome?;
    same("timed out", done.timed_out(), false)?;
    same("information", done.information(), 16)
}

/// Waits for a request that another thread cancels meanwhile.
pub(super) fn cancelled_from_another_thread(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let irp = Irp::allocate(on.until_cancelled.clone())?;
    let request = irp
        .read([0; 16], ByteOffset(0))
        .on_completion(note, Seen::default());
    let (sent, canceller) = request.send_cancellable(at)?;
    let sent = in_flight(sent)?;
    let mine = sent.canceller();
    same("a thread", kernel.cancel_elsewhere(canceller), true)?;
    let outcome = sent.wait(at, SOON);
    kernel.join();
    // It is over, so this does nothing.
    mine.cancel();
    let done = failed(outcome, IrpError::Device(STATUS_CANCELLED))?;
    same("timed out", done.timed_out(), false)?;
    Outcome::of(&done).check(STATUS_CANCELLED, 0, true)
}

/// Cancels a scoped request by the canceller of its scope, before and after its completion.
pub(super) fn cancelled_in_its_scope(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let irp = Irp::allocate(on.until_cancelled)?;
    let mut block = [0; 16];
    let request = irp.read(&mut block, ByteOffset(0));
    request.send_scoped_cancellable(at, |sent, canceller| {
        canceller.cancel();
        let outcome = sent.wait(at, SOON);
        canceller.cancel();
        let done = failed::<SignalIfPended, _, _, _>(outcome, IrpError::Device(STATUS_CANCELLED))?;
        same("timed out", done.timed_out(), false)
    })?
}
