//! MDLs: `IoAllocateMdl` and `IoFreeMdl`.

use std::ffi::c_void;

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DISPATCH_LEVEL, IRP, MDL};

use crate::fault::Allocation;
use crate::kernel::ledger::MdlRecord;
use crate::kernel::{Kernel, objects, this_thread};
use crate::memory::Memory;
use crate::report::kind::ViolationKind;
use crate::sync::{Arc, lock};

const PAGE_SIZE: usize = 4096;

pub(crate) const MDL_PAGES_LOCKED: i16 = 0x0002;

pub(crate) const MDL_SOURCE_IS_NONPAGED_POOL: i16 = 0x0004;

/// An MDL that the holder may access now.
///
/// # Invariants
/// 1. `0` is an MDL that stays allocated as long as a copy of this value is used.
/// 2. The MDL is the holder's: nobody else accesses it meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct MdlAccess(*mut MDL);

impl MdlAccess {
    /// Vouches for an MDL.
    ///
    /// # Safety
    /// The invariants of this type hold as long as the result or a copy of it is used.
    pub(crate) const unsafe fn new(mdl: *mut MDL) -> Self {
        // INVARIANT: 1 and 2 by the caller's contract.
        Self(mdl)
    }

    /// Returns the address of the MDL.
    pub(super) fn address(self) -> usize {
        self.0.addr()
    }

    pub(crate) fn flags(self) -> i16 {
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).MdlFlags }
    }

    pub(crate) fn set_flags(self, flags: i16) {
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).MdlFlags = flags };
    }

    fn next(self) -> *mut MDL {
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Next }
    }

    fn set_next(self, next: *mut MDL) {
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Next = next };
    }

    pub(crate) fn byte_count(self) -> u32 {
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).ByteCount }
    }

    /// Returns whether the pages are resident.
    pub(crate) fn is_resident(self) -> bool {
        self.flags() & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL) != 0
    }

    /// Returns the system address of the buffer (`MmGetSystemAddressForMdlSafe`).
    ///
    /// In the model it is the address that the MDL describes.
    pub(crate) fn system_address(self) -> *mut u8 {
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        let mdl = unsafe { &*self.0 };
        mdl.StartVa
            .cast::<u8>()
            .wrapping_add(mdl.ByteOffset as usize)
    }

    fn initialize(self, size: usize, address: *mut c_void, length: u32) {
        // The start of the page, with the provenance of the buffer.
        let page = address.map_addr(|address| address & !(PAGE_SIZE - 1));
        let offset = address.addr() - page.addr();
        // SAFETY: the MDL is allocated and the holder's (invariants 1 and 2).
        let mdl = unsafe { &mut *self.0 };
        mdl.Size = i16::try_from(size).unwrap_or(i16::MAX);
        mdl.StartVa = page;
        mdl.ByteOffset = u32::try_from(offset).expect("less than a page");
        mdl.ByteCount = length;
    }
}

impl Kernel {
    /// Allocates an MDL and enters it in the ledger (`IoAllocateMdl`).
    ///
    /// # Safety
    /// `irp` is null, or the caller's.
    pub(crate) unsafe fn IoAllocateMdl(
        self: &Arc<Self>,
        address: *mut c_void,
        length: u32,
        secondary: bool,
        irp: *mut IRP,
    ) -> *mut MDL {
        let number = lock(&self.ledger)
            .irp_at(irp.addr())
            .map(|(number, _)| number)
            .or_else(|| this_thread::last_irp(self));
        self.check_irql(DISPATCH_LEVEL, number, "IoAllocateMdl");
        if self.faults.take(Allocation::Mdl) {
            self.call(
                number,
                format!("IoAllocateMdl({length} bytes) returned NULL"),
            );
            return std::ptr::null_mut();
        }
        let pages = (address.addr() % PAGE_SIZE + length as usize).div_ceil(PAGE_SIZE);
        let size = size_of::<MDL>() + pages * size_of::<usize>();
        let memory = Memory::zeroed(size);
        let mdl = memory.cast::<MDL>();
        // SAFETY: allocated above, large enough for an MDL, and zeroed, which is a valid one;
        // nobody else knows it.
        unsafe { MdlAccess::new(mdl) }.initialize(size, address, length);
        objects::insert(mdl.addr(), self);
        lock(&self.ledger).mdls.insert(
            mdl.addr(),
            MdlRecord {
                memory: Some(memory),
                freed: false,
                locked: false,
                in_flight: None,
                irp: number,
            },
        );
        self.call(number, format!("IoAllocateMdl({length} bytes)"));
        if !irp.is_null() {
            // SAFETY: an IRP that is not null is the caller's, by its contract.
            let access = unsafe { Irp::new(irp) };
            attach(access, mdl, secondary);
        }
        mdl
    }

