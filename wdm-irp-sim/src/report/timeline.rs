//! What happened, in order: the recording that reports, examples and diagrams are made from.
//!
//! An entry belongs to an IRP. Functions without an IRP parameter belong to one by these rules:
//!
//! - `KeSetEvent`: the IRP whose completion routine is running on the thread, if one is;
//! - an event: the IRP that its thread has allocated or sent last when `KeInitializeEvent` is
//!   called, as long as that IRP is allocated;
//! - other waits: the IRP that the thread has allocated or sent last.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crate::report::names::irql_name;

/// A party in the timeline; a life line in the diagram.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// The driver that has allocated the IRP.
    Originator,
    /// The originator's completion routine.
    Routine,
    /// The I/O manager.
    IoManager,
    /// The driver of a device, by the name of the device.
    Device(Arc<str>),
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Originator => "originator",
            Self::Routine => "completion routine",
            Self::IoManager => "I/O manager",
            Self::Device(name) => name,
        })
    }
}

/// What an entry is: a call, a return from one, or something that happens at one party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `from` calls `to`.
    Call,
    /// A call of `to` returns; control goes from `from` back to `to`.
    Return,
    /// Something at `from`.
    Note,
    /// A misuse.
    Violation,
}

/// One thing that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// When, since the machine was made.
    pub at: Duration,
    /// The name of the thread.
    pub thread: Arc<str>,
    /// The IRQL of the thread.
    pub irql: u8,
    /// The number of the IRP.
    pub irp: Option<u32>,
    /// Call, return, note or violation.
    pub step: Step,
    /// The party that acts.
    pub from: Lane,
    /// The party that it is done to.
    pub to: Lane,
    /// What.
    pub text: String,
}

/// A recording.
#[derive(Clone, Debug)]
pub struct Timeline {
    entries: Vec<Entry>,
    forgotten: usize,
    pub(super) times: bool,
}

impl Timeline {
    pub(crate) fn new(entries: Vec<Entry>, forgotten: usize) -> Self {
        Self {
            entries,
            forgotten,
            times: true,
        }
    }

    /// Returns what happened, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns only what belongs to one IRP.
    #[must_use]
    pub fn of_irp(&self, number: u32) -> Self {
        Self {
            entries: self
                .entries
                .iter()
                .filter(|entry| entry.irp == Some(number))
                .cloned()
                .collect(),
            ..*self
        }
    }

    /// Leaves out the column of times, the only one that differs between two equal runs.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        self.times = false;
        self
    }

    /// Returns a table: time, thread, IRQL, IRP, party, event.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if self.forgotten > 0 {
            let _ = writeln!(text, "({} earlier entries forgotten)", self.forgotten);
        }
        let several = {
            let mut numbers = self.entries.iter().filter_map(|entry| entry.irp);
            let first = numbers.next();
            numbers.any(|number| Some(number) != first)
        };
        let rows: Vec<[String; 6]> = self
            .entries
            .iter()
            .map(|entry| {
                [
                    if self.times {
                        format!("{} us", entry.at.as_micros())
                    } else {
                        String::new()
                    },
                    entry.thread.to_string(),
                    irql_name(entry.irql).to_owned(),
                    match entry.irp {
                        Some(number) if several => format!("IRP#{number}"),
                        _ => String::new(),
                    },
                    entry.from.to_string(),
                    match entry.step {
                        Step::Violation => format!("VIOLATION {}", entry.text),
                        _ => entry.text.clone(),
                    },
                ]
            })
            .collect();
        let mut widths = [0; 5];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (column, (width, cell)) in widths.iter().zip(row).enumerate() {
                if *width == 0 {
                    continue;
                }
                // Times are numbers: to the right.
                let _ = if column == 0 {
                    write!(line, "{cell:>width$}  ")
                } else {
                    write!(line, "{cell:<width$}  ")
                };
            }
            line.push_str(&row[5]);
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(irp: u32, micros: u64, from: Lane, step: Step, text: &str) -> Entry {
        Entry {
            at: Duration::from_micros(micros),
            thread: "originator".into(),
            irql: 0,
            irp: Some(irp),
            step,
            to: from.clone(),
            from,
            text: text.to_owned(),
        }
    }

    fn sample() -> Timeline {
        Timeline::new(
            vec![
                entry(1, 7, Lane::Originator, Step::Note, "a"),
                entry(2, 1234, Lane::Device("disk".into()), Step::Violation, "b"),
            ],
            0,
        )
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            sample().to_text(),
            "   7 us  originator  PASSIVE  IRP#1  originator  a\n\
             1234 us  originator  PASSIVE  IRP#2  disk        VIOLATION b\n"
        );
    }

    #[test]
    fn one_irp_needs_no_irp_column_and_times_can_be_left_out() {
        assert_eq!(
            sample().of_irp(1).without_times().to_text(),
            "originator  PASSIVE  originator  a\n"
        );
    }
}
