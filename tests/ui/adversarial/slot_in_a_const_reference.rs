//! Makes slots that look static out of constants, for each type at once, and behind a reference: they could be in memory
//! that is not writable, or be one slot for two.
use wdm_irp::in_flight::Slot;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp_tests::done;

struct Anywhere<R, B>(R, B);

impl<R: CompletionRoutine, B: 'static> Anywhere<R, B> {
    const SLOT: &'static Slot<R, B> = &Slot::new();
}

fn slot<R: CompletionRoutine, B: 'static>() -> &'static Slot<R, B> {
    const { &Slot::new() }
}

static REFERENCE: &Slot<done, [u8; 8]> = &Slot::new();

fn main() {}
