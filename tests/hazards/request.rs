//! What a request asks its target for, and how the target receives it.
//!
//! Hazards [H2](../../docs/hazards.md#h2), [H37](../../docs/hazards.md#h37),
//! [H42](../../docs/hazards.md#h42) and [H43](../../docs/hazards.md#h43).

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::request::PnpMinor;
use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_PNP,
    IRP_MJ_POWER, IRP_MJ_READ, IRP_MJ_SHUTDOWN, IRP_MJ_SYSTEM_CONTROL, IRP_MJ_WRITE,
    SL_INVOKE_ALWAYS, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use wdm_irp::{ByteOffset, IrpError};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, Parameters, When};
use wdm_irp_tests::Slot;
use wdm_irp_tests::codes::{BUFFERED, IN_DIRECT, NEITHER, OUT_DIRECT};
use wdm_irp_tests::{LONG, SOON, allocate, disk, done, passive, raw, read, toggle_flag};

/// A file system sets and clears `DO_VERIFY_VOLUME` at any time. Miri sees whether that is a race.
#[test]
fn h43_flags_are_read_while_another_thread_writes_them() {
    const DO_VERIFY_VOLUME: u32 = 2;

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::inline());
    let other = std::thread::spawn({
        let disk = disk.clone();
        move || {
            for _ in 0..100 {
                toggle_flag(&disk, DO_VERIFY_VOLUME);
            }
        }
    });
    for _ in 0..10 {
        let read = read(disk.target(), [0; 8], 5, done, ());
        let completed = read.send_and_wait(&at, LONG).expect("read");
        assert_eq!(completed.buffer()[0], 5);
    }
    other.join().expect("no panic");
}

/// A major function whose arguments are no transfer\'s: `IRP_MJ_QUERY_INFORMATION`.
const RAW: u8 = 0x05;

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
    assert_eq!(neither.into_parts().0.1, [5, 4]);
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
        set.into_parts().0.into_inner(),
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

/// The parameters of a raw request are made where its value stays: they may point into the value
/// itself, and into what it owns, on the stack, in static memory and on the heap.
#[test]
fn h42_raw_parameters_point_into_the_value_where_it_stays() {
    static SLOT: Slot<done, (u64, Box<u64>)> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let inline = machine.device(raw::doubles(raw::succeed));
    let later = machine.device(raw::doubles(|irp, _| {
        irp.complete_after(SOON, STATUS_SUCCESS, 0)
    }));
    for device in [&inline, &later] {
        let within = || {
            let irp = allocate(device.target());
            raw::request(irp, RAW, (21, Box::new(0)), |value| &mut value.0).on_completion(done, ())
        };
        let owned = || {
            let irp = allocate(device.target());
            raw::request(irp, RAW, (0, Box::new(21)), |value| &mut *value.1).on_completion(done, ())
        };
        let stack = within().send_and_wait(&at, LONG).expect("completed");
        assert_eq!(stack.buffer().0, 42);
        let stack = owned().send_and_wait(&at, LONG).expect("completed");
        assert_eq!(*stack.buffer().1, 42);
        let scope = within().send_scoped(&at, |sent| sent.wait(&at, LONG));
        assert_eq!(scope.expect("sent").expect("completed").buffer().0, 42);
        let sent = within().send_in(&SLOT, &at).expect("sent");
        assert_eq!(sent.wait(&at, LONG).expect("completed").buffer().0, 42);
        let sent = owned().send_in(&SLOT, &at).expect("sent");
        assert_eq!(*sent.wait(&at, LONG).expect("completed").buffer().1, 42);
        let sent = within().send_boxed(&at).expect("sent");
        assert_eq!(sent.wait(&at, LONG).expect("completed").buffer().0, 42);
        let sent = owned().send_boxed(&at).expect("sent");
        assert_eq!(*sent.wait(&at, LONG).expect("completed").buffer().1, 42);
    }
}

#[test]
fn h37_requests_start_with_the_status_that_their_major_function_wants() {
    let machine = Machine::new();
    let at = passive();
    let raw = machine.device(raw::doubles(|irp, status| irp.complete(status, 0)));
    for (major, status) in [
        (IRP_MJ_PNP, STATUS_NOT_SUPPORTED),
        (IRP_MJ_POWER, STATUS_NOT_SUPPORTED),
        (IRP_MJ_SYSTEM_CONTROL, STATUS_NOT_SUPPORTED),
        (u32::from(RAW), STATUS_SUCCESS),
    ] {
        let major = u8::try_from(major).expect("a byte");
        let request =
            raw::request(allocate(raw.target()), major, 1, |number| number).on_completion(done, ());
        let outcome = request.send_and_wait(&at, LONG).map_err(IrpError::from);
        assert_eq!(
            outcome.map(|completed| completed.status()),
            if status == STATUS_SUCCESS {
                Ok(status)
            } else {
                Err(IrpError::Device(status))
            }
        );
    }
    let device = machine.device(Behavior::custom(|irp| {
        let status = irp.status();
        irp.complete(status, 0)
    }));
    let pnp = allocate(device.target())
        .pnp(PnpMinor::QUERY_PNP_DEVICE_STATE)
        .on_completion(done, ());
    let unanswered = pnp.send_and_wait(&at, LONG).map_err(IrpError::from);
    assert_eq!(
        unanswered.err(),
        Some(IrpError::Device(STATUS_NOT_SUPPORTED))
    );
    let flush = allocate(device.target()).flush().on_completion(done, ());
    flush.send_and_wait(&at, LONG).expect("starts as a success");
}
