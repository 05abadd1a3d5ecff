//! Tries to keep a proof for whoever needs one, on whatever thread.

use std::sync::OnceLock;

use wdm_irp::PassiveLevel;

static PROOF: OnceLock<PassiveLevel> = OnceLock::new();

fn main() {}
