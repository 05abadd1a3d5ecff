//! Wants a default.
use wdm_irp::Timeout;

fn main() {
    let _: Timeout = Default::default();
}
