//! How wide a comment may be, and how words are spelled.

use crate::source::Source;
use crate::tree::{File, Findings};

const COLUMNS: usize = 100;

/// Stems of words that are spelled in the British way, cut in two so that this file does not
/// contain them; and `cancelled` is WDM's own word.
const BRITISH: &[(&str, &str)] = &[
    ("behavio", "ur"),
    ("colo", "ur"),
    ("favo", "ur"),
    ("hono", "ur"),
    ("neighbo", "ur"),
    ("licen", "ce"),
    ("model", "led"),
    ("model", "ling"),
    ("signal", "led"),
    ("signal", "ling"),
    ("initial", "ise"),
    ("initial", "isi"),
    ("initial", "isa"),
    ("optim", "ise"),
    ("optim", "isi"),
    ("optim", "isa"),
    ("organ", "isa"),
    ("organ", "ise"),
    ("recogn", "ise"),
    ("recogn", "isi"),
    ("serial", "ise"),
    ("serial", "isi"),
    ("synchron", "isa"),
    ("synchron", "ise"),
];

/// Finds comments of the three library crates that pass column 100. A row of a table and an address
/// cannot be wrapped.
pub(crate) fn wide(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    let ours = |file: &&File| {
        file.path.contains("/src/")
            && file.path.starts_with("wdm-irp")
            && file.has_extension(&["rs"])
    };
    for file in files.iter().filter(ours) {
        for (number, line) in Source::new(&file.text).comments.lines().enumerate() {
            let text = line.trim().trim_start_matches(['/', '!']).trim_start();
            let wraps = !text.starts_with('|') && !line.contains("://");
            let columns = line.trim_end().chars().count();
            if columns > COLUMNS && wraps {
                let message = format!("{}:{} has {columns} columns", file.path, number + 1);
                findings.push(message);
            }
        }
    }
    findings
}

/// Finds words in Rust and Markdown files that are not spelled in the American way.
pub(crate) fn spelling(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for file in files
        .iter()
        .filter(|file| file.has_extension(&["rs", "md"]))
    {
        for (number, line) in file.text.lines().enumerate() {
            let line = line.to_lowercase();
            for (start, end) in BRITISH {
                let word = format!("{start}{end}");
                if line.contains(&word) {
                    let message = format!("{}:{} has `{word}`", file.path, number + 1);
                    findings.push(message);
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    #[test]
    fn a_comment_that_is_too_wide_is_found() {
        let (fits, long) = ("\u{2026}".repeat(COLUMNS - 3), "x".repeat(COLUMNS));
        let text = format!("// {fits}\n//! | {long} |\n// https://{long}\nlet x = \"{long}\";\n");
        assert!(wide(&files(&[("wdm-irp/src/a.rs", &text)])).is_empty());
        let text = format!("{text}    /// {fits}\nlet y = 0; // {long}\n");
        let found = wide(&files(&[
            ("wdm-irp/src/a.rs", &text),
            ("tests/a.rs", &text),
        ]));
        assert_eq!(found.len(), 2);
        assert!(
            found
                .iter()
                .all(|message| message.starts_with("wdm-irp/src/a.rs:"))
        );
    }

    #[test]
    fn british_spelling_is_found() {
        let british = |(start, end): &(&str, &str)| format!("An {start}{end}d Word\n");
        let text: String = BRITISH.iter().map(british).collect();
        let found = spelling(&files(&[
            ("a.md", &text),
            ("b.rs", "cancelled, optimistic, behavior"),
        ]));
        assert_eq!(found.len(), BRITISH.len());
        assert!(found.iter().all(|message| message.starts_with("a.md:")));
    }
}
