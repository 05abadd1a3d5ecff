//! Targets: how deep their stack is, which file object their requests carry, and at which IRQL
//! their drivers take them.
//!
//! Hazards [H16](../../docs/hazards.md#h16), [H17](../../docs/hazards.md#h17),
//! [H37](../../docs/hazards.md#h37), [H41](../../docs/hazards.md#h41),
//! [H43](../../docs/hazards.md#h43) and [H47](../../docs/hazards.md#h47).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::irql::{ApcLevel, DispatchLevel, UpToDispatch};
use wdm_irp::request::PnpMinor;
use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, DO_BUFFERED_IO, IRP_MJ_PNP, NTSTATUS, STATUS_NOT_SUPPORTED,
    STATUS_SUCCESS,
};
use wdm_irp::target::{OpenedDevice, device_name};
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled, completion_routine};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, Machine, ViolationKind, When, irql};
use wdm_irp_tests::targets::{
    attached, change_flags, open, opened_at_dispatch_level, target as passive_target,
};
use wdm_irp_tests::{
    BoxedSlot, LONG, Target, allocate, disk, done, in_flight, passive, read, try_pair,
};

const NAME: [u16; 13] = device_name(b"\\Device\\Disk0");

/// `DO_VERIFY_VOLUME`: what a file system or class driver sets and clears at any time.
const DO_VERIFY_VOLUME: u32 = 2;

const STATUS_ACCESS_DENIED: NTSTATUS = 0xC000_0022_u32.cast_signed();
const STATUS_OBJECT_NAME_NOT_FOUND: NTSTATUS = 0xC000_0034_u32.cast_signed();

/// Creates a device that is opened by its name, and whose driver needs a file object.
fn named(machine: &Machine, when: When) -> Device {
    let options = DeviceOptions::new("named").object_name("\\Device\\Disk0");
    let options = options.wants_file_object();
    machine.device_with(options, Behavior::transfer().when(when))
}

/// The deepest stack is the same for each way to name a device.
#[test]
fn h16_stack_that_is_too_deep_is_refused_when_the_target_is_made() {
    let machine = Machine::new();
    let deep = |stack_size| {
        let options = DeviceOptions::new("deep").object_name("\\Device\\Disk0");
        machine.device_with(options.stack_size(stack_size), Behavior::transfer())
    };
    for stack_size in [i8::MIN, -1, 0, 127] {
        let device = deep(stack_size);
        let refused = Some(IrpError::InvalidParameter);
        assert_eq!(passive_target(&device).err(), refused);
        assert_eq!(attached(&device).err(), refused);
        assert_eq!(try_pair(&device, &device).err(), refused);
        assert_eq!(open(&NAME).err(), refused);
        assert_eq!(device.references(), 0, "given back");
        device.delete();
    }
    let device = deep(126);
    let at = passive();
    let request = Irp::allocate(passive_target(&device).expect("an IRP reaches it"));
    let request = request.expect("memory").read([0; 8], ByteOffset(0));
    drop(request.send_and_wait(&at, LONG).expect("read"));
    assert_eq!(device.received()[0].stack_count, 126);
    assert_eq!(
        try_pair(&device, &device).err(),
        Some(IrpError::InvalidParameter)
    );
    let device = deep(125);
    let pair = try_pair(&device, &device).expect("126 with the own location");
    let request = Irp::allocate(pair)
        .expect("memory")
        .read([0; 8], ByteOffset(0));
    drop(request.send_and_wait(&at, LONG).expect("read"));
    assert_eq!(device.received()[0].stack_count, 126);
}

