//! All that the model has found wrong, and what happened.

use std::fmt;

use crate::report::kind::ViolationKind;
use crate::report::timeline::Timeline;
use crate::report::violation::Violation;

/// What a machine has to say at its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Every misuse, leaks included, in the order found.
    pub violations: Vec<Violation>,
    /// What happened.
    pub timeline: Timeline,
}

impl Report {
    /// Returns whether nothing was wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Returns whether a misuse of this kind was found.
    #[must_use]
    pub fn has(&self, kind: ViolationKind) -> bool {
        self.violations
            .iter()
            .any(|violation| violation.kind == kind)
    }
}

impl fmt::Display for Report {
    /// Writes the violations, then the timeline of each IRP they are about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("no violations");
        }
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        let mut numbers: Vec<u32> = self.violations.iter().filter_map(|v| v.irp).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            writeln!(
                f,
                "\ntimeline of IRP#{number}:\n{}",
                self.timeline.of_irp(number).to_text()
            )?;
        }
        if self.violations.iter().any(|v| v.irp.is_none()) {
            writeln!(f, "\ntimeline:\n{}", self.timeline.to_text())?;
        }
        Ok(())
    }
}
