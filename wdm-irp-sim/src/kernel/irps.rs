//! The ledger's pages about IRPs.

use wdm_irp::sys::NTSTATUS;

use crate::memory::Memory;
use crate::report::timeline::Lane;
use crate::sync::{Arc, thread};

/// Who has an IRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The driver that has allocated it.
    Originator,
    /// A lower driver, or the I/O manager on the way back.
    InFlight,
    /// The pool.
    Freed,
}

/// Where the memory of an IRP comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `IoAllocateIrp`, with `ChargeQuota`.
    Allocated { charged: bool },
    /// The driver, which has called `IoInitializeIrp`.
    Driver,
}

/// One call of a dispatch routine for an IRP.
pub(crate) struct Frame {
    pub(crate) id: u64,
    pub(crate) location: i8,
    pub(crate) device: Arc<str>,
    /// What the dispatch routine has returned.
    pub(crate) returned: Option<NTSTATUS>,
    /// Whether the driver had marked the IRP pending, once it has completed it.
    pub(crate) marked: Option<bool>,
    /// Whether a breach of the contract has been recorded already.
    pub(crate) noted: bool,
}

/// The ledger's page about one IRP.
pub(crate) struct IrpRecord {
    pub(crate) address: usize,
    pub(crate) memory: Option<Memory>,
    pub(crate) source: Source,
    pub(crate) stack_count: i8,
    pub(crate) owner: Owner,
    /// Whether it was ever sent, or since `IoReuseIrp`.
    pub(crate) sent: bool,
    /// Who has freed it, or has called `IoReuseIrp` since it was sent.
    pub(crate) ended_by: Option<(Lane, Arc<str>)>,
    /// The location whose routine belongs to the originator, when in flight.
    pub(crate) origin_location: i8,
    /// The thread that has sent it.
    pub(crate) origin_thread: Option<thread::ThreadId>,
    /// Whether `IofCompleteRequest` is walking up the locations, outside of any routine.
    pub(crate) walking: bool,
    /// Counts the walks, to notice one that overtakes another.
    pub(crate) walks: u64,
    /// Counts the calls of dispatch routines.
    pub(crate) calls: u64,
    /// The calls that have not both returned and been completed.
    pub(crate) frames: Vec<Frame>,
    /// The MDLs it carries, when in flight.
    pub(crate) mdls: Vec<usize>,
    /// The addresses of its routine's context, its buffers and its MDLs' buffers, when in flight.
    pub(crate) uses: Vec<usize>,
    /// Calls of `IoCancelIrp` that may still touch it.
    pub(crate) cancelling: u32,
    /// It was freed when it must not be: the memory is kept, and the originator is not called.
    pub(crate) doomed: bool,
}

/// Describes where an IRP is.
pub(crate) fn describe(record: &IrpRecord) -> String {
    match record.owner {
        Owner::Freed => "freed".to_owned(),
        Owner::Originator if record.sent => "completed, at the originator".to_owned(),
        Owner::Originator => "not sent, at the originator".to_owned(),
        Owner::InFlight => record
            .frames
            .iter()
            .rev()
            .find(|frame| frame.marked.is_none())
            .map_or_else(
                || "in flight, held back by a completion routine".to_owned(),
                |frame| format!("in flight at {}", frame.device),
            ),
    }
}
