//! Tries to make proofs out of other ones, or out of nothing.

use wdm_irp::irql::{ApcLevel, DispatchLevel};
use wdm_irp::PassiveLevel;

fn lower(at: DispatchLevel) -> ApcLevel {
    at.into()
}

fn main() {
    let _: PassiveLevel = Default::default();
    lower(DispatchLevel::check().unwrap()).clone();
}
