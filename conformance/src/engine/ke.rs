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
    /// `KeInitializeEvent`
    pub(super) fn initialize_event(&self, which: Which, kind: i32, state: u8) {
        // SAFETY: the event is memory of the bench, and nobody waits on it (invariant 1 of
        // `Scenario`).
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

    /// `KeSetEvent`, after which the scenario is still there
    pub(super) fn set_event(&self, which: Which) {
        // SAFETY: the event is initialized (invariant 1 of `Scenario`).
        let before = unsafe { KeSetEvent(self.event(which), IO_NO_INCREMENT, 0) };
        let before = if before == 0 {
            "not signaled"
        } else {
            "signaled"
        };
        self.trace(format_args!(
            "KeSetEvent({}): was {before}",
            event_name(which)
        ));
    }

    /// `KeSetEvent`, after which a waiter may have ended the scenario
    pub(super) fn signal(&self, which: Which) {
        let event = self.event(which);
        self.trace(format_args!("KeSetEvent({})", event_name(which)));
        // SAFETY: the event is initialized (invariant 1 of `Scenario`). Nothing of the bench is
        // accessed afterwards: this is the last step of its actor (invariant 2).
        unsafe { KeSetEvent(event, IO_NO_INCREMENT, 0) };
    }

    /// `KeWaitForSingleObject`
    pub(super) fn wait(&self, which: Which, limit: Limit) {
        let object = self.event(which).cast();
        let timeout = match &limit {
            Limit::Ticks(ticks) => from_ref(ticks),
            Limit::Forever => null(),
        };
        // SAFETY: the event is initialized (invariant 1 of `Scenario`); the time-out is null, or
        // that of `limit`, which outlives the call. Scenarios wait at PASSIVE_LEVEL, or with a
        // time-out of 0.
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

/// Returns what an event is called in the trace.
const fn event_name(which: Which) -> &'static str {
    match which {
        Which::First => "event 1",
        Which::Second => "event 2",
    }
}
