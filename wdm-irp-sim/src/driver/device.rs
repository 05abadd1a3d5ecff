//! Devices of lower drivers.

use std::collections::BTreeMap;
use std::fmt;
use std::ptr::NonNull;

use wdm_irp::TargetDevice;
use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, IRP, NTSTATUS, PDRIVER_DISPATCH,
    STATUS_INVALID_DEVICE_REQUEST,
};

use crate::driver::behavior::Behavior;
use crate::driver::lower_irp::LowerIrp;
use crate::driver::received::Received;
use crate::kernel::{Inner, objects};
use crate::memory::Memory;
use crate::report::timeline::Lane;
use crate::sync::{Arc, Condvar, Mutex, Weak, lock};

/// `IO_TYPE_DEVICE`
const IO_TYPE_DEVICE: i16 = 3;

/// How to make a device: its name, its I/O method for reads and writes, its stack size.
#[derive(Clone, Debug)]
#[must_use]
pub struct DeviceOptions {
    name: Arc<str>,
    flags: u32,
    stack_size: i8,
}

impl DeviceOptions {
    /// A device with this name in the timeline, buffered I/O, and one stack location.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            flags: DO_BUFFERED_IO,
            stack_size: 1,
        }
    }

    /// `DO_BUFFERED_IO`
    pub fn buffered(self) -> Self {
        self.flags(DO_BUFFERED_IO)
    }

    /// `DO_DIRECT_IO`
    pub fn direct(self) -> Self {
        self.flags(DO_DIRECT_IO)
    }

    /// Neither buffered nor direct I/O: the driver gets the address of the caller's buffer.
    pub fn neither(self) -> Self {
        self.flags(0)
    }

    /// `DeviceObject->Flags`
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// `DeviceObject->StackSize`
    pub fn stack_size(mut self, stack_size: i8) -> Self {
        self.stack_size = stack_size;
        self
    }
}

/// Identifies an IRP that a driver holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// An IRP that its driver has put aside.
pub(super) struct Held {
    pub(super) irp: LowerIrp,
    /// Whether a cancel routine is set.
    pub(super) cancelable: bool,
}

#[derive(Default)]
pub(super) struct HeldIrps {
    pub(super) irps: BTreeMap<Ticket, Held>,
    pub(super) next: u64,
    pub(super) retired: bool,
}

/// Who handles the requests.
pub(super) enum Driver {
    /// A modelled one.
    Modelled(Mutex<Option<Arc<Behavior>>>),
    /// Code of the test.
    Raw(PDRIVER_DISPATCH),
}

/// A device, shared by the machine, the handles, and the IRPs at its driver.
///
/// # Invariants
/// `memory` holds a `DEVICE_OBJECT`, which is not changed after construction.
pub(crate) struct DeviceShared {
    name: Arc<str>,
    memory: Memory,
    target: TargetDevice,
    flags: u32,
    stack_size: i8,
    pub(super) driver: Driver,
    received: Mutex<Vec<Received>>,
    pub(super) held: Mutex<HeldIrps>,
    pub(super) held_changed: Condvar,
}

/// The devices of the process, by address.
static DEVICES: Mutex<BTreeMap<usize, Weak<DeviceShared>>> = Mutex::new(BTreeMap::new());

impl DeviceShared {
    /// The device of a device object; `None` if it is none.
    pub(crate) fn find(device: *mut DEVICE_OBJECT) -> Option<Arc<Self>> {
        lock(&DEVICES).get(&device.addr()).and_then(Weak::upgrade)
    }

    /// The party that a device's driver is in the timeline.
    pub(crate) fn lane_of(device: *mut DEVICE_OBJECT) -> Lane {
        Self::find(device).map_or(Lane::IoManager, |device| device.lane())
    }

    pub(crate) fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    pub(crate) fn lane(&self) -> Lane {
        Lane::Device(self.name())
    }

