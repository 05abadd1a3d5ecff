//! The memory that is lent to a request, and how much of it a completed request vouches for.
//!
//! Hazard [H25](../../docs/hazards.md#h25): buffers are aligned like pool memory.

use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{Completing, Signaled, completion_routine};
use wdm_irp_sim::{Behavior, DeviceOptions, LowerIrp, Machine};
use wdm_irp_tests::Slot;
use wdm_irp_tests::{LONG, done, passive, read, system_buffer};

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
    drop(read().send_and_wait(&at, LONG).expect("stack"));
    read().send_scoped(&at, |_sent| ()).expect("scope");
    drop(read().send_in(&SLOT, &at).expect("static"));
    drop(read().send_boxed(&at).expect("pool"));
    machine.finish();
}
