//! `IofCompleteRequest`: an IRP walks up, and completion routines are called.
//!
//! The model touches the memory of an IRP only while the IRP cannot belong to anybody else: not
//! after a dispatch routine was called, and not after a completion routine returned
//! `STATUS_MORE_PROCESSING_REQUIRED`, when another thread may already have freed it. Whatever is
//! needed then is in the ledger.
//!

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{
    DISPATCH_LEVEL, IRP, NT_SUCCESS, SL_INVOKE_ON_CANCEL, SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS,
    SL_PENDING_RETURNED, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING,
};

use crate::fault::DelayPoint;
use crate::io::irp::{clear_location, set_current_location};
use crate::kernel::irps::{IrpRecord, Owner};
use crate::kernel::record::Found;
use crate::kernel::{Kernel, objects};
use crate::report::kind::ViolationKind;
use crate::report::names::status_name;
use crate::report::timeline::Lane;
use crate::sync::{Arc, lock, watched};

/// What `IofCompleteRequest` needs to know about an IRP.
struct Walk {
    number: u32,
    origin_location: i8,
    doomed: bool,
}

impl Kernel {
    /// Completes an IRP for the driver it is at (`IofCompleteRequest`).
    ///
    /// # Safety
    /// `irp` is at the calling driver, or is known to the ledger as something else.
    pub(crate) unsafe fn IofCompleteRequest(self: &Arc<Self>, irp: *mut IRP) {
        let walk = match self.begin_walk(irp.addr()) {
            Ok(walk) => walk,
            Err((kind, number, detail)) => {
                self.check_irql(DISPATCH_LEVEL, number, "IofCompleteRequest");
                self.violate(kind, number, &detail);
                return;
            }
        };
        let number = Some(walk.number);
        if walk.doomed {
            // The violation is recorded. The originator and its completion routine may be gone.
            self.note(
                number,
                "IofCompleteRequest on an IRP that was freed in flight: ignored",
            );
            return;
        }
        // SAFETY: allocated and in flight, as the ledger says, and at the calling driver by its
        // contract.
        let access = unsafe { Irp::new(irp) };
        let status = access.status();
        self.call(
            number,
            format!(
                "IofCompleteRequest {}, Information {}",
                status_name(status),
                access.information()
            ),
        );
        self.check_irql(DISPATCH_LEVEL, number, "IofCompleteRequest");
        if status == STATUS_PENDING {
            self.violate_lower(
                ViolationKind::CompletedWithPending,
                number,
                "IofCompleteRequest with STATUS_PENDING in Irp->IoStatus",
            );
        }
        if access.exchange_cancel_routine(None).is_some() {
            self.violate_lower(
                ViolationKind::CancelRoutineSet,
                number,
                "IofCompleteRequest while a cancel routine is set",
            );
        }
        self.walk(access, &walk);
    }

    /// Enters a walk in the ledger.
    fn begin_walk(&self, address: usize) -> Result<Walk, Found> {
        let mut ledger = lock(&self.ledger);
        let Some((number, record)) = ledger.irp_at(address) else {
            let detail = "IofCompleteRequest with something that is no IRP".to_owned();
            return Err((ViolationKind::UnknownIrp, None, detail));
        };
        let refuse = |kind, detail: &str| Err((kind, Some(number), detail.to_owned()));
        if record.doomed {
            return Ok(Walk {
                number,
                origin_location: 0,
                doomed: true,
            });
        }
        match record.owner {
            Owner::Freed => refuse(
                ViolationKind::FreedIrpUsed,
                "IofCompleteRequest on an IRP that is freed",
            ),
            Owner::Originator if record.sent => refuse(
                ViolationKind::CompletedTwice,
                "IofCompleteRequest on an IRP that is completed",
            ),
            Owner::Originator => refuse(
                ViolationKind::CompletedByOriginator,
                "IofCompleteRequest by the driver that has allocated the IRP",
            ),
            Owner::InFlight if record.walking => refuse(
                ViolationKind::CompletedTwice,
                "IofCompleteRequest on an IRP that is being completed",
            ),
            Owner::InFlight => {
                record.walking = true;
                record.walks += 1;
                Ok(Walk {
                    number,
                    origin_location: record.origin_location,
                    doomed: false,
                })
            }
        }
    }

