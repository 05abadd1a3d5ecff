//! Devices of lower drivers.

use std::any::Any;
use std::fmt;
use std::ptr::NonNull;

use wdm_irp::TargetDevice;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS, PDRIVER_DISPATCH, STATUS_INVALID_DEVICE_REQUEST};

use crate::driver::held::HeldIrps;
use crate::driver::options::DeviceOptions;
use crate::driver::owned_irp::OwnedIrp;
use crate::driver::received::Received;
use crate::driver::target::Targets;
use crate::kernel::Kernel;
use crate::kernel::counted::ObjectRecord;
use crate::kernel::ledger::Retire;
use crate::kernel::objects::{self, DeviceObject};
use crate::memory::{Memory, POISON};
use crate::report::timeline::Lane;
use crate::sync::{Arc, Mutex, Weak, lock};

/// `IO_TYPE_DEVICE`
const IO_TYPE_DEVICE: i16 = 3;

/// The code of a modeled driver.
pub(super) trait Dispatch: Send + Sync {
    /// Runs the dispatch routine; `irp` is at the driver of `device`.
    fn dispatch(&self, device: &Arc<DeviceShared>, irp: OwnedIrp) -> NTSTATUS;
}

/// Who handles the requests.
enum Driver {
    /// A modeled one.
    Modeled(Mutex<Option<Arc<dyn Dispatch>>>),
    /// Code of the test.
    Raw(PDRIVER_DISPATCH),
}

/// A device, shared by the machine, the handles, and the IRPs at its driver.
///
/// # Invariants
/// 1. `memory` holds a `DEVICE_OBJECT`, which is not changed after construction, until its driver
///    has deleted it and nobody has a reference to it any more.
pub(crate) struct DeviceShared {
    name: Arc<str>,
    memory: Memory,
    flags: u32,
    stack_size: i8,
    wants_file_object: bool,
    is_own: bool,
    driver: Driver,
    received: Mutex<Vec<Received>>,
    held: HeldIrps,
}

impl DeviceShared {
    /// Finds the modeled device behind a `DEVICE_OBJECT`; `None` if there is none.
    pub(super) fn find(device: *mut DEVICE_OBJECT) -> Option<Arc<Self>> {
        let device: Arc<dyn Any + Send + Sync> = objects::device(device)?;
        device.downcast().ok()
    }

    /// Returns `DeviceObject->Flags`.
    pub(super) const fn flags(&self) -> u32 {
        self.flags
    }

    /// Returns the IRPs that the driver has put aside.
    pub(super) const fn held(&self) -> &HeldIrps {
        &self.held
    }

    /// Remembers a request.
    pub(super) fn remember(&self, received: Received) {
        lock(&self.received).push(received);
    }

    /// Sets `Irp->IoStatus` and calls `IoCompleteRequest` for the driver.
    pub(super) fn complete(&self, irp: OwnedIrp, status: NTSTATUS, information: usize) {
        let _busy = irp.enter(self.lane());
        irp.complete(status, information);
    }
}

impl DeviceObject for DeviceShared {
    fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.memory.cast()
    }

    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    fn lane(&self) -> Lane {
        if self.is_own {
            Lane::Originator
        } else {
            Lane::Device(self.name())
        }
    }

    fn poison(&self) {
        // SAFETY: deleted, and nobody has a reference: a driver that still reads it is what the
        // poison is for.
        unsafe { self.memory.fill(0..self.memory.size(), POISON) };
    }

    unsafe fn dispatch(
        self: Arc<Self>,
        kernel: &Arc<Kernel>,
        irp: *mut IRP,
        number: u32,
    ) -> NTSTATUS {
        if self.wants_file_object {
            // SAFETY: the IRP is at this device by the caller's contract.
            let access = unsafe { Irp::new(irp) };
            kernel.check_file_object(access, number, &*self);
        }
        let driver = match &self.driver {
            Driver::Raw(Some(dispatch)) => {
                // SAFETY: whoever called `MachineHandle::raw_device` vouches for the routine; the
                // IRP is at this device by the caller's contract.
                return unsafe { dispatch(self.as_ptr(), irp) };
            }
            Driver::Raw(None) => None,
            Driver::Modeled(driver) => lock(driver).clone(),
        };
        // SAFETY: the IRP is at this device by the caller's contract, and no other code of a driver
        // is called for it.
        let irp = unsafe { OwnedIrp::new(kernel, irp, number) };
        if let Some(driver) = driver {
            driver.dispatch(&self, irp)
        } else {
            self.complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
            STATUS_INVALID_DEVICE_REQUEST
        }
    }
}

