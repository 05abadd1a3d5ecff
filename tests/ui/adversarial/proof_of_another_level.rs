//! Takes a proof for a lower one, by reference, by conversion and by type parameter.
use wdm_irp::PassiveLevel;
use wdm_irp::irql::{ApcLevel, AtPassive, DispatchLevel};

fn passive(_: &PassiveLevel) {}

fn any_passive(_: impl AtPassive) {}

fn by_reference(at: &DispatchLevel) {
    passive(at);
}

fn by_conversion(at: ApcLevel) {
    passive(&at.into());
}

fn by_parameter(at: ApcLevel) {
    any_passive(&at);
    any_passive(&&at);
}

fn main() {}
