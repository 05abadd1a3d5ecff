//! Entry, unload, device objects, and the control device on which a program asks for the cases.

use core::array;
use core::fmt::{self, Write};
use core::ptr::{NonNull, null, null_mut};
use core::slice;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, DRIVER_OBJECT, IRP, IRP_MJ_DEVICE_CONTROL,
    IoGetCurrentIrpStackLocation, NT_SUCCESS, NTSTATUS, STATUS_DEVICE_BUSY,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, irp_system_buffer,
};

use wdm_irp::{OwnDevice, PassiveLevel, TargetDevice};
use wdm_irp_conformance::{SCENARIOS, Scenario};

use super::conformance::{self, PREFIX, Workers};
use super::faults;
use super::lower::{self, Behavior, Extension, complete};
use super::ntoskrnl::{
    FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, IRP_MJ_CLOSE, IRP_MJ_CREATE, IoCreateDevice,
    IoCreateSymbolicLink, IoDeleteDevice, IoDeleteSymbolicLink, MmGetSystemRoutineAddress,
    UNICODE_STRING, with_unicode,
};
use crate::protocol::{LIST, NAME, RUN};
use crate::requests::{CASES, Devices, Kernel, run};

/// `STATUS_BUFFER_TOO_SMALL`
const STATUS_BUFFER_TOO_SMALL: NTSTATUS = 0xC000_0023_u32.cast_signed();

const DEVICE: &str = r"\Device\";
const LINK: &str = r"\DosDevices\";

/// The control device: every other device of the driver is a lower device.
static CONTROL: AtomicPtr<DEVICE_OBJECT> = AtomicPtr::new(null_mut());

/// What the lower devices are: behavior, I/O method and stack size, in the order of [`LOWER`].
const LOWER_KINDS: [(Behavior, u32, i8); 15] = [
    (Behavior::Inline, DO_BUFFERED_IO, 1),
    (Behavior::Inline, DO_DIRECT_IO, 1),
    (Behavior::Busy, DO_BUFFERED_IO, 1),
    (Behavior::Pend, DO_BUFFERED_IO, 1),
    (Behavior::Pend, DO_DIRECT_IO, 1),
    (Behavior::Slow, DO_BUFFERED_IO, 1),
    (Behavior::UntilCancelled, DO_BUFFERED_IO, 1),
    (Behavior::Forward, DO_BUFFERED_IO, 2),
    (Behavior::Record, DO_BUFFERED_IO, 1),
    (Behavior::MarkAndReturnSuccess, DO_BUFFERED_IO, 1),
    (Behavior::ReturnSuccessAndComplete, DO_BUFFERED_IO, 1),
    (Behavior::Inline, DO_BUFFERED_IO, i8::MAX),
    (Behavior::Script, DO_BUFFERED_IO, 3),
    (Behavior::Script, DO_BUFFERED_IO, 2),
    (Behavior::Script, DO_BUFFERED_IO, 1),
];

/// Where in [`LOWER_KINDS`] the device is that [`Behavior::Forward`] forwards to; it comes first.
const FORWARDED_TO: usize = 3;

/// The lower devices, from `DriverEntry` to unload.
static LOWER: [AtomicPtr<DEVICE_OBJECT>; LOWER_KINDS.len()] =
    [const { AtomicPtr::new(null_mut()) }; LOWER_KINDS.len()];

/// Whether a case is running; the cases share the lower devices and the fault injection.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Where the kernel enters the driver.
///
/// # Safety
/// The I/O manager calls it once, at `PASSIVE_LEVEL`, with the driver's own object.
#[unsafe(export_name = "DriverEntry")]
unsafe extern "system" fn driver_entry(
    driver: *mut DRIVER_OBJECT,
    _registry_path: *const UNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: by contract.
    match unsafe { start(driver) } {
        Ok(()) => STATUS_SUCCESS,
        Err(status) => {
            // SAFETY: by contract; nobody has opened a device yet.
            unsafe { delete_devices(driver) };
            status
        }
    }
}

