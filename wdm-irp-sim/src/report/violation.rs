//! One misuse that the model has found.

use std::fmt;
use std::sync::Arc;

use crate::report::kind::ViolationKind;
use crate::report::names::irql_name;

/// One misuse, and where it happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Violation {
    /// What.
    pub kind: ViolationKind,
    /// The number of the IRP, if it is about one.
    pub irp: Option<u32>,
    /// What exactly.
    pub detail: String,
    /// The name of the thread.
    pub thread: Arc<str>,
    /// The IRQL of the thread.
    pub irql: u8,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind)?;
        if let Some(irp) = self.irp {
            write!(f, "IRP#{irp}: ")?;
        }
        write!(
            f,
            "{} [thread {}, {}_LEVEL",
            self.detail,
            self.thread,
            irql_name(self.irql)
        )?;
        if let Some(rule) = self.kind.rule() {
            write!(f, "; rule {rule}")?;
        }
        f.write_str("]")
    }
}
