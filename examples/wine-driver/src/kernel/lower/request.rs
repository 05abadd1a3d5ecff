//! A request at a lower device, and where its data is.

use core::ptr::null_mut;

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, IRP, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IoGetCurrentIrpStackLocation, KernelMode, MDL,
};

use crate::kernel::ntoskrnl::{MmCached, MmMapLockedPagesSpecifyCache, NormalPagePriority};

const METHOD_BUFFERED: u32 = 0;
const METHOD_OUT_DIRECT: u32 = 2;
/// Also the mask of the method in a control code.
pub(super) const METHOD_NEITHER: u32 = 3;

/// A request that a lower device was called with, and has not completed.
///
/// # Invariants
/// 1. `irp` is at the device, and `location` is its current stack location, which is filled in.
/// 2. `flags` are those of the device, so that the sender has put its buffers where they say.
pub(super) struct Request {
    pub(super) irp: Irp,
    pub(super) location: StackLocation,
    flags: u32,
}

impl Request {
    /// Takes the request that a dispatch routine or its work item has at hand.
    ///
    /// # Safety
    /// `device` is a lower device of this driver. `irp` is at it, and is not completed before the
    /// last use of the result.
    pub(super) unsafe fn new(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> Self {
        // SAFETY: the device is valid by contract; nobody writes its flags once the driver has
        // started.
        let flags = unsafe { (*device).Flags };
        // SAFETY: an IRP at a driver is allocated and that driver's, until it is completed
        // (contract).
        let irp = unsafe { Irp::new(irp) };
        // SAFETY: an IRP at a driver has a current stack location.
        let location = unsafe { IoGetCurrentIrpStackLocation(irp.as_ptr()) };
        // SAFETY: the location is this driver's as the IRP is, and the sender has filled it in.
        let location = unsafe { StackLocation::new(location) };
        // INVARIANT: 1 and 2 by contract.
        Self {
            irp,
            location,
            flags,
        }
    }

    /// Returns the major function.
    pub(super) fn major(&self) -> u32 {
        self.location.major_function().into()
    }

    /// Returns whether this is a device control request, internal or not.
    pub(super) fn is_device_control(&self) -> bool {
        [IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL].contains(&self.major())
    }

    /// Finds the data of the request, or the output of a device control request; or null.
    ///
    /// A device control request says where it is by its transfer method, any other by the flags of
    /// the device.
    pub(super) fn data(&self) -> *mut u8 {
        let method = if self.is_device_control() {
            let parameters = self.location.device_control_parameters();
            parameters.IoControlCode.0 & METHOD_NEITHER
        } else {
            match self.flags & (DO_BUFFERED_IO | DO_DIRECT_IO) {
                DO_BUFFERED_IO => METHOD_BUFFERED,
                DO_DIRECT_IO => METHOD_OUT_DIRECT,
                _ => METHOD_NEITHER,
            }
        };
        match method {
            METHOD_BUFFERED => self.irp.system_buffer().cast(),
            METHOD_NEITHER => self.irp.user_buffer().cast(),
            // SAFETY: for direct I/O the sender has put null or an MDL with locked pages there
            // (invariant 2), and keeps it until the request completes.
            _ => unsafe { system_address(self.irp.mdl_address()) },
        }
    }
}

/// Returns the system address of an MDL's pages, or null (`MmGetSystemAddressForMdlSafe`).
///
/// # Safety
/// `mdl` is null, or an MDL whose pages are locked.
unsafe fn system_address(mdl: *mut MDL) -> *mut u8 {
    const MDL_MAPPED_TO_SYSTEM_VA: i16 = 1;
    const MDL_SOURCE_IS_NONPAGED_POOL: i16 = 4;

    if mdl.is_null() {
        return null_mut();
    }
    // SAFETY: not null, so an MDL by contract.
    let flags = unsafe { (*mdl).MdlFlags };
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        // SAFETY: an MDL by contract.
        return unsafe { (*mdl).MappedSystemVa }.cast();
    }
    // SAFETY: the pages are locked by contract. No bug check is asked for: a failure is returned as
    // null.
    let mapped = unsafe {
        MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, null_mut(), 0, NormalPagePriority)
    };
    if !mapped.is_null() {
        return mapped.cast();
    }
    // Wine maps nothing. The sender is this driver, so its buffer has a system address already.
    // SAFETY: an MDL by contract.
    let page = unsafe { (*mdl).StartVa }.cast::<u8>();
    // SAFETY: an MDL by contract.
    let offset = unsafe { (*mdl).ByteOffset } as usize;
    page.wrapping_add(offset)
}
