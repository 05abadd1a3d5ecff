//! IRQL as a value: zero-sized proofs that a thread runs at or below a level.

use core::marker::PhantomData;

use crate::sys;

/// Neither Send nor Sync, and named for the error message.
trait AnIrqlIsThatOfOneThread {}

/// Makes a proof !Send and !Sync.
type ThisThread = PhantomData<dyn AnIrqlIsThatOfOneThread>;

macro_rules! proofs {
    ($(
        $(#[$doc:meta])*
        $name:ident: at most $level:ident, implements $($level_trait:ident)*;
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(ThisThread);

        impl $name {
            /// Reads the IRQL of this processor and gives the proof if it is low enough. Any IRQL.
            ///
            /// # Errors
            /// The IRQL, if it is higher.
            pub fn check() -> Result<Self, IrqlTooHigh> {
                // SAFETY: kernel code calls this, or the host model answers.
                let current = unsafe { sys::KeGetCurrentIrql() };
                if current <= sys::$level {
                    Ok(Self(PhantomData))
                } else {
                    Err(IrqlTooHigh { current, highest: sys::$level })
                }
            }

            /// Creates the proof without reading the IRQL, for entry points that the system calls
            /// at a known IRQL: `DriverEntry`, a work item, a dispatch routine that only ever sees
            /// one kind of request.
            ///
            /// # Safety
            /// While the proof exists, this thread runs at or below its level whenever the proof is
            /// used.
            #[must_use]
            pub const unsafe fn assume() -> Self {
                Self(PhantomData)
            }
        }

        $(
            impl $level_trait for $name {}
            impl $level_trait for &$name {}
        )*
        impl sealed::Sealed for $name {}
        impl sealed::Sealed for &$name {}
    )*};
}

proofs! {
    /// Proof that this thread runs at `PASSIVE_LEVEL`: everything is allowed.
    ///
    /// ```
    /// # use wdm_irp_sim as _;
    /// use wdm_irp::PassiveLevel;
    ///
    /// let at = PassiveLevel::check()?;
    /// # Ok::<(), wdm_irp::irql::IrqlTooHigh>(())
    /// ```
    PassiveLevel: at most PASSIVE_LEVEL, implements AtPassive AtMostApc AtMostDispatch;

    /// Proof that this thread runs at `APC_LEVEL` or below: it may wait.
    ApcLevel: at most APC_LEVEL, implements AtMostApc AtMostDispatch;

    /// Proof that this thread runs at `DISPATCH_LEVEL` or below: it may send requests of the data
    /// path, not wait.
    DispatchLevel: at most DISPATCH_LEVEL, implements AtMostDispatch;
}

impl DispatchLevel {
    /// Creates the proof for a completion routine, which the system never calls above
    /// `DISPATCH_LEVEL`.
    pub(crate) const fn in_completion_routine() -> Self {
        Self(PhantomData)
    }
}

/// The IRQL is too high for the proof that a thread has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IrqlTooHigh {
    /// The IRQL of the processor.
    pub current: u8,
    /// The highest IRQL the proof allows.
    pub highest: u8,
}

impl core::fmt::Display for IrqlTooHigh {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the IRQL is {}, above {}", self.current, self.highest)
    }
}

impl core::error::Error for IrqlTooHigh {}

mod sealed {
    pub trait Sealed {}
}

/// Proofs of an IRQL at or below `DISPATCH_LEVEL`, by value or by reference.
#[diagnostic::on_unimplemented(
    message = "ForwardedAtBadIrqlAllocate: sending an IRP needs a proof of IRQL <= DISPATCH_LEVEL, and `{Self}` is none",
    label = "pass `&PassiveLevel`, `&ApcLevel` or `&DispatchLevel`, made by `check()`"
)]
pub trait AtMostDispatch: sealed::Sealed {}

/// Proofs of an IRQL at or below `APC_LEVEL`, by value or by reference.
#[diagnostic::on_unimplemented(
    message = "ForwardedAtBadIrqlAllocate: waiting for an IRP needs a proof of IRQL <= APC_LEVEL, and `{Self}` is none",
    label = "a thread at DISPATCH_LEVEL must not wait: pass `&PassiveLevel` or `&ApcLevel`, or send without waiting"
)]
pub trait AtMostApc: AtMostDispatch {}

/// Proofs of `PASSIVE_LEVEL`, by value or by reference.
#[diagnostic::on_unimplemented(
    message = "this is done at PASSIVE_LEVEL only, and `{Self}` does not prove that",
    label = "pass a `PassiveLevel`, made by `check()`"
)]
pub trait AtPassive: AtMostApc {}

/// The IRQLs at which a request may be sent, by its kind, or at which a target takes it.
pub trait SendIrql: sealed::Sealed {}

/// Requests of the data path, and targets that take them there: up to `DISPATCH_LEVEL`.
#[derive(Debug)]
pub enum UpToDispatch {}

/// All other requests and targets: `PASSIVE_LEVEL`.
#[derive(Debug)]
pub enum PassiveOnly {}

impl sealed::Sealed for UpToDispatch {}
impl sealed::Sealed for PassiveOnly {}
impl SendIrql for UpToDispatch {}
impl SendIrql for PassiveOnly {}

/// Proofs that allow a request of class `L` to be sent.
#[diagnostic::on_unimplemented(
    message = "ForwardedAtBadIrqlAllocate: `{Self}` does not prove an IRQL at which this request may be sent; read, write and device control need `&DispatchLevel` or lower, all others `&PassiveLevel`",
    label = "not a proof that allows this request"
)]
pub trait MaySend<L: SendIrql>: sealed::Sealed {}

impl<P: AtMostDispatch> MaySend<UpToDispatch> for P {}
impl<P: AtPassive> MaySend<PassiveOnly> for P {}

/// Proofs that allow requests to a target whose drivers take them at the IRQLs of class `L`.
#[diagnostic::on_unimplemented(
    message = "ForwardedAtBadIrqlAllocate: `{Self}` does not prove an IRQL at which the target's drivers take requests; pass `&PassiveLevel`, or vouch for the target with `takes_dispatch_level`",
    label = "not a proof that allows requests to this target"
)]
pub trait MayReach<L: SendIrql>: sealed::Sealed {}

impl<P: AtMostDispatch> MayReach<UpToDispatch> for P {}
impl<P: AtPassive> MayReach<PassiveOnly> for P {}
