//! Implements the traits behind the methods that only explain an error, to send an IRP without a request and look at one
//! in flight.
use wdm_irp::in_flight::{InFlight, Storage};
use wdm_irp::{Irp, TargetDevice};

impl wdm_irp::request::explain::HasRequest for Irp<TargetDevice> {}
impl<S: Storage> wdm_irp::in_flight::explain::NotInFlight for InFlight<S> {}

fn main() {}
