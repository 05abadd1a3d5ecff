//! Requests go down and come back.

use std::sync::Arc;
use std::time::Duration;

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, SL_INVOKE_ALWAYS, STATUS_DEVICE_BUSY, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};

use super::*;
use crate::io::irp::set_current_location;
use crate::{Allocation, DeviceOptions, Parameters, Point, When, irql};

const SOON: Duration = Duration::from_millis(5);

#[test]
fn inline() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_DEVICE_BUSY, 7));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ).routine(count, counter.context());
    assert_eq!(irp.call(&device), STATUS_DEVICE_BUSY);
    assert_eq!((counter.calls(), counter.pended()), (1, 0));
    assert_eq!(irp.status(), STATUS_DEVICE_BUSY);
    irp.free();
    machine.finish();
}

#[test]
fn every_legal_way_to_pend() {
    let machine = Machine::new();
    machine.strict_lower(true);
    for when in [
        When::inline_marked(),
        When::before_return(),
        When::after(SOON),
        When::after(SOON).cancelable(),
        When::after(Duration::ZERO),
    ] {
        let device = machine.device(Behavior::complete(STATUS_UNSUCCESSFUL, 0).when(when));
        assert_eq!(
            send_and_wait(&device),
            (STATUS_PENDING, STATUS_UNSUCCESSFUL),
            "{when:?}"
        );
    }
    machine.finish();
}

#[test]
fn pended_completions_run_at_dispatch_level_on_another_thread() {
    let machine = Machine::new();
    let device = machine.device(
        Behavior::respond(|_| (STATUS_SUCCESS, usize::from(irql::current())))
            .when(When::before_return()),
    );
    for (level, behavior) in [
        (DISPATCH_LEVEL, None),
        (
            APC_LEVEL,
            Some(
                Behavior::respond(|_| (STATUS_SUCCESS, usize::from(irql::current())))
                    .when(When::before_return())
                    .at_irql(APC_LEVEL),
            ),
        ),
    ] {
        if let Some(behavior) = behavior {
            device.set_behavior(behavior);
        }
        let counter = Counter::default();
        let irp = Irp::allocate(1);
        irp.major(major::READ)
            .routine(count, counter.context())
            .call(&device);
        assert_eq!((counter.calls(), counter.pended()), (1, 1));
        assert_eq!(irp.access().information(), usize::from(level));
        irp.free();
    }
    let text = machine.timeline().to_text();
    assert!(text.contains("worker 1"), "{text}");
    machine.finish();
}

#[test]
fn filters_propagate_the_pending_mark() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let disk = machine
        .device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::from_millis(1))));
    let middle = machine.filter_over(&disk);
    let top = machine.filter_over(&middle);
    assert_eq!(top.stack_size(), 3);
    assert_eq!(send_and_wait(&top), (STATUS_PENDING, STATUS_SUCCESS));
    let received = &disk.received()[0];
    assert_eq!((received.location, received.stack_count), (1, 3));
    assert_eq!(received.control & SL_INVOKE_ALWAYS, SL_INVOKE_ALWAYS);
    disk.set_behavior(Behavior::complete(STATUS_DEVICE_BUSY, 0));
    assert_eq!(
        send_and_wait(&top),
        (STATUS_DEVICE_BUSY, STATUS_DEVICE_BUSY)
    );
    machine.finish();
}

/// The device that a raw one passes requests on to.
fn below(device: *mut DEVICE_OBJECT) -> *mut DEVICE_OBJECT {
    // SAFETY: the tests that use this have put it there.
    unsafe { (*device).DeviceExtension }.cast()
}

/// A device on top of another one with a dispatch routine that finds the other one by [`below`].
fn raw_over(
    machine: &Machine,
    lower: &Device,
    name: &str,
    dispatch: unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP) -> NTSTATUS,
) -> Device {
    let options = DeviceOptions::new(name).stack_size(lower.stack_size() + 1);
    // SAFETY: the routines of this module pass each IRP on.
    let device = unsafe { machine.raw_device(options, Some(dispatch)) };
    // SAFETY: nobody else looks at the field.
    unsafe { (*device.as_ptr()).DeviceExtension = lower.as_ptr().cast() };
    device
}

