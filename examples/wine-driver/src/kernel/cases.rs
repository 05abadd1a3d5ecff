//! Runs a case, or a scenario of the conformance script, on the lower devices.

use core::array;
use core::fmt::Write;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{NTSTATUS, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER};
use wdm_irp::target::OwnDevice;
use wdm_irp::{PassiveLevel, TargetDevice};
use wdm_irp_conformance::{SCENARIOS, Scenario};

use super::answer::{Answer, STATUS_BUFFER_TOO_SMALL};
use super::conformance::{self, Workers};
use super::devices::{CONTROL, LOWER, LOWER_KINDS};
use super::faults;
use super::ntoskrnl::{MmGetSystemRoutineAddress, with_unicode};
use crate::requests::{CASES, Devices, Kernel, run};

/// Runs a case on the lower devices.
pub(super) fn run_case(
    case: Option<u32>,
    scratch: &mut [u8],
    answer: &mut Answer<'_>,
) -> Result<(), NTSTATUS> {
    let number = case.and_then(|number| usize::try_from(number).ok());
    let number = number.ok_or(STATUS_INVALID_PARAMETER)?;
    let at = PassiveLevel::check().map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    let control =
        NonNull::new(CONTROL.load(Ordering::Acquire)).ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    // SAFETY: unload deletes the device, and is not called before this request is over, which keeps
    // the device open. The requests that a case sends are over before it is.
    let own = unsafe { OwnDevice::from_raw(control) };

    let mut missing = false;
    let targets: [TargetDevice; LOWER_KINDS.len()] = array::from_fn(|index| {
        let device = NonNull::new(LOWER[index].load(Ordering::Acquire));
        missing |= device.is_none();
        // SAFETY: the device stays until unload, as `own` does. The lower devices treat buffers as
        // their requests say, and complete each request once.
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

/// Runs a scenario of the conformance script on the devices with `Behavior::Script`.
fn check_scenario(
    scenario: &'static Scenario,
    own: &OwnDevice,
    [upper, middle, lower]: [&TargetDevice; 3],
    at: &PassiveLevel,
    scratch: &mut [u8],
    answer: &mut Answer<'_>,
) -> Result<(), NTSTATUS> {
    // SAFETY: the devices stay until unload. `LOWER_KINDS` has given the last three their stack
    // sizes, and `lower::dispatch` hands their requests on. One case runs at a time, and no other
    // sends them any.
    let devices = unsafe {
        wdm_irp_conformance::Devices::new(
            own.as_ptr(),
            upper.as_ptr(),
            middle.as_ptr(),
            lower.as_ptr(),
        )
    };
    // SAFETY: the device stays until unload, and the kernel keeps the device of a queued work item.
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

/// Returns whether the kernel is Wine's.
fn is_wine() -> bool {
    // What Wine's own winedevice.exe imports, and no other kernel has.
    let found = with_unicode(&["wine_ntoskrnl_main_loop"], |name| {
        // SAFETY: the string is valid for the call; `run_case` has checked for PASSIVE_LEVEL.
        unsafe { MmGetSystemRoutineAddress(name) }
    });
    !found.is_null()
}
