//! Devices of lower drivers.

use std::collections::BTreeMap;
use std::fmt;
use std::ptr::NonNull;

use wdm_irp::TargetDevice;
use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, IRP, NTSTATUS, PDRIVER_DISPATCH, STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST,
};

use crate::behavior::Behavior;
use crate::cancel;
use crate::irp::IrpAccess;
use crate::lower::{LowerIrp, Received};
use crate::machine::Inner;
use crate::memory::Memory;
use crate::registry;
use crate::sync::{Arc, Condvar, Instant, Mutex, Weak, lock, wait_for};
use crate::timeline::Lane;

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
pub struct Ticket(u64);

/// An IRP that its driver has put aside.
struct Held {
    irp: LowerIrp,
    /// Whether a cancel routine is set.
    cancelable: bool,
}

#[derive(Default)]
struct HeldIrps {
    irps: BTreeMap<Ticket, Held>,
    next: u64,
    retired: bool,
}

/// Who handles the requests.
enum Driver {
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
    driver: Driver,
    received: Mutex<Vec<Received>>,
    held: Mutex<HeldIrps>,
    held_changed: Condvar,
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

    /// Puts an IRP aside. If it is cancelable, its cancel routine may complete it before this returns.
    pub(crate) fn hold(&self, irp: LowerIrp, cancelable: bool) -> Ticket {
        let access = irp.access();
        let mut held = lock(&self.held);
        let ticket = Ticket(held.next);
        if held.retired {
            drop(held);
            irp.abandon();
            return ticket;
        }
        held.next += 1;
        held.irps.insert(ticket, Held { irp, cancelable });
        let mut cancelled = None;
        if cancelable {
            // The cancel routine needs the lock that is held here: the IRP stays until it is released.
            access.exchange_cancel_routine(Some(cancel_held));
            if access.is_cancelled() && access.exchange_cancel_routine(None).is_some() {
                // Cancelled before the routine was set: nobody will call it.
                cancelled = held.irps.remove(&ticket);
            }
        }
        drop(held);
        self.held_changed.notify_all();
        if let Some(held) = cancelled {
            held.irp.complete(STATUS_CANCELLED, 0);
        }
        ticket
    }

    /// Takes a held IRP back; `None` if it is gone, or if its cancel routine is about to take it.
    pub(crate) fn take(&self, ticket: Ticket) -> Option<LowerIrp> {
        let mut held = lock(&self.held);
        let entry = held.irps.get(&ticket)?;
        // While it is listed it is not completed, so it may be touched.
        if entry.cancelable && entry.irp.access().exchange_cancel_routine(None).is_none() {
            return None;
        }
        let entry = held.irps.remove(&ticket)?;
        drop(held);
        self.held_changed.notify_all();
        Some(entry.irp)
    }

    /// Takes back the IRP that was put aside first.
    fn take_first(&self) -> Option<LowerIrp> {
        let tickets: Vec<Ticket> = lock(&self.held).irps.keys().copied().collect();
        tickets.into_iter().find_map(|ticket| self.take(ticket))
    }

    /// For the cancel routine: takes back the IRP at this address.
    fn take_cancelled(&self, irp: *mut IRP) -> Option<LowerIrp> {
        let mut held = lock(&self.held);
        let ticket = held
            .irps
            .iter()
            .find(|(_, entry)| entry.cancelable && entry.irp.as_ptr().addr() == irp.addr())
            .map(|(ticket, _)| *ticket)?;
        let entry = held.irps.remove(&ticket)?;
        drop(held);
        self.held_changed.notify_all();
        Some(entry.irp)
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

/// The cancel routine of IRPs that a modelled driver holds.
///
/// # Safety
/// As the I/O manager calls it: with the cancel spin lock held, on an IRP that this routine was set for.
unsafe extern "system" fn cancel_held(device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: the IRP is this routine's.
    let irql = unsafe { IrpAccess::new(irp) }.cancel_irql();
    cancel::release(irql);
    if let Some(irp) = DeviceShared::find(device).and_then(|device| device.take_cancelled(irp)) {
        irp.complete(STATUS_CANCELLED, 0);
    }
}

/// A device of a lower driver. Clones are the same device; its memory stays until the machine ends.
#[derive(Clone)]
pub struct Device {
    shared: Arc<DeviceShared>,
    /// Keeps the memory of the IRPs that the driver may have.
    machine: Arc<Inner>,
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
        registry::insert(shared.address(), machine);
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

    /// Changes what the driver does with the requests to come.
    pub fn set_behavior(&self, behavior: Behavior) {
        if let Driver::Modelled(current) = &self.shared.driver {
            *lock(current) = Some(Arc::new(behavior));
        }
    }

    /// The requests that the driver has received so far, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// How many IRPs the driver holds back.
    #[must_use]
    pub fn pending(&self) -> usize {
        lock(&self.shared.held).irps.len()
    }

    /// Waits until the driver holds back this many IRPs. The machine's hang limit applies.
    pub fn wait_until_pending(&self, count: usize) {
        let start = Instant::now();
        let limit = self.machine.hang_limit();
        let mut held = lock(&self.shared.held);
        while held.irps.len() < count {
            let passed = start.elapsed();
            if passed >= limit {
                drop(held);
                self.machine.hang("Device::wait_until_pending");
            }
            held = wait_for(
                &self.shared.held_changed,
                held,
                limit.saturating_sub(passed),
            );
        }
    }

    /// Takes back the IRP that the driver holds back longest.
    #[must_use]
    pub fn take_next(&self) -> Option<LowerIrp> {
        self.shared.take_first()
    }

    /// Takes back an IRP that was put aside by [`LowerIrp::hold`].
    #[must_use]
    pub fn take(&self, ticket: Ticket) -> Option<LowerIrp> {
        self.shared.take(ticket)
    }

    /// Completes the IRP that the driver holds back longest, on this thread. `false`: there is none.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete_next(&self, status: NTSTATUS, information: usize) -> bool {
        let Some(irp) = self.take_next() else {
            return false;
        };
        irp.complete(status, information);
        true
    }
}