/// Whatever happened to the IRP before, its request carries the file object.
#[test]
fn h41_each_request_to_an_opened_device_carries_its_file_object() {
    static SLOT: Slot<done, [u8; 8], OpenedDevice> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let device = named(&machine, When::inline());
    let opened = open(&NAME).expect("it exists");
    assert_eq!(opened.as_ptr(), device.as_ptr());
    let mut irp = Irp::allocate(opened.clone()).expect("memory");
    for round in 0..3 {
        let request = irp.read([round; 8], ByteOffset(0)).on_completion(done, ());
        let sent = request.send_in(&SLOT, &at).expect("free");
        irp = sent.wait(&at, LONG).expect("read").reuse().0;
        let written = irp
            .write([round; 8], ByteOffset(0))
            .send_and_wait(&at, LONG);
        irp = written.expect("written").reuse().0;
        irp = irp
            .flush()
            .send_and_wait(&at, LONG)
            .expect("flushed")
            .reuse()
            .0;
    }
    machine.fail_next_pool_allocation();
    let request = irp.read([0; 8], ByteOffset(0)).on_completion(done, ());
    let not_sent = request.send_boxed(&at).expect_err("no memory");
    drop(not_sent.request.send_boxed(&at).expect("sent"));
    let received = device.received();
    assert_eq!(received.len(), 10);
    let file = opened.file_object().addr();
    assert!(received.iter().all(|received| received.file_object == file));
    // A target that was not opened has none, which the driver below would dereference.
    drop(read(device.target(), [0; 8], 0, done, ()).send_boxed(&at));
    let violations = machine.take_violations();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].kind, ViolationKind::FileObjectMissing);
}

