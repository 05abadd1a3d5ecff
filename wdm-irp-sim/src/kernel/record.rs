//! What the calling thread does, recorded: entries of the timeline, and violations.

use crate::kernel::irps::{Owner, describe};
use crate::kernel::{Kernel, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::names::irql_name;
use crate::report::summary::Report;
use crate::report::timeline::{Entry, Lane, Step, Timeline};
use crate::report::violation::Violation;
use crate::sync::lock;

/// Entries of the timeline that are kept.
const ENTRIES: usize = 1 << 16;

/// A misuse that was found under the ledger's lock, to be recorded outside of it.
pub(crate) type Found = (ViolationKind, Option<u32>, String);

impl Kernel {
    /// Adds an entry to the timeline.
    pub(crate) fn record(
        &self,
        irp: Option<u32>,
        step: Step,
        from: Lane,
        to: Lane,
        text: impl Into<String>,
    ) {
        if !lock(&self.settings).recording && step != Step::Violation {
            return;
        }
        let thread = this_thread::name();
        let irql = this_thread::irql();
        let text = text.into();
        let mut ledger = lock(&self.ledger);
        if ledger.entries.len() == ENTRIES {
            ledger.entries.pop_front();
            ledger.forgotten += 1;
        }
        ledger.entries.push_back(Entry {
            // Under the lock, so that the entries are in the order of their times.
            at: self.start.elapsed(),
            thread,
            irql,
            irp,
            step,
            from,
            to,
            text,
        });
    }

    /// Adds a note of the calling thread's party.
    pub(crate) fn note(&self, irp: Option<u32>, text: impl Into<String>) {
        let lane = this_thread::lane();
        self.record(irp, Step::Note, lane.clone(), lane, text);
    }

    /// Adds a call from the calling thread's party to the I/O manager.
    pub(crate) fn call(&self, irp: Option<u32>, text: impl Into<String>) {
        self.record(irp, Step::Call, this_thread::lane(), Lane::IoManager, text);
    }

    /// Records a misuse.
    ///
    /// The process-wide default instance has no test to report to, so it aborts.
    pub(crate) fn violate(&self, kind: ViolationKind, irp: Option<u32>, detail: &str) {
        let violation = Violation {
            kind,
            irp,
            detail: detail.to_owned(),
            thread: this_thread::name(),
            irql: this_thread::irql(),
        };
        let lane = this_thread::lane();
        self.record(
            irp,
            Step::Violation,
            lane.clone(),
            lane,
            format!("{kind}: {detail}"),
        );
        lock(&self.ledger).violations.push(violation);
        if self.is_default {
            eprintln!(
                "wdm-irp-sim: BUG CHECK on a thread that is on no Machine\n{}",
                self.report()
            );
            std::process::abort();
        }
    }

    /// Records misuses that were found under the ledger's lock.
    pub(crate) fn violate_all(&self, found: Vec<Found>) {
        for (kind, irp, text) in found {
            self.violate(kind, irp, &text);
        }
    }

    /// Records a lower driver's misuse.
    ///
    /// It is a note unless the test wants violations, since tests use such drivers on purpose.
    pub(crate) fn violate_lower(&self, kind: ViolationKind, irp: Option<u32>, detail: &str) {
        if lock(&self.settings).strict_lower {
            self.violate(kind, irp, detail);
        } else {
            self.note(irp, format!("{kind}: {detail}"));
        }
    }

    /// Checks that a function may be called at the current IRQL.
    pub(crate) fn check_irql(&self, highest: u8, irp: Option<u32>, function: &str) {
        let irql = this_thread::irql();
        if irql > highest {
            self.violate(
                ViolationKind::IrqlTooHigh,
                irp,
                &format!("{function} at IRQL {irql}; at most {highest} is allowed"),
            );
        }
    }

    /// Returns the entries that are kept.
    pub(crate) fn timeline(&self) -> Timeline {
        let ledger = lock(&self.ledger);
        Timeline::new(ledger.entries.iter().cloned().collect(), ledger.forgotten)
    }

    /// Returns the violations so far, without the checks of the end.
    pub(crate) fn report(&self) -> Report {
        let violations = lock(&self.ledger).violations.clone();
        Report {
            violations,
            timeline: self.timeline(),
        }
    }

    /// Ends the process, and prints all there is: a thread waits for something that will not come.
    pub(crate) fn hang(&self, what: &str) -> ! {
        let open: Vec<String> = lock(&self.ledger)
            .irps
            .iter()
            .filter(|(_, record)| record.owner != Owner::Freed)
            .map(|(number, record)| format!("IRP#{number}: {}", describe(record)))
            .collect();
        eprintln!(
            "wdm-irp-sim: HANG: thread {} at {}_LEVEL has waited for {:?}: {what}\n{}\n\n{}\ntimeline:\n{}",
            this_thread::name(),
            irql_name(this_thread::irql()),
            self.hang_limit(),
            open.join("\n"),
            self.report(),
            self.timeline().to_text()
        );
        std::process::abort();
    }
}
