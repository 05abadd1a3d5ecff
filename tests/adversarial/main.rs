//! Programs that try to make the library misbehave from safe code, each named after what it tried. They compile, so the
//! machine's ledger (and Miri) must find nothing; those that do not compile are in `ui/adversarial`.
#![forbid(unsafe_code)]

mod liveness;
mod memory;
