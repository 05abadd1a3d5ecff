//! The life of an IRP: `IoAllocateIrp`, `IofCallDriver`, `IofCompleteRequest`, `IoFreeIrp`.
//!
//! The model touches the memory of an IRP only while the IRP cannot belong to anybody else: not after a dispatch
//! routine was called, and not after a completion routine returned `STATUS_MORE_PROCESSING_REQUIRED`, when another
//! thread may already have freed it. Whatever is needed then is in the ledger.

use std::fmt::Write as _;

use wdm_irp::sys::{
    DEVICE_OBJECT, DISPATCH_LEVEL, IRP, MDL, NT_SUCCESS, NTSTATUS, PASSIVE_LEVEL,
    PIO_COMPLETION_ROUTINE, SL_INVOKE_ALWAYS, SL_INVOKE_ON_CANCEL, SL_INVOKE_ON_ERROR,
    SL_INVOKE_ON_SUCCESS, SL_PENDING_RETURNED, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING,
};

use crate::context;
use crate::device::DeviceShared;
use crate::fault::{Allocation, Point};
use crate::irp::{self, IrpAccess, LocationAccess};
use crate::irql;
use crate::machine::{Frame, Inner, IrpRecord, OVERRUN, Standing};
use crate::names::{irql_name, major, major_name, status_name};
use crate::registry;
use crate::sync::{Arc, lock, thread};
use crate::timeline::{Lane, Step};
use crate::violation::ViolationKind;

/// A misuse that was found under the ledger's lock, to be recorded outside of it.
type Found = (ViolationKind, Option<u32>, String);

/// What `IofCallDriver` needs to know after the dispatch routine, when the IRP may be gone.
struct Sent {
    number: u32,
    /// `None`: there was no location left for the driver that is called.
    frame: Option<u64>,
    major: u8,
    arguments: String,
}

/// What `IofCompleteRequest` needs to know about an IRP.
struct Walk {
    number: u32,
    origin_location: i8,
    doomed: bool,
}

impl Inner {
    /// `IoAllocateIrp`
    pub(crate) fn allocate_irp(self: &Arc<Self>, stack_size: i8) -> *mut IRP {
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
        let memory = irp::allocate(stack_size);
        let irp = memory.cast::<IRP>();
        registry::insert(irp.addr(), self);
        let number = lock(&self.state).add_irp(memory, stack_size);
        context::set_last_irp(self, number);
        self.call(
            Some(number),
            format!("IoAllocateIrp(StackSize {stack_size})"),
        );
        irp
    }

    /// `IoFreeIrp`
    ///
    /// # Safety
    /// `irp` is the caller's, or is known to the ledger as something else.
    pub(crate) unsafe fn free_irp(&self, irp: *mut IRP) {
        // SAFETY: by contract.
        let (number, found) = match unsafe { self.take_back(irp) } {
            Ok(number) => (Some(number), None),
            Err(found) => (found.1, Some(found)),
        };
        self.check_irql(DISPATCH_LEVEL, number, "IoFreeIrp");
        if let Some((kind, number, detail)) = found {
            self.violate(kind, number, &detail);
        }
    }

