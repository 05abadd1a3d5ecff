//! The kernel's functions for counting: one thread, no clock, no luck.
//!
//! These are the `wdm_irp_sim_…` symbols that wdm-irp imports on a host. The host model, which also
//! defines them, completes a pended request on another thread, so which side of the handshake comes
//! first is up to the scheduler. Here the waiting thread completes what is pending, in
//! `KeWaitForSingleObject`; every run takes the same way. The state is per thread.
//!
//! Every function is called, never inlined, and hides its arguments and results from the optimizer,
//! so that the code around the calls is what it would be with a kernel that the compiler cannot
//! see.

mod ex;
mod io;
mod ke;
mod mm;
mod ob;
mod state;

pub(crate) use state::{Lower, lower, out_of_memory};