/// Passes the request on without a routine.
unsafe extern "system" fn pass_down(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    Irp(irp).major(major::READ).control(0);
    // SAFETY: the IRP is at this driver, and its next location is filled in.
    unsafe { sys::IofCallDriver(below(device), irp) }
}

/// The I/O manager propagates the mark where there is no routine.
#[test]
fn a_location_without_routine_propagates_the_pending_mark() {
    unsafe extern "system" fn mark_and_pass_down(
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
    ) -> NTSTATUS {
        // SAFETY: the IRP is at this driver.
        unsafe { sys::IoMarkIrpPending(irp) };
        // SAFETY: as above.
        unsafe { pass_down(device, irp) }
    }
    for dispatch in [
        pass_down as unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP) -> NTSTATUS,
        mark_and_pass_down,
    ] {
        let machine = Machine::new();
        machine.strict_lower(true);
        let disk =
            machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::before_return()));
        let top = raw_over(&machine, &disk, "top", dispatch);
        let counter = Counter::default();
        let irp = Irp::allocate(2);
        assert_eq!(
            irp.major(major::READ)
                .routine(count, counter.context())
                .call(&top),
            STATUS_PENDING
        );
        assert_eq!((counter.calls(), counter.pended()), (1, 1));
        irp.free();
        machine.finish();
    }
}

#[test]
fn a_missing_mark_is_that_of_the_driver_whose_location_it_is() {
    /// Does not mark the IRP.
    unsafe extern "system" fn lose_mark(
        _: *mut DEVICE_OBJECT,
        _: *mut IRP,
        _: *mut c_void,
    ) -> NTSTATUS {
        STATUS_SUCCESS
    }
    unsafe extern "system" fn pass_down_with_routine(
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
    ) -> NTSTATUS {
        Irp(irp)
            .major(major::READ)
            .routine(lose_mark, std::ptr::null_mut());
        // SAFETY: the IRP is at this driver, and its next location is filled in.
        unsafe { sys::IofCallDriver(below(device), irp) }
    }
    /// Gives its own location to the lower driver (`IoSkipCurrentIrpStackLocation`).
    unsafe extern "system" fn skip(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
        let access = Irp(irp).access();
        set_current_location(access, access.current_location() + 1);
        // SAFETY: the IRP is at this driver, and its next location is filled in.
        unsafe { sys::IofCallDriver(below(device), irp) }
    }
    let machine = Machine::new();
    machine.strict_lower(true);
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::before_return()));
    let middle = raw_over(&machine, &disk, "middle", skip);
    let top = raw_over(&machine, &middle, "top", pass_down_with_routine);
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&top);
    assert_eq!((counter.calls(), counter.pended()), (1, 0));
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::PendingContract]);
    assert_eq!(
        report.violations[0].detail,
        "top returned STATUS_PENDING and has not marked the IRP pending"
    );
}

#[test]
fn the_routine_gets_the_device_of_the_own_location_if_there_is_one() {
    let (machine, device) = machine_and_device();
    let own = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    for with_own in [false, true] {
        let counter = Counter::default();
        let irp = Irp::allocate(1 + i8::from(with_own));
        if with_own {
            irp.own_location();
            // SAFETY: the IRP now has a current location.
            let location = unsafe { sys::IoGetCurrentIrpStackLocation(irp.0) };
            // SAFETY: as above.
            unsafe { (*location).DeviceObject = own.as_ptr() };
        }
        irp.major(major::READ)
            .routine(count, counter.context())
            .call(&device);
        assert_eq!(
            counter.had_device.load(Ordering::SeqCst),
            u32::from(with_own)
        );
        irp.free();
    }
    machine.finish();
}

