//! Enters a scope with a function that takes handles of static slots only, and keeps them.
use std::sync::Mutex;
use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

type InStatic = Sent<&'static Slot<read_done, [u8; 8]>>;

static KEPT: Mutex<Option<InStatic>> = Mutex::new(None);

fn keep(sent: InStatic) {
    *KEPT.lock().unwrap() = Some(sent);
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    request.send_scoped(at, keep)?;
    Ok(())
}

fn main() {}
