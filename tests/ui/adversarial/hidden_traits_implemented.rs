//! Implements the traits behind the methods that only explain an error, to send an IRP without a routine and look at one in
//! flight.
use wdm_irp::Irp;
use wdm_irp::in_flight::{InFlight, Storage};
use wdm_irp::request::{Read, Request};

impl wdm_irp::request::explain::HasRequest for Irp<'_> {}
impl wdm_irp::request::explain::HasCompletionRoutine for Request<'_, Read, [u8; 8]> {}
impl<S: Storage> wdm_irp::in_flight::handle::NotInFlight for InFlight<S> {}

fn main() {}
