//! A handle of a request in flight: waited for, polled, cancelled, dropped or forgotten.
//!
//! Hazards [H7](../../docs/hazards.md#h7), [H13](../../docs/hazards.md#h13) and
//! [H20](../../docs/hazards.md#h20).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wdm_irp::in_flight::Sent;
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::{Completing, IrpError, PassiveLevel, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Device, Machine, When};
use wdm_irp_tests::{
    AnyOutcome, Count, LONG, SOON, Slot, Target, count, disk, done, in_flight, passive, read,
};

#[test]
fn h13_cancel_may_race_with_completion() {
    let machine = Machine::new();
    let at = passive();
    let rounds = if cfg!(miri) { 5 } else { 200 };
    for round in 0..rounds {
        let when = When::after(Duration::from_micros(round * 7 % 300)).cancelable();
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        let sent = request.send_boxed(&at).expect("memory");
        if let Sent::InFlight(in_flight) = sent {
            std::thread::scope(|threads| {
                let handle = machine.handle();
                let in_flight = &in_flight;
                threads.spawn(move || {
                    let _on = handle.enter();
                    in_flight.cancel();
                });
                in_flight.cancel();
            });
            let completed = in_flight.wait(&at, LONG).completed();
            assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
            assert_eq!(completed.context().get(), 1);
        }
    }
}

#[test]
fn h13_cancel_after_completion_does_nothing() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::before_return().cancelable());
    let request = read(disk.target(), [0; 8], 0, done, ());
    let Sent::InFlight(in_flight) = request.send_boxed(&at).expect("memory") else {
        panic!("marked pending")
    };
    in_flight.cancel();
    in_flight.cancel();
    assert_eq!(
        in_flight.wait(&at, LONG).expect("read").status(),
        STATUS_SUCCESS
    );
}

#[test]
fn poll_does_not_wait() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::triggered());
    let request = read(disk.target(), [0; 8], 0, count, Count::default());
    let Sent::InFlight(mut in_flight) = request.send_boxed(&at).expect("memory") else {
        panic!("pended")
    };
    for _ in 0..3 {
        in_flight = in_flight.try_complete().expect_err("still in flight");
    }
    assert!(disk.complete_next(STATUS_SUCCESS, 8));
    let completed = in_flight.try_complete().expect("completed").expect("read");
    assert_eq!((completed.information(), completed.context().get()), (8, 1));
}

/// Counts how often it was dropped.
#[derive(Debug, Clone, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[completion_routine]
fn keep(irp: Completing<'_, Drops>) -> Signaled<'_> {
    assert_eq!(irp.context().count(), 0, "the context is alive");
    irp.signal_if_pended()
}

type Request = wdm_irp::request::Request<Target, wdm_irp::request::Read, [u8; 8], keep>;

fn request(disk: &Device, drops: &Drops) -> Request {
    read(disk.target(), [0; 8], 0, keep, Drops(drops.0.clone()))
}

#[test]
fn h07_dropping_a_handle_cancels() {
    let machine = Machine::new();
    let at = passive();
    let (disk, drops) = (disk(&machine, When::cancelled()), Drops::default());
    drop(request(&disk, &drops).send_boxed(&at).expect("sent"));
    // The driver has completed it in `IoCancelIrp`.
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));
    assert!(machine.timeline().to_text().contains("IoCancelIrp"));
}

/// What a driver that does not cancel still writes to is there until it completes the request.
#[test]
fn h07_dropped_handle_leaves_its_memory_to_the_driver() {
    static SLOT: Slot<keep, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::triggered());
    let sends: [fn(Request, &PassiveLevel); 2] = [
        |request, at| drop(request.send_boxed(at).expect("sent")),
        |request, at| drop(request.send_in(&SLOT, at).expect("sent")),
    ];
    for send in sends {
        let drops = Drops::default();
        send(request(&disk, &drops), &at);
        assert_eq!((machine.live_irps(), drops.count()), (1, 0));
        let irp = disk.take_next().expect("in flight");
        irp.write_output(&irp.read_pattern());
        irp.complete(STATUS_SUCCESS, 8);
        assert_eq!((machine.live_irps(), drops.count()), (0, 1));
    }
}

#[test]
fn h07_early_return_in_a_scope() {
    fn early(request: Request, at: &PassiveLevel) -> Result<u32, IrpError> {
        request
            .send_scoped(at, |sent| {
                let _in_flight = in_flight(sent);
                if at_least(1) {
                    return 7;
                }
                8
            })
            .map_err(IrpError::from)
    }
    fn at_least(n: usize) -> bool {
        n > 0
    }

    let machine = Machine::new();
    let (disk, drops) = (disk(&machine, When::cancelled()), Drops::default());
    assert_eq!(early(request(&disk, &drops), &passive()), Ok(7));
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));
}

#[test]
fn h07_question_mark_while_in_flight() {
    fn fails(request: Request, at: &PassiveLevel) -> Result<(), IrpError> {
        let _sent = request.send_boxed(at)?;
        Err(IrpError::InvalidParameter)?;
        Ok(())
    }

    let machine = Machine::new();
    let (disk, drops) = (disk(&machine, When::cancelled()), Drops::default());
    assert_eq!(
        fails(request(&disk, &drops), &passive()),
        Err(IrpError::InvalidParameter)
    );
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));
}

