//! Tries to hand a proof to a completion routine without its type.

use std::any::Any;

use wdm_irp::irql::ApcLevel;
use wdm_irp::request::Request;
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, Box<dyn Any + Send>>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn request<T, K, B>(request: Request<T, K, B>, at: ApcLevel) -> Request<T, K, B, read_done> {
    request.on_completion(read_done, Box::new(at))
}

fn main() {}
