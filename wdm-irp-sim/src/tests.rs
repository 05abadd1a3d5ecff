//! The model, tested as drivers use it: through the functions of `wdm_irp::sys`.

mod allocate;
mod call_driver;
mod cancel;
mod complete;
mod driver;
mod events;
#[cfg(not(miri))] // Miri starts no processes.
mod fatal;
mod initialize;
mod irql;
mod machine;
mod mdls;
mod objects;
mod open;
mod pending;
mod pool;
mod references;
mod registrations;
mod remove_lock;
mod report;
mod reuse;
mod rundown;
mod support;
mod timeline;
