//! MDLs.

use wdm_irp::sys::{self, IRP, IoReadAccess, IoWriteAccess, MDL, STATUS_SUCCESS};

use super::support::*;
use crate::{Behavior, Device, DeviceOptions, Machine, ViolationKind, When};

#[derive(Clone, Copy)]
struct Mdl(*mut MDL);

impl Mdl {
    fn allocate(buffer: *mut u8, length: u32, secondary: bool, irp: *mut IRP) -> Self {
        // SAFETY: the tests describe one buffer, and an IRP that is theirs.
        let mdl = unsafe { sys::IoAllocateMdl(buffer.cast(), length, u8::from(secondary), 0, irp) };
        assert!(!mdl.is_null());
        Self(mdl)
    }

    fn free(self) {
        // SAFETY: the ledger checks the MDL before anything touches it.
        unsafe { sys::IoFreeMdl(self.0) };
    }

    fn lock(self) {
        // SAFETY: the ledger checks the MDL before anything touches it.
        unsafe { sys::MmProbeAndLockPages(self.0, sys::KernelMode, IoWriteAccess) };
    }

    fn unlock(self) {
        // SAFETY: the ledger checks the MDL before anything touches it.
        unsafe { sys::MmUnlockPages(self.0) };
    }
}

/// Allocates an IRP whose next location is a read of this many bytes, without system buffer.
fn read(device: &Device, length: u32) -> Irp {
    Irp::allocate(device.stack_size()).read(std::ptr::null_mut(), length)
}

fn direct(machine: &Machine, when: When) -> Device {
    machine.device_with(
        DeviceOptions::new("disk").direct(),
        Behavior::transfer().when(when),
    )
}

#[test]
fn data_arrives_through_a_locked_mdl() {
    let machine = Machine::new();
    let disk = direct(&machine, When::inline());
    let counter = Counter::default();
    let mut buffer = [0_u8; 6000];
    let start = buffer.as_mut_ptr();
    let irp = read(&disk, 6000);
    let mdl = Mdl::allocate(start, 6000, false, irp.0);
    mdl.lock();
    irp.routine(count, counter.context()).call(&disk);
    mdl.unlock();
    mdl.free();
    irp.free();
    // SAFETY: the array is alive, and the driver has given the IRP back.
    let bytes = unsafe { start.cast::<[u8; 6000]>().read() };
    assert_eq!((bytes[0], bytes[1], bytes[5999]), (16, 17, 0x7F));
    assert_eq!(machine.live_mdls(), 0);
    machine.finish();
}

#[test]
fn an_mdl_describes_pages() {
    let machine = Machine::new();
    let mut buffer = vec![0_u8; 3 * 4096];
    let start = buffer.as_mut_ptr();
    let into_page = start.addr() % 4096;
    let mdl = Mdl::allocate(start, 4097, false, std::ptr::null_mut());
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    let fields = unsafe { &*mdl.0 };
    assert_eq!(fields.StartVa.addr() + into_page, start.addr());
    assert_eq!(fields.ByteOffset as usize, into_page);
    assert_eq!(fields.ByteCount, 4097);
    let pages = (into_page + 4097).div_ceil(4096);
    assert_eq!(fields.Size, i16::try_from(48 + 8 * pages).unwrap());
    mdl.free();
    machine.finish();
}

#[test]
fn secondary_mdls_form_a_chain() {
    let machine = Machine::new();
    let mut buffer = [0_u8; 8];
    let irp = Irp::allocate(1);
    let first = Mdl::allocate(buffer.as_mut_ptr(), 4, false, irp.0);
    let second = Mdl::allocate(buffer.as_mut_ptr(), 4, true, irp.0);
    let third = Mdl::allocate(buffer.as_mut_ptr(), 4, true, irp.0);
    assert_eq!(irp.access().mdl_address(), first.0);
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    assert_eq!(unsafe { (*first.0).Next }, second.0);
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    assert_eq!(unsafe { (*second.0).Next }, third.0);
    for mdl in [first, second, third] {
        mdl.free();
    }
    irp.free();
    machine.finish();
}

#[test]
fn leaks() {
    let machine = Machine::new();
    let mut buffer = [0_u8; 8];
    let irp = Irp::allocate(1);
    Mdl::allocate(buffer.as_mut_ptr(), 4, false, irp.0);
    let locked = Mdl::allocate(buffer.as_mut_ptr(), 4, false, std::ptr::null_mut());
    locked.lock();
    irp.free();
    let mut kinds: Vec<ViolationKind> = machine
        .into_report()
        .violations
        .iter()
        .map(|v| v.kind)
        .collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [ViolationKind::MdlLeaked, ViolationKind::PagesLeftLocked]
    );
}

#[test]
fn misuse() {
    let machine = Machine::new();
    let mut buffer = [0_u8; 8];
    let mdl = Mdl::allocate(buffer.as_mut_ptr(), 4, false, std::ptr::null_mut());
    mdl.unlock();
    mdl.lock();
    mdl.lock();
    mdl.free();
    mdl.free();
    mdl.lock();
    mdl.unlock();
    Mdl(std::ptr::null_mut()).free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::PagesNotLocked,
            ViolationKind::PagesLockedTwice,
            ViolationKind::MdlFreedLocked,
            ViolationKind::MdlFreedTwice,
            ViolationKind::FreedMdlUsed,
            ViolationKind::FreedMdlUsed,
            ViolationKind::UnknownMdl,
        ],
    );
}

