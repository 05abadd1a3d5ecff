//! A pair of an own device and the one below holds the lock of the own device from the sending of a
//! request to its completion, and keeps the driver loaded until the routine has returned.
//!
//! Hazards [H13](../../docs/hazards.md#h13), [H24](../../docs/hazards.md#h24) and
//! [H27](../../docs/hazards.md#h27).

use wdm_irp::in_flight::Slot;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::{RemoveLock, Tag};
use wdm_irp::request::{Read, Request};
use wdm_irp::rundown::RundownProtection;
use wdm_irp::sys::{DISPATCH_LEVEL, STATUS_DELETE_PENDING, STATUS_SUCCESS};
use wdm_irp::target::{DevicePair, Hold};
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled, completion_routine};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, Machine, ViolationKind, When, irql};
use wdm_irp_tests::targets::{at_dispatch_level, locked, stays_loaded};
use wdm_irp_tests::{Extension, LONG, Removable, SOON, ZERO, disk, done, in_flight, passive};

/// A pair that holds a lock.
type Pair<H> = DevicePair<H, UpToDispatch>;

/// A pair that holds a remove lock.
type Locked = Pair<InExtension<RemoveLock>>;

/// Whether a routine is registered by `IoSetCompletionRoutineEx`.
const REGISTRATIONS: [bool; 2] = [true, false];

/// Makes a pair of an own device and one below it.
fn pair<H: Hold>(machine: &Machine, lower: &Device, lock: &'static H, with_ex: bool) -> Pair<H> {
    let own = machine.own_device_over(lower);
    let pair = locked(&own, lower, lock).expect("not too deep");
    at_dispatch_level(if with_ex { pair } else { stays_loaded(pair) })
}

fn read<H: Hold>(pair: &Pair<H>) -> Request<Pair<H>, Read, [u8; 8], done> {
    Irp::allocate(pair.clone())
        .expect("memory")
        .read([0; 8], ByteOffset(0))
        .on_completion(done, ())
}

/// The locks of the own device.
fn locks(machine: &Machine) -> &'static Extension {
    Removable::new(machine).into_static()
}

/// Removes the device, which waits for its requests.
fn remove(locks: &Extension) {
    let held = locks
        .remove_lock
        .acquire(Tag::new(0))
        .expect("not removed before");
    held.release_and_wait(passive()).expect("the only wait");
}

#[test]
fn h27_removal_waits_for_the_requests_of_a_pair() {
    for with_ex in REGISTRATIONS {
        for when in [When::triggered(), When::triggered().unmarked()] {
            let machine = Machine::new();
            let lower = disk(&machine, when);
            let locks = locks(&machine);
            let pair = pair(&machine, &lower, &locks.remove_lock, with_ex);
            let waited_for = in_flight(read(&pair).send_boxed(passive()).expect("sent"));
            drop(read(&pair).send_boxed(passive()).expect("sent"));
            let removal = machine.spawn(|| remove(locks));
            while locks.remove_lock.acquire(Tag::new(1)).is_ok() {
                std::thread::yield_now();
            }
            assert!(lower.complete_next(STATUS_SUCCESS, 8));
            drop(waited_for.wait(passive(), LONG).expect("read"));
            std::thread::sleep(SOON);
            assert!(!removal.is_finished(), "one is in flight, and abandoned");
            assert!(lower.complete_next(STATUS_SUCCESS, 8));
            removal.join().expect("no panic");
        }
    }
}

#[test]
fn h27_nothing_is_sent_once_the_removal_has_begun() {
    static SLOT: Slot<done, [u8; 8], Locked> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let lower = disk(&machine, When::inline());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, true);
    let request = read(&pair);
    let used = read(&pair).send_and_wait(&at, LONG).expect("present");
    remove(locks);
    let not_sent = request.send_boxed(&at).expect_err("removed");
    assert_eq!(not_sent.error, IrpError::DeletePending);
    assert_eq!(not_sent.error.status(), STATUS_DELETE_PENDING);
    let not_sent = not_sent.request.send_in(&SLOT, &at).expect_err("removed");
    let not_sent = not_sent.request.send_cancellable(&at).expect_err("removed");
    let not_sent = not_sent.request.send_scoped(&at, |_| panic!("not sent"));
    let request = not_sent.expect_err("removed").request;
    let error = request.send_and_wait(&at, LONG).expect_err("removed");
    assert_eq!(IrpError::from(error), IrpError::DeletePending);
    let (irp, buffer, ()) = used.reuse();
    let again = irp.read(buffer, ByteOffset(0)).send_boxed(&at);
    assert_eq!(again.expect_err("removed").error, IrpError::DeletePending);
    assert_eq!(lower.received().len(), 1);
    assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
}

