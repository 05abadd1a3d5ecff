//! A routine in pageable code on some targets ([H30](../../../docs/hazards.md#h30)).

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
#[cfg_attr(all(), cfg_attr(not(test), inline(never), unsafe(link_section = "page$r")))]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
