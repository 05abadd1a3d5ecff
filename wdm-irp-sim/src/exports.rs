//! The functions that `wdm_irp::sys` imports, under the names it imports them by.
//!
//! A misuse is recorded, never a panic: unwinding out of these functions would end the process.
//! After recording, the function does what does the least harm.

#![expect(non_snake_case, reason = "DDIs keep their names")]

mod ex;
mod io;
mod ke;
mod mm;
mod ob;
mod owner;
#[cfg(loom)]
mod watched;