#[test]
fn h07_panic_while_in_flight() {
    let machine = Machine::new();
    let at = passive();
    let (disk, drops) = (disk(&machine, When::cancelled()), Drops::default());
    let on_the_heap = catch_unwind(AssertUnwindSafe(|| {
        let _sent = request(&disk, &drops).send_boxed(&at).expect("sent");
        panic!("while in flight");
    }));
    assert!(on_the_heap.is_err());
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));

    let drops = Drops::default();
    let in_a_scope = catch_unwind(AssertUnwindSafe(|| {
        request(&disk, &drops)
            .send_scoped(&at, |sent| {
                std::mem::forget(sent);
                panic!("in the scope");
            })
            .expect("sent")
    }));
    assert!(in_a_scope.is_err());
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));
}

#[test]
fn h07_replacing_a_handle_cancels_the_old_request() {
    let machine = Machine::new();
    let at = passive();
    let (disk, drops) = (disk(&machine, When::cancelled()), Drops::default());
    let second = Drops::default();
    let mut kept = request(&disk, &drops).send_boxed(&at).expect("sent");
    assert!(matches!(kept, Sent::InFlight(_)));
    kept = request(&disk, &second).send_boxed(&at).expect("sent");
    assert_eq!((drops.count(), second.count()), (1, 0));
    drop(kept);
    assert_eq!((machine.live_irps(), second.count()), (0, 1));
}

#[test]
fn h20_handle_forgotten_in_a_scope_is_settled() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::cancelled());
    let drops = Drops::default();
    let mut sector = [0; 8];
    read(disk.target(), &mut sector, 0, keep, Drops(drops.0.clone()))
        .send_scoped(&at, |sent| std::mem::forget(sent))
        .expect("sent");
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));
    sector.fill(1);
}

#[test]
fn h20_handle_leaked_in_a_box_inside_a_scope_is_settled() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let drops = Drops::default();
    request(&disk, &drops)
        .send_scoped(&at, |sent| {
            // Without a destructor, and without a leak that would trouble a leak checker.
            let _kept = std::mem::ManuallyDrop::new(sent);
        })
        .expect("sent");
    assert_eq!((machine.live_irps(), drops.count()), (0, 1));
}

/// A boxed operation whose handle is forgotten leaves its memory to the lower driver forever.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose, which Miri reports")]
fn h20_forgotten_boxed_operation_keeps_its_memory() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::triggered());
    let drops = Drops::default();
    std::mem::forget(request(&disk, &drops).send_boxed(&at).expect("sent"));
    assert_eq!((machine.live_irps(), drops.count()), (1, 0));
    assert!(
        disk.complete_next(STATUS_SUCCESS, 8),
        "the driver writes to memory that is still there"
    );
    assert_eq!(drops.count(), 0);
    let report = machine.into_report();
    assert!(
        report.has(wdm_irp_sim::ViolationKind::IrpLeaked),
        "only a leak: {report}"
    );
}

/// A static operation whose handle is forgotten keeps its slot, so that no other gets its memory.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose, which Miri reports")]
fn h20_forgotten_static_operation_keeps_its_slot() {
    static SLOT: Slot<keep, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::triggered());
    let (drops, refused_drops) = (Drops::default(), Drops::default());
    std::mem::forget(request(&disk, &drops).send_in(&SLOT, &at).expect("sent"));
    let refused = request(&disk, &refused_drops)
        .send_in(&SLOT, &at)
        .expect_err("in use");
    assert_eq!(refused.error, IrpError::SlotInUse);
    drop(refused);
    assert_eq!((drops.count(), refused_drops.count()), (0, 1));
    assert!(disk.complete_next(STATUS_SUCCESS, 8));
    let refused = request(&disk, &refused_drops)
        .send_in(&SLOT, &at)
        .expect_err("never reclaimed");
    assert_eq!(refused.error, IrpError::SlotInUse);
    drop(refused);
    let report = machine.into_report();
    assert!(
        report.has(wdm_irp_sim::ViolationKind::IrpLeaked),
        "only a leak: {report}"
    );
}

#[test]
fn static_slot_is_used_again_and_again() {
    static SLOT: Slot<keep, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let slow = disk(&machine, When::after(SOON));
    let stuck = disk(&machine, When::cancelled());
    for target in [&slow, &stuck, &slow] {
        let drops = Drops::default();
        let sent = request(target, &drops).send_in(&SLOT, &at).expect("free");
        let in_use = request(target, &Drops::default())
            .send_in(&SLOT, &at)
            .expect_err("in use");
        assert_eq!(in_use.error, IrpError::SlotInUse);
        drop(in_use);
        let completed = sent.wait(&at, Timeout::milliseconds(50)).completed();
        assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
        assert_eq!(drops.count(), 0);
        drop(completed);
        assert_eq!(drops.count(), 1);
    }
}

#[test]
fn handle_goes_to_another_thread_and_is_waited_for_there() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let drops = Drops::default();
    let sent = request(&disk, &drops).send_boxed(&at).expect("sent");
    let status = machine
        .spawn(move || {
            sent.wait(passive(), Timeout::FOREVER)
                .expect("read")
                .status()
        })
        .join()
        .expect("no panic");
    assert_eq!((status, drops.count()), (STATUS_SUCCESS, 1));
}
