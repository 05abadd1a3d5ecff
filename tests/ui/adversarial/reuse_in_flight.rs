//! Uses an IRP again that is in flight ([H11](../../../docs/hazards.md#h11)).

use wdm_irp::in_flight::{BoxedSlot, InFlight};
use wdm_irp::routine::SignalIfPended;
use wdm_irp::{Irp, TargetDevice};

fn again(request: InFlight<BoxedSlot<SignalIfPended, [u8; 512]>>) -> Irp<TargetDevice> {
    let (irp, _, ()) = request.reuse();
    irp
}

fn main() {}
