//! The list of the cases, and what is checked after each.

use wdm_irp::PassiveLevel;

use super::below::{Devices, Kernel};
use super::failure::{Failure, same};
use super::{completion, contract, data, in_flight, irp, parameters, remove_lock};

/// One case.
pub type Case = fn(&Devices<'_>, &PassiveLevel, &dyn Kernel) -> Result<(), Failure>;

/// Names the cases of each room.
macro_rules! cases {
    ($($room:ident: $($name:ident)*;)*) => {
        /// Every case, by name.
        pub const CASES: &[(&str, Case)] = &[$($((stringify!($name), $room::$name)),*),*];
    };
}

cases! {
    completion:
        inline_completion
        inline_error
        inline_write
        pended_completion
        pended_write
        many_rounds;
    in_flight:
        timeout_cancels
        timeout_of_what_cannot_be_cancelled
        cancelled_on_demand
        dropped_in_flight
        leaked_in_flight
        static_slot;
    contract:
        pended_without_pending_returned
        marked_pending_but_returned_success
        returned_success_but_completes_later;
    parameters:
        read_parameters
        ioctl_buffered_parameters
        ioctl_neither_parameters;
    data:
        ioctl_data
        ioctl_direct_data
        direct_read
        flush_shutdown_pnp;
    irp:
        own_stack_location
        allocation_failure
        stack_too_deep;
    remove_lock:
        remove_lock;
}

/// Runs a case, and checks that it has freed every IRP it has allocated.
///
/// # Errors
/// What was not as it must be.
pub fn run(
    case: Case,
    devices: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let before = kernel.allocated();
    case(devices, at, kernel)?;
    same("allocated IRPs", kernel.allocated(), before)
}
