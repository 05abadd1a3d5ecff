//! The ways to send a request.

mod owned;
mod ready_routine;
mod scoped;
mod start;
mod wait;
