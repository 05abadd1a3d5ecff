//! Slots in unusual places, and used again after all that can become of a request.

use std::sync::{Arc, LazyLock, OnceLock};

use wdm_irp::in_flight::Sent;
use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{IrpError, Timeout};
use wdm_irp_sim::{Allocation, Behavior, Device, DeviceOptions, Machine, When};
use wdm_irp_tests::{AnyOutcome, Count, LONG, SOON, Slot, count, disk, in_flight, passive, read};

use super::common::{Bytes, check, read_arc, shared};

#[test]
fn handles_of_two_operations_are_swapped_and_replaced() {
    static ONE: Slot<count, Bytes> = Slot::new();
    static TWO: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let slow = disk(&machine, When::after(SOON));
    let disk = disk(&machine, When::triggered().cancelable());
    let request = |offset| read(disk.target(), [0; 8], offset, count, Count::default());
    let mut one = in_flight(request(10).send_in(&ONE, &at).expect("free"));
    let mut two = in_flight(request(20).send_in(&TWO, &at).expect("free"));
    std::mem::swap(&mut one, &mut two);
    let irp = disk.take_next().expect("the first request");
    irp.write_output(&irp.read_pattern());
    irp.complete(STATUS_SUCCESS, 8);
    let one = one.try_complete().expect_err("the second request");
    assert_eq!(
        two.try_complete()
            .expect("the first")
            .expect("read")
            .buffer()[0],
        10
    );

    // The slot of the first one is free, the other one is not.
    let third = read(slow.target(), [0; 8], 30, count, Count::default());
    let third = third.send_in(&TWO, &at).expect_err("in use").request;
    let mut kept = Sent::InFlight(one);
    let old = std::mem::replace(&mut kept, third.send_in(&ONE, &at).expect("free"));
    assert_eq!(kept.wait(&at, LONG).expect("read").buffer()[0], 30);
    drop(old);
}

