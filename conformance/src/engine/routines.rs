//! What the I/O manager calls, and the call that starts a scenario.

use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use wdm_irp::PassiveLevel;
use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, NTSTATUS, PDRIVER_CANCEL, PIO_COMPLETION_ROUTINE,
    STATUS_INVALID_DEVICE_REQUEST,
};

use super::act::{Act, present};
use super::bench::{Bench, EVENT};
use super::devices::Devices;
use super::work::Threads;
use crate::irp;
use crate::script::{Actor, Scenario, Step};
use crate::show::{Boolean, Control, Irql, Status};
use crate::trace::Trace;

/// Runs a scenario and writes its trace.
pub fn run(
    scenario: &'static Scenario,
    devices: &Devices,
    threads: &dyn Threads,
    _at: &PassiveLevel,
    trace: &Trace<'_>,
) {
    let bench = Bench {
        scenario,
        devices,
        threads,
        trace,
        events: [const { UnsafeCell::new(EVENT) }; 2],
        mdls: [const { AtomicPtr::new(null_mut()) }; 2],
        irps: [const { AtomicPtr::new(null_mut()) }; Actor::COUNT],
        dispatched: [const { AtomicUsize::new(0) }; Actor::COUNT],
        completed: [const { AtomicUsize::new(0) }; Actor::COUNT],
        routines: &ROUTINES,
        cancels: &CANCELS,
        errand: Cell::new(None),
    };
    // SAFETY: the bench stays until the originator's steps have been played. Each of its errands
    // lets it go on as the last thing that it does (invariant 2 of `Scenario`).
    let originator = unsafe { Act::of_holder(&raw const bench, Actor::Originator) };
    originator.play(scenario.originator);
}

/// Dispatches the requests of all major functions to the script's devices.
///
/// # Safety
/// The I/O manager calls it, with one of the [`Devices`] and an IRP that the script has sent to it.
pub unsafe extern "system" fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the I/O manager has handed the IRP to this driver, by contract.
    let access = unsafe { Irp::new(irp) };
    let Some(location) = irp::current(access) else {
        return STATUS_INVALID_DEVICE_REQUEST;
    };
    let bench: *const Bench<'_> = irp::bench(location).cast();
    // SAFETY: `Step::Next` has put the bench into the IRP, which the script has sent by contract;
    // the originator ends the scenario when it has its IRP back.
    let devices = unsafe { (*bench).devices };
    let actor = devices.actor(device).unwrap_or(Actor::Originator);
    // SAFETY: the bench as before; the IRP is at this driver by contract.
    let act = unsafe { Act::new(bench, actor, irp) };
    act.trace(format_args!(
        "dispatch({}), IRP_MJ 0x{:02X}, IRP_MN 0x{:02X}, location {} of {} for {}, Control {}, Cancel {}",
        devices.name(device),
        location.major_function(),
        location.minor_function(),
        access.current_location(),
        access.stack_count(),
        devices.name(location.device_object()),
        Control(location.control()),
        Boolean(access.cancel().into()),
    ));
    let bench = act.bench();
    let programs = bench.scenario.driver(actor).dispatch;
    act.play(program(programs, &bench.dispatched[actor.index()]))
}

/// Plays the completion routine of an actor.
///
/// # Safety
/// The I/O manager calls it, for an IRP that the script has set it for.
unsafe extern "system" fn routine<const ACTOR: usize>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    let bench: *const Bench<'_> = context.cast();
    let actor = Actor::ALL[ACTOR];
    // SAFETY: `Step::SetRoutine` has registered the bench as the context; the IRP is at this
    // routine by contract.
    let act = unsafe { Act::new(bench, actor, irp) };
    // SAFETY: the I/O manager lends the IRP to this routine, by contract.
    let access = unsafe { Irp::new(irp) };
    act.trace(format_args!(
        "routine({}), location {} of {}, PendingReturned {}, {}, Information {}, Cancel {}",
        act.bench().devices.name(device),
        access.current_location(),
        access.stack_count(),
        Boolean(access.pending_returned().into()),
        Status(access.status()),
        access.information(),
        Boolean(access.cancel().into()),
    ));
    let bench = act.bench();
    let programs = bench.scenario.driver(actor).routine;
    act.play(program(programs, &bench.completed[actor.index()]))
}

/// Plays the cancel routine of a driver.
///
/// # Safety
/// The I/O manager calls it, with the cancel spin lock held, for an IRP that the script has set it
/// for.
unsafe extern "system" fn cancel<const ACTOR: usize>(device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: the driver that has set this routine has the IRP, and leaves it to the routine, by
    // contract.
    let access = unsafe { Irp::new(irp) };
    let Some(location) = irp::current(access) else {
        return;
    };
    let bench: *const Bench<'_> = irp::bench(location).cast();
    let actor = Actor::ALL[ACTOR];
    // SAFETY: `Step::Next` has put the bench into the IRP, which is not completed yet, so the
    // originator waits for it; the IRP is at this routine by contract.
    let mut act = unsafe { Act::new(bench, actor, irp) };
    // INVARIANT: 3 of `Act`: the I/O manager has taken the lock at this IRQL.
    act.irql = access.cancel_irql();
    act.trace(format_args!(
        "cancel routine({}), location {} of {}, Cancel {}, CancelRoutine {}, CancelIrql {}",
        act.bench().devices.name(device),
        access.current_location(),
        access.stack_count(),
        Boolean(access.cancel().into()),
        present(access.has_cancel_routine()),
        Irql(act.irql),
    ));
    let steps = act.bench().scenario.driver(actor).cancel;
    act.play(steps);
}

/// The completion routine of each actor.
static ROUTINES: [PIO_COMPLETION_ROUTINE; Actor::COUNT] = [
    Some(routine::<0>),
    Some(routine::<1>),
    Some(routine::<2>),
    Some(routine::<3>),
];

/// The cancel routine of each actor.
static CANCELS: [PDRIVER_CANCEL; Actor::COUNT] = [
    Some(cancel::<0>),
    Some(cancel::<1>),
    Some(cancel::<2>),
    Some(cancel::<3>),
];

/// Returns the steps for this call of a routine.
fn program(programs: &[&'static [Step]], calls: &AtomicUsize) -> &'static [Step] {
    let call = calls.fetch_add(1, Ordering::Relaxed);
    programs
        .get(call)
        .or(programs.last())
        .copied()
        .unwrap_or(&[])
}
