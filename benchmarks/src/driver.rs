//! Ours as the sender of a driver image, whose other half is `c/driver.c`.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use wdm_irp::TargetDevice;
use wdm_irp::sys::{DEVICE_OBJECT, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};

use crate::{Arguments, Sector, ours};

/// Reads a sector (`bench_read` of `c/driver.h`).
///
/// # Safety
/// `disk` is a device object that is valid for the call, `sector` and `information` are writable
/// and the caller's.
#[unsafe(no_mangle)]
unsafe extern "system" fn bench_read(
    disk: *mut DEVICE_OBJECT,
    sector: *mut Sector,
    information: *mut usize,
) -> NTSTATUS {
    let Some(disk) = NonNull::new(disk) else {
        return STATUS_INVALID_PARAMETER;
    };
    // A driver has its target from the start; to make one here must not cost a call. So the
    // reference of whoever has created the device is borrowed, and not released.
    // SAFETY: a valid device object by contract, and the read is over when this returns. The lower
    // drivers of `c/driver.c` treat a read as documented.
    let disk = ManuallyDrop::new(unsafe { TargetDevice::adopt(disk) });
    let Ok(disk) = &*disk else {
        return STATUS_INVALID_PARAMETER;
    };
    // SAFETY: writable and the caller's by contract; any bytes are a value.
    let sector = unsafe { &mut *sector };
    match ours::send(disk, sector, Arguments::FIRST) {
        Ok(bytes) => {
            // SAFETY: writable by contract.
            unsafe { information.write(bytes) };
            STATUS_SUCCESS
        }
        Err(error) => error.status(),
    }
}

// Declaring them makes rustc write the imports that `c/driver.c` needs; there is no import library.
#[expect(dead_code, reason = "nobody calls them by name")]
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn IoCreateDevice();
    fn IoDeleteDevice();
    fn IoCreateSymbolicLink();
    fn IoDeleteSymbolicLink();
    fn IoAllocateWorkItem();
    fn IoQueueWorkItem();
    fn IoFreeWorkItem();
    fn IofCompleteRequest();
}
