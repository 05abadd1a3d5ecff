//! Completion routines, their contexts, and the memory of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::buffer::SystemBuffer;
use wdm_irp::in_flight::{BoxedSlot, Sent, Slot};
use wdm_irp::irql::DispatchLevel;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::NTSTATUS;
use wdm_irp::{
    ByteOffset, Completed, Completing, Irp, IrpError, Signaled, TargetDevice, completion_routine,
};
use wdm_irp_tests::Watched;

use crate::oracle::Expected;

/// What has become of one request and what it was lent.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// It was sent.
    pub(crate) sent: AtomicU32,
    /// Its routine ran.
    pub(crate) ran: AtomicU32,
    pub(crate) contexts: AtomicU32,
    pub(crate) context_drops: AtomicU32,
    pub(crate) buffers: AtomicU32,
    pub(crate) buffer_drops: AtomicU32,
}

impl Tally {
    pub(crate) fn reset(&self) {
        let Self {
            sent,
            ran,
            contexts,
            context_drops,
            buffers,
            buffer_drops,
        } = self;
        for counter in [sent, ran, contexts, context_drops, buffers, buffer_drops] {
            counter.store(0, SeqCst);
        }
    }

    pub(crate) fn buffer(&'static self, bytes: Vec<u8>) -> Watched {
        self.buffers.fetch_add(1, SeqCst);
        Watched::new(bytes, &self.buffer_drops)
    }
}

/// What is in a context while it is one.
const ALIVE: u64 = 0x6c69_7665_2063_7478;

/// The context of every routine here.
#[derive(Debug)]
pub(crate) struct Context {
    alive: u64,
    tally: &'static Tally,
    /// How often the routine ran, and what it saw last: status, information, device object.
    pub(crate) runs: u32,
    pub(crate) seen: Option<(NTSTATUS, usize, usize)>,
    pub(crate) nested: Option<Box<NestedRequest>>,
}

impl Context {
    pub(crate) fn new(tally: &'static Tally, nested: Option<Box<NestedRequest>>) -> Self {
        tally.contexts.fetch_add(1, SeqCst);
        Self {
            alive: ALIVE,
            tally,
            runs: 0,
            seen: None,
            nested,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive == ALIVE
    }

    fn run(&mut self, seen: (NTSTATUS, usize, usize)) {
        self.runs += 1;
        self.seen = Some(seen);
        self.tally.ran.fetch_add(1, SeqCst);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.tally.context_drops.fetch_add(1, SeqCst);
    }
}

fn note<P>(irp: &mut Completing<'_, Context, P>) {
    let seen = (irp.status(), irp.information(), irp.device_object().addr());
    irp.context_mut().run(seen);
}

#[completion_routine]
pub(crate) fn signal_if_pended(mut irp: Completing<'_, Context>) -> Signaled<'_> {
    note(&mut irp);
    irp.signal_if_pended()
}

#[completion_routine]
pub(crate) fn matching(irp: Completing<'_, Context>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(mut irp) => {
            note(&mut irp);
            irp.signal()
        }
        Inline(mut irp) => {
            note(&mut irp);
            irp.finish()
        }
    }
}

