//! The list of the cases, and what is checked after each.

use wdm_irp::PassiveLevel;

use super::below::{Devices, Kernel};
use super::failure::{Failure, same};
use super::{
    abandoned, completion, contract, data, in_flight, irp, opened, parameters, remove_lock,
};

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
    abandoned:
        abandoned_in_flight
        waited_for_in_vain
        cancelled_from_another_thread
        cancelled_in_its_scope;
    irp:
        own_stack_location
        own_stack_location_again
        irp_used_again
        registration_failure
        allocation_failure
        stack_too_deep;
    opened:
        opened_by_name;
    remove_lock:
        remove_lock
        pair_removed_in_flight;
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
