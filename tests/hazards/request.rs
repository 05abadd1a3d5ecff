//! How an IRP is allocated, filled in, and freed.

use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_PNP,
    IRP_MJ_READ, IRP_MJ_SHUTDOWN, IRP_MJ_WRITE, SL_INVOKE_ALWAYS, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, NotSent, PnpMinor, SendError, Signaled, Slot,
    SystemBuffer, Timeout, completion_routine,
};
use wdm_irp_sim::{Behavior, DeviceOptions, LowerIrp, Machine, Parameters, When};
use wdm_irp_tests::codes::{BUFFERED, IN_DIRECT, NEITHER, OUT_DIRECT};
use wdm_irp_tests::{Count, LONG, SOON, allocate, count, disk, done, passive, read, system_buffer};

#[test]
fn h02_routine_is_registered_for_all_outcomes() {
    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    let at = passive();
    let irp = || allocate(disk.target());
    let read = irp().read([0; 8], ByteOffset(0)).on_completion(done, ());
    read.send_and_wait(&at, LONG).expect("read");
    let flush = irp().flush().on_completion(done, ());
    let _ = flush.send_and_wait(&at, LONG);
    let received = disk.received();
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|r| r.control == SL_INVOKE_ALWAYS));
}

#[test]
fn h02_routine_runs_for_success_error_and_cancel() {
    let machine = Machine::new();
    let at = passive();
    for (behavior, timeout) in [
        (Behavior::complete(STATUS_SUCCESS, 0), LONG),
        (Behavior::complete(STATUS_INVALID_PARAMETER, 0), LONG),
        (
            Behavior::transfer().when(When::cancelled()),
            Timeout::milliseconds(1),
        ),
    ] {
        let disk = machine.device(behavior);
        let read = read(disk.target(), [0; 8], 0, count, Count::default());
        let context = match read.send_and_wait(&at, timeout) {
            Ok(completed) | Err(SendError::Failed(completed)) => completed.into_parts().0,
            Err(SendError::NotSent(not_sent)) => panic!("{not_sent}"),
        };
        assert_eq!(context.get(), 1);
    }
}

/// The model reports an IRP that is not freed, or freed twice, in every test; here on each path to an end.
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
    assert_eq!(
        machine.live_irps(),
        0,
        "freed although the error is still held"
    );
}

