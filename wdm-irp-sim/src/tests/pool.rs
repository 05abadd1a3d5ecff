//! Pool memory: `ExAllocatePoolWithTag` and `ExFreePoolWithTag`.

use std::ffi::c_void;

use wdm_irp::sys::{self, NonPagedPoolNx, PagedPool, STATUS_SUCCESS};

use super::support::{
    Counter, Event, Irp, assert_kinds, count, has_entry, machine_and_device,
    machine_and_device_when, until,
};
use crate::io::major;
use crate::irql::raise;
use crate::{Allocation, Device, Machine, ViolationKind, When};

const TAG: u32 = u32::from_le_bytes(*b"Test");

/// A block of pool memory.
#[derive(Clone, Copy)]
struct Block(*mut c_void);

// SAFETY: pool memory belongs to no thread.
unsafe impl Send for Block {}

impl Block {
    fn allocate(pool_type: i32, size: usize) -> Self {
        // SAFETY: the model checks the arguments, and reports bad ones.
        Self(unsafe { sys::ExAllocatePoolWithTag(pool_type, size, TAG) })
    }

    fn new(size: usize) -> Self {
        let block = Self::allocate(NonPagedPoolNx, size);
        assert!(!block.0.is_null());
        block
    }

    fn free(self) {
        self.free_with(TAG);
    }

    fn free_with(self, tag: u32) {
        // SAFETY: the ledger checks the block before anything touches it.
        unsafe { sys::ExFreePoolWithTag(self.0, tag) };
    }

    /// Writes a byte, which may be the first one behind the block.
    fn write(self, offset: usize) {
        // SAFETY: in the block or its guard.
        let byte = unsafe { self.0.cast::<u8>().add(offset) };
        // SAFETY: the test has allocated the block, and alone knows it.
        unsafe { byte.write(1) };
    }
}

#[test]
fn blocks_are_aligned_counted_and_freed() {
    let machine = Machine::new();
    for (size, alignment) in [(1, 16), (4095, 16), (4096, 4096), (5000, 4096)] {
        let block = Block::new(size);
        assert_eq!(block.0.addr() % alignment, 0, "{size}");
        block.write(0);
        block.write(size - 1);
        assert_eq!(machine.live_pool_blocks(), 1);
        block.free();
        assert_eq!(machine.live_pool_blocks(), 0);
    }
    for pool_type in [0, PagedPool, 4, 5, 516] {
        let block = Block::allocate(pool_type, 3);
        assert_eq!(block.0.addr() % 16, 0);
        assert!(pool_type & 4 == 0 || block.0.addr().is_multiple_of(64));
        block.free();
    }
    assert!(has_entry(
        &machine,
        "ExAllocatePoolWithTag(1 bytes, tag 'Test')"
    ));
    assert!(has_entry(
        &machine,
        "ExFreePoolWithTag(1 bytes, tag 'Test')"
    ));
    machine.finish();
}

#[test]
fn pool_allocations_fail_on_demand() {
    let machine = Machine::new();
    machine.fail_next_pool_allocation();
    machine.faults().fail(Allocation::Pool, 2);
    let failed: Vec<bool> = (0..4)
        .map(|_| {
            let block = Block::allocate(NonPagedPoolNx, 8);
            if !block.0.is_null() {
                block.free();
            }
            block.0.is_null()
        })
        .collect();
    assert_eq!(failed, [true, false, true, false]);
    machine.finish();
}

#[test]
fn pool_with_bad_arguments() {
    let machine = Machine::new();
    assert!(Block::allocate(NonPagedPoolNx, 0).0.is_null());
    assert!(Block::allocate(2, 8).0.is_null());
    // SAFETY: the model checks the tag, and allocates nothing.
    let untagged = unsafe { sys::ExAllocatePoolWithTag(NonPagedPoolNx, 8, 0) };
    assert!(untagged.is_null());
    assert_kinds(&machine.into_report(), &[ViolationKind::PoolBadArgument; 3]);
}

#[test]
fn a_block_is_never_freed() {
    let machine = Machine::new();
    Block::new(24);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::PoolLeaked]);
    let text = "24 bytes of pool with tag 'Test' were never freed";
    assert!(report.to_string().contains(text), "{report}");
}

#[test]
fn a_block_is_freed_twice() {
    let machine = Machine::new();
    let block = Block::new(8);
    block.free();
    block.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::PoolFreedTwice]);
}

