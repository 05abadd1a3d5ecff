//! How long to wait, which is always spelled out.

use core::time::Duration;

/// How long to wait for a request before it is cancelled.
///
/// There is no default and no `Option`: rules `IoAllocateIrpSignalEventInCompletionTimeout` and its
/// kin exist because unbounded waits happen by accident. Write [`Timeout::FOREVER`] if you mean it.
///
/// ```
/// use core::time::Duration;
/// use wdm_irp::Timeout;
///
/// assert_eq!(Timeout::seconds(5), Timeout::after(Duration::from_secs(5)));
/// assert_ne!(Timeout::milliseconds(5), Timeout::FOREVER);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(Option<i64>);

impl Timeout {
    /// Waits until the lower driver completes the request, however long that takes.
    pub const FOREVER: Self = Self(None);

    /// Waits this many seconds.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Self {
        Self(Some(-(seconds as i64 * 10_000_000)))
    }

    /// Waits this many milliseconds.
    #[must_use]
    pub const fn milliseconds(milliseconds: u32) -> Self {
        Self(Some(-(milliseconds as i64 * 10_000)))
    }

    /// Waits for a duration, rounded up to units of 100 ns.
    ///
    /// Longer durations are clamped to about 29,000 years.
    #[must_use]
    pub const fn after(duration: Duration) -> Self {
        let units = duration.as_nanos().div_ceil(100);
        Self(Some(if units > i64::MAX as u128 {
            -i64::MAX
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            {
                -(units as i64)
            }
        }))
    }

    /// Returns the relative time in units of 100 ns, negative as `KeWaitForSingleObject` takes it;
    /// `None` waits forever.
    pub(crate) const fn relative(self) -> Option<i64> {
        self.0
    }
}