/// # Safety
/// As for [`driver_entry`].
unsafe fn start(driver: *mut DRIVER_OBJECT) -> Result<(), NTSTATUS> {
    faults::find_functions()?;
    // SAFETY: the driver object is the driver's to fill in.
    unsafe { (*driver).MajorFunction = [Some(dispatch); 28] };
    // SAFETY: as above.
    unsafe { (*driver).DriverUnload = Some(unload) };

    for (slot, (behavior, flags, stack_size)) in LOWER.iter().zip(LOWER_KINDS) {
        let below = LOWER[FORWARDED_TO].load(Ordering::Acquire);
        // SAFETY: by contract; the device has no name.
        let device = unsafe { create_device(driver, null(), size_of::<Extension>()) }?.as_ptr();
        // SAFETY: just created, and nobody else knows it yet.
        let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
        // SAFETY: the extension was asked for with this size; extensions are aligned for pointers.
        unsafe { extension.write(Extension { behavior, below }) };
        // SAFETY: as for the extension.
        unsafe { (*device).Flags |= flags };
        // SAFETY: as above.
        unsafe { (*device).StackSize = stack_size };
        slot.store(device, Ordering::Release);
    }

    with_unicode(&[DEVICE, NAME], |name| {
        // SAFETY: `name` is valid for the call.
        let control = unsafe { create_device(driver, name, 0) }?;
        // SAFETY: just created, and nobody else knows it yet.
        unsafe { (*control.as_ptr()).Flags |= DO_BUFFERED_IO };
        CONTROL.store(control.as_ptr(), Ordering::Release);
        with_unicode(&[LINK, NAME], |link| {
            // SAFETY: both strings are valid for the call.
            check(unsafe { IoCreateSymbolicLink(link, name) })
        })
    })
}

/// # Safety
/// As for [`driver_entry`]; `name` is null or a string that is valid for the call.
unsafe fn create_device(
    driver: *mut DRIVER_OBJECT,
    name: *const UNICODE_STRING,
    extension: usize,
) -> Result<NonNull<DEVICE_OBJECT>, NTSTATUS> {
    let extension = u32::try_from(extension).map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    let mut device = null_mut();
    // SAFETY: by contract.
    check(unsafe {
        IoCreateDevice(
            driver,
            extension,
            name,
            FILE_DEVICE_UNKNOWN,
            FILE_DEVICE_SECURE_OPEN,
            0,
            &raw mut device,
        )
    })?;
    NonNull::new(device).ok_or(STATUS_INVALID_DEVICE_REQUEST)
}

/// The `DriverUnload` routine.
///
/// # Safety
/// The I/O manager calls it once, at `PASSIVE_LEVEL`, when no device of the driver is open.
unsafe extern "system" fn unload(driver: *const DRIVER_OBJECT) {
    with_unicode(&[LINK, NAME], |link| {
        // SAFETY: the string is valid for the call. There is nobody to tell about a failure.
        unsafe { IoDeleteSymbolicLink(link) };
    });
    // SAFETY: by contract.
    unsafe { delete_devices(driver) };
}

/// # Safety
/// `driver` is the driver's object, and none of its devices is in use.
unsafe fn delete_devices(driver: *const DRIVER_OBJECT) {
    loop {
        // SAFETY: the driver object is valid.
        let first = unsafe { &raw const (*driver).DeviceObject };
        // SAFETY: as above. Volatile, as IoDeleteDevice changes it behind a pointer to const.
        let device = unsafe { first.read_volatile() };
        if device.is_null() {
            return;
        }
        // SAFETY: by contract.
        unsafe { IoDeleteDevice(device) };
    }
}