#[test]
fn what_is_no_block_is_freed() {
    let machine = Machine::new();
    let block = Block::new(8);
    Block(block.0.wrapping_byte_add(7)).free();
    Block(block.0.wrapping_byte_add(8)).free();
    Block(std::ptr::null_mut()).free();
    block.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::UnknownPoolBlock; 3]);
    let inside = "an address 7 bytes into a block of 8 bytes";
    assert!(report.violations[0].detail.contains(inside), "{report}");
    let outside = "something that is no pool block";
    assert!(report.violations[1].detail.contains(outside), "{report}");
}

#[test]
fn an_irp_is_freed_as_pool() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    Block(irp.0.cast()).free();
    irp.free();
    Block(irp.0.cast()).free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::IrpFreedAsPool,
            ViolationKind::UnknownPoolBlock,
        ],
    );
}

#[test]
fn a_block_is_freed_with_another_tag() {
    let machine = Machine::new();
    Block::new(8).free_with(TAG + 1);
    assert_eq!(machine.live_pool_blocks(), 0);
    assert_kinds(&machine.into_report(), &[ViolationKind::PoolWrongTag]);
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn a_block_is_written_past() {
    for free in [true, false] {
        let machine = Machine::new();
        let block = Block::new(5);
        block.write(5);
        let mut expected = vec![ViolationKind::PoolOverrun];
        if free {
            block.free();
        } else {
            expected.insert(0, ViolationKind::PoolLeaked);
        }
        assert_kinds(&machine.into_report(), &expected);
    }
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn a_block_is_written_to_after_it_was_freed() {
    let machine = Machine::new();
    let block = Block::new(5);
    block.free();
    block.write(3);
    assert_kinds(&machine.into_report(), &[ViolationKind::WriteAfterFree]);
}

#[test]
fn the_irql_of_pool() {
    let machine = Machine::new();
    let (nonpaged, paged) = (Block::new(8), Block::allocate(PagedPool, 8));
    {
        let _raised = raise(1);
        Block::allocate(PagedPool, 8).free();
    }
    {
        let _raised = raise(2);
        Block::new(8).free();
        paged.free();
        Block::allocate(PagedPool, 8).free();
    }
    {
        let _raised = raise(3);
        nonpaged.free();
        Block::new(8).free();
    }
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::PagedPoolFreedAtBadIrql,
            ViolationKind::PagedPoolAllocatedAtBadIrql,
            ViolationKind::PagedPoolFreedAtBadIrql,
            ViolationKind::PoolFreedAtBadIrql,
            ViolationKind::PoolAllocatedAtBadIrql,
            ViolationKind::PoolFreedAtBadIrql,
        ],
    );
}

/// Sends a read into a block of pool memory.
fn read_into_a_block(device: &Device, counter: &Counter) -> (Irp, Block) {
    let (irp, buffer) = (Irp::allocate(1), Block::new(8));
    irp.read(buffer.0.cast(), 8)
        .routine(count, counter.context())
        .call(device);
    (irp, buffer)
}

#[test]
fn what_an_irp_in_flight_uses_is_freed() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    // Its buffer, then the context of its routine.
    let (irp, buffer) = read_into_a_block(&device, &counter);
    buffer.free();
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    let (irp, context) = (Irp::allocate(1), Block::new(size_of::<Counter>()));
    // SAFETY: a block of this size, which this test alone knows.
    unsafe { context.0.cast::<Counter>().write(Counter::default()) };
    irp.major(major::READ)
        .routine(count, context.0)
        .call(&device);
    context.free();
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::PoolFreedInUse; 2]);
    assert_eq!(report.violations[0].irp, Some(1));
    assert_eq!(report.violations[1].irp, Some(2));
}

#[test]
fn what_an_irp_has_used_may_be_freed() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let (irp, buffer) = read_into_a_block(&device, &counter);
    buffer.free();
    irp.free();
    machine.finish();
}

#[test]
fn an_event_that_a_thread_waits_on_is_freed() {
    let machine = Machine::new();
    let block = Block::new(size_of::<sys::KEVENT>());
    let event = Event(block.0.cast());
    event.initialize(sys::NotificationEvent);
    let waiter = machine.spawn(move || event.wait(None));
    until(|| event.waiters() == 1);
    block.free();
    event.set();
    assert_eq!(waiter.join().unwrap(), STATUS_SUCCESS);
    assert_kinds(&machine.into_report(), &[ViolationKind::PoolFreedInUse]);
}