#[test]
fn h09_request_that_is_not_sent_comes_back_whole() {
    let machine = Machine::new();
    let at = passive();
    let disk = machine.device_with(DeviceOptions::new("disk").direct(), Behavior::transfer());
    machine.fail_next_mdl_allocation();
    let read = read(disk.target(), [7; 8], 3, count, Count::default());
    let Err(SendError::NotSent(NotSent { error, request })) = read.send_and_wait(&at, LONG) else {
        panic!("sent without an MDL");
    };
    assert_eq!(error, IrpError::MdlAllocation);
    assert_eq!(machine.live_irps(), 1, "the request still has its IRP");

    let completed = request.send_and_wait(&at, LONG).expect("second attempt");
    assert_eq!(*completed.buffer(), [3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(completed.context().get(), 1);
    assert_eq!(machine.live_mdls(), 0);
}

#[test]
fn h09_request_that_is_not_sent_can_be_dropped() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let disk = machine.device_with(DeviceOptions::new("disk").direct(), Behavior::transfer());
    let request = || {
        machine.fail_next_mdl_allocation();
        read(disk.target(), [0; 8], 0, count, Count::default())
    };
    drop(request().send_in(&SLOT, &at).expect_err("no MDL"));
    drop(request().send_boxed(&at).expect_err("no MDL"));
    drop(
        request()
            .send_scoped(&at, |_| unreachable!("not sent"))
            .expect_err("no MDL"),
    );
    drop(request().send_and_wait(&at, LONG).expect_err("no MDL"));
    assert_eq!((machine.live_irps(), machine.live_mdls()), (0, 0));
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
fn h16_own_location_is_asked_for_and_names_the_own_device() {
    #[completion_routine]
    fn own_device(mut irp: Completing<'_, usize>) -> Signaled<'_> {
        *irp.context_mut() = irp.device_object().addr();
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::inline());
    let own = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let own_device_object = wdm_irp_tests::own_device(&own);

    let with = Irp::allocate_with_own_location(disk.target(), &own_device_object).expect("memory");
    let read = with
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
    let own = wdm_irp_tests::own_device(&disk);
    assert_eq!(
        Irp::allocate_with_own_location(disk.target(), &own).expect_err("127 locations"),
        IrpError::InvalidParameter
    );
    drop(Irp::allocate(disk.target()).expect("126 locations"));
}

#[test]
fn read_and_write_by_each_io_method() {
    let machine = Machine::new();
    let at = passive();
    for options in [
        DeviceOptions::new("buffered").buffered(),
        DeviceOptions::new("direct").direct(),
        DeviceOptions::new("neither").neither(),
    ] {
        for when in [When::inline(), When::after(SOON)] {
            let disk = machine.device_with(options.clone(), Behavior::transfer().when(when));
            let mut sector = [0; 16];
            let read = read(disk.target(), &mut sector, 0x20, done, ());
            let mut completed = read.send_and_wait(&at, LONG).expect("read");
            assert_eq!(completed.information(), 16);
            assert!(completed.transferred().iter().copied().eq(0x20..0x30));

            let write = allocate(disk.target())
                .write(vec![1, 2, 3, 4], ByteOffset(0x1_0000_0000))
                .on_completion(done, ());
            write.send_and_wait(&at, LONG).expect("write");
            let received = disk.received();
            assert_eq!(u32::from(received[0].major), IRP_MJ_READ);
            assert_eq!(u32::from(received[1].major), IRP_MJ_WRITE);
            assert_eq!(received[1].data, [1, 2, 3, 4]);
            assert_eq!(
                received[1].parameters,
                Parameters::Transfer {
                    length: 4,
                    key: 0,
                    byte_offset: 0x1_0000_0000
                }
            );
        }
    }
    assert_eq!(machine.live_mdls(), 0);
}

#[test]
fn empty_transfer_needs_no_mdl() {
    let machine = Machine::new();
    let disk = machine.device_with(
        DeviceOptions::new("disk").direct(),
        Behavior::complete(STATUS_SUCCESS, 0),
    );
    let read = read(disk.target(), (), 0, done, ());
    read.send_and_wait(passive(), LONG).expect("read");
}

#[test]
fn device_control_by_each_method() {
    let machine = Machine::new();
    let at = passive();
    let device = machine.device(Behavior::control(|_code, input| {
        Ok(input.iter().rev().copied().collect())
    }));
    let irp = || allocate(device.target());

    let mut done_ = irp()
        .device_control(BUFFERED, SystemBuffer::both([1, 2, 3, 0], 3))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("buffered");
    assert_eq!(done_.transferred(), [3, 2, 1]);
    let direct = irp()
        .internal_device_control(OUT_DIRECT, ([1, 2, 3], [0; 8]))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("out direct");
    assert_eq!(direct.information(), 3);
    assert_eq!(direct.buffer().1, [3, 2, 1, 0, 0, 0, 0, 0]);
    let neither = irp()
        .device_control(NEITHER, ([4, 5], [0; 2]))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("neither");
    assert_eq!(neither.into_parts().1.1, [5, 4]);
    irp()
        .device_control(IN_DIRECT, ([9], [6, 7]))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("in direct");

    let received = device.received();
    let lengths: Vec<_> = received
        .iter()
        .map(|r| match r.parameters {
            Parameters::Control {
                output_length,
                input_length,
                code,
                ..
            } => (code, input_length, output_length),
            ref other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        lengths,
        [
            (BUFFERED.get(), 3, 4),
            (OUT_DIRECT.get(), 3, 8),
            (NEITHER.get(), 2, 2),
            (IN_DIRECT.get(), 1, 2)
        ]
    );
    let majors: Vec<_> = received.iter().map(|r| u32::from(r.major)).collect();
    assert_eq!(
        majors,
        [
            IRP_MJ_DEVICE_CONTROL,
            IRP_MJ_INTERNAL_DEVICE_CONTROL,
            IRP_MJ_DEVICE_CONTROL,
            IRP_MJ_DEVICE_CONTROL
        ]
    );
}

#[test]
fn device_control_input_or_output_only() {
    let machine = Machine::new();
    let at = passive();
    let device = machine.device(Behavior::control(|_, _| Ok(vec![8; 2])));
    let irp = || allocate(device.target());
    let mut size = [0; 2];
    let query = irp()
        .device_control(BUFFERED, SystemBuffer::output(&mut size))
        .on_completion(done, ());
    query.send_and_wait(&at, LONG).expect("query");
    assert_eq!(size, [8, 8]);
    let set = irp()
        .device_control(BUFFERED, SystemBuffer::input([1, 2, 3]))
        .on_completion(done, ());
    let set = set.send_and_wait(&at, LONG).expect("set");
    assert_eq!(
        set.into_parts().1.into_inner(),
        [1, 2, 3],
        "no room for output"
    );
    assert_eq!(device.received()[1].data, [1, 2, 3]);

    let too_long = irp()
        .device_control(BUFFERED, SystemBuffer::both([0; 2], 3))
        .on_completion(done, ());
    assert_eq!(
        too_long
            .send_and_wait(&at, LONG)
            .expect_err("three bytes of two")
            .error(),
        IrpError::InvalidParameter
    );
    assert_eq!(device.received().len(), 2);
}

#[test]
fn requests_without_a_buffer() {
    let machine = Machine::new();
    let at = passive();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 4));
    let irp = || allocate(device.target());
    irp()
        .flush()
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("flush");
    irp()
        .shutdown()
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("shutdown");
    let state = irp()
        .pnp(PnpMinor::QUERY_PNP_DEVICE_STATE)
        .on_completion(done, ());
    let mut state = state.send_and_wait(&at, LONG).expect("query");
    assert_eq!(state.information(), 4);
    assert_eq!(state.transferred(), []);
    let received: Vec<_> = device
        .received()
        .iter()
        .map(|r| (u32::from(r.major), r.minor))
        .collect();
    assert_eq!(
        received,
        [
            (IRP_MJ_FLUSH_BUFFERS, 0),
            (IRP_MJ_SHUTDOWN, 0),
            (IRP_MJ_PNP, 0x14)
        ]
    );
}

#[test]
fn information_beyond_the_buffer_is_not_believed() {
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, usize::MAX));
    let read = read(disk.target(), [5; 4], 0, done, ());
    let mut completed = read.send_and_wait(passive(), LONG).expect("read");
    assert_eq!(completed.information(), usize::MAX);
    assert_eq!(completed.transferred(), [5; 4]);
}

/// Wherever the request is sent from, and whatever its context is.
#[test]
fn h25_array_in_a_request_is_aligned_like_pool_memory() {
    #[completion_routine]
    fn odd(irp: Completing<'_, [u8; 3]>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
    static SLOT: Slot<odd, [u8; 7]> = Slot::new();

    let machine = Machine::new();
    let disk = machine.device_with(
        DeviceOptions::new("disk").buffered(),
        Behavior::custom(|irp: LowerIrp| {
            assert_eq!(system_buffer(&irp) % 16, 0);
            irp.complete(STATUS_SUCCESS, 0)
        }),
    );
    let at = passive();
    let read = || read(disk.target(), [0; 7], 0, odd, [0; 3]);
    let completed = read().send_and_wait(&at, LONG).expect("stack");
    assert_eq!(completed.information(), 0);
    read().send_scoped(&at, |_sent| ()).expect("scope");
    drop(read().send_in(&SLOT, &at).expect("static"));
    drop(read().send_boxed(&at).expect("heap"));
    machine.finish();
}
