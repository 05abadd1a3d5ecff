//! Stand-ins for functions that Wine's kernel lacks, or that are stubs there.
//!
//! `ObDereferenceObjectDeferDelete` is not exported by it, `IoSetCompletionRoutineEx` ends the
//! process, and `IoGetDeviceObjectPointer` finds a device that nobody has made. What the cases show
//! of these three in Wine is what this file does, and not what a kernel does. In a kernel other than
//! Wine's each calls the kernel's own function. The linker takes the import pointers from here, as
//! in `faults`.

use core::ffi::c_void;
use core::mem::transmute;
use core::ptr::null_mut;
use core::slice;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use wdm_irp::sys::{
    DEVICE_OBJECT, ExAllocatePoolWithTag, ExFreePoolWithTag, FILE_OBJECT, IRP,
    IoSetCompletionRoutine, NTSTATUS, NonPagedPoolNx, ObfDereferenceObject, ObfReferenceObject,
    PIO_COMPLETION_ROUTINE, STATUS_INSUFFICIENT_RESOURCES, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_NOT_SUPPORTED, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS, UNICODE_STRING,
};

use super::devices::CONTROL;
use super::driver::DEVICE;
use super::ntoskrnl::{self, MmGetSystemRoutineAddress, with_unicode};
use crate::protocol::NAME;

type DeferDelete = unsafe extern "system" fn(object: *mut c_void);
type SetCompletionRoutineEx = unsafe extern "system" fn(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    routine: PIO_COMPLETION_ROUTINE,
    context: *mut c_void,
    on_success: u8,
    on_error: u8,
    on_cancel: u8,
) -> NTSTATUS;
type GetDeviceObjectPointer = unsafe extern "system" fn(
    name: *mut UNICODE_STRING,
    access: u32,
    file: *mut *mut FILE_OBJECT,
    device: *mut *mut DEVICE_OBJECT,
) -> NTSTATUS;

/// The import pointer behind `wdm_irp::sys::ObDereferenceObjectDeferDelete`.
#[used]
#[unsafe(export_name = "__imp_ObDereferenceObjectDeferDelete")]
static IMPORTED_DEFER_DELETE: DeferDelete = defer_delete;

/// The import pointer behind `wdm_irp::sys::IoSetCompletionRoutineEx`.
#[used]
#[unsafe(export_name = "__imp_IoSetCompletionRoutineEx")]
static IMPORTED_SET_ROUTINE: SetCompletionRoutineEx = set_completion_routine_ex;

/// The import pointer behind `wdm_irp::sys::IoGetDeviceObjectPointer`.
#[used]
#[unsafe(export_name = "__imp_IoGetDeviceObjectPointer")]
static IMPORTED_OPEN: GetDeviceObjectPointer = get_device_object_pointer;

/// The kernel's functions; null in Wine.
static KERNEL_DEFER_DELETE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static KERNEL_SET_ROUTINE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static KERNEL_OPEN: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Whether the next registration fails.
static FAIL_NEXT_REGISTRATION: AtomicBool = AtomicBool::new(false);

/// The file object of whoever has opened the control device and asked for a case.
pub(super) static OPENED: AtomicPtr<FILE_OBJECT> = AtomicPtr::new(null_mut());

/// Returns whether the kernel is Wine's. IRQL = `PASSIVE_LEVEL`.
pub(super) fn is_wine() -> bool {
    // What Wine's own winedevice.exe imports, and no other kernel has.
    !address("wine_ntoskrnl_main_loop").is_null()
}

fn address(function: &str) -> *mut c_void {
    with_unicode(&[function], |name| {
        // SAFETY: the string is valid for the call; the callers are at PASSIVE_LEVEL.
        unsafe { MmGetSystemRoutineAddress(name) }
    })
}

/// Finds the kernel's functions, unless it is Wine's. The driver does not start without them.
pub(super) fn find_functions() -> Result<(), NTSTATUS> {
    if is_wine() {
        return Ok(());
    }
    for (name, found) in [
        ("ObDereferenceObjectDeferDelete", &KERNEL_DEFER_DELETE),
        ("IoSetCompletionRoutineEx", &KERNEL_SET_ROUTINE),
        ("IoGetDeviceObjectPointer", &KERNEL_OPEN),
    ] {
        let address = address(name);
        if address.is_null() {
            return Err(STATUS_NOT_SUPPORTED);
        }
        found.store(address, Ordering::Release);
    }
    Ok(())
}

/// Makes the next `IoSetCompletionRoutineEx` fail.
pub(super) fn fail_next_registration() {
    FAIL_NEXT_REGISTRATION.store(true, Ordering::Release);
}

/// Releases a reference (`ObDereferenceObjectDeferDelete`). In Wine, which has no IRQL, at once.
///
/// # Safety
/// The caller has a reference, and does not use the object afterwards.
unsafe extern "system" fn defer_delete(object: *mut c_void) {
    let kernel = KERNEL_DEFER_DELETE.load(Ordering::Acquire);
    if kernel.is_null() {
        // SAFETY: by contract.
        unsafe { ObfDereferenceObject(object) };
        return;
    }
    // SAFETY: `find_functions` has found the function, whose type this is.
    let kernel = unsafe { transmute::<*mut c_void, DeferDelete>(kernel) };
    // SAFETY: by contract.
    unsafe { kernel(object) };
}

