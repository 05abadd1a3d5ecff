//! Why a case failed.

use core::fmt;

use wdm_irp::error::{Failed, NotSent, SendError};
use wdm_irp::in_flight::Outcome;
use wdm_irp::remove_lock::RemoveLockError;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{Completed, IrpError};

/// Why a case failed.
#[derive(Debug)]
pub enum Failure {
    /// A request failed that must succeed.
    Irp(IrpError),
    /// A request succeeded that must fail.
    NoError,
    /// A request failed in another way than it must.
    OtherError(Option<IrpError>, IrpError),
    /// A request was over that must be in flight.
    NotInFlight,
    /// A value is not what it must be.
    Value {
        /// What it is a value of.
        what: &'static str,
        /// The value.
        got: u64,
        /// The value there must be.
        expected: u64,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Irp(error) => error.fmt(f),
            Self::NoError => f.write_str("no error"),
            Self::OtherError(got, expected) => write!(f, "error {got:?}, expected {expected:?}"),
            Self::NotInFlight => f.write_str("the request is not in flight"),
            Self::Value {
                what,
                got,
                expected,
            } => {
                write!(f, "{what}: {got:#x}, expected {expected:#x}")
            }
        }
    }
}

impl core::error::Error for Failure {}

impl From<IrpError> for Failure {
    fn from(error: IrpError) -> Self {
        Self::Irp(error)
    }
}

impl From<RemoveLockError> for Failure {
    fn from(error: RemoveLockError) -> Self {
        Self::Value {
            what: "status of a remove lock",
            got: error.status().shown(),
            expected: STATUS_SUCCESS.shown(),
        }
    }
}

impl<Q, R: CompletionRoutine, B, T, I> From<SendError<Q, Completed<R, B, T, I>>> for Failure {
    fn from(error: SendError<Q, Completed<R, B, T, I>>) -> Self {
        Self::Irp(error.into())
    }
}

impl<R: CompletionRoutine, B, T, I> From<Failed<Completed<R, B, T, I>>> for Failure {
    fn from(failed: Failed<Completed<R, B, T, I>>) -> Self {
        Self::Irp(failed.into())
    }
}

impl<Q> From<NotSent<Q>> for Failure {
    fn from(not_sent: NotSent<Q>) -> Self {
        Self::Irp(not_sent.into())
    }
}

/// Values that a [`Failure`] can show.
pub(super) trait Value: PartialEq + Copy {
    fn shown(self) -> u64;
}

macro_rules! values {
    ($($ty:ident: $value:ident => $shown:expr;)*) => {$(
        impl Value for $ty {
            fn shown(self) -> u64 {
                let $value = self;
                $shown
            }
        }
    )*};
}

values! {
    bool: value => value.into();
    u8: value => value.into();
    u32: value => value.into();
    u64: value => value;
    usize: value => value as u64;
    isize: value => value.cast_unsigned() as u64;
    i32: value => value.cast_unsigned().into();
}

pub(super) fn same<T: Value>(what: &'static str, got: T, expected: T) -> Result<(), Failure> {
    if got == expected {
        return Ok(());
    }
    Err(Failure::Value {
        what,
        got: got.shown(),
        expected: expected.shown(),
    })
}

pub(super) fn is_error(got: Option<IrpError>, expected: IrpError) -> Result<(), Failure> {
    if got == Some(expected) {
        return Ok(());
    }
    Err(Failure::OtherError(got, expected))
}

/// Returns the completed request of an outcome that must be this error.
pub(super) fn failed<R: CompletionRoutine, B, T, I>(
    outcome: Outcome<R, B, T, I>,
    expected: IrpError,
) -> Result<Completed<R, B, T, I>, Failure> {
    let Err(failed) = outcome else {
        return Err(Failure::NoError);
    };
    is_error(Some(failed.error()), expected)?;
    Ok(failed.into_completed())
}

/// Checks that data counts up as a lower device answers a read at `offset`.
pub(super) fn counts_up(what: &'static str, data: &[u8], offset: i64) -> Result<(), Failure> {
    let [mut expected, ..] = offset.to_le_bytes();
    for &byte in data {
        same(what, byte, expected)?;
        expected = expected.wrapping_add(1);
    }
    Ok(())
}
