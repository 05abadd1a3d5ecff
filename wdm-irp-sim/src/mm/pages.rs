//! `MmProbeAndLockPages` and `MmUnlockPages`.

use wdm_irp::sys::{IoReadAccess, MDL};

use crate::io::mdl::{MDL_PAGES_LOCKED, MdlAccess};
use crate::kernel::Kernel;
use crate::report::kind::ViolationKind;

const MDL_WRITE_OPERATION: i16 = 0x0080;

impl Kernel {
    /// Locks the pages of an MDL, or records why that is wrong (`MmProbeAndLockPages`).
    ///
    /// # Safety
    /// `mdl` is the caller's, or is known to the ledger as freed.
    pub(crate) unsafe fn MmProbeAndLockPages(&self, mdl: *mut MDL, operation: i32) {
        let done = self.with_mdl(mdl, "MmProbeAndLockPages", |record| {
            if record.freed {
                return Err((ViolationKind::FreedMdlUsed, "an MDL that is freed"));
            }
            if record.locked {
                return Err((
                    ViolationKind::PagesLockedTwice,
                    "an MDL whose pages are locked",
                ));
            }
            record.locked = true;
            Ok(())
        });
        if done.is_some() {
            // SAFETY: allocated, as the ledger has said to `with_mdl`, and the caller's by its
            // contract.
            let access = unsafe { MdlAccess::new(mdl) };
            let write = if operation == IoReadAccess {
                0
            } else {
                MDL_WRITE_OPERATION
            };
            access.set_flags(access.flags() | MDL_PAGES_LOCKED | write);
        }
    }

    /// Unlocks the pages of an MDL, or records why that is wrong (`MmUnlockPages`).
    ///
    /// # Safety
    /// `mdl` is the caller's, or is known to the ledger as freed.
    pub(crate) unsafe fn MmUnlockPages(&self, mdl: *mut MDL) {
        let done = self.with_mdl(mdl, "MmUnlockPages", |record| {
            if record.freed {
                return Err((ViolationKind::FreedMdlUsed, "an MDL that is freed"));
            }
            if !record.locked {
                return Err((
                    ViolationKind::PagesNotLocked,
                    "an MDL whose pages are not locked",
                ));
            }
            if record.in_flight.is_some() {
                // Not unlocked: the device may still transfer.
                return Err((
                    ViolationKind::MdlReleasedInFlight,
                    "an MDL of an IRP that is in flight",
                ));
            }
            record.locked = false;
            Ok(())
        });
        if done.is_some() {
            // SAFETY: allocated, as the ledger has said to `with_mdl`, and the caller's by its
            // contract.
            let access = unsafe { MdlAccess::new(mdl) };
            access.set_flags(access.flags() & !(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION));
        }
    }
}
