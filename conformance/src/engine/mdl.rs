//! The steps with MDLs.

use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{
    IoAllocateMdl, IoFreeMdl, IoReadAccess, KernelMode, MDL, MmProbeAndLockPages, MmUnlockPages,
};

use super::act::Act;
use crate::script::Which;

/// Bytes of a page.
const PAGE_SIZE: usize = 4096;

/// `MDL_PAGES_LOCKED` in `MDL.MdlFlags`
const MDL_PAGES_LOCKED: i16 = 2;

impl Act<'_> {
    /// `IoAllocateMdl`
    pub(super) fn allocate_mdl(
        &self,
        which: Which,
        offset: usize,
        length: u32,
        attach: Option<bool>,
    ) {
        let buffer = PAGES.0.get().cast::<u8>();
        let address = buffer.wrapping_add(offset).cast();
        let irp = attach.map_or(null_mut(), |_| self.irp);
        let secondary = u8::from(attach == Some(true));
        // SAFETY: the script asks for ranges of `PAGES`; `irp` is null, or the IRP that the
        // originator has (invariant 1 of `Scenario`).
        let mdl = unsafe { IoAllocateMdl(address, length, secondary, 0, irp) };
        self.bench().mdls[which.index()].store(mdl, Ordering::Release);
        self.trace(format_args!(
            "IoAllocateMdl({}, page + {offset}, {length})",
            mdl_name(which)
        ));
        self.show_mdl(which);
        if attach.is_some() {
            let first = self.name_of_mdl(self.access().mdl_address());
            self.trace(format_args!("Irp->MdlAddress {first}"));
            if which == Which::Second {
                self.show_mdl(Which::First);
            }
        }
    }

    /// Takes the MDLs off the IRP.
    pub(super) fn detach_mdls(&self) {
        self.access().set_mdl_address(null_mut());
        self.trace(format_args!("Irp->MdlAddress = NULL"));
    }

    /// `MmProbeAndLockPages`
    pub(super) fn lock_pages(&self, which: Which) {
        // SAFETY: the MDL is allocated, its pages are not locked (invariant 1 of `Scenario`), and
        // they are those of `PAGES`, which kernel mode may read.
        unsafe { MmProbeAndLockPages(self.mdl(which), KernelMode, IoReadAccess) };
        self.trace(format_args!("MmProbeAndLockPages({})", mdl_name(which)));
        self.show_mdl(which);
    }

    /// `MmUnlockPages`
    pub(super) fn unlock_pages(&self, which: Which) {
        // SAFETY: the pages are locked (invariant 1 of `Scenario`).
        unsafe { MmUnlockPages(self.mdl(which)) };
        self.trace(format_args!("MmUnlockPages({})", mdl_name(which)));
        self.show_mdl(which);
    }

    /// `IoFreeMdl`
    pub(super) fn free_mdl(&self, which: Which) {
        // SAFETY: the MDL is allocated, and its pages are not locked (invariant 1 of `Scenario`).
        unsafe { IoFreeMdl(self.mdl(which)) };
        self.trace(format_args!("IoFreeMdl({})", mdl_name(which)));
    }

    /// Writes down the fields of an MDL.
    fn show_mdl(&self, which: Which) {
        let mdl = self.mdl(which);
        if mdl.is_null() {
            self.trace(format_args!("{}: NULL", mdl_name(which)));
            return;
        }
        // SAFETY: not null, so allocated by `IoAllocateMdl`; no step shows an MDL that was freed
        // (invariant 1 of `Scenario`), and no other thread changes the fields of an MDL. A copy of
        // plain data.
        let fields = unsafe { mdl.read() };
        let start = fields.StartVa.addr().wrapping_sub(PAGES.0.get().addr()) / PAGE_SIZE;
        self.trace(format_args!(
            "{}: Next {}, StartVa page {start}, ByteOffset {}, ByteCount {}, {}",
            mdl_name(which),
            self.name_of_mdl(fields.Next),
            fields.ByteOffset,
            fields.ByteCount,
            if fields.MdlFlags & MDL_PAGES_LOCKED == 0 {
                "not locked"
            } else {
                "locked"
            },
        ));
    }

    /// Returns what an MDL is called in the trace.
    fn name_of_mdl(&self, mdl: *mut MDL) -> &'static str {
        if mdl.is_null() {
            return "NULL";
        }
        Which::ALL
            .into_iter()
            .find(|&which| self.mdl(which) == mdl)
            .map_or("unknown", mdl_name)
    }
}

/// Memory for MDLs to describe.
#[repr(align(4096))]
struct Pages(UnsafeCell<[u8; 4 * PAGE_SIZE]>);

// SAFETY: the bytes are in an `UnsafeCell` and nothing reads or writes them: only their address is
// used.
unsafe impl Sync for Pages {}

static PAGES: Pages = Pages(UnsafeCell::new([0; 4 * PAGE_SIZE]));

/// Returns what one of the two MDLs is called in the trace.
const fn mdl_name(which: Which) -> &'static str {
    match which {
        Which::First => "MDL 1",
        Which::Second => "MDL 2",
    }
}
