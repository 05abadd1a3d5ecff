//! The IRQL of each thread.

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};

use crate::irql::{current, raise};
use crate::{Machine, ViolationKind};

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
