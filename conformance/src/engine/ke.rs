//! The steps with events, and the waits.

use core::ptr::{from_ref, null};

use wdm_irp::sys::{
    Executive, IO_NO_INCREMENT, KeInitializeEvent, KeSetEvent, KeWaitForSingleObject, KernelMode,
    NotificationEvent,
};

use super::act::Act;
use crate::script::{Limit, Which};
use crate::show::{Boolean, Status};

impl Act<'_> {
    pub(super) fn initialize_event(&self, which: Which, kind: i32, state: u8) {
        // SAFETY: the event is the scenario's, and nobody waits on it.
        unsafe { KeInitializeEvent(self.event(which), kind, state) };
        let kind = if kind == NotificationEvent {
            "NotificationEvent"
        } else {
            "SynchronizationEvent"
        };
        self.trace(format_args!(
            "KeInitializeEvent({}, {kind}, {})",
            event_name(which),
            Boolean(state)
        ));
    }

    pub(super) fn set_event(&self, which: Which) {
        // SAFETY: the event is initialised, and the scenario goes on.
        let before = unsafe { KeSetEvent(self.event(which), IO_NO_INCREMENT, 0) };
        let before = if before == 0 {
            "not signalled"
        } else {
            "signalled"
        };
        self.trace(format_args!(
            "KeSetEvent({}): was {before}",
            event_name(which)
        ));
    }

    pub(super) fn signal(&self, which: Which) {
        let event = self.event(which);
        self.trace(format_args!("KeSetEvent({})", event_name(which)));
        // SAFETY: the event is initialised. Nothing of the scenario is touched afterwards.
        unsafe { KeSetEvent(event, IO_NO_INCREMENT, 0) };
    }

    pub(super) fn wait(&self, which: Which, limit: Limit) {
        let object = self.event(which).cast();
        let timeout = match &limit {
            Limit::Ticks(ticks) => from_ref(ticks),
            Limit::Forever => null(),
        };
        // SAFETY: the event is initialised; the time-out is readable or null.
        let status = unsafe { KeWaitForSingleObject(object, Executive, KernelMode, 0, timeout) };
        let (event, status) = (event_name(which), Status(status));
        match limit {
            Limit::Ticks(ticks) => self.trace(format_args!(
                "KeWaitForSingleObject({event}, {ticks}): {status}"
            )),
            Limit::Forever => self.trace(format_args!(
                "KeWaitForSingleObject({event}, NULL): {status}"
            )),
        }
    }
}

const fn event_name(which: Which) -> &'static str {
    match which {
        Which::First => "event 1",
        Which::Second => "event 2",
    }
}
