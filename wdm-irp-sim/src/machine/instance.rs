//! An isolated instance of the model, which a test holds.

use std::marker::PhantomData;
use std::ops::Deref;

use crate::kernel::this_thread::Entered;
use crate::kernel::{Kernel, this_thread};
use crate::machine::handle::MachineHandle;
use crate::report::summary::Report;
use crate::report::timeline::Lane;
use crate::sync::thread;

/// An isolated instance of the model.
///
/// The calling thread is on it until it ends; so are the threads it starts.
///
/// At its end it checks that nothing was misused and nothing is left: see [`finish`](Self::finish).
#[derive(Debug)]
pub struct Machine {
    handle: MachineHandle,
    entered: Option<Entered>,
    closed: bool,
    _this_thread: PhantomData<*const ()>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// Creates a machine and puts the calling thread on it.
    #[must_use]
    pub fn new() -> Self {
        let kernel = Kernel::new(false);
        let entered = this_thread::enter(kernel.clone(), "originator".into(), Lane::Originator);
        Self {
            handle: MachineHandle(kernel),
            entered: Some(entered),
            closed: false,
            _this_thread: PhantomData,
        }
    }

    /// Returns a handle that other threads can use.
    #[must_use]
    pub fn handle(&self) -> MachineHandle {
        self.handle.clone()
    }

    /// Waits for the threads of the lower drivers.
    ///
    /// After a wait for an event, the thread that has signaled it may still be on its way out of
    /// the completion routine: call this before looking at the timeline.
    pub fn join_drivers(&self) {
        self.handle.0.join_workers();
    }

    /// Waits for the lower drivers' threads, then looks for violations and leaks.
    ///
    /// Dropping the machine does the same, unless the thread is panicking.
    ///
    /// # Panics
    /// If anything is found. The report names the bug check and shows the timeline of each IRP
    /// concerned.
    pub fn finish(self) {
        // The drop does it.
    }

    /// Ends the machine like [`finish`](Self::finish), and returns what it has found.
    #[must_use]
    pub fn into_report(mut self) -> Report {
        self.closed = true;
        self.handle.0.close()
    }
}

impl Deref for Machine {
    type Target = MachineHandle;

    fn deref(&self) -> &MachineHandle {
        &self.handle
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let report = if self.closed {
            None
        } else if thread::panicking() {
            // What the workers do may concern memory that this panic has released: do not wait for
            // them.
            let report = self.handle.0.report();
            if !report.is_clean() {
                eprintln!("wdm-irp-sim: violations before the panic:\n{report}");
            }
            None
        } else {
            Some(self.handle.0.close())
        };
        self.entered = None;
        if let Some(report) = report {
            assert!(report.is_clean(), "the machine found misuse:\n{report}");
        }
    }
}
