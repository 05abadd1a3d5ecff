//! The IRPs that a modelled driver has put aside.

use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS, STATUS_CANCELLED};

use crate::driver::device::{Device, DeviceShared, Held, Ticket};
use crate::driver::lower_irp::LowerIrp;
use crate::io::cancel;
use crate::io::irp::IrpAccess;
use crate::sync::{Instant, lock, wait_for};

impl DeviceShared {
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

impl Device {
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

impl LowerIrp {
    /// Puts the IRP aside, to be taken back by [`Device::take`] or completed by [`Device::complete_next`]. If
    /// `cancelable`, a cancel routine is set, and may complete it at any time. Mark it pending before.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn hold(self, cancelable: bool) -> Ticket {
        let device = self.device();
        device.hold(self, cancelable)
    }
}