/// A routine that is registered for a device.
struct Registration {
    device: *mut DEVICE_OBJECT,
    routine: PIO_COMPLETION_ROUTINE,
    context: *mut c_void,
}

/// The tag of a registration.
const TAG: u32 = u32::from_le_bytes(*b"Reg1");

/// Registers a completion routine (`IoSetCompletionRoutineEx`), unless that is to fail.
///
/// # Safety
/// As for the kernel's function: `device` is one of this driver's, `irp` is the caller's and has a
/// next stack location, and will be sent.
unsafe extern "system" fn set_completion_routine_ex(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    routine: PIO_COMPLETION_ROUTINE,
    context: *mut c_void,
    on_success: u8,
    on_error: u8,
    on_cancel: u8,
) -> NTSTATUS {
    if FAIL_NEXT_REGISTRATION.swap(false, Ordering::AcqRel) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    let kernel = KERNEL_SET_ROUTINE.load(Ordering::Acquire);
    if !kernel.is_null() {
        // SAFETY: `find_functions` has found the function, whose type this is.
        let kernel = unsafe { transmute::<*mut c_void, SetCompletionRoutineEx>(kernel) };
        // SAFETY: by contract.
        return unsafe {
            kernel(
                device, irp, routine, context, on_success, on_error, on_cancel,
            )
        };
    }
    if [on_success, on_error, on_cancel].contains(&0) {
        // The library registers for all three.
        return STATUS_NOT_SUPPORTED;
    }
    // SAFETY: neither size nor tag is zero.
    let memory = unsafe { ExAllocatePoolWithTag(NonPagedPoolNx, size_of::<Registration>(), TAG) };
    if memory.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a device of this driver, by contract.
    unsafe { ObfReferenceObject(device.cast()) };
    let registration = Registration {
        device,
        routine,
        context,
    };
    // SAFETY: just allocated with this size; pool memory is aligned for pointers.
    unsafe { memory.cast::<Registration>().write(registration) };
    // SAFETY: the IRP is the caller's and has a next location, by contract.
    unsafe { IoSetCompletionRoutine(irp, Some(run_registered), memory) };
    STATUS_SUCCESS
}

/// Runs a registered routine, and ends the registration.
///
/// # Safety
/// The I/O manager calls it for an IRP that [`set_completion_routine_ex`] was called for.
unsafe extern "system" fn run_registered(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: written by `set_completion_routine_ex`; the I/O manager calls this once.
    let registration = unsafe { context.cast::<Registration>().read() };
    let returned = match registration.routine {
        // SAFETY: the arguments are the I/O manager's, and the context is the routine's.
        Some(routine) => unsafe { routine(device, irp, registration.context) },
        None => STATUS_MORE_PROCESSING_REQUIRED,
    };
    // SAFETY: allocated with this tag, and not used again.
    unsafe { ExFreePoolWithTag(context, TAG) };
    // SAFETY: the reference of the registration, which ends here.
    unsafe { ObfDereferenceObject(registration.device.cast()) };
    returned
}

/// Opens a device by its name (`IoGetDeviceObjectPointer`). In Wine: the control device, for whoever
/// asks for the case, whose file object it is.
///
/// # Safety
/// As for the kernel's function: `name` is valid, `file` and `device` may be written.
unsafe extern "system" fn get_device_object_pointer(
    name: *mut UNICODE_STRING,
    access: u32,
    file: *mut *mut FILE_OBJECT,
    device: *mut *mut DEVICE_OBJECT,
) -> NTSTATUS {
    let kernel = KERNEL_OPEN.load(Ordering::Acquire);
    if !kernel.is_null() {
        // SAFETY: `find_functions` has found the function, whose type this is.
        let kernel = unsafe { transmute::<*mut c_void, GetDeviceObjectPointer>(kernel) };
        // SAFETY: by contract.
        return unsafe { kernel(name, access, file, device) };
    }
    // SAFETY: valid by contract.
    let name = unsafe { &*name };
    let units = usize::from(name.Length / 2);
    // SAFETY: the buffer of a valid string has its length.
    let name = unsafe { slice::from_raw_parts(name.Buffer, units) };
    let own = DEVICE.encode_utf16().chain(NAME.encode_utf16());
    let opened = OPENED.load(Ordering::Acquire);
    if !own.eq(name.iter().copied()) || opened.is_null() {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    // SAFETY: open as long as the request that asks for the case is at this driver.
    unsafe { ObfReferenceObject(opened.cast()) };
    // SAFETY: may be written, by contract.
    unsafe { file.write(opened) };
    // SAFETY: as above.
    unsafe { device.write(CONTROL.load(Ordering::Acquire)) };
    STATUS_SUCCESS
}

/// The driver's own structure is the library's, under another name.
const _: () = assert!(size_of::<ntoskrnl::UNICODE_STRING>() == size_of::<UNICODE_STRING>());
