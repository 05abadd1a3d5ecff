//! The IRPs that a driver has put aside.

use std::collections::BTreeMap;

use wdm_irp::sys::{IRP, PDRIVER_CANCEL};

use crate::driver::owned_irp::OwnedIrp;
use crate::kernel::Kernel;
use crate::sync::{Condvar, Instant, Mutex, lock, wait_for};

/// Identifies an IRP that a driver holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// An IRP that its driver has put aside.
struct Held {
    irp: OwnedIrp,
    /// Whether a cancel routine is set.
    cancelable: bool,
}

#[derive(Default)]
struct List {
    irps: BTreeMap<Ticket, Held>,
    next: u64,
    retired: bool,
}

/// The IRPs that a driver has put aside.
pub(super) struct HeldIrps {
    list: Mutex<List>,
    changed: Condvar,
}

impl HeldIrps {
    pub(super) fn new() -> Self {
        Self {
            list: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Puts an IRP aside, with a cancel routine or without one.
    ///
    /// The cancel routine may take the IRP before this returns. An IRP that was cancelled before
    /// the routine was set comes back: nobody will call the routine.
    pub(super) fn hold(
        &self,
        irp: OwnedIrp,
        cancel_routine: PDRIVER_CANCEL,
    ) -> (Ticket, Option<OwnedIrp>) {
        let access = irp.access();
        let cancelable = cancel_routine.is_some();
        let mut list = lock(&self.list);
        let ticket = Ticket(list.next);
        if list.retired {
            drop(list);
            return (ticket, None);
        }
        list.next += 1;
        list.irps.insert(ticket, Held { irp, cancelable });
        let mut cancelled = None;
        if cancelable {
            // The cancel routine needs the lock that is held here: the IRP stays until it is
            // released.
            let _ = access.exchange_cancel_routine(cancel_routine);
            if access.cancel() && access.exchange_cancel_routine(None).is_some() {
                cancelled = list.irps.remove(&ticket);
            }
        }
        drop(list);
        self.changed.notify_all();
        (ticket, cancelled.map(|held| held.irp))
    }

    /// Takes a held IRP back; `None` if it is gone, or if its cancel routine is about to take it.
    pub(super) fn take(&self, ticket: Ticket) -> Option<OwnedIrp> {
        let mut list = lock(&self.list);
        let held = list.irps.get(&ticket)?;
        // While it is listed it is not completed, so it may be touched.
        if held.cancelable && held.irp.access().exchange_cancel_routine(None).is_none() {
            return None;
        }
        let held = list.irps.remove(&ticket)?;
        drop(list);
        self.changed.notify_all();
        Some(held.irp)
    }

    /// Takes back the IRP that was put aside first.
    pub(super) fn take_first(&self) -> Option<OwnedIrp> {
        let tickets: Vec<Ticket> = lock(&self.list).irps.keys().copied().collect();
        tickets.into_iter().find_map(|ticket| self.take(ticket))
    }

    /// Takes back the IRP at this address, for the cancel routine.
    pub(super) fn take_cancelled(&self, irp: *mut IRP) -> Option<OwnedIrp> {
        let mut list = lock(&self.list);
        let ticket = list
            .irps
            .iter()
            .find(|(_, held)| held.cancelable && held.irp.irp.addr() == irp.addr())
            .map(|(ticket, _)| *ticket)?;
        let held = list.irps.remove(&ticket)?;
        drop(list);
        self.changed.notify_all();
        Some(held.irp)
    }

    /// Returns how many IRPs are held back.
    pub(super) fn count(&self) -> usize {
        lock(&self.list).irps.len()
    }

    /// Waits until this many IRPs are held back, at most as long as the machine's hang limit.
    pub(super) fn wait_until(&self, count: usize, kernel: &Kernel) {
        let start = Instant::now();
        let limit = kernel.hang_limit();
        let mut list = lock(&self.list);
        while list.irps.len() < count {
            let passed = start.elapsed();
            if passed >= limit {
                drop(list);
                kernel.hang("Device::wait_until_pending");
            }
            list = wait_for(&self.changed, list, limit.saturating_sub(passed));
        }
    }

    /// Forgets the IRPs, which own handles of the machine, and those to come: the machine ends.
    pub(super) fn retire(&self) {
        let irps = {
            let mut list = lock(&self.list);
            list.retired = true;
            std::mem::take(&mut list.irps)
        };
        drop(irps);
    }
}
