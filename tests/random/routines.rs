//! Completion routines, and their contexts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::in_flight::Sent;
use wdm_irp::irql::DispatchLevel;
use wdm_irp::sys::NTSTATUS;
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled, completion_routine};
use wdm_irp_tests::{BoxedSlot, Slot, Target, Watched};

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
    pub(crate) target: Target,
    pub(crate) slot: Option<&'static Slot<signal_if_pended, Watched>>,
    pub(crate) offset: i64,
    pub(crate) expected: Arc<Expected>,
    pub(crate) state: NestedState,
    pub(crate) dropped: bool,
}

impl NestedRequest {
    fn send(&mut self, at: &DispatchLevel) {
        let tally = self.expected.tally;
        let irp = match Irp::allocate(self.target.clone()) {
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