    /// Walks upwards through the locations, from the current one.
    fn walk(self: &Arc<Self>, access: Irp, walk: &Walk) {
        let number = walk.number;
        loop {
            let current = access.current_location();
            let Some(location) = access.location(current) else {
                self.violate(
                    ViolationKind::IrpCorrupted,
                    Some(number),
                    "IofCompleteRequest: Irp->CurrentLocation is not a location of the IRP",
                );
                return;
            };
            let at_origin = current == walk.origin_location;
            let control = location.control();
            let pending = control & SL_PENDING_RETURNED != 0;
            set_current_location(access, current + 1);
            access.set_pending_returned(pending);
            self.frame_completed(number, current, pending);
            let status = access.status();
            let invoked = if NT_SUCCESS(status) {
                control & SL_INVOKE_ON_SUCCESS != 0
            } else {
                control & SL_INVOKE_ON_ERROR != 0
            } || (control & SL_INVOKE_ON_CANCEL != 0 && access.cancel());
            // Windows looks at the flags alone: a driver sets them together with a routine.
            let routine = location.completion_routine().filter(|_| invoked);
            if routine.is_some() {
                self.faults.delay_at(DelayPoint::BeforeRoutine);
            }
            if at_origin {
                self.give_back(access, number, location, routine.is_some());
                return;
            }
            let Some(routine) = routine else {
                clear_location(location);
                if let Some(above) = access.location(current + 1).filter(|_| pending) {
                    // Nobody above could mark it: the I/O manager does.
                    above.mark_pending();
                }
                continue;
            };
            let context_of_routine = location.context();
            let device = access
                .location(current + 1)
                .map_or(std::ptr::null_mut(), StackLocation::device_object);
            clear_location(location);
            let lane = objects::lane_of(device);
            let Some(walks) = self.leave_walk(number) else {
                return;
            };
            let returned = self.call_routine(
                access,
                number,
                lane,
                false,
                routine,
                device,
                context_of_routine,
            );
            if returned == STATUS_MORE_PROCESSING_REQUIRED {
                // Whoever has it now may have freed it.
                return;
            }
            if !self.resume_walk(number, walks) {
                self.violate(
                    ViolationKind::CompletedTwice,
                    Some(number),
                    "a completion routine completed the IRP, or gave it away, and let the completion continue",
                );
                return;
            }
        }
    }

    /// Ends the walk at the originator's location.
    fn give_back(
        self: &Arc<Self>,
        access: Irp,
        number: u32,
        location: StackLocation,
        invoked: bool,
    ) {
        let device = access
            .current()
            .map_or(std::ptr::null_mut(), StackLocation::device_object);
        let context_of_routine = location.context();
        let routine = location.completion_routine().filter(|_| invoked);
        clear_location(location);
        watched::share(access.as_ptr().addr());
        {
            let mut ledger = lock(&self.ledger);
            let Some(record) = ledger.irps.get_mut(&number) else {
                return;
            };
            if record.doomed {
                return;
            }
            // From here on the originator may free it, from within the routine or from another
            // thread.
            record.walking = false;
            record.owner = Owner::Originator;
            ledger.uncarry(number);
        }
        let Some(routine) = routine else {
            self.violate(
                ViolationKind::RoutineNotCalled,
                Some(number),
                "the IRP was completed, and no completion routine of its originator was called",
            );
            return;
        };
        let returned = self.call_routine(
            access,
            number,
            Lane::Routine,
            true,
            routine,
            device,
            context_of_routine,
        );
        if returned != STATUS_MORE_PROCESSING_REQUIRED {
            self.violate(
                ViolationKind::RoutineLetCompletionContinue,
                Some(number),
                &format!(
                    "the completion routine of a driver-allocated IRP returned {} instead of \
                     STATUS_MORE_PROCESSING_REQUIRED",
                    status_name(returned)
                ),
            );
        }
    }

    /// Leaves the walk to a routine, which may complete, send or free the IRP.
    fn leave_walk(&self, number: u32) -> Option<u64> {
        let mut ledger = lock(&self.ledger);
        let record = ledger.irps.get_mut(&number)?;
        record.walking = false;
        (!record.doomed).then_some(record.walks)
    }

    /// Resumes the walk after a routine that lets it continue; `false` if it must not.
    fn resume_walk(&self, number: u32, walks: u64) -> bool {
        let mut ledger = lock(&self.ledger);
        let Some(record) = ledger.irps.get_mut(&number) else {
            return false;
        };
        let may = record.owner == Owner::InFlight && !record.walking && record.walks == walks;
        if may {
            record.walking = true;
        }
        may
    }

    /// Returns whether the originator has freed this IRP in flight: its buffers may be gone.
    pub(crate) fn is_doomed(&self, number: u32) -> bool {
        lock(&self.ledger)
            .irps
            .get(&number)
            .is_none_or(|record: &IrpRecord| record.doomed)
    }
}