#[completion_routine]
pub(crate) fn checking(mut irp: Completing<'_, Context>) -> Signaled<'_> {
    // A context that is not the right one is not counted, which the end of the program notices.
    if irp.context().is_alive() && irp.context().runs == 0 {
        note(&mut irp);
    }
    irp.signal_if_pended()
}

#[completion_routine]
pub(crate) fn nesting(mut irp: Completing<'_, Context>) -> Signaled<'_> {
    note(&mut irp);
    let at = irp.irql();
    if let Some(nested) = &mut irp.context_mut().nested {
        nested.send(&at);
    }
    irp.signal_if_pended()
}

/// What a routine has made of the request that it should send.
#[derive(Debug)]
pub(crate) enum NestedState {
    NotYet,
    InSlot(Sent<&'static Slot<signal_if_pended, Watched>>),
    Boxed(Sent<BoxedSlot<signal_if_pended, Watched>>),
    NotSent(IrpError),
}

/// A read that a routine sends.
#[derive(Debug)]
pub(crate) struct NestedRequest {
    pub(crate) target: TargetDevice,
    pub(crate) slot: Option<&'static Slot<signal_if_pended, Watched>>,
    pub(crate) offset: i64,
    pub(crate) expected: Arc<Expected>,
    pub(crate) state: NestedState,
    pub(crate) dropped: bool,
}

impl NestedRequest {
    fn send(&mut self, at: &DispatchLevel) {
        let tally = self.expected.tally;
        let irp = match Irp::allocate(&self.target) {
            Ok(irp) => irp,
            Err(error) => {
                self.state = NestedState::NotSent(error);
                return;
            }
        };
        let buffer = tally.buffer(self.expected.before[1].clone());
        let request = irp
            .read(buffer, ByteOffset(self.offset))
            .on_completion(signal_if_pended, Context::new(tally, None));
        let state = match self.slot {
            Some(slot) => request.send_in(slot, at).map(NestedState::InSlot),
            None => request.send_boxed(at).map(NestedState::Boxed),
        };
        self.state = match state {
            Ok(sent) => {
                tally.sent.fetch_add(1, SeqCst);
                sent
            }
            Err(not_sent) => NestedState::NotSent(not_sent.error),
        };
    }
}

/// The routines, all with the same context.
pub(crate) trait Routine: CompletionRoutine<Context = Context> + Sized {
    fn slots(slots: &'static Slots) -> &'static SlotsOf<Self>;
}

/// The slots of one routine, by the type of the buffer.
pub(crate) struct SlotsOf<R: Routine> {
    transfer: [Slot<R, Watched>; SLOTS],
    system: [Slot<R, SystemBuffer<Watched>>; SLOTS],
    pair: [Slot<R, (Watched, Watched)>; SLOTS],
    none: [Slot<R, ()>; SLOTS],
}

impl<R: Routine> Default for SlotsOf<R> {
    fn default() -> Self {
        Self {
            transfer: Default::default(),
            system: Default::default(),
            pair: Default::default(),
            none: Default::default(),
        }
    }
}

/// Slots of each type.
pub(crate) const SLOTS: usize = 2;

/// All slots that live forever.
#[derive(Default)]
pub(crate) struct Slots {
    signal_if_pended: SlotsOf<signal_if_pended>,
    matching: SlotsOf<matching>,
    checking: SlotsOf<checking>,
    nesting: SlotsOf<nesting>,
    /// For requests that routines send.
    pub(crate) nested: [Slot<signal_if_pended, Watched>; SLOTS],
}

macro_rules! routines {
    ($($name:ident)*) => {$(
        impl Routine for $name {
            fn slots(slots: &'static Slots) -> &'static SlotsOf<Self> {
                &slots.$name
            }
        }
    )*};
}

routines!(signal_if_pended matching checking nesting);

/// What a request can carry here.
pub(crate) trait Payload: Sized {
    /// Shows input and output.
    fn show(self, look: impl FnOnce(&[u8], &[u8]));

    /// [`Completed::transferred`], for single buffers.
    fn transferred<R: Routine>(_: &mut Completed<R, Self>) -> Option<Vec<u8>> {
        None
    }
}

/// What can be in a slot that lives forever.
pub(crate) trait Owned: Payload + Send + 'static {
    fn slots<R: Routine>(slots: &'static SlotsOf<R>) -> &'static [Slot<R, Self>; SLOTS];
}

impl Payload for () {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(&[], &[]);
    }
}

impl Owned for () {
    fn slots<R: Routine>(slots: &'static SlotsOf<R>) -> &'static [Slot<R, Self>; SLOTS] {
        &slots.none
    }
}

impl Payload for Watched {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(&[], self.bytes());
    }
    fn transferred<R: Routine>(completed: &mut Completed<R, Self>) -> Option<Vec<u8>> {
        Some(completed.transferred().to_vec())
    }
}

impl Owned for Watched {
    fn slots<R: Routine>(slots: &'static SlotsOf<R>) -> &'static [Slot<R, Self>; SLOTS] {
        &slots.transfer
    }
}

impl Payload for &mut [u8] {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(&[], self);
    }
    fn transferred<R: Routine>(completed: &mut Completed<R, Self>) -> Option<Vec<u8>> {
        Some(completed.transferred().to_vec())
    }
}

impl Payload for SystemBuffer<Watched> {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        self.into_inner().show(look);
    }
    fn transferred<R: Routine>(completed: &mut Completed<R, Self>) -> Option<Vec<u8>> {
        Some(completed.transferred().to_vec())
    }
}

impl Owned for SystemBuffer<Watched> {
    fn slots<R: Routine>(slots: &'static SlotsOf<R>) -> &'static [Slot<R, Self>; SLOTS] {
        &slots.system
    }
}

impl Payload for SystemBuffer<&mut [u8]> {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        self.into_inner().show(look);
    }
    fn transferred<R: Routine>(completed: &mut Completed<R, Self>) -> Option<Vec<u8>> {
        Some(completed.transferred().to_vec())
    }
}

impl Payload for (Watched, Watched) {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(self.0.bytes(), self.1.bytes());
    }
}

impl Owned for (Watched, Watched) {
    fn slots<R: Routine>(slots: &'static SlotsOf<R>) -> &'static [Slot<R, Self>; SLOTS] {
        &slots.pair
    }
}

impl Payload for (&mut [u8], &mut [u8]) {
    fn show(self, look: impl FnOnce(&[u8], &[u8])) {
        look(self.0, self.1);
    }
}
