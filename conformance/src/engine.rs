//! Plays the script: every step is the raw call that it is named after.

mod act;
mod bench;
mod cancel;
mod devices;
mod io;
mod ke;
mod mdl;
mod play;
mod routines;
mod show;
mod work;

pub use devices::Devices;
pub use routines::{dispatch, run};
pub use work::{Threads, Work};
