//! Tries to use a closure as the routine: it could hold borrows, and where would it live?

use wdm_irp::request::Request;
use wdm_irp::Completing;

fn arm<T, K, B>(request: Request<T, K, B>) {
    drop(request.on_completion(|irp: Completing<'_, ()>| irp.signal_if_pended(), ()));
}

fn main() {}