/// The dispatch routine for all requests to all devices.
///
/// # Safety
/// The I/O manager calls it, with a device of this driver and an IRP that is at it.
unsafe extern "system" fn dispatch(device: *const DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let device = device.cast_mut();
    if device != CONTROL.load(Ordering::Acquire) {
        // SAFETY: by contract; every device but the control device is a lower device.
        return unsafe { lower::dispatch(device, irp) };
    }
    // SAFETY: by contract.
    let (status, information) = unsafe { control(irp) };
    // SAFETY: the IRP is at this device and is not used afterwards.
    unsafe { complete(irp, status, information) };
    status
}

/// Answers a request to the control device.
///
/// # Safety
/// `irp` is at the control device.
unsafe fn control(irp: *mut IRP) -> (NTSTATUS, usize) {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    match u32::from(location.MajorFunction) {
        IRP_MJ_CREATE | IRP_MJ_CLOSE => return (STATUS_SUCCESS, 0),
        IRP_MJ_DEVICE_CONTROL => {}
        _ => return (STATUS_INVALID_DEVICE_REQUEST, 0),
    }
    // SAFETY: this is the member for this request.
    let parameters = unsafe { location.Parameters.DeviceIoControl };
    // SAFETY: the IRP is at this device.
    let buffer = unsafe { irp_system_buffer(irp) };
    // SAFETY: a field of a valid IRP.
    let buffer = unsafe { buffer.read() }.cast::<u8>();
    if buffer.is_null() {
        return (STATUS_BUFFER_TOO_SMALL, 0);
    }
    let (input, output) = (
        parameters.InputBufferLength.0 as usize,
        parameters.OutputBufferLength.0 as usize,
    );
    // The I/O manager has written the input only.
    if let Some(unwritten) = output.checked_sub(input) {
        // SAFETY: METHOD_BUFFERED: the system buffer has the greater one of both lengths.
        let unwritten_part = unsafe { buffer.add(input) };
        // SAFETY: as above.
        unsafe { unwritten_part.write_bytes(0, unwritten) };
    }
    // SAFETY: as above, written throughout, and this driver's until the request completes.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer, input.max(output)) };

    let case = buffer[..input]
        .first_chunk()
        .copied()
        .map(u32::from_le_bytes);
    let (text, scratch) = buffer[..output].split_at_mut(output / 2);
    let mut answer = Answer { text, bytes: 0 };
    let result = match parameters.IoControlCode.0 {
        LIST => list(&mut answer),
        RUN if RUNNING.swap(true, Ordering::AcqRel) => Err(STATUS_DEVICE_BUSY),
        RUN => {
            let result = run_case(case, scratch, &mut answer);
            RUNNING.store(false, Ordering::Release);
            result
        }
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    };
    match result {
        Ok(()) => (STATUS_SUCCESS, answer.bytes),
        Err(status) => (status, 0),
    }
}

/// The names of all cases, one line each; the scenarios of the conformance script come last.
fn list(answer: &mut Answer<'_>) -> Result<(), NTSTATUS> {
    CASES
        .iter()
        .try_for_each(|(name, _)| writeln!(answer, "{name}"))
        .and_then(|()| {
            SCENARIOS
                .iter()
                .try_for_each(|scenario| writeln!(answer, "{PREFIX}{}", scenario.name()))
        })
        .map_err(|_| STATUS_BUFFER_TOO_SMALL)
}