    /// Acts on the ledger's page about an MDL, and records a call or what is wrong with it.
    pub(crate) fn with_mdl<T>(
        &self,
        mdl: *mut MDL,
        function: &str,
        action: impl FnOnce(&mut MdlRecord) -> Result<T, (ViolationKind, &'static str)>,
    ) -> Option<T> {
        let (number, result) = {
            let mut ledger = lock(&self.ledger);
            match ledger.mdls.get_mut(&mdl.addr()) {
                None => (
                    None,
                    Err((ViolationKind::UnknownMdl, "something that is no MDL")),
                ),
                Some(record) => (record.irp, action(record)),
            }
        };
        self.check_irql(DISPATCH_LEVEL, number, function);
        match result {
            Ok(value) => {
                self.call(number, function);
                Some(value)
            }
            Err((kind, detail)) => {
                self.violate(kind, number, &format!("{function} on {detail}"));
                None
            }
        }
    }

    /// Frees an MDL, or records why that is wrong (`IoFreeMdl`).
    pub(crate) fn IoFreeMdl(&self, mdl: *mut MDL) {
        let freed = self.with_mdl(mdl, "IoFreeMdl", |record| {
            if record.freed {
                return Err((ViolationKind::MdlFreedTwice, "an MDL that is freed"));
            }
            // In the cases below the memory is kept: somebody may still use it.
            record.freed = true;
            if record.in_flight.is_some() {
                return Err((
                    ViolationKind::MdlReleasedInFlight,
                    "an MDL of an IRP that is in flight",
                ));
            }
            if record.locked {
                return Err((
                    ViolationKind::MdlFreedLocked,
                    "an MDL whose pages are locked",
                ));
            }
            Ok(record.memory.take())
        });
        if let Some(Some(memory)) = freed {
            let damaged = lock(&self.ledger).free_memory(memory, None, "MDL");
            if let Some((irp, detail)) = damaged {
                self.violate(ViolationKind::WriteAfterFree, irp, &detail);
            }
        }
    }
}

/// Makes an MDL the IRP's first one, or the last of its chain.
fn attach(access: Irp, mdl: *mut MDL, secondary: bool) {
    let first = access.mdl_address();
    if !secondary || first.is_null() {
        access.set_mdl_address(mdl);
        return;
    }
    // SAFETY: the IRP is the caller's, and with it the MDLs that it carries, which are allocated.
    let mut last = unsafe { MdlAccess::new(first) };
    while !last.next().is_null() {
        // SAFETY: the next MDL of the same chain.
        last = unsafe { MdlAccess::new(last.next()) };
    }
    last.set_next(mdl);
}

/// Returns the MDLs of a chain.
pub(super) fn mdl_chain(mut mdl: *mut MDL) -> Vec<MdlAccess> {
    let mut chain = Vec::new();
    // Bounded: a damaged chain may be a ring.
    while !mdl.is_null() && chain.len() < 1024 {
        // SAFETY: the sender of an IRP keeps the MDLs it carries valid, as the WDK asks of it.
        let access = unsafe { MdlAccess::new(mdl) };
        chain.push(access);
        mdl = access.next();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_of_mdls_is_followed_for_a_while_only() {
        // SAFETY: an MDL has numbers and raw pointers only, for which zeros are valid.
        let mut mdl: MDL = unsafe { std::mem::zeroed() };
        let mdl = &raw mut mdl;
        // SAFETY: a pointer to the local variable, which is alive and used by it only.
        unsafe { (*mdl).Next = mdl };
        let chain: Vec<usize> = mdl_chain(mdl).into_iter().map(MdlAccess::address).collect();
        assert_eq!(chain, [mdl.addr(); 1024]);
    }
}
