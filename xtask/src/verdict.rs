//! What a command returns.

use std::error::Error;

/// What a command returns that could do its work, or says why it could not.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Whether what a command looked at is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
}

impl From<bool> for Verdict {
    fn from(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }
}