/// Puts what one kind of memory has given back into a handle that would have had another kind.
#[test]
fn completed_request_is_passed_off_as_one_of_another_memory() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let request = || read(disk.target(), [0; 8], 1, count, Count::default());
    let from_stack = request().send_and_wait(&at, LONG).expect("read");
    let mut on_heap = request().send_boxed(&at).expect("sent");
    let waited = std::mem::replace(&mut on_heap, Sent::Completed(Ok(from_stack))).wait(&at, LONG);
    let mut in_static: Sent<&'static Slot<count, Bytes>> = Sent::Completed(waited);
    if let (Sent::Completed(a), Sent::Completed(b)) = (&mut on_heap, &mut in_static) {
        std::mem::swap(a, b);
    }
    for outcome in [on_heap.wait(&at, LONG), in_static.wait(&at, LONG)] {
        let completed = outcome.expect("read");
        assert_eq!(completed.context().get(), 1);
        assert_eq!(completed.into_parts().0, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

/// Static memory that is no `static`: allocated, leaked, made late, moved before it is lent.
#[test]
fn slots_live_for_ever_in_other_places_than_statics() {
    static LAZY: LazyLock<Slot<count, Bytes>> = LazyLock::new(Slot::new);
    static LEAKED: OnceLock<&'static [Slot<count, Bytes>]> = OnceLock::new();
    static WITHIN: (u8, Option<Slot<count, Bytes>>, u8) = (1, Some(Slot::new()), 2);

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let leaked = LEAKED.get_or_init(|| {
        let slots: &'static mut [Slot<_, _>] = vec![Slot::new(), Slot::default()].leak();
        // Still exclusively ours, so they may move.
        let (first, second) = slots.split_at_mut(1);
        std::mem::swap(&mut first[0], &mut second[0]);
        second[0] = std::mem::take(&mut first[0]);
        slots
    });
    let slots = [
        &*LAZY,
        &leaked[0],
        &leaked[1],
        WITHIN.1.as_ref().expect("some"),
    ];
    for _ in 0..2 {
        let mut offset = 0;
        let sent = slots.map(|slot| {
            offset += 10;
            read(disk.target(), [0; 8], offset, count, Count::default())
                .send_in(slot, &at)
                .expect("free")
        });
        for (sent, first) in sent.into_iter().zip([10, 20, 30, 40]).rev() {
            assert_eq!(sent.wait(&at, LONG).expect("read").buffer()[0], first);
        }
    }
    assert_eq!((WITHIN.0, WITHIN.2), (1, 2));
}

/// The `Completed` of one round is no view of the slot that the next round uses.
#[test]
fn completed_requests_outlive_the_next_rounds_of_their_slot() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let mut kept = Vec::new();
    for (offset, when) in (0_u8..).zip([When::inline(), When::after(SOON), When::inline_marked()]) {
        let disk = disk(&machine, when);
        let request = read(
            disk.target(),
            [0; 8],
            offset.into(),
            count,
            Count::default(),
        );
        kept.push(
            request
                .send_in(&SLOT, passive())
                .expect("free")
                .wait(passive(), LONG)
                .expect("read"),
        );
    }
    for (offset, completed) in (0_u8..).zip(&mut kept) {
        check(completed);
        assert_eq!(completed.transferred()[0], offset);
    }
}

#[test]
fn slot_in_a_box_that_lives_for_ever() {
    static BOXED: OnceLock<Box<Slot<count, [u8; 8]>>> = OnceLock::new();

    let machine = Machine::new();
    let slot: &'static Slot<_, _> = BOXED.get_or_init(Box::default);
    for when in [When::after(SOON), When::inline()] {
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        check(
            &request
                .send_in(slot, passive())
                .expect("free")
                .wait(passive(), LONG)
                .expect("read"),
        );
    }
}

#[test]
fn slot_is_free_again_after_a_failed_mdl_and_the_request_is_sent_again() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON), When::cancelled()] {
        let disk = machine.device_with(
            DeviceOptions::new("direct").direct(),
            Behavior::transfer().when(when),
        );
        let mut request = read(disk.target(), [0; 8], 7, count, Count::default());
        for _ in 0..3 {
            machine.faults().fail(Allocation::Mdl, 0);
            let failed = request.send_in(&SLOT, passive()).expect_err("no MDL");
            assert_eq!(failed.error, IrpError::MdlAllocation);
            machine.faults().fail(Allocation::Mdl, 0);
            let failed = failed.request.send_boxed(passive()).expect_err("no MDL");
            machine.faults().fail(Allocation::Mdl, 0);
            let failed = failed
                .request
                .send_scoped::<_, _, ()>(passive(), |_| unreachable!("not sent"))
                .expect_err("no MDL");
            request = failed.request;
        }
        let completed = request
            .send_in(&SLOT, passive())
            .expect("free")
            .wait(passive(), Timeout::milliseconds(20))
            .completed();
        check(&completed);
        assert_eq!((machine.live_irps(), machine.live_mdls()), (1, 0));
        drop(completed);
        assert_eq!(machine.live_irps(), 0);
    }
}

/// An error that `?` converts leaves the older request in the slot alone.
#[test]
fn refused_request_leaves_the_one_in_the_slot_alone() {
    static SLOT: Slot<shared, [u8; 8]> = Slot::new();

    fn second(disk: &Device, context: &Arc<()>) -> Result<(), IrpError> {
        let sent = read_arc(disk, context).send_in(&SLOT, passive())?;
        drop(sent);
        Ok(())
    }

    let machine = Machine::new();
    let disk = disk(&machine, When::triggered());
    let context = Arc::new(());
    let first = in_flight(
        read_arc(&disk, &context)
            .send_in(&SLOT, passive())
            .expect("free"),
    );
    assert_eq!(second(&disk, &context), Err(IrpError::SlotInUse));
    assert_eq!((disk.pending(), Arc::strong_count(&context)), (1, 2));
    let first = first.try_complete().expect_err("held back");
    assert!(disk.complete_next(STATUS_SUCCESS, 8));
    assert_eq!(
        first
            .try_complete()
            .expect("completed")
            .expect("read")
            .information(),
        8
    );
    assert_eq!(Arc::strong_count(&context), 1);
}
