//! The patches of bugs, and what they say before the first changed file.

use std::path::Path;

use regex_lite::{Regex, RegexBuilder};

use crate::verdict::Result;

/// What a patch says of the bug that it seeds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The test program that must see the bug.
    pub(super) program: String,
    /// What else the program is given.
    pub(super) arguments: Vec<String>,
    /// What it says then, a regular expression.
    reason: String,
}

impl Header {
    /// Reads `Caught by:` and `Because of:`; returns `None` if one of them is missing or empty.
    pub(super) fn parse(patch: &str) -> Option<Self> {
        let field = |name: &str| patch.lines().find_map(|line| line.strip_prefix(name));
        let mut words = field("Caught by: ")?.split_whitespace().map(str::to_owned);
        let reason = field("Because of: ")?.to_owned();
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
            reason: Some(reason).filter(|reason| !reason.is_empty())?,
        })
    }

    /// Returns the reason, which a line of the test's output must match.
    pub(super) fn reason(&self) -> Result<Regex> {
        Ok(RegexBuilder::new(&self.reason).multi_line(true).build()?)
    }

    /// Returns the words after `Caught by:`.
    pub(super) fn caught_by(&self) -> String {
        let words: Vec<&str> = std::iter::once(&self.program)
            .chain(&self.arguments)
            .map(String::as_str)
            .collect();
        words.join(" ")
    }
}

/// Returns the names of the bugs in a directory, in order.
pub(super) fn names(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "patch")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
A request is not cancelled.
Caught by: loom --exact  pended
Because of: HANG: .*has waited|^VIOLATION

--- a/wdm-irp/src/routine.rs
+++ b/wdm-irp/src/routine.rs
";

    #[test]
    fn header_names_a_test_and_a_reason() {
        let header = Header::parse(PATCH).expect("it has both lines");
        assert_eq!(header.program, "loom");
        assert_eq!(header.arguments, ["--exact", "pended"]);
        assert_eq!(header.caught_by(), "loom --exact pended");
    }

    #[test]
    fn reason_is_sought_line_by_line() {
        let header = Header::parse(PATCH).expect("it has both lines");
        let reason = header.reason().expect("it is a regular expression");
        assert!(reason.is_match("running\nHANG: thread 3 has waited for 20s\n"));
        assert!(reason.is_match("running\nVIOLATION: an IRP\n"));
        assert!(!reason.is_match("HANG: thread 3\nhas waited for 20s\n"));
        assert!(!reason.is_match("no VIOLATION\n"));
    }

    #[test]
    fn patch_without_test_or_reason_has_no_header() {
        for missing in [
            "Caught by: loom --exact  pended",
            "Because of: HANG: .*has waited|^VIOLATION",
        ] {
            assert_eq!(
                Header::parse(&PATCH.replace(missing, "")),
                None,
                "{missing}"
            );
        }
        for empty in ["loom --exact  pended", "HANG: .*has waited|^VIOLATION"] {
            assert_eq!(Header::parse(&PATCH.replace(empty, "")), None, "{empty}");
        }
    }
}
