//! Handles, scopes and contexts that live longer or shorter than what they belong to.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use wdm_irp::in_flight::{InFlight, Sent};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{Completing, PassiveLevel, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Machine, When};
use wdm_irp_tests::{
    AnyOutcome, BoxedSlot, Count, LONG, SOON, Slot, Target, count, disk, in_flight, passive, read,
};

use super::common::{Boxed, Bytes, ROUNDS, read_arc, shared};

/// A request in flight in the context of a request in flight in the context …
struct Link {
    next: Option<Box<Sent<BoxedSlot<Self, Bytes>>>>,
    inner_links: Arc<AtomicUsize>,
}

impl CompletionRoutine for Link {
    type Context = Self;

    fn complete(irp: Completing<'_, Self>) -> Signaled<'_> {
        if irp.context().next.is_some() {
            irp.context().inner_links.fetch_add(1, Ordering::Relaxed);
        }
        irp.signal_if_pended()
    }
}

#[test]
fn requests_in_flight_own_each_other_in_a_long_chain() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::cancelled());
    let inner_links = Arc::new(AtomicUsize::new(0));
    let link = |next| Link {
        next,
        inner_links: inner_links.clone(),
    };
    let mut chain = None;
    for _ in 0..ROUNDS {
        let request = read(disk.target(), [0; 8], 0, link(None), link(chain));
        chain = Some(Box::new(request.send_boxed(&at).expect("sent")));
    }
    assert_eq!(disk.pending(), ROUNDS);
    drop(chain);
    assert_eq!((disk.pending(), machine.live_irps()), (0, 0));
    assert_eq!(inner_links.load(Ordering::Relaxed), ROUNDS - 1);
}

/// Two requests each own the handle of the other one. The routine of one takes the ring apart.
#[test]
fn requests_in_flight_own_each_other_in_a_ring() {
    type Handle = Sent<BoxedSlot<Ring, Bytes>>;
    struct Ring;
    impl CompletionRoutine for Ring {
        type Context = (Arc<Mutex<Option<Handle>>>, mpsc::Sender<Handle>);
        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let (other, out) = irp.context();
            let other = other.lock().expect("no panic").take();
            if let Some(other) = other {
                out.send(other).expect("the originator listens");
            }
            irp.signal_if_pended()
        }
    }

    let machine = Machine::new();
    let at = passive();
    let first = disk(&machine, When::cancelled());
    let second = disk(&machine, When::triggered());
    let (sender, handles) = mpsc::channel();
    let one = Arc::new(Mutex::new(None::<Handle>));
    let two = Arc::new(Mutex::new(None::<Handle>));
    let context = (Arc::clone(&two), sender.clone());
    let request = read(first.target(), [0; 8], 0, Ring, context);
    *one.lock().expect("no panic") = Some(request.send_boxed(&at).expect("sent"));
    let context = (Arc::clone(&one), sender);
    let request = read(second.target(), [0; 8], 0, Ring, context);
    *two.lock().expect("no panic") = Some(request.send_boxed(&at).expect("sent"));
    drop((one, two));
    assert!(second.complete_next(STATUS_SUCCESS, 0));
    // The drop of the first completes it, and its routine hands the second over.
    drop(handles.recv().expect("the first"));
    let completed = handles
        .recv()
        .expect("the second")
        .wait(&at, LONG)
        .expect("read");
    assert_eq!(completed.status(), STATUS_SUCCESS);
    assert!(handles.try_recv().is_err());
}

/// Scopes are nested on one stack, each with a request in flight when the next one begins.
#[test]
fn scopes_are_nested_and_handles_handed_inwards_and_forgotten() {
    fn descend(disk: &Target, buffer: &mut [u8], at: &PassiveLevel, depth: usize) -> usize {
        let (mine, rest) = buffer.split_at_mut(8);
        let scoped = read(disk, mine, 0, count, Count::default()).send_scoped(at, |sent| {
            let deeper = match depth.checked_sub(1) {
                Some(depth) => descend(disk, rest, at, depth),
                None => 0,
            };
            match depth % 3 {
                0 => std::mem::forget(sent),
                1 => drop(sent),
                _ => in_flight(sent).cancel(),
            }
            deeper + 1
        });
        let depths = scoped.expect("sent");
        buffer[0] += 1;
        depths
    }

    let machine = Machine::new();
    let at = passive();
    let stuck = disk(&machine, When::cancelled());
    let mut buffer = [0; 8 * 8];
    assert_eq!(descend(stuck.target(), &mut buffer, &at, 7), 8);

    // An outer handle ends in an inner scope, whose own handle is forgotten.
    let slow = disk(&machine, When::after(SOON));
    let (outer, inner) = buffer.split_at_mut(32);
    let completed = read(slow.target(), outer, 7, count, Count::default())
        .send_scoped(&at, |outer| {
            read(stuck.target(), inner, 0, count, Count::default()).send_scoped(&at, |inner| {
                std::mem::forget(inner);
                outer.wait(&at, LONG)
            })
        })
        .expect("sent")
        .expect("sent")
        .expect("read");
    assert_eq!(completed.into_parts().0[0], 7);
    buffer.fill(0);
}