#[test]
fn the_registration_decides_whether_the_routine_runs() {
    for (control, cancelled, status, runs) in [
        (sys::SL_INVOKE_ON_SUCCESS, false, STATUS_SUCCESS, true),
        (sys::SL_INVOKE_ON_SUCCESS, false, STATUS_UNSUCCESSFUL, false),
        (sys::SL_INVOKE_ON_SUCCESS, true, STATUS_UNSUCCESSFUL, false),
        (sys::SL_INVOKE_ON_ERROR, false, STATUS_SUCCESS, false),
        (sys::SL_INVOKE_ON_ERROR, false, STATUS_UNSUCCESSFUL, true),
        (sys::SL_INVOKE_ON_ERROR, true, STATUS_SUCCESS, false),
        (sys::SL_INVOKE_ON_CANCEL, false, STATUS_SUCCESS, false),
        (sys::SL_INVOKE_ON_CANCEL, true, STATUS_SUCCESS, true),
        (sys::SL_INVOKE_ON_CANCEL, true, STATUS_UNSUCCESSFUL, true),
    ] {
        let machine = Machine::new();
        let device = machine.device(Behavior::complete(status, 0));
        let counter = Counter::default();
        let irp = Irp::allocate(1);
        if cancelled {
            assert!(!irp.cancel());
        }
        irp.major(major::READ)
            .routine(count, counter.context())
            .control(control)
            .call(&device);
        assert_eq!(counter.calls(), u32::from(runs));
        irp.free();
        let mut expected = vec![ViolationKind::RoutineNotForAllOutcomes];
        if !runs {
            expected.push(ViolationKind::RoutineNotCalled);
        }
        assert_kinds(&machine.into_report(), &expected);
    }
}

#[test]
fn a_location_is_cleared_before_its_routine_runs() {
    unsafe extern "system" fn look(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        context: *mut c_void,
    ) -> NTSTATUS {
        // SAFETY: the IRP is with this routine, and has one location.
        let location = unsafe { sys::IoGetNextIrpStackLocation(irp) };
        // SAFETY: the context is a `Counter` that outlives the IRP.
        let counter = unsafe { &*context.cast::<Counter>() };
        // SAFETY: as above.
        let control = unsafe { (*location).Control };
        counter.calls.store(u32::from(control), Ordering::SeqCst);
        // SAFETY: as above.
        let parameters = unsafe { (*location).Parameters };
        // SAFETY: cleared, so every member is valid.
        let argument = unsafe { parameters.Others.Argument1 };
        counter
            .pended
            .store(u32::from(!argument.is_null()), Ordering::SeqCst);
        sys::STATUS_MORE_PROCESSING_REQUIRED
    }
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let mut buffer = [0; 4];
    let irp = Irp::allocate(1);
    irp.read(buffer.as_mut_ptr(), 4)
        .routine(look, counter.context())
        .call(&device);
    assert_eq!((counter.calls(), counter.pended()), (0, 0));
    irp.free();
    machine.finish();
}

#[test]
fn an_irp_can_be_sent_again_from_its_routine() {
    /// Sends the IRP three times in all.
    unsafe extern "system" fn again(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        context: *mut c_void,
    ) -> NTSTATUS {
        // SAFETY: the context is the pair of `resend` below.
        let (counter, device) = unsafe { &*context.cast::<(Counter, Device)>() };
        if counter.calls.fetch_add(1, Ordering::SeqCst) < 2 {
            Irp(irp)
                .major(major::READ)
                .routine(again, context)
                .call(device);
        }
        sys::STATUS_MORE_PROCESSING_REQUIRED
    }
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::sequence([
        Behavior::complete(STATUS_SUCCESS, 0),
        Behavior::complete(STATUS_SUCCESS, 0).when(When::before_return()),
        Behavior::complete(STATUS_UNSUCCESSFUL, 0).when(When::inline_marked()),
    ]));
    let context = (Counter::default(), device.clone());
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(again, std::ptr::from_ref(&context).cast_mut().cast())
        .call(&device);
    assert_eq!(context.0.calls(), 3);
    assert_eq!(irp.status(), STATUS_UNSUCCESSFUL);
    irp.free();
    machine.finish();
}

#[test]
fn an_earlier_round_is_still_judged_when_its_routine_has_sent_the_irp_again() {
    unsafe extern "system" fn once_more(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        context: *mut c_void,
    ) -> NTSTATUS {
        // SAFETY: the context is the pair of the test below.
        let (counter, device) = unsafe { &*context.cast::<(Counter, Device)>() };
        if counter.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            Irp(irp)
                .major(major::READ)
                .routine(once_more, context)
                .call(device);
        }
        sys::STATUS_MORE_PROCESSING_REQUIRED
    }
    let machine = Machine::new();
    machine.strict_lower(true);
    let honest = Behavior::complete(STATUS_SUCCESS, 0).when(When::inline_marked());
    let breach = When::inline_marked().returning(STATUS_SUCCESS);
    let device = machine.device(Behavior::sequence([
        Behavior::complete(STATUS_SUCCESS, 0).when(breach),
        honest,
    ]));
    let context = (Counter::default(), device.clone());
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(once_more, std::ptr::from_ref(&context).cast_mut().cast())
        .call(&device);
    assert_eq!(context.0.calls(), 2);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::PendingContract]);
}

