//! The page of the hazards: each has its anchor and its five facts, and the tests that it names
//! exist.

use std::collections::BTreeSet;

use crate::tests_by_name::Tests;
use crate::tree::{File, Findings};

/// The page that every number of a hazard refers to.
pub(crate) const PAGE: &str = "docs/hazards.md";

/// What the page must say about each hazard, in this order.
const FACTS: [&str; 5] = ["Goes wrong", "Seen in", "Stopped", "Rule", "Tests"];

/// One hazard of the page.
struct Hazard<'t> {
    number: u32,
    line: usize,
    text: &'t str,
}

/// Returns the numbers that have an anchor.
pub(crate) fn numbers(files: &[File]) -> BTreeSet<u32> {
    let page = files.iter().find(|file| file.path == PAGE);
    let hazards = page.map(|page| sections(&page.text)).unwrap_or_default();
    hazards.into_iter().map(|hazard| hazard.number).collect()
}

/// Finds what is wrong with the page.
pub(crate) fn page(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        findings.push(format!("{PAGE} does not exist"));
        return findings;
    };
    let tests = Tests::new(files);
    let hazards = sections(&page.text);
    let mut wrong = |line, message: String| {
        findings.push(format!("{PAGE}:{line}: {message}"));
    };
    for (index, hazard) in hazards.iter().enumerate() {
        let (number, line) = (hazard.number, hazard.line);
        if hazards[..index].iter().any(|other| other.number == number) {
            wrong(line, format!("H{number} is there twice"));
        }
        for message in facts(hazard)
            .into_iter()
            .chain(contents(hazard, &page.text))
        {
            wrong(line, message);
        }
        let named = named_tests(hazard);
        for name in named.iter().filter(|name| !tests.has(name)) {
            wrong(
                line,
                format!("H{number} names `{name}`, which does not exist"),
            );
        }
        if named.is_empty()
            && !fact(hazard, "Tests")
                .unwrap_or_default()
                .contains("not yet")
        {
            wrong(
                line,
                format!("H{number} names no test and does not say `not yet`"),
            );
        }
    }
    for (name, number) in tests.about_hazards() {
        let listed = |hazard: &Hazard<'_>| named_tests(hazard).contains(&name.as_str());
        if !hazards
            .iter()
            .any(|hazard| hazard.number == number && listed(hazard))
        {
            wrong(1, format!("`{name}` is not among the tests of H{number}"));
        }
    }
    findings
}

/// Returns the sections whose headings are numbers of hazards.
fn sections(page: &str) -> Vec<Hazard<'_>> {
    let mut found = Vec::new();
    let mut heading = None;
    let (mut at, mut start) = (0, 0);
    for (index, line) in page.lines().enumerate() {
        if line.starts_with('#') {
            let text = &page[start..at];
            found.extend(heading.map(|(number, line)| Hazard { number, line, text }));
            let number = line
                .strip_prefix("### H")
                .and_then(|digits| digits.parse().ok());
            heading = number.map(|number| (number, index + 1));
            start = at + line.len();
        }
        at += line.len()
            + page[at + line.len()..]
                .chars()
                .next()
                .map_or(0, char::len_utf8);
    }
    found.extend(heading.map(|(number, line)| Hazard {
        number,
        line,
        text: &page[start..],
    }));
    found
}

/// Returns the bold line: what the defect is.
fn defect<'t>(hazard: &Hazard<'t>) -> Option<&'t str> {
    let line = hazard.text.lines().find(|line| !line.trim().is_empty())?;
    line.strip_prefix("**")?.strip_suffix("**")
}

/// Returns a fact: its paragraph without the name.
fn fact<'t>(hazard: &Hazard<'t>, name: &str) -> Option<&'t str> {
    let (_, rest) = hazard.text.split_once(&format!("- *{name}:* "))?;
    Some(rest.split("\n- *").next().unwrap_or(rest).trim())
}

/// Returns the tests that a hazard names: what stands in back quotes among its tests.
fn named_tests<'t>(hazard: &Hazard<'t>) -> Vec<&'t str> {
    let tests = fact(hazard, "Tests").unwrap_or_default();
    tests.split('`').skip(1).step_by(2).collect()
}

/// Returns complaints about the form of a section.
fn facts(hazard: &Hazard<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    if defect(hazard).is_none() {
        complaints.push(format!(
            "H{} does not begin with one bold line",
            hazard.number
        ));
    }
    let bullets = hazard
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("- *")?.split(":*").next());
    if !bullets.eq(FACTS) {
        complaints.push(format!(
            "H{} does not say {}",
            hazard.number,
            FACTS.join(", ")
        ));
    }
    complaints
}

/// Compares the row of the contents with the section: number, defect, and where it is stopped.
fn contents(hazard: &Hazard<'_>, page: &str) -> Option<String> {
    let number = hazard.number;
    let stopped = fact(hazard, "Stopped")?
        .split('.')
        .next()?
        .replace('\n', " ");
    let row = format!(
        "| [H{number}](#h{number}) | {} | {stopped} |",
        defect(hazard)?
    );
    let missing = !page.lines().any(|line| line == row);
    missing.then(|| format!("the contents do not have the row\n{row}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    const GOOD: &str = "# Hazards\n| [H1](#h1) | A thread hangs. | compile |\n## Group\n### H1\n\n**A thread hangs.**\n
- *Goes wrong:* hang.\n- *Seen in:* none.\n- *Stopped:* compile. By `X`.\n- *Rule:* none.\n- *Tests:* `pool::h01_a`,\n  `bugs/h01-b`.\n";

    fn complaints(page: &str) -> String {
        let list = [
            (PAGE, page),
            ("tests/pool.rs", "#[test]\nfn h01_a() {}"),
            ("tests/bugs/h01-b.patch", ""),
        ];
        let found = super::page(&files(&list));
        found.join("\n")
    }

    #[test]
    fn a_page_that_is_true_passes() {
        assert_eq!(complaints(GOOD), "");
        assert_eq!(numbers(&files(&[(PAGE, GOOD)])), BTreeSet::from([1]));
    }

    #[test]
    fn a_page_that_is_not_true_fails() {
        for (from, to, complaint) in [
            ("### H1", "### H2", "is not among the tests of H1"),
            (
                "`pool::h01_a`",
                "`pool::h01_c`",
                "names `pool::h01_c`, which does not exist",
            ),
            (
                ",\n  `bugs/h01-b`",
                "",
                "`bugs/h01-b` is not among the tests of H1",
            ),
            ("`pool::h01_a`,\n  `bugs/h01-b`", "none", "names no test"),
            (
                "**A thread hangs.**",
                "A thread hangs.",
                "does not begin with one bold line",
            ),
            ("- *Rule:* none.\n", "", "does not say Goes wrong, Seen in"),
            (
                "| compile |",
                "| run time |",
                "the contents do not have the row",
            ),
        ] {
            let said = complaints(&GOOD.replace(from, to));
            assert!(said.contains(complaint), "{from}: {said}");
        }
        let twice = complaints(&format!("{GOOD}{GOOD}"));
        assert!(twice.contains("H1 is there twice"), "{twice}");
        assert!(!super::page(&files(&[])).is_empty());
    }

    #[test]
    fn a_hazard_without_test_says_so() {
        let page = GOOD.replace("`pool::h01_a`,\n  `bugs/h01-b`", "not yet");
        assert!(!complaints(&page).contains("names no test"));
    }
}