#[test]
fn h41_device_is_opened_or_the_status_says_why_not() {
    let machine = Machine::new();
    let not_found = Some(IrpError::Open(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(open(&NAME).err(), not_found);
    let device = named(&machine, When::inline());
    assert_eq!(open(&[]).err(), not_found);
    assert_eq!(open(&NAME[1..]).err(), not_found);
    // The longest UNICODE_STRING has 65534 bytes.
    assert_eq!(open(&vec![b'x'.into(); 32767]).err(), not_found);
    let too_long = open(&vec![b'x'.into(); 32768]).expect_err("65536 bytes");
    assert_eq!(too_long, IrpError::InvalidParameter);
    drop(open(&NAME).expect("it exists"));
    device.delete();
    assert_eq!(open(&NAME).err(), not_found);
    let options = DeviceOptions::new("locked").object_name("\\Device\\Disk0");
    let options = options.open_status(STATUS_ACCESS_DENIED);
    let locked = machine.device_with(options, Behavior::transfer());
    let denied = open(&NAME).expect_err("access denied");
    assert_eq!(denied.status(), STATUS_ACCESS_DENIED);
    assert_eq!(locked.references(), 0);
}

/// The file is closed when nobody uses it: not while a request is in flight, and not by a thread
/// at `DISPATCH_LEVEL`.
#[test]
fn h41_file_stays_open_until_the_last_request_is_completed() {
    let machine = Machine::new();
    let device = named(&machine, When::triggered());
    let opened = opened_at_dispatch_level(open(&NAME).expect("it exists"));
    let irp = Irp::allocate(opened).expect("memory");
    drop(
        irp.read([0; 8], ByteOffset(0))
            .send_boxed(passive())
            .expect("sent"),
    );
    device.delete();
    assert_eq!(device.references(), 1);
    {
        let _raised = irql::raise(DISPATCH_LEVEL);
        assert!(device.complete_next(STATUS_SUCCESS, 8));
    }
    assert_eq!(device.references(), 0);
}

/// As a file system or class driver does it, while requests are entered.
#[test]
fn h43_flags_of_a_device_are_changed_while_they_are_read() {
    static STOP: AtomicBool = AtomicBool::new(false);

    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    STOP.store(false, Ordering::Relaxed);
    let other = machine.spawn({
        let disk = disk.clone();
        move || {
            while !STOP.load(Ordering::Relaxed) {
                change_flags(&disk, DO_VERIFY_VOLUME, DO_VERIFY_VOLUME);
            }
        }
    });
    let mut irp = allocate(disk.target());
    for _ in 0..if cfg!(miri) { 5 } else { 200 } {
        let request = irp.read([0; 8], ByteOffset(0));
        let completed = request.send_and_wait(passive(), LONG).expect("read");
        assert_eq!(*completed.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
        irp = completed.reuse().0;
    }
    STOP.store(true, Ordering::Relaxed);
    other.join().expect("no panic");
    assert_eq!(disk.flags(), DO_BUFFERED_IO);
}

/// A target that is vouched for takes requests up to `DISPATCH_LEVEL`; the neighbors that must not
/// compile are `ui/hazards/h17_…`.
#[test]
fn h17_requests_arrive_at_the_irql_that_the_target_takes() {
    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    let vouched: &Target = disk.target();
    let request = || read(vouched, [0; 8], 0, done, ());
    {
        let _raised = irql::raise(APC_LEVEL);
        let at = ApcLevel::check().expect("APC_LEVEL");
        drop(request().send_and_wait(&at, LONG).expect("read"));
        let _raised = irql::raise(DISPATCH_LEVEL);
        let at = DispatchLevel::check().expect("DISPATCH_LEVEL");
        drop(request().send_boxed(&at).expect("sent"));
    }
    let unvouched = passive_target(&disk).expect("not too deep");
    let request = Irp::allocate(&unvouched)
        .expect("memory")
        .read([0; 8], ByteOffset(0));
    drop(request.send_and_wait(passive(), LONG).expect("read"));
    let irqls: Vec<_> = disk
        .received()
        .iter()
        .map(|received| received.irql)
        .collect();
    assert_eq!(irqls, [APC_LEVEL, DISPATCH_LEVEL, 0]);
}

/// The status is entered at each send: the driver below has set another one meanwhile.
#[test]
fn h37_initial_status_is_entered_again_when_the_irp_is_used_again() {
    let machine = Machine::new();
    let at = passive();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let device = machine.device(Behavior::custom({
        let begun = begun.clone();
        move |irp| {
            begun
                .lock()
                .expect("no panic")
                .push((irp.major(), irp.status()));
            irp.complete(STATUS_SUCCESS, 0)
        }
    }));
    let mut irp = allocate(device.target());
    for _ in 0..3 {
        let query = irp.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE);
        irp = query.send_and_wait(&at, LONG).expect("answered").reuse().0;
        irp = irp
            .flush()
            .send_and_wait(&at, LONG)
            .expect("flushed")
            .reuse()
            .0;
    }
    let begun = begun.lock().expect("no panic");
    for (major, status) in &*begun {
        let is_pnp = u32::from(*major) == IRP_MJ_PNP;
        assert_eq!(
            *status,
            if is_pnp {
                STATUS_NOT_SUPPORTED
            } else {
                STATUS_SUCCESS
            }
        );
    }
    assert_eq!(begun.len(), 6);
}

/// The routine runs on the thread that sends, cancels and drops. The library holds no lock then:
/// the routine may do all three.
#[test]
fn h47_routine_within_a_send_cancel_or_drop_sends_cancels_and_drops() {
    type Within = Option<Sent<BoxedSlot<done, [u8; 8]>>>;
    type Reading = Slot<within, [u8; 8], wdm_irp::TargetDevice<UpToDispatch>>;

    static SLOT: Reading = Slot::new();

    #[completion_routine]
    fn within(mut irp: Completing<'_, (Target, Within)>) -> Signaled<'_> {
        let at = irp.irql();
        let (target, other) = irp.context_mut();
        drop(other.take());
        let sent = read(target, [0; 8], 0, done, ()).send_boxed(&at);
        let sent = in_flight(sent.expect("memory"));
        sent.cancel();
        assert!(sent.try_complete().is_ok(), "cancelled on this thread");
        assert!(SLOT.claim_is_refused(target, &at));
        irp.signal_if_pended()
    }

    /// Whether a send in the slot of the request in flight is refused, as it must, and ends.
    trait Refuses {
        fn claim_is_refused(&'static self, target: &Target, at: &DispatchLevel) -> bool;
    }
    impl Refuses for Reading {
        fn claim_is_refused(&'static self, target: &Target, at: &DispatchLevel) -> bool {
            let request = read(target, [0; 8], 0, within, (target.clone(), None));
            request
                .send_in(self, at)
                .is_err_and(|not_sent| not_sent.error == IrpError::SlotInUse)
        }
    }

    let machine = Machine::new();
    let at = passive();
    let stuck = disk(&machine, When::cancelled());
    let fast = disk(&machine, When::inline());
    let context = || {
        let other = read(stuck.target(), [0; 8], 0, done, ()).send_boxed(&at);
        (stuck.target().clone(), Some(other.expect("memory")))
    };
    // Within the send.
    drop(read(fast.target(), [0; 8], 0, within, context()).send_in(&SLOT, &at));
    // Within the cancellation.
    let sent = read(stuck.target(), [0; 8], 0, within, context()).send_in(&SLOT, &at);
    let sent = in_flight(sent.expect("free"));
    sent.cancel();
    assert!(sent.try_complete().is_ok());
    // Within the drop.
    drop(read(stuck.target(), [0; 8], 0, within, context()).send_in(&SLOT, &at));
    assert_eq!((machine.live_irps(), stuck.pending()), (0, 0));
}
