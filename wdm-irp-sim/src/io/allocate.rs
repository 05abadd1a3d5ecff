//! `IoAllocateIrp` and `IoFreeIrp`.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DISPATCH_LEVEL, IRP};

use crate::fault::Allocation;
use crate::io::irp::{self, OVERRUN};
use crate::kernel::irps::{Owner, Source};
use crate::kernel::record::Found;
use crate::kernel::{Kernel, objects, this_thread};
use crate::report::kind::ViolationKind;
use crate::sync::{Arc, lock, watched};

impl Kernel {
    /// Allocates an IRP and enters it in the ledger (`IoAllocateIrp`).
    pub(crate) fn IoAllocateIrp(self: &Arc<Self>, stack_size: i8, charge_quota: bool) -> *mut IRP {
        self.check_irql(DISPATCH_LEVEL, None, "IoAllocateIrp");
        if stack_size < 1 || stack_size == i8::MAX {
            self.violate(
                ViolationKind::BadStackSize,
                None,
                &format!("IoAllocateIrp(StackSize {stack_size})"),
            );
            return std::ptr::null_mut();
        }
        if self.faults.take(Allocation::Irp) {
            self.call(
                None,
                format!("IoAllocateIrp(StackSize {stack_size}) returned NULL"),
            );
            return std::ptr::null_mut();
        }
        let memory = irp::allocate(stack_size, charge_quota);
        let irp = memory.cast::<IRP>();
        watched::begin(irp.addr()..irp.addr() + irp::size_of_irp(stack_size));
        objects::insert(irp.addr(), self);
        let number = lock(&self.ledger).add_irp(memory, stack_size, charge_quota);
        this_thread::set_last_irp(self, number);
        self.call(
            Some(number),
            format!("IoAllocateIrp(StackSize {stack_size})"),
        );
        irp
    }

    /// Frees an IRP, or records why that is wrong (`IoFreeIrp`).
    ///
    /// # Safety
    /// `irp` is the caller's, or is known to the ledger as something else.
    pub(crate) unsafe fn IoFreeIrp(&self, irp: *mut IRP) {
        // SAFETY: the contract of this function is that of `take_back`.
        let (number, found) = match unsafe { self.take_back(irp) } {
            Ok(number) => (Some(number), None),
            Err(found) => (found.1, Some(found)),
        };
        self.check_irql(DISPATCH_LEVEL, number, "IoFreeIrp");
        if let Some((kind, number, detail)) = found {
            self.violate(kind, number, &detail);
        }
    }

    /// Takes an IRP back under the ledger's lock; what is wrong is reported without it.
    ///
    /// # Safety
    /// As for [`Self::IoFreeIrp`].
    unsafe fn take_back(&self, irp: *mut IRP) -> Result<u32, Found> {
        // Recorded before the memory goes: another thread may get the address at once.
        let known = lock(&self.ledger)
            .irp_at(irp.addr())
            .map(|(number, _)| number);
        if known.is_some() {
            self.call(known, "IoFreeIrp");
        }
        // Before the ledger is locked, which is never held across an operation of loom's.
        watched::exclude(irp.addr());
        let mut ledger = lock(&self.ledger);
        let (number, record) = ledger.irp_at(irp.addr()).ok_or((
            ViolationKind::UnknownIrp,
            None,
            "IoFreeIrp".to_owned(),
        ))?;
        let found = |kind, detail: &str| Err((kind, Some(number), detail.to_owned()));
        if record.owner == Owner::Freed {
            return found(
                ViolationKind::IrpFreedTwice,
                "IoFreeIrp on an IRP that is freed",
            );
        }
        if record.source == Source::Driver {
            return found(
                ViolationKind::UnknownIrp,
                "IoFreeIrp on an IRP in memory of the driver (IoInitializeIrp)",
            );
        }
        record.ended_by = Some(this_thread::who());
        if record.owner == Owner::InFlight {
            record.owner = Owner::Freed;
            record.doomed = true;
            return found(
                ViolationKind::IrpFreedInFlight,
                "IoFreeIrp on an IRP that a lower driver has",
            );
        }
        if record.cancelling > 0 {
            record.owner = Owner::Freed;
            record.doomed = true;
            return found(
                ViolationKind::IrpFreedDuringCancel,
                "IoFreeIrp while IoCancelIrp is working on the IRP",
            );
        }
        // SAFETY: the ledger says that the IRP is allocated and with its originator, whose call
        // this is.
        let access = unsafe { Irp::new(irp) };
        let is_irp = access.is_irp();
        record.owner = Owner::Freed;
        let stack_count = record.stack_count;
        let Some(memory) = record.memory.take() else {
            return Ok(number);
        };
        // SAFETY: an IRP of `irp::allocate`, as the ledger has it, with its originator, whose call
        // this is.
        let intact = unsafe { irp::guard_is_intact(&memory, stack_count) };
        let damaged = ledger.free_memory(memory, Some(number), "IRP");
        if !is_irp {
            return found(
                ViolationKind::IrpCorrupted,
                "IoFreeIrp: Irp->Type is not IO_TYPE_IRP",
            );
        }
        if !intact {
            return found(ViolationKind::IrpOverrun, OVERRUN);
        }
        if let Some((irp, detail)) = damaged {
            return Err((ViolationKind::WriteAfterFree, irp, detail));
        }
        Ok(number)
    }
}
