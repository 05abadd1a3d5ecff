//! Routines that move their context away, delegate to each other, or are written by hand.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::mpsc;

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completing, Signaled, completion_routine};
use wdm_irp_sim::{Device, Machine, When};
use wdm_irp_tests::{Count, LONG, SOON, count, disk, passive, read};

/// The routine moves contexts out and in, and another thread drops them meanwhile.
#[test]
fn routine_moves_its_context_out_and_leaves_another_one() {
    struct Moves;
    impl CompletionRoutine for Moves {
        type Context = (Box<[u8]>, mpsc::Sender<Box<[u8]>>);
        fn complete(mut irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let (payload, out) = irp.context_mut();
            let mut other: Box<[u8]> = vec![2; 100].into();
            std::mem::swap(payload, &mut other);
            out.send(other).expect("somebody listens");
            let (old, out) =
                std::mem::replace(irp.context_mut(), (Box::new([]), mpsc::channel().0));
            out.send(old).expect("somebody listens");
            irp.signal_if_pended()
        }
    }

    let machine = Machine::new();
    let at = passive();
    for when in [When::inline(), When::after(SOON)] {
        let disk = disk(&machine, when);
        let (sender, payloads) = mpsc::channel::<Box<[u8]>>();
        let listener =
            machine.spawn(move || payloads.iter().map(|bytes| bytes.len()).sum::<usize>());
        let completed = read(disk.target(), [0; 8], 0, Moves, (Box::new([1; 10]), sender))
            .send_and_wait(&at, LONG)
            .expect("read");
        assert!(completed.into_parts().1.0.is_empty());
        assert_eq!(listener.join().expect("no panic"), 110);
    }
}

/// A routine hands its IRP to another one, which looks for its own type in the context.
#[test]
fn routines_call_each_other_and_downcast_their_context() {
    use std::any::Any;

    struct Inner<T>(PhantomData<T>);
    impl<T: Send + 'static> CompletionRoutine for Inner<T> {
        type Context = Box<dyn Any + Send>;
        fn complete(mut irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            if irp.context().is::<T>() {
                *irp.context_mut() = Box::new("found");
            }
            irp.signal_if_pended()
        }
    }
    struct Outer;
    impl CompletionRoutine for Outer {
        type Context = Box<dyn Any + Send>;
        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            if irp.context().is::<Cell<u64>>() {
                Inner::<Cell<u64>>::complete(irp)
            } else {
                Inner::<String>::complete(irp)
            }
        }
    }

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let contexts: [Box<dyn Any + Send>; 3] = [
        Box::new(Cell::new(1_u64)),
        Box::new(String::from("text")),
        Box::new([0_u8; 3]),
    ];
    let found = contexts.map(|context| {
        let completed = read(disk.target(), [0; 8], 0, Outer, context)
            .send_boxed(&at)
            .expect("sent")
            .wait(&at, LONG)
            .expect("read");
        completed.context().is::<&'static str>()
    });
    assert_eq!(found, [true, true, false]);
}

/// Two routines as one: generic, with an associated constant, through a function pointer.
#[test]
fn routine_written_by_hand_delegates_to_others() {
    struct Either<A, B, const FIRST: bool>(PhantomData<fn(A, B)>);

    impl<A, B, const FIRST: bool> Either<A, B, FIRST>
    where
        A: CompletionRoutine,
        B: CompletionRoutine<Context = A::Context>,
    {
        const CHOSEN: fn(Completing<'_, A::Context>) -> Signaled<'_> =
            if FIRST { A::complete } else { B::complete };
    }

    impl<A, B, const FIRST: bool> CompletionRoutine for Either<A, B, FIRST>
    where
        A: CompletionRoutine,
        B: CompletionRoutine<Context = A::Context>,
    {
        type Context = A::Context;

        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let chosen: &dyn for<'irp> Fn(Completing<'irp, A::Context>) -> Signaled<'irp> =
                &Self::CHOSEN;
            chosen(irp)
        }
    }

    #[completion_routine]
    fn twice(irp: Completing<'_, Count>) -> Signaled<'_> {
        irp.context().add();
        // A routine may hand its IRP to another one, whose token is its own then.
        match irp.pending_returned() {
            Pended(irp) => {
                irp.context().add();
                irp.signal()
            }
            Inline(irp) => {
                irp.context().add();
                irp.finish()
            }
        }
    }

    fn counted<const FIRST: bool>(disk: &Device) -> u32 {
        let routine = Either::<count, twice, FIRST>(PhantomData);
        let request = read(disk.target(), [0; 8], 0, routine, Count::default());
        let completed = request.send_and_wait(passive(), LONG).expect("read");
        completed.context().get()
    }

    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON), When::inline_marked()] {
        let disk = disk(&machine, when);
        assert_eq!((counted::<true>(&disk), counted::<false>(&disk)), (1, 2));
    }
}
