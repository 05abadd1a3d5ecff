//! What requests of a program are sent to, what they carry, and the static memory for each of them.

use std::fmt::Debug;
use std::sync::Mutex;

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::in_flight::Slot;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::RemoveLock;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::target::OwnedTarget;
use wdm_irp::{Completed, Irp};
use wdm_irp_tests::{Pair, Target, Watched};

use crate::idle::{Idle, Kept};
use crate::routines::{Context, checking, matching, nesting, signal_if_pended};

/// Slots of each type.
pub(crate) const SLOTS: usize = 2;

/// A pair whose requests hold a remove lock.
pub(crate) type Locked = Pair<InExtension<RemoveLock>>;

/// What requests are sent to.
pub(crate) trait Reached: OwnedTarget<Irql = UpToDispatch> + Kept + Clone + Debug {
    fn slots(slots: &'static Slots) -> &'static SlotsTo<Self>;
    fn idle(idle: &Idle) -> &Mutex<Vec<Irp<Self>>>;
}

/// The routines, all with the same context.
pub(crate) trait Routine: CompletionRoutine<Context = Context> + Sized {
    fn slots<T: Reached>(slots: &'static SlotsTo<T>) -> &'static SlotsOf<Self, T>;
}

/// What a request can carry here.
pub(crate) trait Payload: Sized {
    /// Shows input and output.
    fn show(self, look: impl FnOnce(&[u8], &[u8]));

    /// [`Completed::transferred`], for single buffers.
    fn transferred<R: Routine, T, I>(_: &mut Completed<R, Self, T, I>) -> Option<Vec<u8>> {
        None
    }
}

/// What can be in a slot that lives forever.
pub(crate) trait Owned: Payload + Send + 'static {
    fn slots<R: Routine, T: Reached>(
        slots: &'static SlotsOf<R, T>,
    ) -> &'static [Slot<R, Self, T>; SLOTS];
}

/// All slots that live forever, by what the request is sent to.
#[derive(Default)]
pub(crate) struct Slots {
    device: SlotsTo<Target>,
    pair: SlotsTo<Pair>,
    locked: SlotsTo<Locked>,
    /// For requests that routines send.
    pub(crate) nested: [Slot<signal_if_pended, Watched, Target>; SLOTS],
}

macro_rules! targets {
    ($($type:ty: $name:ident;)*) => {$(
        impl Reached for $type {
            fn slots(slots: &'static Slots) -> &'static SlotsTo<Self> {
                &slots.$name
            }

            fn idle(idle: &Idle) -> &Mutex<Vec<Irp<Self>>> {
                &idle.$name
            }
        }
    )*};
}

targets! {
    Target: device;
    Pair: pair;
    Locked: locked;
}

/// The slots for requests to one kind of target, by the routine.
pub(crate) struct SlotsTo<T: Reached> {
    signal_if_pended: SlotsOf<signal_if_pended, T>,
    matching: SlotsOf<matching, T>,
    checking: SlotsOf<checking, T>,
    nesting: SlotsOf<nesting, T>,
}

impl<T: Reached> Default for SlotsTo<T> {
    fn default() -> Self {
        Self {
            signal_if_pended: SlotsOf::default(),
            matching: SlotsOf::default(),
            checking: SlotsOf::default(),
            nesting: SlotsOf::default(),
        }
    }
}

macro_rules! routines {
    ($($name:ident)*) => {$(
        impl Routine for $name {
            fn slots<T: Reached>(slots: &'static SlotsTo<T>) -> &'static SlotsOf<Self, T> {
                &slots.$name
            }
        }
    )*};
}

routines!(signal_if_pended matching checking nesting);

/// The slots of one routine, by the type of the buffer.
pub(crate) struct SlotsOf<R: Routine, T: Reached> {
    transfer: [Slot<R, Watched, T>; SLOTS],
    system: [Slot<R, SystemBuffer<Watched>, T>; SLOTS],
    pair: [Slot<R, (Watched, Watched), T>; SLOTS],
    none: [Slot<R, (), T>; SLOTS],
}

impl<R: Routine, T: Reached> Default for SlotsOf<R, T> {
    fn default() -> Self {
        Self {
            transfer: Default::default(),
            system: Default::default(),
            pair: Default::default(),
            none: Default::default(),
        }
    }
}

macro_rules! owned {
    ($($type:ty: $name:ident;)*) => {$(
        impl Owned for $type {
            fn slots<R: Routine, T: Reached>(
                slots: &'static SlotsOf<R, T>,
            ) -> &'static [Slot<R, Self, T>; SLOTS] {
                &slots.$name
            }
        }
    )*};
}

owned! {
    (): none;
    Watched: transfer;
    SystemBuffer<Watched>: system;
    (Watched, Watched): pair;
}

/// Implements [`Payload`] for buffers that [`Completed::transferred`] knows.
macro_rules! single {
    ($($type:ty: |$buffer:ident| $output:expr;)*) => {$(
        impl Payload for $type {
            fn show(self, look: impl FnOnce(&[u8], &[u8])) {
                let $buffer = self;
                look(&[], $output);
            }

            fn transferred<R: Routine, T, I>(
                completed: &mut Completed<R, Self, T, I>,
            ) -> Option<Vec<u8>> {
                Some(completed.transferred().to_vec())
            }
        }
    )*};
}

single! {
    Watched: |buffer| buffer.bytes();
    &mut [u8]: |buffer| buffer;
    SystemBuffer<Watched>: |buffer| buffer.into_inner().bytes();
    SystemBuffer<&mut [u8]>: |buffer| buffer.into_inner();
}

impl Payload for () {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(&[], &[]);
    }
}

impl Payload for (Watched, Watched) {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(self.0.bytes(), self.1.bytes());
    }
}

impl Payload for (&mut [u8], &mut [u8]) {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(self.0, self.1);
    }
}
