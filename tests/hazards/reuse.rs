//! An IRP that has come back is sent again, [H11](../../docs/hazards.md#h11).

use std::sync::{Arc, Mutex};

use wdm_irp::error::SendError;
use wdm_irp::request::PnpMinor;
use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_PNP, IRP_MJ_READ, IRP_MJ_WRITE,
    SL_INVOKE_ALWAYS, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Behavior, DeviceOptions, LowerIrp, Machine, Parameters, When};
use wdm_irp_tests::codes::OUT_DIRECT;
use wdm_irp_tests::{
    AnyOutcome, Count, LONG, SOON, Slot, ZERO, allocate, count, disk, pair, passive,
    registered_pair,
};

/// Whatever the last request was, the next one is as from a new IRP.
#[test]
fn h11_everything_is_entered_again() {
    let machine = Machine::new();
    let at = passive();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let device = machine.device_with(
        DeviceOptions::new("device").direct(),
        Behavior::custom({
            let begun = begun.clone();
            move |irp: LowerIrp| {
                begun.lock().expect("no panic").push(irp.status());
                assert!(!irp.is_cancelled());
                let written = irp.write_output(&irp.read_pattern());
                irp.complete(STATUS_SUCCESS, written)
            }
        }),
    );

    let mut irp = allocate(device.target());
    for round in 0..2 {
        let read = irp
            .read([0; 8], ByteOffset(round))
            .on_completion(count, Count::default());
        let mut done = read.send_and_wait(&at, LONG).expect("read");
        assert_eq!(done.transferred().len(), 8);
        let (again, _, context) = done.reuse();
        assert_eq!((context.get(), machine.live_mdls()), (1, 0));
        let write = again.write([1, 2, 3], ByteOffset(7));
        let done = write.send_and_wait(&at, LONG).expect("written");
        let (again, buffer, ()) = done.reuse();
        assert_eq!(buffer, [1, 2, 3]);
        let control = again.device_control(OUT_DIRECT, ([4], [0; 4]));
        let (again, _, ()) = control.send_and_wait(&at, LONG).expect("sent").reuse();
        let pnp = again.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE);
        let (again, (), ()) = pnp.send_and_wait(&at, LONG).expect("sent").reuse();
        let flush = again.flush().send_and_wait(&at, LONG).expect("flushed");
        irp = flush.reuse().0;
    }
    drop(irp);

    let received = device.received();
    let majors = [
        IRP_MJ_READ,
        IRP_MJ_WRITE,
        IRP_MJ_DEVICE_CONTROL,
        IRP_MJ_PNP,
        IRP_MJ_FLUSH_BUFFERS,
    ];
    for (index, received) in received.iter().enumerate() {
        assert_eq!(u32::from(received.major), majors[index % 5]);
        assert_eq!((received.irp, received.control), (1, SL_INVOKE_ALWAYS));
        assert_eq!((received.stack_count, received.location), (1, 1));
    }
    let parameters = received[6].parameters;
    assert_eq!(
        parameters,
        Parameters::Transfer {
            length: 3,
            key: 0,
            byte_offset: 7
        }
    );
    assert_eq!(received[6].data, [1, 2, 3]);
    let begun = begun.lock().expect("no panic");
    let status = |index: usize| {
        if majors[index % 5] == IRP_MJ_PNP {
            STATUS_NOT_SUPPORTED
        } else {
            STATUS_SUCCESS
        }
    };
    assert!(
        begun
            .iter()
            .enumerate()
            .all(|(index, it)| *it == status(index))
    );
    assert_eq!((begun.len(), machine.allocated_irps()), (10, 1));
}

