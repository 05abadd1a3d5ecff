//! Tries to hide a pageable section ([H30](../../../docs/hazards.md#h30)) in the parameters of macros.

use wdm_irp::{Completing, Signaled, completion_routine};

macro_rules! in_section {
    ($name:ident, $section:literal) => {
        #[completion_routine]
        #[unsafe(link_section = $section)]
        fn $name(irp: Completing<'_, ()>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    };
}

macro_rules! with_attribute {
    ($name:ident, $attribute:meta) => {
        #[cfg_attr(all(), $attribute)]
        #[completion_routine]
        #[cfg_attr(all(), cfg_attr(not(any()), $attribute))]
        fn $name(irp: Completing<'_, ()>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    };
}

in_section!(by_name, "PAGE");
with_attribute!(by_attribute, unsafe(link_section = "PAGEread"));

fn main() {}
