//! The threads of lower drivers.

use crate::kernel::{Kernel, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::timeline::Lane;
use crate::sync::{Arc, lock, thread};

impl Kernel {
    /// Returns a number for a new thread.
    pub(crate) fn next_thread(&self) -> u32 {
        let mut threads = lock(&self.threads);
        *threads += 1;
        *threads
    }

    /// Starts a thread that the end of the machine waits for.
    pub(crate) fn spawn_worker(
        self: &Arc<Self>,
        lane: Lane,
        work: impl FnOnce() + Send + 'static,
    ) -> u32 {
        let number = self.next_thread();
        let kernel = self.clone();
        let name: Arc<str> = format!("worker {number}").into();
        let handle = thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                let _entered = this_thread::enter(kernel, name, lane);
                work();
            })
            .expect("the host starts threads");
        let mut workers = lock(&self.workers);
        workers.retain(|worker| !worker.is_finished());
        workers.push(handle);
        number
    }

    /// Waits for the threads of lower drivers, and for those that they start.
    pub(crate) fn join_workers(&self) {
        loop {
            let workers = std::mem::take(&mut *lock(&self.workers));
            if workers.is_empty() {
                return;
            }
            for worker in workers {
                if worker.join().is_err() {
                    self.violate(
                        ViolationKind::DriverPanicked,
                        None,
                        "a worker thread of a lower driver panicked",
                    );
                }
            }
        }
    }
}
