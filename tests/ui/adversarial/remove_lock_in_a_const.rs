//! Initializes a lock in a temporary copy of a constant.
use wdm_irp::PassiveLevel;
use wdm_irp::lock_storage::InStatic;
use wdm_irp::rundown::RundownProtection;

const RUNDOWN: InStatic<RundownProtection> = InStatic::new();

fn make(at: &PassiveLevel) {
    RUNDOWN.initialize(at);
}

fn main() {}
