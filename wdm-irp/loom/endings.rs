//! The lower drivers of the models, and the ways to the end of a request.

use std::time::Duration;

use wdm_irp::error::Failed;
use wdm_irp::in_flight::{InFlight, Outcome, OutcomeOf, Sent, Storage};
use wdm_irp::sys::{
    NTSTATUS, STATUS_CANCELLED, STATUS_DRIVER_INTERNAL_ERROR, STATUS_PENDING, STATUS_SUCCESS,
};
use wdm_irp::{Completed, Timeout};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, Machine, When};

use crate::{Memory, assert_free, at, done, explore, memory, request};

/// A lower driver of a model.
#[derive(Clone, Copy)]
pub(crate) struct Lower {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    /// What it puts in the IOSB.
    pub(crate) status: NTSTATUS,
}

pub(crate) const fn lower(name: &'static str, when: When) -> Lower {
    Lower {
        name,
        when,
        status: STATUS_SUCCESS,
    }
}

pub(crate) const LATER: When = When::after(Duration::ZERO);

/// Breaks the pending contract: marks the IRP, but does not return `STATUS_PENDING`.
pub(crate) const MARKED_FINAL_STATUS: Lower = lower(
    "later, marked, final status",
    LATER.returning(STATUS_SUCCESS),
);

/// Breaks the pending contract: neither marks the IRP nor returns `STATUS_PENDING`.
pub(crate) const FINAL_STATUS: Lower = lower(
    "later, final status",
    LATER.unmarked().returning(STATUS_SUCCESS),
);

impl Lower {
    pub(crate) const fn status(self, status: NTSTATUS) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn device(self, machine: &Machine) -> Device {
        machine.device_with(
            DeviceOptions::new("lower"),
            Behavior::complete(self.status, 0).when(self.when),
        )
    }

    /// Checks a request that has come back.
    pub(crate) fn check<T, I>(self, completed: &Completed<done, (), T, I>) {
        assert_eq!(completed.context().runs(), 1, "runs of the routine");
        let expected = if self.status == STATUS_PENDING {
            STATUS_DRIVER_INTERNAL_ERROR
        } else {
            self.status
        };
        let status = completed.status();
        assert!(
            status == expected || status == STATUS_CANCELLED,
            "status {status:#x}"
        );
    }
}

/// How the originator comes to its end of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Wait,
    TimeOut,
    CancelAndWait,
    PollAndWait,
    PollAndTimeOut,
    PollAndCancel,
    PollAndDrop,
    WaitForAndWait,
    WaitForAndDrop,
    Drop,
}

impl Ending {
    pub(crate) const ALL: [Self; 10] = [
        Self::Wait,
        Self::TimeOut,
        Self::CancelAndWait,
        Self::PollAndWait,
        Self::PollAndTimeOut,
        Self::PollAndCancel,
        Self::PollAndDrop,
        Self::WaitForAndWait,
        Self::WaitForAndDrop,
        Self::Drop,
    ];

    /// Whether a request in flight is abandoned: its slot is free when its routine has left.
    pub(crate) fn drops(self) -> bool {
        matches!(self, Self::Drop | Self::PollAndDrop | Self::WaitForAndDrop)
    }

    /// Whether the request would never end, rightly: nobody cancels it.
    pub(crate) fn is_endless(self, lower: Lower) -> bool {
        let waits = matches!(self, Self::Wait | Self::PollAndWait | Self::WaitForAndWait);
        waits && lower.when == When::cancelled()
    }

    /// Comes to the end of a request that was sent; `None` if its handle was dropped.
    pub(crate) fn end<S: Storage>(self, sent: Sent<S>) -> Option<OutcomeOf<S>> {
        match sent {
            Sent::Completed(outcome) => Some(outcome),
            Sent::InFlight(in_flight) => self.end_in_flight(in_flight),
        }
    }

    /// Comes to the end of a request in flight; `None` if its handle was dropped.
    pub(crate) fn end_in_flight<S: Storage>(self, in_flight: InFlight<S>) -> Option<OutcomeOf<S>> {
        const LIMIT: Timeout = Timeout::seconds(5);
        let at = at();
        let polled = match self {
            Self::PollAndWait | Self::PollAndTimeOut | Self::PollAndCancel | Self::PollAndDrop => {
                in_flight.try_complete()
            }
            Self::WaitForAndWait | Self::WaitForAndDrop => in_flight.wait_for(&at, LIMIT),
            _ => Err(in_flight),
        };
        match (polled, self) {
            (Ok(outcome), _) => Some(outcome),
            (Err(in_flight), Self::Wait | Self::PollAndWait | Self::WaitForAndWait) => {
                Some(in_flight.wait(&at, Timeout::FOREVER))
            }
            (Err(in_flight), Self::TimeOut | Self::PollAndTimeOut) => {
                Some(in_flight.wait(&at, LIMIT))
            }
            (Err(in_flight), Self::CancelAndWait | Self::PollAndCancel) => {
                in_flight.cancel();
                Some(in_flight.wait(&at, Timeout::FOREVER))
            }
            (Err(in_flight), Self::Drop | Self::PollAndDrop | Self::WaitForAndDrop) => {
                drop(in_flight);
                None
            }
        }
    }
}

/// Gives the completed request of an outcome back, whatever its status is.
pub(crate) fn completed<T, I>(outcome: Outcome<done, (), T, I>) -> Completed<done, (), T, I> {
    outcome.unwrap_or_else(Failed::into_completed)
}

/// One request from static memory.
///
/// The slot is free at the end, unless the handle was dropped: then the routine, which may not have
/// left, frees it.
pub(crate) fn round(lower: Lower, device: &Device, slot: &'static Memory, ending: Ending) {
    let sent = request(device).send_in(slot, at()).unwrap();
    if let Some(outcome) = ending.end(sent) {
        lower.check(&completed(outcome));
        assert_free(slot);
    }
}

/// Explores a model for every ending with each of these drivers. Two threads, unless the model
/// starts more.
pub(crate) fn explore_endings(
    name: &'static str,
    drivers: &[Lower],
    preemptions: Option<usize>,
    model: fn(&Machine, Lower, Ending),
) {
    for &lower in drivers {
        for ending in Ending::ALL {
            if !ending.is_endless(lower) {
                let name = format!("{name}{}, {ending:?}", lower.name);
                explore(&name, preemptions, move |machine| {
                    model(machine, lower, ending);
                });
            }
        }
    }
}

/// One request from static memory that was never used.
pub(crate) fn one_round(machine: &Machine, lower: Lower, ending: Ending) {
    let slot = memory();
    round(lower, &lower.device(machine), slot, ending);
    machine.join_drivers();
    assert_free(slot);
}
