//! The IRQL of each thread.
//!
//! A host thread stands for a processor: its IRQL is a value that the model checks, it does not
//! stop preemption.

use std::marker::PhantomData;

use crate::kernel::this_thread;
use crate::report::kind::ViolationKind;

/// Returns the IRQL of the calling thread (`KeGetCurrentIrql`).
#[must_use]
pub fn current() -> u8 {
    this_thread::irql()
}

/// Raises the IRQL of the calling thread until the guard is dropped (`KeRaiseIrql`).
///
/// A level below the current one is a violation, as it is in the kernel, and changes nothing.
pub fn raise(level: u8) -> Raised {
    let before = this_thread::irql();
    if level < before {
        this_thread::kernel().violate(
            ViolationKind::IrqlNotGreaterOrEqual,
            None,
            &format!("KeRaiseIrql({level}) at IRQL {before}"),
        );
    } else {
        this_thread::set_irql(level);
    }
    Raised {
        before,
        _this_thread: PhantomData,
    }
}

/// A raised IRQL of the calling thread, which is lowered when this is dropped (`KeLowerIrql`).
#[derive(Debug)]
#[must_use = "the IRQL is lowered when this is dropped"]
pub struct Raised {
    before: u8,
    _this_thread: PhantomData<*const ()>,
}

impl Drop for Raised {
    fn drop(&mut self) {
        this_thread::set_irql(self.before);
    }
}
