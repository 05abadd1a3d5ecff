//! `IofCallDriver`: an IRP moves down, and a dispatch routine is called.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, NTSTATUS, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
};

use crate::fault::DelayPoint;
use crate::io::irp::set_current_location;
use crate::io::major::describe_arguments;
use crate::io::may_send::{check_initial_status, check_registration};
use crate::io::mdl::mdl_chain;
use crate::io::pending::breach_of_contract;
use crate::kernel::irps::{Frame, Owner};
use crate::kernel::objects::DeviceObject;
use crate::kernel::record::Found;
use crate::kernel::{Kernel, objects, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::names::{irql_name, major_name, status_name};
use crate::report::timeline::Step;
use crate::sync::{Arc, lock, thread};

/// What `IofCallDriver` needs to know after the dispatch routine, when the IRP may be gone.
struct Sent {
    number: u32,
    /// `None`: there was no location left for the driver that is called.
    frame: Option<u64>,
    major: u8,
    arguments: String,
}

impl Kernel {
    /// Moves an IRP down and calls the device's dispatch routine (`IofCallDriver`).
    ///
    /// # Safety
    /// `irp` is the caller's, with its next stack location filled in, or is known to the ledger as
    /// something else.
    pub(crate) unsafe fn IofCallDriver(
        self: &Arc<Self>,
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
    ) -> NTSTATUS {
        let Some(target) = objects::device(device) else {
            self.violate(
                ViolationKind::UnknownDevice,
                None,
                "IofCallDriver with something that is no device object",
            );
            return STATUS_INVALID_PARAMETER;
        };
        if self.is_deleted(device.addr()) {
            let text = format!("IofCallDriver to {}, which is deleted", target.name());
            self.violate(ViolationKind::DeletedObjectUsed, None, &text);
            return STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the contract of this function is that of `send`.
        let (sent, found) = unsafe { self.send(&*target, irp) };
        let caller = this_thread::lane();
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
            // No location left for the driver that was called: complete it for the driver that has
            // called.
            // SAFETY: `send` has found the IRP allocated, and the caller has handed it over.
            let access = unsafe { Irp::new(irp) };
            access.set_io_status(STATUS_INVALID_DEVICE_REQUEST, 0);
            // SAFETY: as above; it is in flight, at the driver that has called.
            unsafe { self.IofCompleteRequest(irp) };
            return STATUS_INVALID_DEVICE_REQUEST;
        };
        self.check_send_irql(number, sent.major);
        self.faults.delay_at(DelayPoint::BeforeDispatch);
        let irql = this_thread::irql();
        let status = {
            let _busy = this_thread::enter_routine(self, number, lane.clone(), false);
            self.note(
                Some(number),
                format!("dispatch {}{}", major_name(sent.major), sent.arguments),
            );
            // SAFETY: `send` has made the location of `target` the current one, and has looked up
            // the number.
            unsafe { target.clone().dispatch(self, irp, number) }
        };
        // The IRP may be gone.
        if this_thread::irql() != irql {
            self.violate(
                ViolationKind::IrqlChanged,
                Some(number),
                &format!(
                    "the dispatch routine of {} was called at {}_LEVEL and returned at {}_LEVEL",
                    target.name(),
                    irql_name(irql),
                    irql_name(this_thread::irql())
                ),
            );
        }
        self.faults.delay_at(DelayPoint::AfterDispatch);
        let breach = lock(&self.ledger)
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

    /// Moves an IRP on to its next location; `None` if the IRP must not be touched.
    ///
    /// # Safety
    /// As for [`Self::IofCallDriver`].
    unsafe fn send(
        self: &Arc<Self>,
        target: &dyn DeviceObject,
        irp: *mut IRP,
    ) -> (Option<Sent>, Vec<Found>) {
        let mut ledger = lock(&self.ledger);
        let Some((number, record)) = ledger.irp_at(irp.addr()) else {
            let detail = "IofCallDriver with something that is no IRP".to_owned();
            return (None, vec![(ViolationKind::UnknownIrp, None, detail)]);
        };
        let refuse = |kind, detail: &str| (None, vec![(kind, Some(number), detail.to_owned())]);
        let from_originator = record.owner == Owner::Originator;
        if let Some((kind, detail)) = self.why_not_send(number, record) {
            return refuse(kind, detail);
        }
        // SAFETY: allocated, as the ledger says, which does not contradict the caller: by its
        // contract the IRP is its own.
        let access = unsafe { Irp::new(irp) };
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
            // The caller has filled in a location that does not exist, which is the end of the
            // IRP's header.
            set_current_location(access, current);
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
        if access.current_stack_location() != access.address_of_location(current) {
            let detail = "IofCallDriver: CurrentStackLocation does not go with CurrentLocation";
            found.push((ViolationKind::IrpCorrupted, Some(number), detail.to_owned()));
        }
        set_current_location(access, next);
        location.set_device_object(target.as_ptr());
        if from_originator {
            found.extend(
                check_registration(location)
                    .map(|(kind, detail)| (kind, Some(number), detail.to_owned())),
            );
            found.extend(
                check_initial_status(access, location.major_function())
                    .map(|(kind, text)| (kind, Some(number), text)),
            );
            record.owner = Owner::InFlight;
            record.sent = true;
            record.origin_location = next;
            record.origin_thread = Some(thread::current().id());
            this_thread::set_last_irp(self, number);
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
            let chain = mdl_chain(access.mdl_address());
            let buffers = chain.iter().map(|mdl| mdl.system_address().addr());
            let uses = [
                location.context().addr(),
                target.as_ptr().addr(),
                location.file_object().addr(),
                access.system_buffer().addr(),
                access.user_buffer().addr(),
            ];
            let uses = uses.into_iter().chain(buffers);
            record.uses = uses.filter(|address| *address != 0).collect();
            record.mdls = chain.iter().map(|mdl| mdl.address()).collect();
            ledger.carry(number);
        }
        let sent = Sent {
            number,
            frame: Some(frame),
            major: location.major_function(),
            arguments: describe_arguments(location),
        };
        (Some(sent), found)
    }
}
