//! Allows accesses to a new object without having waited for those to the old one.
use wdm_irp::PassiveLevel;
use wdm_irp::rundown::RundownProtection;

fn replace(rundown: &RundownProtection, at: &PassiveLevel) {
    rundown.reinitialize(at);
}

fn main() {}
