//! Numbers of hazards: each is defined on the page of the hazards, and in documentation it is a
//! link to that page.

use crate::hazards::{PAGE, numbers};
use crate::tree::{File, Findings, linked};

/// The page where the crates' documentation, which is read elsewhere, can link to it.
const ADDRESS: &str = "https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md";

/// Finds numbers without an anchor, and numbers in documentation that are not links.
///
/// A link is the number in brackets, with its target behind it or in a definition of the same block
/// of documentation.
pub(crate) fn citations(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    let defined = numbers(files);
    for file in files {
        for block in blocks(file) {
            for (line, text) in &block.lines {
                for (number, at) in hazards(text) {
                    let problem = if !defined.contains(&number) {
                        Some("has no anchor in docs/hazards.md")
                    } else if block.is_documentation && !is_link(file, &block, text, at, number) {
                        Some("is not a link to its anchor in docs/hazards.md")
                    } else {
                        None
                    };
                    if let Some(problem) = problem {
                        let message = format!("{}:{line}: H{number} {problem}", file.path);
                        findings.push(message);
                    }
                }
            }
        }
    }
    findings
}

/// Lines that are read together, with their numbers.
struct Block<'t> {
    is_documentation: bool,
    lines: Vec<(usize, &'t str)>,
}

/// Returns a file's documentation, block by block, and its other lines.
fn blocks(file: &File) -> Vec<Block<'_>> {
    let kind = |line: &str| {
        let line = line.trim_start();
        match file.path.rsplit('.').next() {
            Some("md") => "all",
            Some("rs") if line.starts_with("//!") => "//!",
            Some("rs") if line.starts_with("///") => "///",
            _ => "",
        }
    };
    let mut blocks: Vec<(&str, Block<'_>)> = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let numbered = (index + 1, line);
        let kind = kind(line);
        match blocks.last_mut() {
            Some((last, block)) if *last == kind => block.lines.push(numbered),
            _ => {
                let is_documentation = !kind.is_empty();
                blocks.push((
                    kind,
                    Block {
                        is_documentation,
                        lines: vec![numbered],
                    },
                ));
            }
        }
    }
    blocks.into_iter().map(|(_, block)| block).collect()
}

/// Returns the hazards that a line names, and where: an `H` and one or two digits that are a word
/// of their own.
fn hazards(line: &str) -> Vec<(u32, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in line.match_indices('H') {
        let rest = &line[at + 1..];
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let alone = !line[..at].ends_with(is_word) && !rest[digits..].starts_with(is_word);
        if (1..=2).contains(&digits) && alone {
            found.extend(rest[..digits].parse().ok().map(|number| (number, at)));
        }
    }
    found
}

/// Returns whether the number at this place is a link, or the heading that others link to.
fn is_link(file: &File, block: &Block<'_>, line: &str, at: usize, number: u32) -> bool {
    if file.path == PAGE && line == format!("### H{number}") {
        return true;
    }
    let name = format!("[H{number}]");
    if !line[..at].ends_with('[') || !line[at - 1..].starts_with(&name) {
        return false;
    }
    let behind = &line[at - 1 + name.len()..];
    if let Some(target) = behind.strip_prefix('(') {
        return target
            .split(')')
            .next()
            .is_some_and(|target| leads_to(file, target, number));
    }
    block.lines.iter().any(|(_, line)| {
        let line = line
            .trim_start()
            .trim_start_matches(['/', '!'])
            .trim_start();
        let target = line.strip_prefix(&format!("{name}: "));
        target.is_some_and(|target| leads_to(file, target.trim(), number))
    })
}

/// Returns whether a link in this file leads to the anchor. Documentation of the crates is read at
/// docs.rs, so it needs the address.
fn leads_to(file: &File, target: &str, number: u32) -> bool {
    let Some(path) = target.strip_suffix(&format!("#h{number}")) else {
        return false;
    };
    let in_a_crate = file.path.starts_with("wdm-irp") && file.has_extension(&["rs"]);
    if path == ADDRESS {
        return true;
    }
    if path.is_empty() {
        return file.path == PAGE;
    }
    !in_a_crate && linked(file, path) == PAGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    fn wrong(path: &str, text: &str) -> bool {
        let list = [(PAGE, "### H1\n\n### H23\n"), (path, text)];
        let found = citations(&files(&list));
        found
            .iter()
            .any(|message| message.starts_with(&format!("{path}:")))
    }

    #[test]
    fn a_number_without_anchor_is_found_everywhere() {
        for path in ["a.rs", "a.md", "a.patch", "a.svg"] {
            assert!(wrong(path, "// H2"), "{path}");
            assert!(wrong(path, "\"(H24)\""), "{path}");
            assert!(!wrong(path, "// H, H123, XH2, H2O, H2_, h2"), "{path}");
        }
        assert!(!wrong("a.rs", "// H1, H23"));
        assert!(!wrong("a.patch", "+/// H1, H23"));
    }

    #[test]
    fn documentation_has_links() {
        for text in [
            "//! H1",
            "/// (H1)",
            "/// [H1]",
            "/// [H1](docs/hazards.md#h2)",
            "/// [H1](hazards.md#h1)",
        ] {
            assert!(wrong("a.rs", text), "{text}");
        }
        for text in ["H1", "[H1]", "see [hazard H1](docs/hazards.md#h1)"] {
            assert!(wrong("a.md", text), "{text}");
        }
        assert!(!wrong("a.rs", "/// [H1](docs/hazards.md#h1)"));
        assert!(!wrong("a/b/c.rs", "//! [H1](../../docs/hazards.md#h1)"));
        assert!(!wrong(
            "a.md",
            "[H23](docs/hazards.md#h23), [H1]\n\n[H1]: docs/hazards.md#h1\n"
        ));
    }

    #[test]
    fn documentation_of_a_crate_has_the_address() {
        let block = format!("/// [H1].\n///\n/// [H1]: {ADDRESS}#h1\nfn a() {{}}\n");
        assert!(!wrong("wdm-irp/src/a.rs", &block));
        assert!(wrong("wdm-irp/src/a.rs", &format!("{block}/// [H1]")));
        assert!(wrong(
            "wdm-irp/src/a.rs",
            "/// [H1](../../docs/hazards.md#h1)"
        ));
        assert!(!wrong("wdm-irp/README.md", "[H1](../docs/hazards.md#h1)"));
    }

    #[test]
    fn the_page_links_to_itself() {
        let list = |text: &str| citations(&files(&[(PAGE, &format!("### H1\n{text}"))]));
        assert!(list("see [H1](#h1)").is_empty());
        assert!(!list("see H1").is_empty());
    }
}
