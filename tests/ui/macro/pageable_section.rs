//! A routine in pageable code ([H30](../../../docs/hazards.md#h30)).

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
#[unsafe(link_section = "PAGE")]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
