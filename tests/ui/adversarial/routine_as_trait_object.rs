//! Tries to choose the routine when the request is sent, so that its type says nothing about its context.

use wdm_irp::request::Request;
use wdm_irp::routine::CompletionRoutine;

fn arm<T, K, B>(request: Request<T, K, B>, routine: Box<dyn CompletionRoutine<Context = ()>>) {
    drop(request.on_completion(routine, ()));
}

fn main() {}
