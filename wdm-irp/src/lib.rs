//! Complete driver-created IRPs safely. (Text follows with the README.)
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("wdm-irp supports 64-bit Windows only (x86_64 and aarch64)");

#[cfg(all(feature = "kernel", not(windows)))]
compile_error!(
    "feature `kernel` imports ntoskrnl.exe and needs a Windows target; without it calls go to wdm-irp-sim"
);

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "macro_support.rs"]
pub mod __macro;
mod buffer;
mod completed;
mod device;
mod error;
mod handshake;
mod irp;
mod irql;
mod request;
mod routine;
mod slot;
pub mod sys;
mod timeout;

pub use buffer::{
    Attachment, Buffered, Control, ControlCode, InDirect, IoBuffer, Method, Neither, NoTransfer,
    OutDirect, Raw, Read, SystemBuffer, Transfer, Write,
};
pub use completed::Completed;
pub use device::{OwnDevice, TargetDevice};
pub use error::{IrpError, NotSent, SendError};
pub use irp::{ByteOffset, Irp, PnpMinor, RawRequest};
pub use irql::{
    ApcLevel, AtMostApc, AtMostDispatch, AtPassive, DispatchLevel, IrqlTooHigh, MaySend,
    PassiveLevel, PassiveOnly, SendIrql, UpToDispatch,
};
pub use request::{Armed, Request, Unarmed};
pub use routine::{
    Completing, CompletionRoutine, IsInline, IsPended, MayFinish, MaySignal, NotAsked,
    PendingReturned, Signaled,
};
#[cfg(feature = "alloc")]
pub use slot::BoxedSlot;
pub use slot::{InFlight, Sent, Slot, Storage};
pub use timeout::Timeout;
#[cfg(feature = "macros")]
pub use wdm_irp_macros::completion_routine;