impl Retire for DeviceShared {
    fn address(&self) -> usize {
        self.as_ptr().addr()
    }

    fn retire(&self) {
        let driver = match &self.driver {
            Driver::Modeled(driver) => lock(driver).take(),
            Driver::Raw(_) => None,
        };
        drop(driver);
        self.held.retire();
    }
}

impl Drop for DeviceShared {
    fn drop(&mut self) {
        objects::remove_device(self.address());
    }
}

/// A device of a lower driver.
///
/// Clones are the same device; its memory stays until the machine ends.
#[derive(Clone)]
pub struct Device {
    pub(super) shared: Arc<DeviceShared>,
    /// Keeps the memory of the IRPs that the driver may have.
    pub(super) kernel: Arc<Kernel>,
    targets: Arc<Targets>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}

impl Device {
    /// Creates a device with a modeled driver.
    pub(super) fn with_code(
        kernel: &Arc<Kernel>,
        options: DeviceOptions,
        code: Arc<dyn Dispatch>,
    ) -> Self {
        let driver = Driver::Modeled(Mutex::new(Some(code)));
        Self::with_driver(kernel, options, driver)
    }

    /// Creates a device with a dispatch routine of the test.
    pub(crate) fn new_raw(
        kernel: &Arc<Kernel>,
        options: DeviceOptions,
        dispatch: PDRIVER_DISPATCH,
    ) -> Self {
        Self::with_driver(kernel, options, Driver::Raw(dispatch))
    }

    fn with_driver(kernel: &Arc<Kernel>, options: DeviceOptions, driver: Driver) -> Self {
        let memory = Memory::zeroed(size_of::<DEVICE_OBJECT>());
        let pointer = memory.cast::<DEVICE_OBJECT>();
        // SAFETY: the memory was allocated above with the size of a device object and zeroed, which
        // is a valid one; nobody else knows it yet.
        let object = unsafe { &mut *pointer };
        object.Type = IO_TYPE_DEVICE;
        object.Size =
            u16::try_from(size_of::<DEVICE_OBJECT>()).expect("a device object is 328 bytes");
        object.ReferenceCount = 1;
        object.Flags = options.flags;
        object.StackSize = options.stack_size;
        let device = NonNull::new(pointer).expect("allocated memory is not at null");
        let opened_by = options.object_name.map(|name| (name, options.open_status));
        let record = ObjectRecord::device(options.name.clone(), opened_by);
        lock(&kernel.ledger).objects.insert(pointer.addr(), record);
        let shared = Arc::new(DeviceShared {
            name: options.name,
            memory,
            flags: options.flags,
            stack_size: options.stack_size,
            wants_file_object: options.wants_file_object,
            is_own: options.is_own,
            driver,
            received: Mutex::default(),
            held: HeldIrps::new(),
        });
        let weak: Weak<DeviceShared> = Arc::downgrade(&shared);
        objects::insert_device(shared.address(), weak, kernel);
        // SAFETY: the memory lives as long as this value is borrowed (invariant 1 of
        // `DeviceShared`); a modeled driver, or one of the test, which has vouched for it.
        let targets = unsafe { Targets::new(device, options.stack_size) };
        Self {
            shared,
            targets: Arc::new(targets),
            kernel: kernel.clone(),
        }
    }

    /// Returns the device as what the end of the machine retires.
    pub(crate) fn shared(&self) -> Arc<dyn Retire> {
        self.shared.clone()
    }

    /// Changes the code of a modeled driver.
    pub(super) fn set_code(&self, code: Arc<dyn Dispatch>) {
        if let Driver::Modeled(current) = &self.shared.driver {
            *lock(current) = Some(code);
        }
    }

    /// Returns the device as the library sees it.
    ///
    /// # Panics
    /// If its stack is deeper than an IRP can be.
    #[must_use]
    pub fn target(&self) -> &TargetDevice<UpToDispatch> {
        self.targets.dispatch()
    }

    /// Returns the device like [`Device::target`], but as one that takes requests at
    /// `PASSIVE_LEVEL` only, which is what driver code can expect of most devices.
    #[must_use]
    pub fn passive_target(&self) -> &TargetDevice {
        self.targets.passive()
    }

    /// Returns the device object.
    #[must_use]
    pub fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.shared.as_ptr()
    }

    /// Returns the name in the timeline.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns `DeviceObject->StackSize`.
    #[must_use]
    pub fn stack_size(&self) -> i8 {
        self.shared.stack_size
    }

    /// Returns `DeviceObject->Flags`.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.shared.flags
    }

    /// Returns the requests that the driver has received so far, the oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }
}
