//! The ways to send a request.

mod owned;
mod scoped;
mod wait;
