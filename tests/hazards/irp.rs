//! An IRP is allocated with the right stack locations, [H16](../../docs/hazards.md#h16), and freed
//! once, [H9](../../docs/hazards.md#h9).

use wdm_irp::sys::{STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled, completion_routine};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, When};
use wdm_irp_tests::{
    Count, LONG, SOON, allocate, count, disk, done, pair, passive, read, try_pair,
};

/// Takes each path to an end: the model reports an IRP that is not freed, or freed twice.
#[test]
fn h09_irp_is_freed_once_on_every_path() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::inline());
    let irp = || allocate(disk.target());

    drop(irp());
    drop(irp().read([0; 8], ByteOffset(0)));
    drop(
        irp()
            .read([0; 8], ByteOffset(0))
            .on_completion(count, Count::default()),
    );
    assert_eq!(machine.live_irps(), 0);
    assert!(disk.received().is_empty());

    machine.fail_next_irp_allocation();
    assert_eq!(
        Irp::allocate(disk.target()).expect_err("no memory"),
        IrpError::IrpAllocation
    );
    assert_eq!(
        IrpError::IrpAllocation.status(),
        STATUS_INSUFFICIENT_RESOURCES
    );
    assert_eq!(machine.live_irps(), 0);

    let read = irp().read([0; 8], ByteOffset(0)).on_completion(done, ());
    assert_eq!(
        read.send_and_wait(&at, LONG).expect("read").information(),
        8
    );
    assert_eq!(machine.live_irps(), 0);

    disk.set_behavior(Behavior::complete(STATUS_INVALID_PARAMETER, 0));
    let read = irp().read([0; 8], ByteOffset(0)).on_completion(done, ());
    let error = read.send_and_wait(&at, LONG).expect_err("an error");
    assert_eq!(error.error(), IrpError::Device(STATUS_INVALID_PARAMETER));
    assert_eq!(machine.live_irps(), 1, "the completed request has it");
    drop(error);
    assert_eq!(machine.live_irps(), 0);
}

#[test]
fn h16_stack_locations_are_those_of_the_target() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let (lower, upper) = {
        let lower = machine.filter_over(&disk);
        let upper = machine.filter_over(&lower);
        (lower, upper)
    };
    for (target, locations) in [(&disk, 1), (&lower, 2), (&upper, 3)] {
        let read = read(target.target(), [0; 8], 0, done, ());
        read.send_and_wait(&at, LONG)
            .expect("read through the filters");
        let received = disk.received().pop().expect("reached the disk");
        assert_eq!((received.stack_count, received.location), (locations, 1));
    }
}

#[test]
fn h16_pair_has_an_own_location_that_names_the_own_device() {
    #[completion_routine]
    fn own_device(mut irp: Completing<'_, usize>) -> Signaled<'_> {
        *irp.context_mut() = irp.device_object().addr();
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::inline());
    let own = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let with_own = Irp::allocate(pair(&own, &disk)).expect("memory");
    let read = with_own
        .read([0; 8], ByteOffset(0))
        .on_completion(own_device, 0);
    assert_eq!(
        *read.send_and_wait(&at, LONG).expect("read").context(),
        own.as_ptr().addr()
    );
    assert_eq!(disk.received()[0].stack_count, 2);

    let without = allocate(disk.target());
    let read = without
        .read([0; 8], ByteOffset(0))
        .on_completion(own_device, 1);
    assert_eq!(*read.send_and_wait(&at, LONG).expect("read").context(), 0);
    assert_eq!(disk.received()[1].stack_count, 1);
}

#[test]
fn h16_deepest_stack_has_no_room_for_an_own_location() {
    let machine = Machine::new();
    let disk = machine.device_with(
        DeviceOptions::new("deep").buffered().stack_size(126),
        Behavior::transfer(),
    );
    assert_eq!(
        try_pair(&disk, &disk).expect_err("127 locations"),
        IrpError::InvalidParameter
    );
    drop(Irp::allocate(disk.target()).expect("126 locations"));
}
