//! The threads of a test.

use crate::kernel::this_thread::{self, Entered};
use crate::machine::handle::MachineHandle;
use crate::report::timeline::Lane;
use crate::sync::{Arc, thread};

impl MachineHandle {
    /// Puts the calling thread on this machine until the result is dropped.
    ///
    /// This is for threads that [`spawn`](Self::spawn) has not started, such as scoped ones.
    pub fn enter(&self) -> Entered {
        let name = format!("thread {}", self.0.next_thread());
        this_thread::enter(self.0.clone(), name.into(), Lane::Originator)
    }

    /// Starts a thread on this machine.
    ///
    /// # Panics
    /// If the host cannot start a thread.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let kernel = self.0.clone();
        let name: Arc<str> = format!("thread {}", self.0.next_thread()).into();
        thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                let _entered = this_thread::enter(kernel, name, Lane::Originator);
                work()
            })
            .expect("the host starts threads")
    }
}
