//! Pages in Markdown: the files and headings that they link to, or name in back quotes, exist.

use crate::tests_by_name::Tests;
use crate::tree::{File, Findings, linked};

/// The endings that make a name in back quotes that of a file.
const FILES: [&str; 9] = [
    "c", "md", "patch", "rs", "stderr", "svg", "toml", "tsv", "txt",
];

/// Finds links and paths in back quotes that lead nowhere.
pub(crate) fn paths(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    let tests = Tests::new(files);
    for page in files.iter().filter(|file| file.has_extension(&["md"])) {
        for (number, line) in lines(page) {
            let links = links(line).into_iter();
            let links = links.filter(|link| !leads_somewhere(files, page, link));
            let names = code(line).filter(|name| {
                is_path(name)
                    && !tests.has(name)
                    && !exists(files, name.trim_end_matches('/'))
                    && !exists(files, &linked(page, name))
                    && (name.contains('/') || !has_name(files, name))
            });
            for missing in links.chain(names) {
                findings.push(format!(
                    "{}:{number}: `{missing}` does not exist",
                    page.path
                ));
            }
        }
    }
    findings
}

/// Returns the lines of a page with their numbers, without the blocks of code.
fn lines(page: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut in_a_block = false;
    (1..).zip(page.text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_a_block ^= fence;
        !in_a_block && !fence
    })
}

/// Returns the targets of a line's links, and of what it defines, that are no addresses.
fn links(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1);
    let inline = inline.filter_map(|rest| rest.split(')').next());
    let defined = line.strip_prefix('[').and_then(|_| line.split_once("]: "));
    let defined = defined.map(|(_, target)| target.trim());
    let ours = |link: &&str| !link.contains("://");
    inline.chain(defined).filter(ours).collect()
}

/// Returns what stands in back quotes.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Returns whether a name is that of a file or, with a slash at its end, of a folder.
fn is_path(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let (stem, extension) = name.rsplit_once('.').unwrap_or_default();
    let ends = name.ends_with('/') || !stem.is_empty() && FILES.contains(&extension);
    ends && name.chars().all(is_plain)
}

/// Returns whether a file has this name, in whatever folder.
fn has_name(files: &[File], name: &str) -> bool {
    let mut last = files.iter().filter_map(|file| file.path.rsplit('/').next());
    last.any(|last| last == name)
}

/// Returns whether there is a file or a folder of this path.
fn exists(files: &[File], path: &str) -> bool {
    let inside = |file: &File| file.path.strip_prefix(path)?.chars().next();
    path.is_empty()
        || files
            .iter()
            .any(|file| file.path == path || inside(file) == Some('/'))
}

/// Returns whether there is what a page links to: a file or folder, and the heading in it.
fn leads_somewhere(files: &[File], page: &File, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = if path.is_empty() {
        page.path.clone()
    } else {
        linked(page, path)
    };
    let has_heading = |file: &&File| lines(file).any(|(_, line)| is_heading(line, anchor));
    let file = files.iter().find(|file| file.path == path);
    exists(files, &path) && (anchor.is_empty() || file.as_ref().is_some_and(has_heading))
}

/// Returns whether a line is the heading with this anchor: its words in small letters, by hyphens.
fn is_heading(line: &str, anchor: &str) -> bool {
    let Some((_, heading)) = line.split_once(' ').filter(|_| line.starts_with('#')) else {
        return false;
    };
    let slug = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    slug.eq(anchor.chars())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    /// Returns what is missing of what a page in a folder names.
    fn missing(text: &str) -> Vec<String> {
        let list = [
            ("docs/page.md", text),
            (
                "docs/other.md",
                "# A heading: `x`, y\n```\n# No heading\n```\n",
            ),
            ("tests/ui/a.rs", ""),
            ("Cargo.toml", ""),
        ];
        let found = paths(&files(&list));
        let name = |message: &String| message.split('`').nth(1).map(str::to_owned);
        found.iter().filter_map(name).collect()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        for link in [
            "other.md",
            "../docs/other.md",
            "..",
            "../tests/ui",
            "../Cargo.toml",
            "other.md#a-heading-x-y",
            "https://example.com/none.md",
        ] {
            let text = format!("[a]({link}), [b]\n\n[b]: {link}\n");
            assert!(missing(&text).is_empty(), "{link}");
        }
        for link in [
            "none.md",
            "tests/ui",
            "../tests/u",
            "../docs/page.rs",
            "other.md#a-heading",
            "other.md#no-heading",
            "#a-heading-x-y",
        ] {
            let text = format!("# B\n[a](other.md), [b]({link})\n\n[c]: {link}\n");
            assert_eq!(missing(&text), [link, link]);
        }
        assert!(missing("# B\n[b](#b)\n```text\n[a](none.md)\n```\n").is_empty());
    }

    #[test]
    fn a_path_that_does_not_exist_is_found() {
        let text = "`tests/ui/a.rs`, `ui/a.rs`, `tests/ui/`, `../tests/`, `other.md`, `a.rs`, \
                    `a/b`, `x::y/`, `tests/….rs`, `.rs`";
        assert!(missing(text).is_empty());
        let text = "`tests/a.rs`: `tests/u/`, `/none.toml`, `ui/b.rs`, `b.rs`";
        let gone = ["tests/a.rs", "tests/u/", "/none.toml", "ui/b.rs", "b.rs"];
        assert_eq!(missing(text), gone);
    }
}
