//! How long a file may be, and what the face of a folder may hold.

use crate::source::{Source, tokens};
use crate::tree::{File, Findings};

/// Lines of a source file, and of a file of tests.
const LINES: usize = 300;
const LINES_OF_TESTS: usize = 500;

/// Finds Rust files that are too long.
pub(crate) fn long(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs"])) {
        let lines = file.text.lines().count();
        let most = if is_test(&file.path) {
            LINES_OF_TESTS
        } else {
            LINES
        };
        if lines > most {
            let message = format!("{} has {lines} lines; {most} are the most", file.path);
            findings.push(message);
        }
    }
    findings
}

/// Returns whether a file consists of tests.
fn is_test(path: &str) -> bool {
    let path = format!("/{path}");
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/wdm-irp/loom/")
}

/// Finds faces of the library crates' folders, `x.rs` beside `x/`, that hold more than `mod`, `use`,
/// docs and attributes.
pub(crate) fn faces(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    let in_a_crate = |path: &str| path.starts_with("wdm-irp") && path.contains("/src/");
    for face in files
        .iter()
        .filter(|file| in_a_crate(&file.path) && !is_test(&file.path))
    {
        let folder = face.path.replace(".rs", "/");
        if files.iter().any(|file| file.path.starts_with(&folder))
            && let Some(line) = first_that_is_neither_mod_nor_use(&face.text)
        {
            let message = format!("{}:{line} is neither `mod` nor `use`", face.path);
            findings.push(message);
        }
    }
    findings
}

/// Returns the line of the first item that is neither `mod name;` nor `use`.
fn first_that_is_neither_mod_nor_use(text: &str) -> Option<usize> {
    let code = Source::new(text).code;
    let tokens = tokens(&code);
    let mut rest = tokens.as_slice();
    while let Some(first) = rest.first() {
        let skipped = match first.text {
            "#" => closing(rest, "[", "]")?,
            "pub" if rest.get(1).is_some_and(|token| token.text == "(") => closing(rest, "(", ")")?,
            "pub" => 1,
            "use" => 1 + rest.iter().position(|token| token.text == ";")?,
            "mod" if rest.get(2).is_some_and(|token| token.text == ";") => 3,
            _ => return Some(first.line),
        };
        rest = &rest[skipped..];
    }
    None
}

/// Returns the number of tokens up to the bracket that closes the first one.
fn closing(tokens: &[crate::source::Token<'_>], open: &str, close: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.text == open {
            depth += 1;
        } else if token.text == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let (source, tests) = ("\n".repeat(LINES), "\n".repeat(LINES_OF_TESTS));
        let list = [
            ("a/src/b.rs", source.as_str()),
            ("a/src/tests/c.rs", &tests),
            ("d.md", &tests),
        ];
        assert!(long(&files(&list)).is_empty());
        let (source, tests) = (source + "x", tests + "x");
        let list = [
            ("a/src/b.rs", source.as_str()),
            ("a/src/tests/c.rs", &tests),
        ];
        assert_eq!(long(&files(&list)).len(), 2);
    }

    #[test]
    fn a_face_that_holds_more_is_found() {
        let face =
            "//! Doc.\n#![allow(x)]\n/// Doc.\npub(crate) mod a;\n#[cfg(x)]\npub use a::{B, C};\n";
        assert_eq!(first_that_is_neither_mod_nor_use(face), None);
        for more in [
            "fn f() {}",
            "mod b {\n}",
            "pub struct X;",
            "impl X {}",
            "const X: u8 = 0;",
        ] {
            assert_eq!(
                first_that_is_neither_mod_nor_use(&format!("{face}{more}")),
                Some(7)
            );
        }
    }

    #[test]
    fn a_file_beside_a_folder_is_a_face() {
        let (face, inside) = (
            ("wdm-irp/src/sys.rs", "fn f() {}"),
            ("wdm-irp/src/sys/io.rs", ""),
        );
        let found = faces(&files(&[face, inside]));
        assert_eq!(found, ["wdm-irp/src/sys.rs:1 is neither `mod` nor `use`"]);
        assert!(faces(&files(&[face, ("wdm-irp/src/system.rs", "")])).is_empty());
        assert!(faces(&files(&[(face.0, "mod io;"), inside])).is_empty());
    }
}