/// IRPs, requests, outcomes and a canceller: none of them is in flight.
#[test]
fn h27_idle_irps_and_a_forgotten_canceller_do_not_delay_a_removal() {
    let machine = Machine::new();
    let at = passive();
    let lower = disk(&machine, When::inline());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, true);
    let irps: Vec<_> = (0..3).map(|_| Irp::allocate(&pair)).collect();
    let request = read(&pair);
    let completed = read(&pair).send_and_wait(&at, LONG).expect("read");
    let (reused, _, ()) = read(&pair).send_and_wait(&at, LONG).expect("read").reuse();
    let (sent, canceller) = read(&pair).send_cancellable(&at).expect("sent");
    let outcome = sent.wait(&at, LONG).expect("read");
    lower.set_behavior(Behavior::transfer().when(When::cancelled()));
    let (sent, of_cancelled) = read(&pair).send_cancellable(&at).expect("sent");
    let timed_out = sent.wait(&at, ZERO).expect_err("timed out");
    let (abandoned, of_abandoned) = read(&pair).send_cancellable(&at).expect("sent");
    drop(abandoned);
    remove(locks);
    for canceller in [canceller, of_cancelled, of_abandoned] {
        canceller.cancel();
    }
    drop((irps, request, completed, reused, outcome, timed_out));
    assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
}

#[test]
fn h27_leaked_handle_keeps_the_device() {
    let machine = Machine::new();
    let lower = disk(&machine, When::triggered());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, false);
    std::mem::forget(read(&pair).send_boxed(passive()).expect("sent"));
    assert!(lower.complete_next(STATUS_SUCCESS, 8));
    drop(pair);
    let report = machine.into_report();
    assert!(report.has(ViolationKind::RemoveLockLeaked), "{report}");
    assert!(report.has(ViolationKind::IrpLeaked), "{report}");
}

/// The tag is the address of the IRP, which tells Driver Verifier's user which request it is.
#[test]
fn h27_lock_is_released_once_with_the_address_of_the_irp() {
    let machine = Machine::new();
    let at = passive();
    let locks = locks(&machine);
    for when in [
        When::inline(),
        When::after(SOON),
        When::after(SOON).unmarked(),
    ] {
        let lower = disk(&machine, when);
        let pair = pair(&machine, &lower, &locks.remove_lock, true);
        drop(read(&pair).send_and_wait(&at, LONG).expect("read"));
        drop(read(&pair).send_boxed(&at).expect("sent"));
        let scoped = read(&pair).send_scoped(&at, |sent| drop(sent));
        scoped.expect("sent");
        machine.join_drivers();
    }
    let entries = machine.timeline();
    let calls = |of: &str| {
        let entries = entries.entries().iter();
        let mut tags: Vec<_> = entries
            .filter_map(|entry| entry.text.strip_prefix(of).map(str::to_owned))
            .collect();
        tags.sort();
        tags
    };
    let acquired = calls("IoAcquireRemoveLockEx");
    assert_eq!(acquired.len(), 9);
    assert_eq!(acquired, calls("IoReleaseRemoveLockEx"));
    assert!(
        acquired.iter().all(|tag| tag != "(tag 0x0)"),
        "{acquired:?}"
    );
    remove(locks);
}

#[test]
fn h27_run_down_waits_for_the_requests_of_a_pair() {
    let machine = Machine::new();
    let at = passive();
    let lower = disk(&machine, When::triggered());
    let locks = locks(&machine);
    let pair: Pair<InExtension<RundownProtection>> = pair(&machine, &lower, &locks.rundown, true);
    for _ in 0..3 {
        drop(read(&pair).send_boxed(&at).expect("sent"));
        let owner = machine.spawn(|| locks.rundown.wait(passive()).map(drop).is_some());
        while locks.rundown.acquire().is_some() {
            std::thread::yield_now();
        }
        assert!(!owner.is_finished());
        let refused = read(&pair).send_boxed(&at).expect_err("run down");
        assert_eq!(refused.error, IrpError::DeletePending);
        assert!(lower.complete_next(STATUS_SUCCESS, 8));
        assert!(owner.join().expect("no panic"));
        let ended = locks.rundown.wait(&at).expect("run down");
        ended.reinitialize(&at);
        // The refused request may be sent to the next object.
        drop(refused.request.send_boxed(&at).expect("sent"));
        assert!(lower.complete_next(STATUS_SUCCESS, 8));
    }
}

