//! Seeded bugs: each patch says what it is, which test fails, and what the test says then.

use crate::tests_by_name::Tests;
use crate::tree::{File, Findings};

const FOLDERS: [&str; 2] = ["tests/bugs/", "wdm-irp/loom/bugs/"];

/// Finds patches whose head is not complete, or names a test that does not exist.
pub(crate) fn headers(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    let tests = Tests::new(files);
    let programs: Vec<&str> = files
        .iter()
        .filter(|file| file.path.starts_with("tests/ui/"))
        .filter_map(|file| file.path.rsplit('/').next())
        .collect();
    for file in files {
        let is_bug = FOLDERS.iter().any(|folder| file.path.starts_with(folder));
        if let Some(problem) = problem(&file.text, &tests, &programs).filter(|_| is_bug) {
            findings.push(format!("{}: {problem}", file.path));
        }
    }
    findings
}

/// Returns what is wrong with the head of a patch.
fn problem(patch: &str, tests: &Tests, programs: &[&str]) -> Option<String> {
    let mut lines = patch.lines();
    let what = lines.next().filter(|line| line.ends_with('.'));
    let caught_by = lines
        .next()
        .and_then(|line| line.strip_prefix("Caught by: "));
    let because_of = lines
        .next()
        .and_then(|line| line.strip_prefix("Because of: "));
    let (Some(_), Some(caught_by), Some(_)) = (what, caught_by, because_of) else {
        let head = "one sentence, `Caught by: program test` and `Because of: what it says`";
        return Some(format!("does not begin with {head}"));
    };
    let program = caught_by.split(' ').next().unwrap_or_default();
    let filter = caught_by.rsplit([' ', ':', '=']).next().unwrap_or_default();
    let exists = if caught_by.contains(" --exact ") {
        tests.has(&format!("{program}::{filter}"))
    } else {
        programs.contains(&filter) || tests.of(program).any(|test| test.contains(filter))
    };
    (!exists).then(|| format!("is caught by `{caught_by}`, and there is no such test"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    fn wrong(patch: &str) -> bool {
        let list = [
            ("tests/bugs/h01-a.patch", patch),
            ("tests/hazards/a.rs", "#[test]\nfn h01_a() {}"),
            ("tests/ui/hazards/h01_b.rs", ""),
            ("wdm-irp/loom/main.rs", "#[test]\nfn pended() {}"),
        ];
        !headers(&files(&list)).is_empty()
    }

    #[test]
    fn a_patch_says_what_it_is_and_names_a_test_that_exists() {
        let head = |by| format!("A bug.\nCaught by: {by}\nBecause of: x\n\n--- a/b\n");
        for by in [
            "hazards h01_",
            "ui ui trybuild=h01_b.rs",
            "loom --exact pended",
        ] {
            assert!(!wrong(&head(by)), "{by}");
        }
        for by in [
            "hazards h02_",
            "pool h01_",
            "ui ui trybuild=h01_c.rs",
            "loom --exact pend",
        ] {
            assert!(wrong(&head(by)), "{by}");
        }
        for patch in [
            "",
            "A bug.\n--- a/b\n",
            "A bug.\nCaught by: hazards h01_\n--- a/b\n",
        ] {
            assert!(wrong(patch), "{patch}");
        }
        assert!(wrong(&head("hazards h01_").replace("A bug.", "--- a/b")));
    }
}
