//! The IRQLs at which a kind of request is sent.

use wdm_irp::PassiveLevel;
use wdm_irp::irql::{
    ApcLevel, AtMostApc, DispatchLevel, MayReach, MaySend, PassiveOnly, SendIrql, UpToDispatch,
};
use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL};
use wdm_irp_sim::irql::{self, Raised};

use crate::oracle::apc;

/// The IRQLs at which a kind of request is sent.
pub(super) trait Levels: SendIrql + Sized {
    /// For calls that may wait.
    type Wait: AtMostApc + MaySend<Self> + MayReach<UpToDispatch>;
    /// For calls that only send.
    type Send: MaySend<Self> + MayReach<UpToDispatch>;

    fn to_wait(raised: bool) -> (Option<Raised>, Self::Wait);
    fn to_send(raised: bool) -> (Option<Raised>, Self::Send);
}

impl Levels for UpToDispatch {
    type Wait = ApcLevel;
    type Send = DispatchLevel;

    fn to_wait(raised: bool) -> (Option<Raised>, ApcLevel) {
        (raised.then(|| irql::raise(APC_LEVEL)), apc())
    }

    fn to_send(raised: bool) -> (Option<Raised>, DispatchLevel) {
        let raised = raised.then(|| irql::raise(DISPATCH_LEVEL));
        (raised, DispatchLevel::check().expect("just raised to it"))
    }
}

impl Levels for PassiveOnly {
    type Wait = PassiveLevel;
    type Send = PassiveLevel;

    fn to_wait(_: bool) -> (Option<Raised>, PassiveLevel) {
        let at = PassiveLevel::check();
        (None, at.expect("programs begin at PASSIVE_LEVEL"))
    }

    fn to_send(raised: bool) -> (Option<Raised>, PassiveLevel) {
        Self::to_wait(raised)
    }
}