/// Whoever drops the lock, the last instructions of the routine are still to come: the registration
/// keeps the own device, and with it the driver, until the routine has returned.
#[test]
fn h27_registration_keeps_the_own_device_while_the_routine_runs() {
    #[completion_routine]
    fn counts(irp: Completing<'_, Option<Locked>>) -> Signaled<'_> {
        drop(irp.context().clone());
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let locks = locks(&machine);
    for when in [When::inline(), When::after(SOON)] {
        let references = REGISTRATIONS.map(|with_ex| {
            let pair = pair(&machine, &disk(&machine, when), &locks.remove_lock, with_ex);
            let context = Some(pair.clone());
            let request = Irp::allocate(pair)
                .expect("memory")
                .read([0; 8], ByteOffset(0));
            let request = request.on_completion(counts, context);
            drop(request.send_and_wait(passive(), LONG).expect("read"));
            let timeline = machine.timeline();
            let mut entries = timeline.entries().iter().rev();
            let count = |text: &str| {
                let count = text.strip_prefix("ObfReferenceObject(own device) returned ")?;
                count.parse::<usize>().ok()
            };
            entries
                .find_map(|entry| count(&entry.text))
                .expect("cloned")
        });
        assert_eq!(references[0], references[1] + 1);
    }
    remove(locks);
}

#[test]
fn h24_failed_registration_sends_nothing_and_gives_everything_back() {
    static SLOT: Slot<done, [u8; 8], Locked> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let lower = machine.device_with(DeviceOptions::new("direct").direct(), Behavior::transfer());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, true);
    let fail = || {
        machine.fail_next_registration();
        // Nothing is held of the target or attached to the IRP by what has failed.
        assert_eq!((machine.live_mdls(), machine.live_pool_blocks()), (0, 0));
    };
    fail();
    let not_sent = read(&pair).send_boxed(&at).expect_err("no memory");
    assert_eq!(not_sent.error, IrpError::RoutineRegistration);
    fail();
    let not_sent = not_sent.request.send_in(&SLOT, &at).expect_err("no memory");
    fail();
    let not_sent = not_sent
        .request
        .send_cancellable(&at)
        .expect_err("no memory");
    fail();
    let not_sent = not_sent.request.send_scoped(&at, |_| panic!("not sent"));
    let request = not_sent.expect_err("no memory").request;
    fail();
    let error = request.send_and_wait(&at, LONG).expect_err("no memory");
    let wdm_irp::error::SendError::NotSent(not_sent) = error else {
        panic!("{error}");
    };
    assert!(lower.received().is_empty());
    let sent = not_sent
        .request
        .send_in(&SLOT, &at)
        .expect("the slot is free");
    let completed = sent.wait(&at, LONG).expect("read");
    assert_eq!(completed.into_parts().0, [0, 1, 2, 3, 4, 5, 6, 7]);
    remove(locks);
}

/// A failed registration holds nothing: the removal does not wait for it.
#[test]
fn h27_request_that_was_not_sent_holds_nothing() {
    let machine = Machine::new();
    let lower = disk(&machine, When::inline());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, true);
    machine.fail_next_registration();
    let no_registration = read(&pair).send_boxed(passive()).expect_err("no memory");
    machine.fail_next_pool_allocation();
    let no_pool = read(&pair).send_boxed(passive()).expect_err("no memory");
    assert_eq!(no_pool.error, IrpError::SlotAllocation);
    remove(locks);
    drop((no_registration, no_pool));
}

#[test]
fn h24_routine_is_registered_with_the_own_device_at_each_use_of_the_irp() {
    #[completion_routine]
    fn own_device(mut irp: Completing<'_, usize>) -> Signaled<'_> {
        *irp.context_mut() = irp.device_object().addr();
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    let locks = locks(&machine);
    let lower = disk(&machine, When::inline());
    for with_ex in REGISTRATIONS {
        let pair = pair(&machine, &lower, &locks.remove_lock, with_ex);
        let mut irp = Irp::allocate(&pair).expect("memory");
        for round in 0..4 {
            let request = irp.write([round; 8], ByteOffset(0));
            let request = request.on_completion(own_device, 0);
            let completed = request.send_and_wait(&at, LONG).expect("written");
            assert_eq!(*completed.context(), pair.own().addr());
            irp = completed.reuse().0;
        }
    }
    let registered = |text: &str| {
        let timeline = machine.timeline();
        let entries = timeline.entries().iter();
        entries.filter(|entry| entry.text == text).count()
    };
    assert_eq!(registered("IoSetCompletionRoutineEx"), 4);
    remove(locks);
}

/// Another thread has the right to cancel a request whose IRP could come back for the next one. It
/// does not: that is a type.
#[test]
fn h13_canceller_does_not_cancel_the_next_request_of_the_device() {
    let machine = Machine::new();
    let at = passive();
    let lower = disk(&machine, When::inline());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, true);
    let (sent, canceller) = read(&pair).send_cancellable(&at).expect("sent");
    drop(sent.wait(&at, LONG).expect("read"));
    lower.set_behavior(Behavior::transfer().when(When::triggered().cancelable()));
    let next = in_flight(read(&pair).send_boxed(&at).expect("sent"));
    machine
        .spawn(move || canceller.cancel())
        .join()
        .expect("no panic");
    assert!(lower.complete_next(STATUS_SUCCESS, 8), "not cancelled");
    assert_eq!(next.wait(&at, LONG).expect("read").information(), 8);
    remove(locks);
}

/// The lock is taken and released, and the last references go, in code at `DISPATCH_LEVEL`.
#[test]
fn h17_pair_is_used_and_dropped_at_dispatch_level() {
    let machine = Machine::new();
    let lower = disk(&machine, When::triggered());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, &locks.remove_lock, true);
    {
        let _raised = irql::raise(DISPATCH_LEVEL);
        let at = wdm_irp::irql::DispatchLevel::check().expect("DISPATCH_LEVEL");
        drop(read(&pair).send_boxed(&at).expect("sent"));
        drop(pair);
        assert!(lower.complete_next(STATUS_SUCCESS, 8));
    }
    assert_eq!((lower.references(), machine.live_irps()), (0, 0));
    remove(locks);
}
