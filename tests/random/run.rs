//! Runs a program, and checks it.

mod build;
mod job;
mod levels;
mod program;
mod sender;
mod stack;
mod steps;
mod ways;

pub(crate) use program::{CURRENT, Fixed, run};