    pub(crate) fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.memory.cast()
    }

    pub(crate) fn address(&self) -> usize {
        self.as_ptr().addr()
    }

    pub(crate) const fn flags(&self) -> u32 {
        self.flags
    }

    /// The driver's dispatch routine.
    ///
    /// # Safety
    /// The current location of `irp`, which is IRP `number` of `machine`, is this device's.
    pub(crate) unsafe fn dispatch(
        self: &Arc<Self>,
        machine: &Arc<Inner>,
        irp: *mut IRP,
        number: u32,
    ) -> NTSTATUS {
        let behavior = match &self.driver {
            Driver::Raw(Some(dispatch)) => {
                // SAFETY: the test vouches for its dispatch routine; the IRP is at its device by contract.
                return unsafe { dispatch(self.as_ptr(), irp) };
            }
            Driver::Raw(None) => None,
            Driver::Modelled(behavior) => lock(behavior).clone(),
        };
        // SAFETY: by contract.
        let irp = unsafe { LowerIrp::new(machine, self, irp, number) };
        match behavior {
            Some(behavior) => {
                let received = irp.receive();
                lock(&self.received).push(received);
                behavior.dispatch(irp)
            }
            None => irp.complete(STATUS_INVALID_DEVICE_REQUEST, 0),
        }
    }

    /// At the end of the machine: lets go of whatever owns handles of the machine.
    pub(crate) fn retire(&self) {
        let behavior = match &self.driver {
            Driver::Modelled(behavior) => lock(behavior).take(),
            Driver::Raw(_) => None,
        };
        drop(behavior);
        let held = {
            let mut held = lock(&self.held);
            held.retired = true;
            std::mem::take(&mut held.irps)
        };
        for entry in held.into_values() {
            entry.irp.abandon();
        }
    }
}

impl Drop for DeviceShared {
    fn drop(&mut self) {
        lock(&DEVICES).remove(&self.address());
    }
}

/// A device of a lower driver. Clones are the same device; its memory stays until the machine ends.
#[derive(Clone)]
pub struct Device {
    pub(super) shared: Arc<DeviceShared>,
    /// Keeps the memory of the IRPs that the driver may have.
    pub(super) machine: Arc<Inner>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}

impl Device {
    pub(crate) fn new(machine: &Arc<Inner>, options: DeviceOptions, behavior: Behavior) -> Self {
        let driver = Driver::Modelled(Mutex::new(Some(Arc::new(behavior))));
        Self::with_driver(machine, options, driver)
    }

    pub(crate) fn new_raw(
        machine: &Arc<Inner>,
        options: DeviceOptions,
        dispatch: PDRIVER_DISPATCH,
    ) -> Self {
        Self::with_driver(machine, options, Driver::Raw(dispatch))
    }

    fn with_driver(machine: &Arc<Inner>, options: DeviceOptions, driver: Driver) -> Self {
        let memory = Memory::zeroed(size_of::<DEVICE_OBJECT>());
        let pointer = memory.cast::<DEVICE_OBJECT>();
        // SAFETY: large enough, zeroed, which is a valid device object, and nobody else knows the memory.
        let object = unsafe { &mut *pointer };
        object.Type = IO_TYPE_DEVICE;
        object.Size =
            u16::try_from(size_of::<DEVICE_OBJECT>()).expect("a device object is 328 bytes");
        object.ReferenceCount = 1;
        object.Flags = options.flags;
        object.StackSize = options.stack_size;
        let device = NonNull::new(pointer).expect("allocated memory is not at null");
        // SAFETY: the memory lives as long as this value is borrowed, and the drivers of the model keep to the
        // lengths of buffers. They complete an IRP as often as the test wants; the ledger stops what is too often.
        let target = unsafe { TargetDevice::from_raw(device) };
        let shared = Arc::new(DeviceShared {
            name: options.name,
            memory,
            target,
            flags: options.flags,
            stack_size: options.stack_size,
            driver,
            received: Mutex::default(),
            held: Mutex::default(),
            held_changed: Condvar::new(),
        });
        lock(&DEVICES).insert(shared.address(), Arc::downgrade(&shared));
        objects::insert(shared.address(), machine);
        Self {
            shared,
            machine: machine.clone(),
        }
    }

    pub(crate) fn shared(&self) -> Arc<DeviceShared> {
        self.shared.clone()
    }

    /// The device as the library sees it.
    #[must_use]
    pub fn target(&self) -> &TargetDevice {
        &self.shared.target
    }

    /// The device object.
    #[must_use]
    pub fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.shared.as_ptr()
    }

    /// The name in the timeline.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// `DeviceObject->StackSize`
    #[must_use]
    pub fn stack_size(&self) -> i8 {
        self.shared.stack_size
    }

    /// `DeviceObject->Flags`
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.shared.flags
    }

    /// The requests that the driver has received so far, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }
}