#[test]
fn data_arrives_in_the_system_buffer_and_the_driver_remembers_what_it_got() {
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer());
    let counter = Counter::default();
    let mut buffer = [0_u8; 4];
    let start = buffer.as_mut_ptr();
    let irp = Irp::allocate(1);
    irp.read(start, 4)
        .routine(count, counter.context())
        .call(&device);
    // SAFETY: the array is alive.
    assert_eq!(unsafe { start.cast::<[u8; 4]>().read() }, [16, 17, 18, 19]);
    irp.free();
    let received = &device.received()[0];
    assert_eq!(
        received.parameters,
        Parameters::Transfer {
            length: 4,
            key: 0,
            byte_offset: 16
        }
    );
    assert_eq!(received.control, SL_INVOKE_ALWAYS);
    machine.finish();
}

#[test]
fn the_test_completes_when_it_likes() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let sender = {
        let device = device.clone();
        machine.spawn(move || send_and_wait(&device))
    };
    device.wait_until_pending(1);
    assert_eq!(device.pending(), 1);
    assert!(device.complete_next(STATUS_DEVICE_BUSY, 0));
    assert!(!device.complete_next(STATUS_DEVICE_BUSY, 0));
    assert_eq!(sender.join().unwrap(), (STATUS_PENDING, STATUS_DEVICE_BUSY));
    machine.finish();
}

#[test]
fn custom_dispatch_routines() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::custom(|irp| {
        if irp.minor() == 0 {
            irp.complete_after(Duration::ZERO, STATUS_SUCCESS, 1)
        } else {
            irp.complete(STATUS_INVALID_DEVICE_REQUEST, 0)
        }
    }));
    assert_eq!(send_and_wait(&device), (STATUS_PENDING, STATUS_SUCCESS));
    machine.finish();
}

#[test]
fn a_driver_that_panics_is_reported_and_its_irp_completed() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        assert_eq!(irp.major(), 0x7F, "a driver's own check");
        irp.complete(STATUS_SUCCESS, 0)
    }));
    assert_eq!(
        send_and_wait(&device),
        (STATUS_UNSUCCESSFUL, STATUS_UNSUCCESSFUL)
    );
    let violations = machine.take_violations();
    assert_eq!(violations[0].kind, ViolationKind::DriverPanicked);
    assert!(violations[0].detail.contains("a driver's own check"));
    machine.finish();
}

#[test]
fn contract_breakers_are_notes_or_violations_as_the_test_wants() {
    for (when, breach) in [
        (When::before_return().unmarked(), "has not marked"),
        (When::after(SOON).unmarked(), "has not marked"),
        (
            When::triggered().returning(STATUS_SUCCESS),
            "without having completed",
        ),
        (
            When::before_return().returning(STATUS_SUCCESS),
            "has marked the IRP pending and returned STATUS_SUCCESS",
        ),
        (
            When::inline_marked().returning(STATUS_SUCCESS),
            "has marked the IRP pending and returned STATUS_SUCCESS",
        ),
        (
            When::triggered().unmarked().returning(STATUS_SUCCESS),
            "without having completed",
        ),
        (When::inline().returning(STATUS_PENDING), "has not marked"),
    ] {
        for strict in [false, true] {
            let machine = Machine::new();
            machine.strict_lower(strict);
            let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(when));
            let event = Event::notification();
            let irp = Irp::allocate(1);
            irp.major(major::READ)
                .routine(signal, event.context())
                .call(&device);
            device.complete_next(STATUS_SUCCESS, 0);
            assert_eq!(event.wait(None), STATUS_SUCCESS);
            irp.free();
            let text = machine.timeline().to_text();
            let report = machine.into_report();
            event.free();
            if strict {
                assert_kinds(&report, &[ViolationKind::PendingContract]);
                assert!(report.violations[0].detail.contains(breach), "{report}");
            } else {
                assert_kinds(&report, &[]);
                assert!(text.contains(breach), "{when:?}\n{text}");
            }
        }
    }
}