    /// The part of [`Self::free_irp`] that is done under the ledger's lock, but for reporting.
    ///
    /// # Safety
    /// As for [`Self::free_irp`].
    unsafe fn take_back(&self, irp: *mut IRP) -> Result<u32, Found> {
        // Recorded before the memory goes: another thread may get the address at once.
        let known = lock(&self.state)
            .irp_at(irp.addr())
            .map(|(number, _)| number);
        if known.is_some() {
            self.call(known, "IoFreeIrp");
        }
        let mut state = lock(&self.state);
        let (number, record) = state.irp_at(irp.addr()).ok_or((
            ViolationKind::UnknownIrp,
            None,
            "IoFreeIrp".to_owned(),
        ))?;
        let found = |kind, detail: &str| Err((kind, Some(number), detail.to_owned()));
        if record.standing == Standing::Freed {
            return found(
                ViolationKind::IrpFreedTwice,
                "IoFreeIrp on an IRP that is freed",
            );
        }
        if record.standing == Standing::InFlight {
            record.standing = Standing::Freed;
            record.doomed = true;
            return found(
                ViolationKind::IrpFreedInFlight,
                "IoFreeIrp on an IRP that a lower driver has",
            );
        }
        if record.cancelling > 0 {
            record.standing = Standing::Freed;
            record.doomed = true;
            return found(
                ViolationKind::IrpFreedDuringCancel,
                "IoFreeIrp while IoCancelIrp is working on the IRP",
            );
        }
        // SAFETY: the ledger says that the IRP is with its originator, which calls this.
        let access = unsafe { IrpAccess::new(irp) };
        let is_irp = access.is_irp();
        record.standing = Standing::Freed;
        let stack_count = record.stack_count;
        let Some(memory) = record.memory.take() else {
            return Ok(number);
        };
        // SAFETY: the IRP is with the caller of this function.
        let intact = unsafe { irp::guard_is_intact(&memory, stack_count) };
        let damaged = state.free_memory(memory, Some(number), "IRP");
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

    /// `IofCallDriver`
    ///
    /// # Safety
    /// `irp` is the caller's, with its next stack location filled in, or is known to the ledger as something else.
    pub(crate) unsafe fn call_driver(
        self: &Arc<Self>,
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
    ) -> NTSTATUS {
        let Some(target) = DeviceShared::find(device) else {
            self.violate(
                ViolationKind::UnknownDevice,
                None,
                "IofCallDriver with something that is no device object",
            );
            return STATUS_INVALID_PARAMETER;
        };
        // SAFETY: by contract.
        let (sent, found) = unsafe { self.send(&target, irp) };
        let caller = context::lane();
        let lane = target.lane();
        if let Some(sent) = &sent {
            self.record(
                Some(sent.number),
                Step::Call,
                caller.clone(),
                lane.clone(),
                format!("IofCallDriver -> {}", target.name()),
            );
        }
        for (kind, number, detail) in found {
            self.violate(kind, number, &detail);
        }
        let Some(sent) = sent else {
            return STATUS_INVALID_PARAMETER;
        };
        let number = sent.number;
        let Some(frame) = sent.frame else {
            // No location left for the driver that was called: complete it for the driver that has called.
            // SAFETY: the caller has handed the IRP over.
            let access = unsafe { IrpAccess::new(irp) };
            access.set_status(STATUS_INVALID_DEVICE_REQUEST, 0);
            // SAFETY: as above.
            unsafe { self.complete(irp) };
            return STATUS_INVALID_DEVICE_REQUEST;
        };
        self.check_send_irql(number, sent.major);
        self.faults.dwell(Point::BeforeDispatch);
        let irql = irql::current();
        let status = {
            let _busy = context::enter_routine(self, number, lane.clone(), false);
            self.note(
                Some(number),
                format!("dispatch {}{}", major_name(sent.major), sent.arguments),
            );
            // SAFETY: the current location is the device's.
            unsafe { target.dispatch(self, irp, number) }
        };
        // The IRP may be gone.
        if irql::current() != irql {
            self.violate(
                ViolationKind::IrqlChanged,
                Some(number),
                &format!(
                    "the dispatch routine of {} was called at {}_LEVEL and returned at {}_LEVEL",
                    target.name(),
                    irql_name(irql),
                    irql_name(irql::current())
                ),
            );
        }
        self.faults.dwell(Point::AfterDispatch);
        let breach = lock(&self.state)
            .irps
            .get_mut(&number)
            .and_then(|record| record.frames.iter_mut().find(|other| other.id == frame))
            .and_then(|frame| {
                frame.returned = Some(status);
                breach_of_contract(frame)
            });
        self.record(
            Some(number),
            Step::Return,
            lane,
            caller,
            format!("IofCallDriver returned {}", status_name(status)),
        );
        if let Some(breach) = breach {
            self.violate_lower(ViolationKind::PendingContract, Some(number), &breach);
        }
        status
    }

    /// Moves an IRP on to its next location. `None`: the IRP must not be touched.
    ///
    /// # Safety
    /// As for [`Self::call_driver`].
    unsafe fn send(
        self: &Arc<Self>,
        target: &DeviceShared,
        irp: *mut IRP,
    ) -> (Option<Sent>, Vec<Found>) {
        let mut state = lock(&self.state);
        let Some((number, record)) = state.irp_at(irp.addr()) else {
            let detail = "IofCallDriver with something that is no IRP".to_owned();
            return (None, vec![(ViolationKind::UnknownIrp, None, detail)]);
        };
        let refuse = |kind, detail: &str| (None, vec![(kind, Some(number), detail.to_owned())]);
        let from_originator = record.standing == Standing::Originator;
        if let Some((kind, detail)) = self.why_not_send(number, record) {
            return refuse(kind, detail);
        }
        // SAFETY: the ledger does not contradict the caller, which says that the IRP is its own.
        let access = unsafe { IrpAccess::new(irp) };
        let current = access.current_location();
        let sane = access.is_irp()
            && access.stack_count() == record.stack_count
            && (1..=record.stack_count + 1).contains(&current);
        if !sane {
            return refuse(
                ViolationKind::IrpCorrupted,
                "IofCallDriver: Irp->Type, StackCount or CurrentLocation is not what the I/O manager left there",
            );
        }
        let mut found: Vec<Found> = Vec::new();
        let next = current - 1;
        let Some(location) = access.location(next) else {
            // The caller has filled in a location that does not exist, which is the end of the IRP's header.
            access.set_current_location(current);
            let detail = format!(
                "IofCallDriver to {} with no stack location left (StackCount {})",
                target.name(),
                record.stack_count
            );
            found.push((ViolationKind::NoMoreStackLocations, Some(number), detail));
            let sent = (!from_originator).then(|| Sent {
                number,
                frame: None,
                major: 0,
                arguments: String::new(),
            });
            return (sent, found);
        };
        if access.current_location_address() != access.address_of_location(current) {
            let detail = "IofCallDriver: CurrentStackLocation does not go with CurrentLocation";
            found.push((ViolationKind::IrpCorrupted, Some(number), detail.to_owned()));
        }
        access.set_current_location(next);
        location.set_device(target.as_ptr());
        if from_originator {
            found.extend(
                check_registration(location)
                    .map(|(kind, detail)| (kind, Some(number), detail.to_owned())),
            );
            record.standing = Standing::InFlight;
            record.sent = true;
            record.origin_location = next;
            record.origin_thread = Some(thread::current().id());
            context::set_last_irp(self, number);
        }
        // A routine may send the IRP again before the calls of earlier rounds have returned.
        record
            .frames
            .retain(|frame| frame.returned.is_none() || frame.marked.is_none());
        record.calls += 1;
        let frame = record.calls;
        record.frames.push(Frame {
            id: frame,
            location: next,
            device: target.name(),
            returned: None,
            marked: None,
            noted: false,
        });
        if from_originator {
            let chain = mdl_chain(access.mdl());
            record.mdls.clone_from(&chain);
            for address in chain {
                if let Some(mdl) = state.mdls.get_mut(&address) {
                    mdl.in_flight = Some(number);
                }
            }
        }
        let sent = Sent {
            number,
            frame: Some(frame),
            major: location.major(),
            arguments: describe_arguments(location),
        };
        (Some(sent), found)
    }

    /// A reason why an IRP must not be touched by `IofCallDriver`.
    fn why_not_send(
        &self,
        number: u32,
        record: &IrpRecord,
    ) -> Option<(ViolationKind, &'static str)> {
        if record.doomed {
            return Some((
                ViolationKind::FreedIrpUsed,
                "IofCallDriver on an IRP that its originator has freed in flight",
            ));
        }
        match record.standing {
            Standing::Freed => Some((
                ViolationKind::FreedIrpUsed,
                "IofCallDriver on an IRP that is freed",
            )),
            // Any driver that has the IRP may send it on. The originator's thread, outside of any routine for the IRP,
            // is no such driver.
            Standing::InFlight
                if record.origin_thread == Some(thread::current().id())
                    && !context::is_busy_with(self, number) =>
            {
                Some((
                    ViolationKind::SentInFlight,
                    "IofCallDriver by the originator on an IRP that is in flight",
                ))
            }
            Standing::InFlight | Standing::Originator => None,
        }
    }

    /// The IRQL rules for sending a request.
    fn check_send_irql(&self, number: u32, major: u8) {
        let irql = irql::current();
        let any_thread = matches!(
            major,
            major::READ | major::WRITE | major::CONTROL | major::INTERNAL_CONTROL | major::POWER
        );
        let highest = if any_thread {
            DISPATCH_LEVEL
        } else {
            // APC_LEVEL is allowed for paging I/O only, which the model does not have; it is not worth a bug check.
            DISPATCH_LEVEL - 1
        };
        if irql > highest {
            self.violate(
                ViolationKind::SentAtBadIrql,
                Some(number),
                &format!(
                    "IofCallDriver for {} at {}_LEVEL",
                    major_name(major),
                    irql_name(irql)
                ),
            );
        }
    }

    /// `IofCompleteRequest`
    ///
    /// # Safety
    /// `irp` is at the calling driver, or is known to the ledger as something else.
    pub(crate) unsafe fn complete(self: &Arc<Self>, irp: *mut IRP) {
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
        // SAFETY: in flight, as the ledger says, and the caller's by contract.
        let access = unsafe { IrpAccess::new(irp) };
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
        let mut state = lock(&self.state);
        let Some((number, record)) = state.irp_at(address) else {
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
        match record.standing {
            Standing::Freed => refuse(
                ViolationKind::FreedIrpUsed,
                "IofCompleteRequest on an IRP that is freed",
            ),
            Standing::Originator if record.sent => refuse(
                ViolationKind::CompletedTwice,
                "IofCompleteRequest on an IRP that is completed",
            ),
            Standing::Originator => refuse(
                ViolationKind::CompletedByOriginator,
                "IofCompleteRequest by the driver that has allocated the IRP",
            ),
            Standing::InFlight if record.walking => refuse(
                ViolationKind::CompletedTwice,
                "IofCompleteRequest on an IRP that is being completed",
            ),
            Standing::InFlight => {
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
    fn walk(self: &Arc<Self>, access: IrpAccess, walk: &Walk) {
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
            access.set_current_location(current + 1);
            access.set_pending_returned(pending);
            self.frame_completed(number, current, pending);
            let status = access.status();
            let invoked = if NT_SUCCESS(status) {
                control & SL_INVOKE_ON_SUCCESS != 0
            } else {
                control & SL_INVOKE_ON_ERROR != 0
            } || (control & SL_INVOKE_ON_CANCEL != 0 && access.is_cancelled());
            // Windows looks at the flags alone: a driver sets them together with a routine.
            let routine = location.routine().filter(|_| invoked);
            if routine.is_some() {
                self.faults.dwell(Point::BeforeRoutine);
            }
            if at_origin {
                self.give_back(access, number, location, routine.is_some());
                return;
            }
            let Some(routine) = routine else {
                location.clear();
                if let Some(above) = access.location(current + 1).filter(|_| pending) {
                    // Nobody above could mark it: the I/O manager does.
                    above.set_control(above.control() | SL_PENDING_RETURNED);
                }
                continue;
            };
            let context_of_routine = location.context();
            let device = access
                .location(current + 1)
                .map_or(std::ptr::null_mut(), LocationAccess::device);
            location.clear();
            let lane = DeviceShared::lane_of(device);
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
        access: IrpAccess,
        number: u32,
        location: LocationAccess,
        invoked: bool,
    ) {
        let device = access
            .location(access.current_location())
            .map_or(std::ptr::null_mut(), LocationAccess::device);
        let context_of_routine = location.context();
        let routine = location.routine().filter(|_| invoked);
        location.clear();
        {
            let mut state = lock(&self.state);
            let Some(record) = state.irps.get_mut(&number) else {
                return;
            };
            if record.doomed {
                return;
            }
            // From here on the originator may free it, from within the routine or from another thread.
            record.walking = false;
            record.standing = Standing::Originator;
            for address in std::mem::take(&mut record.mdls) {
                if let Some(mdl) = state.mdls.get_mut(&address) {
                    mdl.in_flight = None;
                }
            }
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

    /// Calls a completion routine. The IRP may be gone when it returns.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a routine is called with, and what the timeline says about it"
    )]
    fn call_routine(
        self: &Arc<Self>,
        access: IrpAccess,
        number: u32,
        lane: Lane,
        is_originators: bool,
        routine: unsafe extern "system" fn(
            *mut DEVICE_OBJECT,
            *mut IRP,
            *mut std::ffi::c_void,
        ) -> NTSTATUS,
        device: *mut DEVICE_OBJECT,
        context_of_routine: *mut std::ffi::c_void,
    ) -> NTSTATUS {
        // SAFETY: the routine has not run yet, so the IRP is still here.
        let pending = unsafe { wdm_irp::sys::irp_pending_returned(access.as_ptr()) };
        self.record(
            Some(number),
            Step::Call,
            Lane::IoManager,
            lane.clone(),
            format!("completion routine: PendingReturned={}", u8::from(pending)),
        );
        let irql = irql::current();
        let returned = {
            let _busy = context::enter_routine(self, number, lane.clone(), is_originators);
            // SAFETY: a driver has registered the routine and its context for this IRP, and both stay valid until
            // the routine has run.
            unsafe { routine(device, access.as_ptr(), context_of_routine) }
        };
        if irql::current() != irql {
            self.violate(
                ViolationKind::IrqlChanged,
                Some(number),
                "a completion routine returned at another IRQL than it was called at",
            );
        }
        self.record(
            Some(number),
            Step::Return,
            lane,
            Lane::IoManager,
            format!("routine returned {}", status_name(returned)),
        );
        self.faults.dwell(Point::AfterRoutine);
        returned
    }

    /// The driver at this location has completed the IRP.
    fn frame_completed(self: &Arc<Self>, number: u32, location: i8, marked: bool) {
        let breach = {
            let mut state = lock(&self.state);
            state
                .irps
                .get_mut(&number)
                .and_then(|record| {
                    record
                        .frames
                        .iter_mut()
                        .rev()
                        .find(|frame| frame.location == location && frame.marked.is_none())
                })
                .and_then(|frame| {
                    frame.marked = Some(marked);
                    breach_of_contract(frame)
                })
        };
        if let Some(breach) = breach {
            self.violate_lower(ViolationKind::PendingContract, Some(number), &breach);
        }
    }

    /// A routine is about to run, which may complete, send or free the IRP.
    fn leave_walk(&self, number: u32) -> Option<u64> {
        let mut state = lock(&self.state);
        let record = state.irps.get_mut(&number)?;
        record.walking = false;
        (!record.doomed).then_some(record.walks)
    }

    /// The routine has returned and wants the completion to continue. Returns whether it may.
    fn resume_walk(&self, number: u32, walks: u64) -> bool {
        let mut state = lock(&self.state);
        let Some(record) = state.irps.get_mut(&number) else {
            return false;
        };
        let may = record.standing == Standing::InFlight && !record.walking && record.walks == walks;
        if may {
            record.walking = true;
        }
        may
    }

    /// Whether the originator has freed this IRP while it was in flight: its buffers may be gone.
    pub(crate) fn is_doomed(&self, number: u32) -> bool {
        lock(&self.state)
            .irps
            .get(&number)
            .is_none_or(|record: &IrpRecord| record.doomed)
    }
}

/// Whether what a dispatch routine returned goes with the mark, once both are known.
fn breach_of_contract(frame: &mut Frame) -> Option<String> {
    let device = &frame.device;
    let breach = match (frame.returned, frame.marked) {
        (Some(STATUS_PENDING), Some(false)) => {
            format!("{device} returned STATUS_PENDING and has not marked the IRP pending")
        }
        (Some(status), Some(true)) if status != STATUS_PENDING => format!(
            "{device} has marked the IRP pending and returned {}",
            status_name(status)
        ),
        // Not completed when the dispatch routine returned, or this would have been seen before.
        (Some(status), None) if status != STATUS_PENDING => format!(
            "{device} returned {} without having completed the IRP",
            status_name(status)
        ),
        _ => return None,
    };
    (!std::mem::replace(&mut frame.noted, true)).then_some(breach)
}

/// Whether the routine of the originator's location runs whatever happens.
fn check_registration(location: LocationAccess) -> Option<(ViolationKind, &'static str)> {
    let routine: PIO_COMPLETION_ROUTINE = location.routine();
    let control = location.control() & SL_INVOKE_ALWAYS;
    if routine.is_none() || control == 0 {
        Some((
            ViolationKind::SentWithoutRoutine,
            "IofCallDriver on a driver-allocated IRP without completion routine",
        ))
    } else if control != SL_INVOKE_ALWAYS {
        Some((
            ViolationKind::RoutineNotForAllOutcomes,
            "IofCallDriver on a driver-allocated IRP whose completion routine is not registered for success, error \
             and cancel alike",
        ))
    } else {
        None
    }
}

/// The addresses of a chain of MDLs.
fn mdl_chain(mut mdl: *mut MDL) -> Vec<usize> {
    let mut chain = Vec::new();
    // Bounded: a damaged chain may be a ring.
    while !mdl.is_null() && chain.len() < 1024 {
        chain.push(mdl.addr());
        // SAFETY: an IRP that is sent carries valid MDLs.
        mdl = unsafe { (*mdl).Next };
    }
    chain
}

/// The arguments of a request, for the timeline.
fn describe_arguments(location: LocationAccess) -> String {
    let mut text = String::new();
    match location.major() {
        major::READ | major::WRITE => {
            let read = location.read_parameters();
            let _ = write!(
                text,
                " (Length {}, ByteOffset {})",
                read.Length.0, read.ByteOffset
            );
        }
        major::CONTROL | major::INTERNAL_CONTROL => {
            let control = location.control_parameters();
            let _ = write!(
                text,
                " (IoControlCode 0x{:X}, in {}, out {})",
                control.IoControlCode.0, control.InputBufferLength.0, control.OutputBufferLength.0
            );
        }
        _ if location.minor() != 0 => {
            let _ = write!(text, " (minor 0x{:02X})", location.minor());
        }
        _ => {}
    }
    text
}

/// `APC_LEVEL` is just below `DISPATCH_LEVEL`, which [`Inner::check_send_irql`] relies on.
const _: () = assert!(DISPATCH_LEVEL - 1 > PASSIVE_LEVEL);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_of_mdls_is_followed_for_a_while_only() {
        // SAFETY: all zeros is a valid MDL.
        let mut mdl: MDL = unsafe { std::mem::zeroed() };
        let mdl = &raw mut mdl;
        // SAFETY: the local variable above.
        unsafe { (*mdl).Next = mdl };
        assert_eq!(mdl_chain(mdl), [mdl.addr(); 1024]);
    }
}
