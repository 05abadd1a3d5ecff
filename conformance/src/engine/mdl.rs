//! The steps with MDLs.

use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{
    IoAllocateMdl, IoFreeMdl, IoReadAccess, KernelMode, MDL, MmProbeAndLockPages, MmUnlockPages,
};

use super::act::Act;
use crate::script::Which;

const PAGE_SIZE: usize = 4096;

/// `MDL_PAGES_LOCKED` in `MDL.MdlFlags`
const MDL_PAGES_LOCKED: i16 = 2;

impl Act<'_> {
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
        // SAFETY: the buffer is static; the originator has the IRP.
        let mdl = unsafe { IoAllocateMdl(address, length, secondary, 0, irp) };
        self.bench().mdls[which.index()].store(mdl, Ordering::Release);
        self.trace(format_args!(
            "IoAllocateMdl({}, page + {offset}, {length})",
            mdl_name(which)
        ));
        self.show_mdl(which);
        if attach.is_some() {
            let first = self.name_of_mdl(self.access().mdl());
            self.trace(format_args!("Irp->MdlAddress {first}"));
            if which == Which::Second {
                self.show_mdl(Which::First);
            }
        }
    }

    pub(super) fn detach_mdls(&self) {
        self.access().detach_mdls();
        self.trace(format_args!("Irp->MdlAddress = NULL"));
    }

    pub(super) fn lock_pages(&self, which: Which) {
        // SAFETY: the MDL describes static memory that kernel mode may read.
        unsafe { MmProbeAndLockPages(self.mdl(which), KernelMode, IoReadAccess) };
        self.trace(format_args!("MmProbeAndLockPages({})", mdl_name(which)));
        self.show_mdl(which);
    }

    pub(super) fn unlock_pages(&self, which: Which) {
        // SAFETY: the pages are locked.
        unsafe { MmUnlockPages(self.mdl(which)) };
        self.trace(format_args!("MmUnlockPages({})", mdl_name(which)));
        self.show_mdl(which);
    }

    pub(super) fn free_mdl(&self, which: Which) {
        // SAFETY: the MDL is the scenario's, and its pages are not locked.
        unsafe { IoFreeMdl(self.mdl(which)) };
        self.trace(format_args!("IoFreeMdl({})", mdl_name(which)));
    }

    pub(super) fn show_mdl(&self, which: Which) {
        let mdl = self.mdl(which);
        if mdl.is_null() {
            self.trace(format_args!("{}: NULL", mdl_name(which)));
            return;
        }
        // SAFETY: the MDL is the scenario's.
        let next = unsafe { (*mdl).Next };
        // SAFETY: as above.
        let start = unsafe { (*mdl).StartVa };
        // SAFETY: as above.
        let offset = unsafe { (*mdl).ByteOffset };
        // SAFETY: as above.
        let count = unsafe { (*mdl).ByteCount };
        // SAFETY: as above.
        let flags = unsafe { (*mdl).MdlFlags };
        let start = start.addr().wrapping_sub(PAGES.0.get().addr()) / PAGE_SIZE;
        self.trace(format_args!(
            "{}: Next {}, StartVa page {start}, ByteOffset {offset}, ByteCount {count}, {}",
            mdl_name(which),
            self.name_of_mdl(next),
            if flags & MDL_PAGES_LOCKED == 0 {
                "not locked"
            } else {
                "locked"
            },
        ));
    }

    /// An MDL by its name.
    pub(super) fn name_of_mdl(&self, mdl: *mut MDL) -> &'static str {
        if mdl.is_null() {
            return "NULL";
        }
        Which::ALL
            .into_iter()
            .find(|&which| self.mdl(which) == mdl)
            .map_or("unknown", mdl_name)
    }
}

/// Memory to describe.
#[repr(align(4096))]
struct Pages(UnsafeCell<[u8; 4 * PAGE_SIZE]>);

// SAFETY: nobody reads or writes it.
unsafe impl Sync for Pages {}

static PAGES: Pages = Pages(UnsafeCell::new([0; 4 * PAGE_SIZE]));

const fn mdl_name(which: Which) -> &'static str {
    match which {
        Which::First => "MDL 1",
        Which::Second => "MDL 2",
    }
}