#[test]
fn h11_irp_is_used_again_in_every_way() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    for when in [
        When::inline(),
        When::inline_marked(),
        When::after(SOON),
        When::after(SOON).unmarked(),
    ] {
        let disk = disk(&machine, when);
        let before = machine.allocated_irps();
        let read = |irp: Irp<_>, offset| {
            irp.read([0; 8], ByteOffset(offset))
                .on_completion(count, Count::default())
        };
        let mut irp = allocate(disk.target());
        for _ in 0..2 {
            let done = read(irp, 1).send_and_wait(&at, LONG).expect("read");
            assert_eq!((done.buffer()[0], done.context().get()), (1, 1));
            let scoped = read(done.reuse().0, 2).send_scoped(&at, |sent| sent.wait(&at, LONG));
            let done = scoped.expect("sent").expect("read");
            assert_eq!((done.buffer()[0], done.context().get()), (2, 1));
            let sent = read(done.reuse().0, 3).send_in(&SLOT, &at).expect("free");
            let done = sent.wait(&at, LONG).expect("read");
            assert_eq!((done.buffer()[0], done.context().get()), (3, 1));
            let sent = read(done.reuse().0, 4).send_boxed(&at).expect("memory");
            let done = sent.wait(&at, LONG).expect("read");
            assert_eq!((done.buffer()[0], done.context().get()), (4, 1));
            irp = done.reuse().0;
        }
        assert_eq!(machine.allocated_irps(), before + 1);
        assert_eq!(disk.received().len(), 8);
    }
}

/// `IoReuseIrp` clears `Irp->Cancel`.
#[test]
fn h11_cancelled_irp_is_used_again_and_not_cancelled() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::cancelled());
    let mut irp = allocate(disk.target());
    for _ in 0..3 {
        let read = irp.read([0; 8], ByteOffset(0));
        let sent = read.send_boxed(&at).expect("memory");
        let timed_out = sent.wait(&at, ZERO).completed();
        assert!(timed_out.timed_out());
        let (again, _, ()) = timed_out.reuse();

        disk.set_behavior(Behavior::transfer().when(When::triggered()));
        let sent = again.read([0; 8], ByteOffset(5)).send_boxed(&at);
        let lower = disk.take_next().expect("in flight");
        assert!(!lower.is_cancelled());
        lower.write_output(&lower.read_pattern());
        lower.complete(STATUS_SUCCESS, 8);
        let done = sent.expect("memory").wait(&at, LONG).expect("read");
        assert_eq!(done.buffer()[0], 5);
        irp = done.reuse().0;
        disk.set_behavior(Behavior::transfer().when(When::cancelled()));
    }
}

#[test]
fn h11_irp_of_a_failed_request_is_used_again() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::inline());
    disk.set_behavior(Behavior::complete(STATUS_INVALID_PARAMETER, 0));
    let read = allocate(disk.target()).read([0; 8], ByteOffset(0));
    let Err(SendError::Failed(failed)) = read.send_and_wait(&at, LONG) else {
        panic!("it has failed");
    };
    let (irp, _, ()) = failed.into_completed().reuse();
    disk.set_behavior(Behavior::transfer());
    // It is not sent, and then it is.
    let control = irp.device_control(
        wdm_irp_tests::codes::BUFFERED,
        wdm_irp::buffer::SystemBuffer::both([0; 2], 3),
    );
    let Err(SendError::NotSent(not_sent)) = control.send_and_wait(&at, LONG) else {
        panic!("the buffer is too short");
    };
    assert_eq!(not_sent.error, IrpError::InvalidParameter);
    drop(not_sent);
    assert_eq!((machine.live_irps(), machine.allocated_irps()), (0, 1));
}

/// The IRP of a pair has its own stack location again, and the routine is registered again.
#[test]
fn h11_irp_of_a_pair_has_its_own_location_again() {
    #[completion_routine]
    fn device(mut irp: Completing<'_, usize>) -> Signaled<'_> {
        *irp.context_mut() = irp.device_object().addr();
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let own = machine.device_with(DeviceOptions::new("own").own(), Behavior::refuse());
    for when in [When::inline(), When::after(SOON)] {
        let disk = disk(&machine, when);
        for target in [pair(&own, &disk), registered_pair(&own, &disk)] {
            let mut irp = Irp::allocate(target).expect("memory");
            for offset in 0..3 {
                let read = irp
                    .read([0; 8], ByteOffset(offset))
                    .on_completion(device, 0);
                let done = read.send_and_wait(passive(), Timeout::FOREVER);
                let (again, _, seen) = done.expect("read").reuse();
                assert_eq!(seen, own.as_ptr().addr());
                irp = again;
            }
        }
        let received = disk.received();
        assert_eq!(received.len(), 6);
        assert!(
            received
                .iter()
                .all(|it| (it.stack_count, it.location) == (2, 1))
        );
    }
    machine.join_drivers();
}
