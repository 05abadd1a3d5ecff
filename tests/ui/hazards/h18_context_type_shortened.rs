//! Takes a routine's context for one of a shorter lifetime, to put a reference into it that dies.
use wdm_irp::Completing;

fn shorten<'short, 'irp>(irp: Completing<'irp, &'static str>) -> Completing<'irp, &'short str> {
    irp
}

fn main() {}
