//! The lower drivers of the models, and the ways to the end of a request.

use std::time::Duration;

use wdm_irp::error::Failed;
use wdm_irp::in_flight::{InFlight, Outcome, Sent};
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
    pub(crate) fn check<B>(self, completed: &Completed<done, B>) {
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
    PollAndDrop,
    WaitForAndWait,
    WaitForAndDrop,
    Drop,
}

impl Ending {
    pub(crate) const ALL: [Self; 9] = [
        Self::Wait,
        Self::TimeOut,
        Self::CancelAndWait,
        Self::PollAndWait,
        Self::PollAndTimeOut,
        Self::PollAndDrop,
        Self::WaitForAndWait,
        Self::WaitForAndDrop,
        Self::Drop,
    ];

    /// `None`: dropped.
    pub(crate) fn end(self, in_flight: InFlight<&'static Memory>) -> Option<Completed<done, ()>> {
        const LIMIT: Timeout = Timeout::seconds(5);
        let at = at();
        let polled = match self {
            Self::PollAndWait | Self::PollAndTimeOut | Self::PollAndDrop => {
                in_flight.try_complete()
            }
            Self::WaitForAndWait | Self::WaitForAndDrop => in_flight.wait_for(&at, LIMIT),
            _ => Err(in_flight),
        };
        match (polled, self) {
            (Ok(outcome), _) => Some(completed(outcome)),
            (Err(in_flight), Self::Wait | Self::PollAndWait | Self::WaitForAndWait) => {
                Some(completed(in_flight.wait(&at, Timeout::FOREVER)))
            }
            (Err(in_flight), Self::TimeOut | Self::PollAndTimeOut) => {
                Some(completed(in_flight.wait(&at, LIMIT)))
            }
            (Err(in_flight), Self::CancelAndWait) => {
                in_flight.cancel();
                Some(completed(in_flight.wait(&at, Timeout::FOREVER)))
            }
            (Err(in_flight), Self::Drop | Self::PollAndDrop | Self::WaitForAndDrop) => {
                drop(in_flight);
                None
            }
        }
    }
}

/// Gives the completed request of an outcome back, whatever its status is.
pub(crate) fn completed<B>(outcome: Outcome<done, B>) -> Completed<done, B> {
    outcome.unwrap_or_else(Failed::into_completed)
}

/// One request from static memory.
pub(crate) fn round(lower: Lower, device: &Device, slot: &'static Memory, ending: Ending) {
    let completed = match request(device).send_in(slot, at()).unwrap() {
        Sent::Completed(outcome) => Some(completed(outcome)),
        Sent::InFlight(in_flight) => ending.end(in_flight),
    };
    if let Some(completed) = completed {
        lower.check(&completed);
    }
    assert_free(slot);
}

/// Every ending with each of these drivers. Two threads.
pub(crate) fn explore_endings(drivers: &[Lower]) {
    for &lower in drivers {
        for ending in Ending::ALL {
            // Without a cancellation it would never end, rightly.
            let endless = lower.when == When::cancelled();
            if endless
                && matches!(
                    ending,
                    Ending::Wait | Ending::PollAndWait | Ending::WaitForAndWait
                )
            {
                continue;
            }
            explore(
                &format!("{}, {ending:?}", lower.name),
                None,
                move |machine| {
                    round(lower, &lower.device(machine), memory(), ending);
                },
            );
        }
    }
}
