//! The IRQL of each thread.
//!
//! A host thread stands for a processor: its IRQL is a value that the model checks, it does not stop preemption.

use std::cell::Cell;
use std::marker::PhantomData;

use wdm_irp::sys::PASSIVE_LEVEL;

use crate::context;
use crate::violation::ViolationKind;

thread_local! {
    static IRQL: Cell<u8> = const { Cell::new(PASSIVE_LEVEL) };
}

/// The IRQL of the calling thread.
#[must_use]
pub fn current() -> u8 {
    // A thread that is being torn down has no value any more; it is back at PASSIVE_LEVEL.
    IRQL.try_with(Cell::get).unwrap_or(PASSIVE_LEVEL)
}

/// Sets the IRQL of the calling thread.
pub(crate) fn set(irql: u8) {
    let _ = IRQL.try_with(|cell| cell.set(irql));
}

/// Raises the IRQL of the calling thread until the guard is dropped (`KeRaiseIrql`, `KeLowerIrql`).
///
/// A level below the current one is a violation, as it is in the kernel, and changes nothing.
pub fn raise(level: u8) -> Raised {
    let before = current();
    if level < before {
        context::current().violate(
            ViolationKind::IrqlNotGreaterOrEqual,
            None,
            &format!("KeRaiseIrql({level}) at IRQL {before}"),
        );
    } else {
        set(level);
    }
    Raised {
        before,
        _this_thread: PhantomData,
    }
}

/// The calling thread's IRQL is raised; dropping this lowers it again.
#[derive(Debug)]
#[must_use = "the IRQL is lowered when this is dropped"]
pub struct Raised {
    before: u8,
    _this_thread: PhantomData<*const ()>,
}

impl Drop for Raised {
    fn drop(&mut self) {
        set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;
    use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL};

    #[test]
    fn raising_nests_and_is_per_thread() {
        let machine = Machine::new();
        assert_eq!(current(), PASSIVE_LEVEL);
        {
            let _apc = raise(APC_LEVEL);
            {
                let _dispatch = raise(DISPATCH_LEVEL);
                assert_eq!(current(), DISPATCH_LEVEL);
                assert_eq!(machine.spawn(current).join().unwrap(), PASSIVE_LEVEL);
            }
            assert_eq!(current(), APC_LEVEL);
        }
        assert_eq!(current(), PASSIVE_LEVEL);
        machine.finish();
    }

    #[test]
    fn raising_to_a_lower_level_is_a_violation() {
        let machine = Machine::new();
        let _dispatch = raise(DISPATCH_LEVEL);
        drop(raise(APC_LEVEL));
        assert_eq!(current(), DISPATCH_LEVEL);
        let found = machine.take_violations();
        assert_eq!(found[0].kind, ViolationKind::IrqlNotGreaterOrEqual);
        assert_eq!(found.len(), 1);
    }
}