/// A handle that lives as long as its thread does, and is abandoned with it.
#[test]
fn handle_is_dropped_by_the_destructor_of_a_thread_local() {
    thread_local! {
        static KEPT: RefCell<Option<Sent<BoxedSlot<count, Bytes>>>> = const { RefCell::new(None) };
    }

    let machine = Machine::new();
    for when in [When::after(SOON), When::cancelled()] {
        let disk = disk(&machine, when);
        let target = disk.target().clone();
        machine
            .spawn(move || {
                let sent = read(&target, [0; 8], 0, count, Count::default())
                    .send_boxed(passive())
                    .expect("sent");
                KEPT.set(Some(sent));
            })
            .join()
            .expect("no panic");
        machine.join_drivers();
        assert_eq!(machine.live_irps(), 0);
    }
}

/// The handles of target and device are gone before the request is completed.
#[test]
fn handle_outlives_what_it_was_sent_through() {
    static SLOT: Slot<count, &'static mut [u8]> = Slot::new();
    static BYTES: Mutex<Option<&'static mut [u8]>> = Mutex::new(None);

    let machine = Machine::new();
    let at = passive();
    let mut bytes: &'static mut [u8] = Vec::leak(vec![0; 8]);
    for when in [When::after(SOON), When::cancelled()] {
        let sent = {
            let device = disk(&machine, when);
            let target = device.target().clone();
            let request = read(&target, bytes, 9, count, Count::default());
            drop(device);
            request.send_in(&SLOT, &at).expect("free")
        };
        let completed = sent.wait(&at, Timeout::milliseconds(50)).completed();
        bytes = completed.into_parts().0;
        bytes[0] += 1;
        assert_eq!(bytes[0] % 9, 1 + u8::from(when == When::cancelled()));
    }
    *BYTES.lock().expect("no panic") = Some(bytes);
}

/// Each context owns the handle of the request that its routine has sent; the first drop abandons
/// all.
#[test]
fn chain_of_requests_that_own_each_other_is_abandoned_by_its_head() {
    struct Link {
        left: u8,
        disk: Arc<Target>,
        next: Option<Box<Sent<Boxed<link>>>>,
    }

    #[completion_routine]
    fn link(mut irp: Completing<'_, Link>) -> Signaled<'_> {
        let at = irp.irql();
        let this = irp.context_mut();
        if let Some(left) = this.left.checked_sub(1) {
            let disk = this.disk.clone();
            let next = Link {
                left,
                disk: disk.clone(),
                next: None,
            };
            this.next = read(&disk, [0; 8], 0, link, next)
                .send_boxed(at)
                .ok()
                .map(Box::new);
        }
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::after(SOON),
        When::after(SOON).unmarked(),
    ] {
        let disk = disk(&machine, when);
        let alive = Arc::new(disk.target().clone());
        let context = Link {
            left: 4,
            disk: alive.clone(),
            next: None,
        };
        let sent = read(disk.target(), [0; 8], 0, link, context).send_boxed(passive());
        drop(sent.expect("memory"));
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
    }
}

/// A handle that is kept for its thread is dropped when the thread ends, and does not delay that.
#[test]
fn handle_in_a_thread_local_is_abandoned_at_the_end_of_its_thread() {
    thread_local! {
        static KEPT: RefCell<Option<InFlight<Boxed<shared>>>> = const { RefCell::new(None) };
    }

    let machine = Machine::new();
    let contexts = Arc::new(());
    let (stuck, context) = (disk(&machine, When::triggered()), contexts.clone());
    let device = stuck.clone();
    machine
        .spawn(move || {
            let sent = read_arc(&stuck, &context).send_boxed(passive());
            KEPT.set(Some(in_flight(sent.expect("memory"))));
        })
        .join()
        .expect("no panic");
    assert_eq!((machine.live_irps(), Arc::strong_count(&contexts)), (1, 2));
    assert!(device.complete_next(STATUS_SUCCESS, 8));
    assert_eq!((machine.live_irps(), Arc::strong_count(&contexts)), (0, 1));
}
