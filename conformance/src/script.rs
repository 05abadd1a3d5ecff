//! The language of the script: what an originator and drivers do, step by step.

use wdm_irp::sys::NTSTATUS;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The driver that has allocated the IRP. Its device, if it uses one, is called `own`.
    Originator,
    /// The driver of the device with three stack locations.
    Upper,
    /// The driver of the device with two.
    Middle,
    /// The driver of the device with one.
    Lower,
}

impl Actor {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// Every actor, in the order of their numbers.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Originator, Self::Upper, Self::Middle, Self::Lower];

    /// Returns the index of the actor's things in an array.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Returns what the actor is called in the trace.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Originator => "originator",
            Self::Upper => "upper",
            Self::Middle => "middle",
            Self::Lower => "lower",
        }
    }
}

/// One of the two events, or one of the two MDLs, of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    Second,
}

impl Which {
    /// Every one, in the order of their numbers.
    pub(crate) const ALL: [Self; 2] = [Self::First, Self::Second];

    /// Returns its index in an array.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// A time-out of the kernel: in units of 100 ns, relative if negative.
    Ticks(i64),
    /// NULL.
    Forever,
}

/// What is done on another thread.
pub(crate) struct Errand {
    /// Who does it.
    pub(crate) actor: Actor,
    /// Its last step lets the waiter go, as the waiter may then end the scenario.
    pub(crate) steps: &'static [Step],
}

/// One step; most of them are one call, and write one line.
///
/// "The IRP" is the one that the running routine was called with, or the one that the actor has:
/// the originator's own, or the one that a driver holds.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// `IoAllocateIrp` with this many stack locations.
    Allocate(i8),
    /// `IoFreeIrp`
    Free,
    /// `IoSetNextIrpStackLocation`, and the originator's own device in the location.
    OwnLocation,
    /// `IoGetNextIrpStackLocation`, filled in with this major and minor function.
    Next(u32, u8),
    /// `IoCopyCurrentIrpStackLocationToNext`
    Copy,
    /// `IoSkipCurrentIrpStackLocation`
    Skip,
    /// `IoSetCompletionRoutine` with these `SL_INVOKE_ON_…` flags.
    SetRoutine(u8),
    /// `IofCallDriver` to the device of this actor.
    Call(Actor),
    /// `IoMarkIrpPending`
    Mark,
    /// `IoMarkIrpPending` if `PendingReturned` is set.
    MarkIfPendingReturned,
    /// Sets `IoStatus`.
    SetStatus(NTSTATUS, usize),
    /// `IofCompleteRequest`; the IRP is not touched any more.
    Complete,
    /// The driver keeps the IRP.
    Hold,
    /// The driver of this device goes on with the IRP that it holds.
    Continue(Actor, &'static [Step]),
    /// Another thread is given something to do.
    OnThread(&'static Errand),
    /// `IoSetCancelRoutine`: the actor's routine, or NULL.
    SetCancelRoutine(bool),
    /// `IoAcquireCancelSpinLock`
    AcquireCancelLock,
    /// `IoReleaseCancelSpinLock`, with the IRQL from before: `Irp->CancelIrql` in a cancel routine.
    ReleaseCancelLock,
    /// `IoCancelIrp` on the originator's IRP.
    Cancel,
    /// `KeInitializeEvent` with this type and state.
    InitializeEvent(Which, i32, u8),
    /// `KeSetEvent`
    SetEvent(Which),
    /// `KeSetEvent` after which nothing is touched any more: a waiter may have ended the scenario.
    Signal(Which),
    /// `KeWaitForSingleObject`
    Wait(Which, Limit),
    /// `IoAllocateMdl`: so many bytes behind the start of a page, for so many bytes.
    ///
    /// As the IRP's primary buffer (`Some(false)`), as a secondary one (`Some(true)`), or without
    /// IRP.
    AllocateMdl(Which, usize, u32, Option<bool>),
    /// Takes the MDLs off the IRP: whoever has put them there frees them.
    DetachMdls,
    /// `MmProbeAndLockPages`
    LockPages(Which),
    /// `MmUnlockPages`
    UnlockPages(Which),
    /// `IoFreeMdl`
    FreeMdl(Which),
    /// Writes down the fields of the IRP.
    ShowIrp,
    /// Writes down the current stack location.
    ShowLocation,
    /// Writes down the IRQL.
    ShowIrql,
    /// Ends the routine with this status.
    Return(NTSTATUS),
    /// Ends the routine with what `IofCallDriver` returned.
    ReturnCalled,
}

/// What a driver does: a list of steps for each call of a routine.
///
/// The last list is for all further calls.
#[derive(Clone, Copy)]
pub(crate) struct Driver {
    pub(crate) dispatch: &'static [&'static [Step]],
    pub(crate) routine: &'static [&'static [Step]],
    pub(crate) cancel: &'static [Step],
}

/// One scenario of the script.
///
/// # Invariants
/// 1. Each step keeps to the WDK's rules for the caller of its function: an actor uses an IRP while
///    it has it and no longer; stack locations, events, MDLs and the cancel spin lock are in the
///    state that the function asks for.
/// 2. The last step of an errand is the one that lets a waiter go on.
///
/// `tests/host.rs` runs every scenario on the host model, whose ledger finds nothing.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) originator: &'static [Step],
    /// The originator's completion routine.
    pub(crate) routine: &'static [&'static [Step]],
    pub(crate) upper: Driver,
    pub(crate) middle: Driver,
    pub(crate) lower: Driver,
}

impl Scenario {
    /// Returns what the scenario is called in `golden.txt`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what the driver of a device does; the originator has no dispatch routine.
    pub(crate) const fn driver(&self, actor: Actor) -> Driver {
        match actor {
            Actor::Originator => Driver {
                dispatch: &[],
                routine: self.routine,
                cancel: &[],
            },
            Actor::Upper => self.upper,
            Actor::Middle => self.middle,
            Actor::Lower => self.lower,
        }
    }
}