#[test]
fn released_in_flight() {
    let machine = Machine::new();
    let disk = direct(&machine, When::triggered());
    let counter = Counter::default();
    let mut buffer = [0_u8; 8];
    let irp = read(&disk, 8);
    let mdl = Mdl::allocate(buffer.as_mut_ptr(), 8, false, irp.0);
    mdl.lock();
    irp.routine(count, counter.context()).call(&disk);
    mdl.unlock();
    assert!(disk.complete_next(STATUS_SUCCESS, 0));
    mdl.unlock();
    mdl.free();
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::MdlReleasedInFlight],
    );
}

#[test]
fn a_driver_needs_locked_pages_and_enough_of_them() {
    let machine = Machine::new();
    let disk = direct(&machine, When::inline());
    let counter = Counter::default();
    let mut buffer = [0_u8; 8];
    let irp = read(&disk, 8);
    let mdl = Mdl::allocate(buffer.as_mut_ptr(), 4, false, irp.0);
    irp.routine(count, counter.context()).call(&disk);
    mdl.free();
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::UnlockedPagesUsed,
            ViolationKind::BufferMissing,
        ],
    );
}

#[test]
fn a_request_without_buffer() {
    for options in [
        DeviceOptions::new("disk").buffered(),
        DeviceOptions::new("disk").direct(),
        DeviceOptions::new("disk").neither(),
    ] {
        let machine = Machine::new();
        let disk = machine.device_with(options, Behavior::transfer());
        let counter = Counter::default();
        let irp = read(&disk, 8);
        irp.routine(count, counter.context()).call(&disk);
        assert_eq!(irp.status(), STATUS_SUCCESS);
        irp.free();
        assert_kinds(&machine.into_report(), &[ViolationKind::BufferMissing]);
    }
}

#[test]
fn allocations_fail_on_demand() {
    let machine = Machine::new();
    machine.fail_next_mdl_allocation();
    let mut buffer = [0_u8; 8];
    // SAFETY: the arguments describe one buffer of this test, and no IRP.
    let mdl =
        unsafe { sys::IoAllocateMdl(buffer.as_mut_ptr().cast(), 8, 0, 0, std::ptr::null_mut()) };
    assert!(mdl.is_null());
    machine.finish();
}

#[test]
fn reading_locks_pages_without_the_mark_for_writing() {
    let machine = Machine::new();
    let mut buffer = [0_u8; 8];
    let mdl = Mdl::allocate(buffer.as_mut_ptr(), 8, false, std::ptr::null_mut());
    // SAFETY: the MDL was allocated above, for a buffer that is readable.
    unsafe { sys::MmProbeAndLockPages(mdl.0, sys::KernelMode, IoReadAccess) };
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    assert_eq!(unsafe { (*mdl.0).MdlFlags }, 0x0002);
    mdl.unlock();
    mdl.lock();
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    assert_eq!(unsafe { (*mdl.0).MdlFlags }, 0x0082);
    mdl.unlock();
    mdl.free();
    machine.finish();
}

#[test]
fn a_secondary_mdl_of_an_irp_without_mdl_is_its_first() {
    let machine = Machine::new();
    let mut buffer = [0_u8; 8];
    let irp = Irp::allocate(1);
    let mdl = Mdl::allocate(buffer.as_mut_ptr(), 4, true, irp.0);
    assert_eq!(irp.access().mdl_address(), mdl.0);
    mdl.free();
    irp.free();
    machine.finish();
}

#[test]
fn another_primary_mdl_takes_the_place_of_the_first() {
    let machine = Machine::new();
    let mut buffer = [0_u8; 8];
    let irp = Irp::allocate(1);
    let first = Mdl::allocate(buffer.as_mut_ptr(), 4, false, irp.0);
    let second = Mdl::allocate(buffer.as_mut_ptr(), 4, false, irp.0);
    assert_eq!(irp.access().mdl_address(), second.0);
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    assert!(unsafe { (*first.0).Next }.is_null());
    assert_eq!(machine.live_mdls(), 2);
    first.free();
    second.free();
    irp.free();
    machine.finish();
}

#[test]
fn nonpaged_pool_needs_no_locks() {
    let machine = Machine::new();
    let disk = direct(&machine, When::inline());
    let counter = Counter::default();
    let mut buffer = [0_u8; 8];
    let irp = read(&disk, 8);
    let mdl = Mdl::allocate(buffer.as_mut_ptr(), 8, false, irp.0);
    // MmBuildMdlForNonPagedPool
    // SAFETY: an MDL that the test has allocated and not freed yet, and has to itself.
    unsafe { (*mdl.0).MdlFlags |= 0x0004 };
    irp.routine(count, counter.context()).call(&disk);
    mdl.free();
    irp.free();
    machine.finish();
}
