//! The tests of the repository, by the names that pages and seeded bugs call them.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::File;

/// Where the tests of a program are: in the files whose paths begin so.
const PROGRAMS: &[(&str, &str)] = &[
    ("abi", "tests/abi"),
    ("adversarial", "tests/adversarial"),
    ("conformance", "conformance/"),
    ("hazards", "tests/hazards"),
    ("pool", "tests/pool"),
    ("loom", "wdm-irp/loom/"),
    ("macros", "wdm-irp-macros/src/"),
    ("random", "tests/random"),
    ("sim", "wdm-irp-sim/src/"),
    ("traits", "tests/traits"),
];

/// What there is to be named.
pub(crate) struct Tests {
    /// The functions of each program that are marked `#[test]`.
    functions: BTreeMap<&'static str, BTreeSet<String>>,
    /// Programs that must not compile, and seeded bugs, by their paths from `tests/`; bugs for loom
    /// as `loom/bugs/…`.
    files: BTreeSet<String>,
}

impl Tests {
    pub(crate) fn new(files: &[File]) -> Self {
        let mut functions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut named = BTreeSet::new();
        for file in files {
            for (program, path) in PROGRAMS {
                if file.path.starts_with(path) && file.has_extension(&["rs"]) {
                    functions
                        .entry(program)
                        .or_default()
                        .extend(test_functions(&file.text));
                }
            }
            if let Some(ui) = file.path.strip_prefix("tests/ui/")
                && file.has_extension(&["rs"])
            {
                named.insert(format!("ui/{ui}"));
            }
            let bug = |path: &str| path.strip_suffix(".patch").map(str::to_owned);
            if let Some(name) = file.path.strip_prefix("tests/bugs/").and_then(bug) {
                named.insert(format!("bugs/{name}"));
            }
            if let Some(name) = file.path.strip_prefix("wdm-irp/loom/bugs/").and_then(bug) {
                named.insert(format!("loom/bugs/{name}"));
            }
        }
        Self {
            functions,
            files: named,
        }
    }

    /// Returns whether there is a test of this name: `program::function`, `ui/hazards/h01_name.rs`,
    /// `bugs/h01-name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        match name.split_once("::") {
            Some((program, function)) => self.of(program).any(|test| test == function),
            None => self.files.contains(name),
        }
    }

    /// Returns the functions of a program.
    pub(crate) fn of(&self, program: &str) -> impl Iterator<Item = &str> {
        self.functions
            .get(program)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Returns the names of all tests that are about one hazard, which begin with `h` and its
    /// number, with that number.
    pub(crate) fn about_hazards(&self) -> Vec<(String, u32)> {
        let functions = self.functions.iter().flat_map(|(program, functions)| {
            functions
                .iter()
                .map(move |name| (format!("{program}::{name}"), name.as_str()))
        });
        let files = self.files.iter().map(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            (path.clone(), name)
        });
        let numbered = |(name, last): (String, &str)| Some((name, number(last)?));
        functions.chain(files).filter_map(numbered).collect()
    }
}

/// Returns 7 for `h07_name` and `h07-name`.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('h')?.get(..2)?;
    let separated = name[3..].starts_with(['_', '-']);
    digits.parse().ok().filter(|_| separated)
}

/// Returns the names of the functions that are marked `#[test]`.
fn test_functions(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines() {
        let line = line.trim();
        if line == "#[test]" {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| marked) {
            let end = rest.find(['(', '<']).unwrap_or(rest.len());
            names.push(rest[..end].to_owned());
            marked = false;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    #[test]
    fn tests_are_found_by_name() {
        let hazards =
            "#[test]\n#[cfg_attr(\n    miri,\n    ignore\n)]\nfn h07_a() {\nfn h08_helper() {}\n}";
        let tests = Tests::new(&files(&[
            ("tests/hazards/a.rs", hazards),
            ("tests/pool.rs", "#[test]\nfn b() {}"),
            ("tests/ui/hazards/h01_c.rs", ""),
            ("tests/ui/hazards/h01_c.stderr", ""),
            ("tests/bugs/h02-d.patch", ""),
            ("wdm-irp/loom/bugs/e.patch", ""),
        ]));
        let there = [
            "hazards::h07_a",
            "pool::b",
            "ui/hazards/h01_c.rs",
            "bugs/h02-d",
            "loom/bugs/e",
        ];
        for name in there {
            assert!(tests.has(name), "{name}");
        }
        for name in [
            "hazards::h08_helper",
            "hazards::b",
            "ui/hazards/h01_d.rs",
            "bugs/e",
            "x::b",
        ] {
            assert!(!tests.has(name), "{name}");
        }
        let numbers: Vec<u32> = tests
            .about_hazards()
            .into_iter()
            .map(|(_, number)| number)
            .collect();
        assert_eq!(numbers, [7, 2, 1]);
    }
}
