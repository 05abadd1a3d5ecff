//! Runs a case, or a scenario of the conformance script, on the lower devices.

use core::array;
use core::cell::UnsafeCell;
use core::fmt::Write;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use wdm_irp::in_flight::Canceller;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock};
use wdm_irp::sys::{
    DEVICE_OBJECT, NTSTATUS, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
};
use wdm_irp::target::{DesiredAccess, DevicePair, OpenedDevice, Unlocked, device_name};
use wdm_irp::{IrpError, PassiveLevel, TargetDevice};
use wdm_irp_conformance::{SCENARIOS, Scenario};

use super::answer::{Answer, STATUS_BUFFER_TOO_SMALL};
use super::conformance::{self, Workers};
use super::devices::{CONTROL, LOWER, LOWER_KINDS};
use super::standins::{self, is_wine};
use super::{elsewhere, faults};
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
    let mut missing = false;
    let lower: [NonNull<DEVICE_OBJECT>; LOWER_KINDS.len()] = array::from_fn(|index| {
        let device = NonNull::new(LOWER[index].load(Ordering::Acquire));
        missing |= device.is_none();
        device.unwrap_or(control)
    });
    if missing {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    // SAFETY: unload deletes the devices, and is not called before this request is over, which keeps
    // the control device open. The requests that a case sends are over before it is. The lower
    // devices treat buffers as their requests say, and complete each request once.
    let targets = lower.map(|device| unsafe { TargetDevice::from_raw(device) });
    let [
        Ok(inline),
        Ok(inline_direct),
        Ok(busy),
        Ok(pend),
        Ok(pend_direct),
        Ok(slow),
        Ok(until_cancelled),
        Ok(forward),
        Ok(record),
        Ok(mark_and_return_success),
        Ok(return_success_and_complete),
        Ok(deep),
        Err(too_deep),
        Ok(upper),
        Ok(middle),
        Ok(lowest),
    ] = &targets
    else {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    };
    let Some((_, case)) = CASES.get(number) else {
        let scenario = SCENARIOS.get(number - CASES.len());
        let scenario = scenario.ok_or(STATUS_INVALID_PARAMETER)?;
        let targets = [upper, middle, lowest];
        return check_scenario(scenario, control.as_ptr(), targets, &at, scratch, answer);
    };
    let failure = |_: IrpError| STATUS_INVALID_DEVICE_REQUEST;
    let own_over_deep = over(control, deep).err();
    let own_over_inline = over(control, inline).map_err(failure)?;
    let own_over_pend = over(control, pend).map_err(failure)?;
    // SAFETY: as for the targets; both devices stay until unload.
    let registered = unsafe { DevicePair::without_lock(control, device_of(pend)) };
    let registered_over_pend = registered.map_err(failure)?;
    let lock = remove_lock(&at);
    // SAFETY: as for the targets; the lock is static.
    let locked = unsafe { DevicePair::new(control, device_of(slow), lock) }.map_err(failure)?;
    // SAFETY: as for `over`.
    let locked_over_slow = unsafe { locked.keeps_image_loaded() };
    let name = device_name(b"\\Device\\WdmIrpExample");
    // SAFETY: the control device, which is this driver's.
    let named = unsafe { OpenedDevice::open(&name, DesiredAccess::READ, &at) }.map_err(failure)?;
    let nowhere = device_name(b"\\Device\\Nowhere");
    // SAFETY: there is none.
    let not_opened = unsafe { OpenedDevice::open(&nowhere, DesiredAccess::READ, &at) };
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
        too_deep: *too_deep,
        own_over_deep,
        own_over_inline: &own_over_inline,
        own_over_pend: &own_over_pend,
        registered_over_pend: &registered_over_pend,
        locked_over_slow: &locked_over_slow,
        lock,
        named: &named,
        not_opened: not_opened.err(),
    };
    let kernel = ThisKernel { control };
    match run(*case, &devices, &at, &kernel) {
        Ok(()) => Ok(()),
        Err(failure) => write!(answer, "{failure}").map_err(|_| STATUS_BUFFER_TOO_SMALL),
    }
}