#[test]
fn completing_with_pending_is_a_breach() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::complete(STATUS_PENDING, 0).when(When::before_return()));
    assert_eq!(send_and_wait(&device), (STATUS_PENDING, STATUS_PENDING));
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::CompletedWithPending],
    );
}

#[test]
fn allocations_fail_on_demand() {
    let machine = Machine::new();
    machine.fail_next_irp_allocation();
    machine.faults().fail(Allocation::Irp, 2);
    let results: Vec<bool> = (0..4)
        .map(|_| {
            // SAFETY: the stack size is positive.
            let irp = unsafe { sys::IoAllocateIrp(1, 0) };
            if !irp.is_null() {
                Irp(irp).free();
            }
            irp.is_null()
        })
        .collect();
    assert_eq!(results, [true, false, true, false]);
    machine.finish();
}

#[test]
fn a_dwell_after_the_dispatch_routine_lets_the_completion_overtake() {
    let machine = Machine::new();
    machine
        .faults()
        .delay(Point::AfterDispatch, milliseconds(200));
    let device = machine
        .device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::from_millis(1))));
    send_and_wait(&device);
    let timeline = machine.timeline();
    let position = |text: &str| {
        timeline
            .entries()
            .iter()
            .position(|entry| entry.text.starts_with(text))
            .unwrap()
    };
    assert!(position("KeSetEvent") < position("IofCallDriver returned"));
    machine.finish();
}

#[test]
fn many_threads_at_once() {
    let machine = Machine::new();
    let disk = Arc::new(
        machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::ZERO))),
    );
    let rounds = if cfg!(miri) { 3 } else { 50 };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let disk = disk.clone();
            machine.spawn(move || {
                for _ in 0..rounds {
                    assert_eq!(send_and_wait(&disk), (STATUS_PENDING, STATUS_SUCCESS));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(machine.live_irps(), 0);
    assert_eq!(machine.allocated_irps(), 4 * rounds);
    machine.finish();
}

#[test]
fn machines_do_not_see_each_other() {
    let (outer, device) = machine_and_device();
    {
        let inner = Machine::new();
        let leaked = Irp::allocate(1);
        assert_eq!(inner.live_irps(), 1);
        assert_eq!(outer.live_irps(), 0);
        // A device of another machine: the IRP's machine counts.
        let counter = Counter::default();
        leaked
            .major(major::READ)
            .routine(count, counter.context())
            .call(&device);
        leaked.free();
        inner.finish();
    }
    assert!(Irp::allocate(1).0.addr() != 0);
    assert_eq!(outer.live_irps(), 1);
    assert_kinds(&outer.into_report(), &[ViolationKind::IrpLeaked]);
}

#[test]
fn threads_enter_a_machine_by_its_handle() {
    let machine = Machine::new();
    let handle = machine.handle();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = handle.enter();
            Irp::allocate(1).free();
        });
    });
    assert_eq!(machine.allocated_irps(), 1);
    machine.finish();
}

#[test]
fn a_thread_on_no_machine_has_one_all_the_same() {
    std::thread::spawn(|| {
        let device = crate::Handle::current().device(Behavior::complete(STATUS_SUCCESS, 0));
        assert_eq!(send_and_wait(&device), (STATUS_SUCCESS, STATUS_SUCCESS));
    })
    .join()
    .unwrap();
}

#[test]
fn an_irp_belongs_to_its_machine_whoever_frees_it() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    {
        let other = Machine::new();
        irp.free();
        other.finish();
    }
    assert_eq!(machine.live_irps(), 0);
    machine.finish();
}

#[test]
fn the_driver_remembers_flags_and_minor_function() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ).routine(count, counter.context());
    // SAFETY: a location of the IRP.
    unsafe { (*irp.next()).Flags = 0x10 };
    // SAFETY: as above.
    unsafe { (*irp.next()).MinorFunction = 2 };
    irp.call(&device);
    irp.free();
    let received = &device.received()[0];
    assert_eq!((received.flags, received.minor), (0x10, 2));
    machine.finish();
}

#[test]
fn a_handle_prints_nothing_of_the_machine() {
    let machine = Machine::new();
    let handle = machine.handle();
    assert_eq!(format!("{handle:?}"), "Handle { .. }");
    assert_eq!(format!("{:?}", handle.enter()), "Entered { .. }");
    machine.finish();
}
