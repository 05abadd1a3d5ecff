//! Several defects at once, each reported, and nothing else.

use wdm_irp::{Completing, completion_routine};

struct Stats;

#[completion_routine]
#[unsafe(no_mangle)]
#[unsafe(link_section = "PAGE")]
async unsafe extern "C" fn read_done<T>(irp: Completing<'_, Stats>, value: T) {
    value.await
}

fn on_completion<R: wdm_irp::routine::CompletionRoutine>(_: R, _: R::Context) {}

fn main() {
    on_completion(read_done, Stats);
}