/// Runs a scenario of the conformance script on the devices with `Behavior::Script`.
fn check_scenario(
    scenario: &'static Scenario,
    control: *mut DEVICE_OBJECT,
    [upper, middle, lower]: [&TargetDevice; 3],
    at: &PassiveLevel,
    scratch: &mut [u8],
    answer: &mut Answer<'_>,
) -> Result<(), NTSTATUS> {
    // SAFETY: the devices stay until unload. `LOWER_KINDS` has given the last three their stack
    // sizes, and `lower::dispatch` hands their requests on. One case runs at a time, and no other
    // sends them any.
    let devices = unsafe {
        wdm_irp_conformance::Devices::new(control, upper.as_ptr(), middle.as_ptr(), lower.as_ptr())
    };
    // SAFETY: the device stays until unload, and the kernel keeps the device of a queued work item.
    let workers = unsafe { Workers::new(control) };
    let kernel = if is_wine() {
        wdm_irp_conformance::Kernel::Wine
    } else {
        wdm_irp_conformance::Kernel::Windows
    };
    conformance::check(scenario, &devices, &workers, kernel, at, scratch, answer)
        .map_err(|_| STATUS_BUFFER_TOO_SMALL)
}

/// Makes a pair of the control device and a lower one.
fn over(
    control: NonNull<DEVICE_OBJECT>,
    lower: &TargetDevice,
) -> Result<DevicePair<Unlocked>, IrpError> {
    // SAFETY: as for the targets of a case.
    let pair = unsafe { DevicePair::without_lock(control, device_of(lower)) }?;
    // SAFETY: the program that asks for the case keeps the driver loaded: it has the control device
    // open, and a case ends after its routines.
    Ok(unsafe { pair.keeps_image_loaded() })
}

fn device_of(target: &TargetDevice) -> NonNull<DEVICE_OBJECT> {
    // SAFETY: the device of a target is not null.
    unsafe { NonNull::new_unchecked(target.as_ptr()) }
}

/// Returns the remove lock of the control device, which is removed once while the driver is loaded.
fn remove_lock(at: &PassiveLevel) -> &'static InExtension<RemoveLock> {
    /// The memory of the lock, in the image and not in an extension: it stays until unload, too.
    struct Memory(UnsafeCell<MaybeUninit<InExtension<RemoveLock>>>);

    // SAFETY: the memory is written by the first case alone, of which one runs at a time, and then
    // shared; the lock is `Sync`.
    unsafe impl Sync for Memory {}

    static LOCK: Memory = Memory(UnsafeCell::new(MaybeUninit::uninit()));
    static INITIALIZED: AtomicBool = AtomicBool::new(false);
    const TAG: AllocationTag = AllocationTag::new(*b"Pair").expect("not zero");

    let lock = LOCK.0.get().cast::<InExtension<RemoveLock>>();
    if !INITIALIZED.swap(true, Ordering::AcqRel) {
        // SAFETY: nobody else has a reference to the static memory, which is not initialized again.
        unsafe { InExtension::<RemoveLock>::initialize(lock, TAG, at) };
    }
    // SAFETY: initialized above, now or before, and only shared since.
    unsafe { &*lock }
}

/// The kernel that has loaded this driver.
struct ThisKernel {
    control: NonNull<DEVICE_OBJECT>,
}

impl Kernel for ThisKernel {
    fn fail_next_allocation(&self) {
        faults::fail_next_allocation();
    }

    fn fail_next_registration(&self) {
        standins::fail_next_registration();
    }

    fn allocated(&self) -> isize {
        faults::allocated()
    }

    fn forwards_pending_returned(&self) -> bool {
        !is_wine()
    }

    fn cancel_elsewhere(&self, canceller: Canceller) -> bool {
        // SAFETY: the control device; `control` runs one case at a time, which joins.
        unsafe { elsewhere::cancel(self.control.as_ptr(), canceller) }
    }

    fn join(&self) {
        elsewhere::join();
    }
}
