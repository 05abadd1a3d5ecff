//! Requests without a completion routine of their own: the library registers one that signals.
//!
//! An IRP that the driver has created must have a completion routine (rule `IoAllocateForward`).
//! [`SignalIfPended`] is that of these requests, so all other rules hold for them, too.

use crate::completed::Completed;
use crate::error::{NotSent, SendError};
#[cfg(feature = "alloc")]
use crate::in_flight::BoxedSlot;
use crate::in_flight::{Sent, Slot};
use crate::irql::{AtMostApc, MaySend};
use crate::request::{Armed, Request, Transfer};
use crate::routine::SignalIfPended;
use crate::timeout::Timeout;

impl<'d, K, B> Request<'d, K, B> {
    /// Sends the request with the library's own completion routine, and waits for it.
    ///
    /// Otherwise like `send_and_wait` of a request with a routine.
    ///
    /// ```
    /// use wdm_irp::{Irp, IrpError, PassiveLevel, TargetDevice, Timeout};
    ///
    /// fn flush(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    ///     Irp::allocate(disk)?.flush().send_and_wait(at, Timeout::seconds(30))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// The request was not sent, or its status is not a success; both give everything back.
    #[inline]
    #[expect(
        clippy::type_complexity,
        reason = "the states of a request are its type"
    )]
    pub fn send_and_wait<P>(
        self,
        at: P,
        timeout: Timeout,
    ) -> Result<
        Completed<SignalIfPended, B>,
        SendError<Request<'d, K, B, Armed<SignalIfPended>>, Completed<SignalIfPended, B>>,
    >
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql>,
    {
        self.signal_if_pended().send_and_wait(at, timeout)
    }

    /// Sends the request with the library's own completion routine, and runs `f` while it is in
    /// flight.
    ///
    /// Otherwise like `send_scoped` of a request with a routine.
    ///
    /// # Errors
    /// The request was not sent, and `f` not called.
    #[inline]
    pub fn send_scoped<P, F, T>(
        self,
        at: P,
        f: F,
    ) -> Result<T, NotSent<Request<'d, K, B, Armed<SignalIfPended>>>>
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql>,
        F: for<'s> FnOnce(Sent<&'s Slot<SignalIfPended, B>>) -> T,
    {
        self.signal_if_pended().send_scoped(at, f)
    }

    /// Sends the request with the library's own completion routine from static memory.
    ///
    /// Otherwise like `send_in` of a request with a routine.
    ///
    /// # Errors
    /// The request was not sent.
    #[inline]
    #[expect(
        clippy::type_complexity,
        reason = "the states of a request are its type"
    )]
    pub fn send_in<P>(
        self,
        slot: &'static Slot<SignalIfPended, B>,
        at: P,
    ) -> Result<
        Sent<&'static Slot<SignalIfPended, B>>,
        NotSent<Request<'d, K, B, Armed<SignalIfPended>>>,
    >
    where
        K: Transfer<B>,
        B: Send + 'static,
        P: MaySend<K::Irql>,
    {
        self.signal_if_pended().send_in(slot, at)
    }

    /// Sends the request with the library's own completion routine from a heap allocation.
    ///
    /// Otherwise like `send_boxed` of a request with a routine.
    ///
    /// # Errors
    /// The request was not sent.
    #[cfg(feature = "alloc")]
    #[inline]
    #[expect(
        clippy::type_complexity,
        reason = "the states of a request are its type"
    )]
    pub fn send_boxed<P>(
        self,
        at: P,
    ) -> Result<Sent<BoxedSlot<SignalIfPended, B>>, NotSent<Request<'d, K, B, Armed<SignalIfPended>>>>
    where
        K: Transfer<B>,
        B: Send + 'static,
        P: MaySend<K::Irql>,
    {
        self.signal_if_pended().send_boxed(at)
    }
}