/// Runs a case on the lower devices.
fn run_case(
    case: Option<u32>,
    scratch: &mut [u8],
    answer: &mut Answer<'_>,
) -> Result<(), NTSTATUS> {
    let number = case.and_then(|number| usize::try_from(number).ok());
    let number = number.ok_or(STATUS_INVALID_PARAMETER)?;
    let at = PassiveLevel::check().map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    let control =
        NonNull::new(CONTROL.load(Ordering::Acquire)).ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    // SAFETY: unload deletes the device, which is not before this request and with it all that are sent here are over.
    let own = unsafe { OwnDevice::from_raw(control) };

    let mut missing = false;
    let targets: [TargetDevice; LOWER_KINDS.len()] = array::from_fn(|index| {
        let device = NonNull::new(LOWER[index].load(Ordering::Acquire));
        missing |= device.is_none();
        // SAFETY: as for `own`. The lower devices treat buffers as their requests say, and complete each request once.
        unsafe { TargetDevice::from_raw(device.unwrap_or(control)) }
    });
    if missing {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let [
        inline,
        inline_direct,
        busy,
        pend,
        pend_direct,
        slow,
        until_cancelled,
        forward,
        record,
        mark_and_return_success,
        return_success_and_complete,
        deep,
        upper,
        middle,
        lower,
    ] = &targets;
    let Some((_, case)) = CASES.get(number) else {
        let scenario = SCENARIOS.get(number - CASES.len());
        let scenario = scenario.ok_or(STATUS_INVALID_PARAMETER)?;
        return check_scenario(scenario, &own, [upper, middle, lower], &at, scratch, answer);
    };
    let devices = Devices {
        inline,
        inline_direct,
        busy,
        pend,
        pend_direct,
        slow,
        until_cancelled,
        forward,
        record,
        mark_and_return_success,
        return_success_and_complete,
        deep,
        own: &own,
    };
    match run(*case, &devices, &at, &ThisKernel) {
        Ok(()) => Ok(()),
        Err(failure) => write!(answer, "{failure}").map_err(|_| STATUS_BUFFER_TOO_SMALL),
    }
}

/// Runs a scenario of the conformance script on the devices with [`Behavior::Script`].
fn check_scenario(
    scenario: &'static Scenario,
    own: &OwnDevice,
    [upper, middle, lower]: [&TargetDevice; 3],
    at: &PassiveLevel,
    scratch: &mut [u8],
    answer: &mut Answer<'_>,
) -> Result<(), NTSTATUS> {
    // SAFETY: the devices are there until unload. `LOWER_KINDS` has given the last three their stack sizes, and
    // `lower::dispatch` hands their requests on.
    let devices = unsafe {
        wdm_irp_conformance::Devices::new(
            own.as_ptr(),
            upper.as_ptr(),
            middle.as_ptr(),
            lower.as_ptr(),
        )
    };
    // SAFETY: as above; the kernel keeps the device of a queued work item.
    let workers = unsafe { Workers::new(own.as_ptr()) };
    let kernel = if is_wine() {
        wdm_irp_conformance::Kernel::Wine
    } else {
        wdm_irp_conformance::Kernel::Windows
    };
    conformance::check(scenario, &devices, &workers, kernel, at, scratch, answer)
        .map_err(|_| STATUS_BUFFER_TOO_SMALL)
}

/// The kernel that has loaded this driver.
struct ThisKernel;

impl Kernel for ThisKernel {
    fn fail_next_allocation(&self) {
        faults::fail_next_allocation();
    }

    fn allocated(&self) -> isize {
        faults::allocated()
    }

    fn forwards_pending_returned(&self) -> bool {
        !is_wine()
    }
}

/// Whether the kernel is Wine's.
fn is_wine() -> bool {
    // What Wine's own winedevice.exe imports, and no other kernel has.
    let found = with_unicode(&["wine_ntoskrnl_main_loop"], |name| {
        // SAFETY: the string is valid for the call; the cases run at PASSIVE_LEVEL.
        unsafe { MmGetSystemRoutineAddress(name) }
    });
    !found.is_null()
}

/// Text in the caller's buffer.
struct Answer<'a> {
    text: &'a mut [u8],
    bytes: usize,
}

impl Write for Answer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = self.text.get_mut(self.bytes..).ok_or(fmt::Error)?;
        let rest = rest.get_mut(..text.len()).ok_or(fmt::Error)?;
        rest.copy_from_slice(text.as_bytes());
        self.bytes += text.len();
        Ok(())
    }
}

/// A status as a result.
fn check(status: NTSTATUS) -> Result<(), NTSTATUS> {
    if NT_SUCCESS(status) {
        Ok(())
    } else {
        Err(status)
    }
}
