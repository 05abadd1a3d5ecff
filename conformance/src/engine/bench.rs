//! The state of a running scenario.

use core::cell::{Cell, UnsafeCell};
use core::sync::atomic::{AtomicPtr, AtomicUsize};

use wdm_irp::sys::{IRP, KEVENT, MDL, PDRIVER_CANCEL, PIO_COMPLETION_ROUTINE};

use super::devices::Devices;
use super::work::Threads;
use crate::script::{Actor, Errand, Scenario};
use crate::trace::Trace;

/// The state of a running scenario.
pub(super) struct Bench<'b> {
    /// What is played.
    pub(super) scenario: &'static Scenario,
    pub(super) devices: &'b Devices,
    pub(super) threads: &'b dyn Threads,
    pub(super) trace: &'b Trace<'b>,
    pub(super) events: [UnsafeCell<KEVENT>; 2],
    pub(super) mdls: [AtomicPtr<MDL>; 2],
    /// The IRP that each actor has: the originator's own, or the one that a driver holds.
    pub(super) irps: [AtomicPtr<IRP>; Actor::COUNT],
    /// How often each dispatch routine was called.
    pub(super) dispatched: [AtomicUsize; Actor::COUNT],
    /// How often each completion routine was called.
    pub(super) completed: [AtomicUsize; Actor::COUNT],
    /// The completion routine and the cancel routine of each actor.
    pub(super) routines: &'static [PIO_COMPLETION_ROUTINE; Actor::COUNT],
    pub(super) cancels: &'static [PDRIVER_CANCEL; Actor::COUNT],
    /// What the next thread that is started does.
    pub(super) errand: Cell<Option<&'static Errand>>,
}

/// An event before `KeInitializeEvent`.
// SAFETY: a KEVENT consists of integers and raw pointers, for which zeroes are valid.
pub(super) const EVENT: KEVENT = unsafe { core::mem::zeroed() };
