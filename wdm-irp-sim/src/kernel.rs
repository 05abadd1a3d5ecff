//! One instance of the model: its ledger, its objects, its threads, and what it records.

mod carried;
pub(crate) mod counted;
mod held_locks;
mod instance;
pub(crate) mod irps;
mod leaks;
pub(crate) mod ledger;
pub(crate) mod locks;
pub(crate) mod objects;
pub(crate) mod pool;
pub(crate) mod quarantine;
pub(crate) mod record;
pub(crate) mod references;
pub(crate) mod registrations;
pub(crate) mod this_thread;
mod workers;

pub(crate) use instance::Kernel;
