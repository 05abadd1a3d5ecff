//! `IoReuseIrp` and `IoInitializeIrp`.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DISPATCH_LEVEL, IRP, NTSTATUS, STATUS_SUCCESS};

use crate::io::irp::{self, OVERRUN};
use crate::kernel::irps::{IrpRecord, Owner, Source};
use crate::kernel::{Kernel, objects, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::names::status_name;
use crate::sync::{Arc, lock, watched};

/// What is wrong with a call, and whether it is carried out nevertheless.
enum Wrong {
    Refused(ViolationKind, &'static str),
    Noted(ViolationKind, &'static str),
}

impl Kernel {
    /// Makes an IRP fresh (`IoReuseIrp`).
    ///
    /// # Safety
    /// `irp` is the caller's, or is known to the ledger as something else.
    pub(crate) unsafe fn IoReuseIrp(&self, irp: *mut IRP, status: NTSTATUS) {
        watched::exclude(irp.addr());
        let (number, wrong) = {
            let mut ledger = lock(&self.ledger);
            if let Some((number, record)) = ledger.irp_at(irp.addr()) {
                // SAFETY: the contract of this function is that of `reset`.
                (Some(number), unsafe { reset(record, irp, status) })
            } else {
                let text = "IoReuseIrp on something that is no IRP of IoAllocateIrp";
                let wrong = Wrong::Refused(ViolationKind::IrpNotReusable, text);
                (None, Some(wrong))
            }
        };
        self.check_irql(DISPATCH_LEVEL, number, "IoReuseIrp");
        if !matches!(wrong, Some(Wrong::Refused(..))) {
            self.call(number, format!("IoReuseIrp({})", status_name(status)));
        }
        if let Some(Wrong::Refused(kind, text) | Wrong::Noted(kind, text)) = wrong {
            self.violate(kind, number, text);
        }
    }

    /// Makes an IRP of memory of the driver (`IoInitializeIrp`).
    ///
    /// # Safety
    /// `irp` is writable for `packet_size` bytes and the caller's, or is known to the ledger as
    /// something else.
    pub(crate) unsafe fn IoInitializeIrp(
        self: &Arc<Self>,
        irp: *mut IRP,
        packet_size: u16,
        stack_size: i8,
    ) {
        let text = format!("IoInitializeIrp(PacketSize {packet_size}, StackSize {stack_size})");
        self.check_irql(DISPATCH_LEVEL, None, "IoInitializeIrp");
        if stack_size < 1 || stack_size == i8::MAX {
            self.violate(ViolationKind::BadStackSize, None, &text);
            return;
        }
        if usize::from(packet_size) < irp::size_of_irp(stack_size) {
            self.violate(ViolationKind::IrpPacketTooSmall, None, &text);
            return;
        }
        watched::exclude(irp.addr());
        let known = {
            let mut ledger = lock(&self.ledger);
            match ledger.irp_at(irp.addr()) {
                Some((number, record)) if record.owner != Owner::Freed => {
                    // SAFETY: the contract of this function is that of `initialize_again`.
                    let wrong = unsafe { initialize_again(record, irp) };
                    Some((number, wrong))
                }
                _ => None,
            }
        };
        if let Some((number, Some(Wrong::Refused(kind, text) | Wrong::Noted(kind, text)))) = known {
            self.violate(kind, Some(number), text);
            return;
        }
        let number = {
            let mut ledger = lock(&self.ledger);
            if let Some((_, record)) = ledger.irp_at(irp.addr()) {
                record.owner = Owner::Freed;
            }
            // SAFETY: writable for this many bytes and the caller's, by contract: no IRP of the
            // ledger that somebody else has.
            unsafe { irp::initialize(irp, packet_size, stack_size) };
            ledger.add_irp_of_driver(irp.addr(), stack_size)
        };
        objects::insert(irp.addr(), self);
        this_thread::set_last_irp(self, number);
        self.call(Some(number), text);
    }
}

/// Makes an IRP of the ledger fresh, or says why not.
///
/// # Safety
/// As for [`Kernel::IoReuseIrp`]; the ledger is locked.
unsafe fn reset(record: &mut IrpRecord, irp: *mut IRP, status: NTSTATUS) -> Option<Wrong> {
    let refuse = |kind, text| Some(Wrong::Refused(kind, text));
    match record.owner {
        Owner::Freed => {
            let text = "IoReuseIrp on an IRP that is freed";
            return refuse(ViolationKind::FreedIrpUsed, text);
        }
        Owner::InFlight => {
            let text = "IoReuseIrp on an IRP that a lower driver has";
            return refuse(ViolationKind::IrpReusedInFlight, text);
        }
        Owner::Originator if record.cancelling > 0 => {
            let text = "IoReuseIrp while IoCancelIrp is working on the IRP";
            return refuse(ViolationKind::IrpReusedDuringCancel, text);
        }
        Owner::Originator => {}
    }
    // SAFETY: the ledger says that the IRP is allocated and with its originator, whose call this
    // is.
    if !unsafe { Irp::new(irp) }.is_irp() {
        let text = "IoReuseIrp: Irp->Type is not IO_TYPE_IRP";
        return refuse(ViolationKind::IrpCorrupted, text);
    }
    // SAFETY: an initialized IRP with its originator, as above.
    unsafe { irp::reset(irp, record.stack_count, status) };
    record.sent = false;
    record.ended_by = Some(this_thread::who());
    let intact = record.memory.as_ref().is_none_or(|memory| {
        // SAFETY: an IRP of `irp::allocate`, as the ledger has it, with its originator.
        unsafe { irp::guard_is_intact(memory, record.stack_count) }
    });
    (!intact).then_some(Wrong::Noted(ViolationKind::IrpOverrun, OVERRUN))
}

/// Checks `IoInitializeIrp` on an IRP of the ledger; one of `IoAllocateIrp` is reset.
///
/// # Safety
/// As for [`Kernel::IoInitializeIrp`]; the ledger is locked.
unsafe fn initialize_again(record: &mut IrpRecord, irp: *mut IRP) -> Option<Wrong> {
    if record.owner == Owner::InFlight {
        let text = "IoInitializeIrp on an IRP that a lower driver has";
        return Some(Wrong::Refused(ViolationKind::IrpReusedInFlight, text));
    }
    let Source::Allocated { charged } = record.source else {
        return None;
    };
    // SAFETY: by contract.
    let wrong = unsafe { reset(record, irp, STATUS_SUCCESS) };
    wrong.or(Some(if charged {
        let text = "IoInitializeIrp on an IRP of IoAllocateIrp that quota was charged for";
        Wrong::Noted(ViolationKind::IrpInitializedWithQuota, text)
    } else {
        let text = "IoInitializeIrp on an IRP of IoAllocateIrp";
        Wrong::Noted(ViolationKind::AllocatedIrpInitialized, text)
    }))
}
