//! What passed, failed and was skipped: said by a command, and added up from what a step says.

use std::ops::AddAssign;

use crate::verdict::Verdict;

/// How many cases passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Counts {
    /// Adds up cargo's test summaries, and lines `N passed, N failed, N skipped`.
    pub(crate) fn of_log(log: &str) -> Self {
        let mut sum = Self::default();
        for line in log.lines() {
            sum += Self::of_cargo(line)
                .or(Self::of_report(line))
                .unwrap_or_default();
        }
        sum
    }

    /// Counts a step: as its log does, or as one if the log counts nothing.
    ///
    /// A step that fails without a failure in its counts is one more failure.
    pub(crate) fn of_step(log: &str, success: bool) -> Self {
        let mut counts = Self::of_log(log);
        if !success {
            counts.failed = counts.failed.max(1);
        } else if counts == Self::default() {
            if log.lines().any(|line| line.starts_with("SKIPPED: ")) {
                counts.skipped = 1;
            } else {
                counts.passed = 1;
            }
        }
        counts
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn of_cargo(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("test result:")?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let mut counts = Self::default();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            if pair[1].starts_with("passed") {
                counts.passed += number;
            } else if pair[1].starts_with("failed") {
                counts.failed += number;
            } else if pair[1].starts_with("ignored") {
                counts.skipped += number;
            }
        }
        Some(counts)
    }

    /// Reads `3 passed, 0 failed, 1 skipped`, which is the whole of the line.
    fn of_report(line: &str) -> Option<Self> {
        let mut parts = line.split(", ");
        let mut part = |word: &str| parts.next()?.strip_suffix(word)?.parse().ok();
        let counts = Self {
            passed: part(" passed")?,
            failed: part(" failed")?,
            skipped: part(" skipped")?,
        };
        parts.next().is_none().then_some(counts)
    }

    /// Prints the line that `ci` adds up, and judges.
    pub(crate) fn finish(self) -> Verdict {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        Verdict::from(failed == 0)
    }
}

/// The cases of one command: says each of them, and counts them.
#[derive(Debug, Default)]
pub(crate) struct Report(pub(crate) Counts);

impl Report {
    /// Prints `passed CASE`.
    pub(crate) fn pass(&mut self, case: &str) {
        println!("passed {case}");
        self.0.passed += 1;
    }

    /// Prints `failed CASE: WHY`.
    pub(crate) fn fail(&mut self, case: &str, why: &str) {
        println!("failed {case}: {why}");
        self.0.failed += 1;
    }

    /// Prints `SKIPPED: WHY`.
    pub(crate) fn skip(&mut self, why: &str) {
        println!("SKIPPED: {why}");
        self.0.skipped += 1;
    }

    /// Prints the counts and judges.
    pub(crate) fn finish(self) -> Verdict {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
        }
    }

    const CARGO: &str = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s

   Doc-tests wdm_irp
test result: FAILED. 20 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.00s
";

    #[test]
    fn summaries_of_cargo_and_of_commands_are_added_up() {
        assert_eq!(Counts::of_log(CARGO), counts(23, 1, 2));
        let both = format!("{CARGO}passed caught it\n41 passed, 2 failed, 3 skipped\n");
        assert_eq!(Counts::of_log(&both), counts(64, 3, 5));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "",
            "passed BeforeWait: 257 tests",
            " 3 passed, 0 failed, 0 skipped",
            "3 passed, 0 failed, 0 skipped.",
            "3 passed, 0 failed, 0 skipped, 1 late",
            "3 passed, 0 failed",
            "x passed, 0 failed, 0 skipped",
            "  test result: ok. 3 passed; 0 failed; 0 ignored",
        ] {
            assert_eq!(Counts::of_log(line), Counts::default(), "{line}");
        }
    }

    #[test]
    fn step_without_counts_counts_as_one() {
        assert_eq!(Counts::of_step("", true), counts(1, 0, 0));
        assert_eq!(Counts::of_step("SKIPPED: no llvm", true), counts(0, 0, 1));
        assert_eq!(
            Counts::of_step("not SKIPPED: no llvm", true),
            counts(1, 0, 0)
        );
        assert_eq!(Counts::of_step("", false), counts(0, 1, 0));
    }

    #[test]
    fn step_that_counts_is_not_counted_again() {
        assert_eq!(
            Counts::of_step("2 passed, 0 failed, 1 skipped", true),
            counts(2, 0, 1)
        );
        let skipped = "SKIPPED: no wine64\n0 passed, 0 failed, 1 skipped";
        assert_eq!(Counts::of_step(skipped, true), counts(0, 0, 1));
        assert_eq!(
            Counts::of_step("2 passed, 3 failed, 0 skipped", false),
            counts(2, 3, 0)
        );
    }

    #[test]
    fn failure_that_the_counts_do_not_show_is_one_more() {
        assert_eq!(
            Counts::of_step("2 passed, 0 failed, 0 skipped", false),
            counts(2, 1, 0)
        );
    }
}
