//! Where the data of a request is.

use core::ptr::null_mut;

use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, IRP, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IoGetCurrentIrpStackLocation, KernelMode, MDL,
    irp_system_buffer,
};

use crate::kernel::ntoskrnl::{MmCached, MmMapLockedPagesSpecifyCache, NormalPagePriority};

pub(super) const METHOD_BUFFERED: u32 = 0;
pub(super) const METHOD_OUT_DIRECT: u32 = 2;
/// Also the mask of the method in a control code.
pub(super) const METHOD_NEITHER: u32 = 3;

/// Where the data of a request is, a device control request's output: by transfer method for a device control request, else
/// by the flags of the device.
///
/// # Safety
/// As for [`dispatch`].
pub(super) unsafe fn data_buffer(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> *mut u8 {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    let major = u32::from(location.MajorFunction);
    let method = if major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL {
        // SAFETY: this is the member for these requests.
        let parameters = unsafe { location.Parameters.DeviceIoControl };
        parameters.IoControlCode.0 & METHOD_NEITHER
    } else {
        // SAFETY: the device is valid by contract.
        match unsafe { (*device).Flags } & (DO_BUFFERED_IO | DO_DIRECT_IO) {
            DO_BUFFERED_IO => METHOD_BUFFERED,
            DO_DIRECT_IO => METHOD_OUT_DIRECT,
            _ => METHOD_NEITHER,
        }
    };
    match method {
        METHOD_BUFFERED => {
            // SAFETY: the IRP is at this device.
            let cell = unsafe { irp_system_buffer(irp) };
            // SAFETY: a field of a valid IRP.
            unsafe { cell.read() }.cast()
        }
        // SAFETY: the IRP is at this device.
        METHOD_NEITHER => unsafe { (*irp).UserBuffer }.cast(),
        _ => {
            // SAFETY: the IRP is at this device.
            let mdl = unsafe { (*irp).MdlAddress };
            // SAFETY: the sender's MDL, if there is one.
            unsafe { system_address(mdl) }
        }
    }
}

/// `MmGetSystemAddressForMdlSafe`
///
/// # Safety
/// `mdl` is null or a valid MDL.
unsafe fn system_address(mdl: *mut MDL) -> *mut u8 {
    const MDL_MAPPED_TO_SYSTEM_VA: i16 = 1;
    const MDL_SOURCE_IS_NONPAGED_POOL: i16 = 4;

    if mdl.is_null() {
        return null_mut();
    }
    // SAFETY: the MDL is valid by contract.
    let flags = unsafe { (*mdl).MdlFlags };
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        // SAFETY: as above.
        return unsafe { (*mdl).MappedSystemVa }.cast();
    }
    // SAFETY: the sender has locked the pages; a failure is returned as null.
    let mapped = unsafe {
        MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, null_mut(), 0, NormalPagePriority)
    };
    if !mapped.is_null() {
        return mapped.cast();
    }
    // Wine maps nothing. The senders here are this driver, so the buffer is at a system address as it is.
    // SAFETY: the MDL is valid by contract.
    let page = unsafe { (*mdl).StartVa }.cast::<u8>();
    // SAFETY: as above.
    let offset = unsafe { (*mdl).ByteOffset } as usize;
    page.wrapping_add(offset)
}
