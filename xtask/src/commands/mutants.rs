//! `mutants`: every way to break the code that cargo-mutants knows.

use std::path::Path;

use lexopt::Parser;

use crate::arguments;
use crate::process::succeeds;
use crate::tools::has_cargo_command;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Breaks the library, the macros and the host model's ledger, one mutant at a time, and runs the
tests that must notice. Needs `cargo install --locked cargo-mutants`, and hours.

A PART is macros, library or ledger; without one, all are tried. Anything that is not caught is
in mutants/PART/mutants.out/missed.txt of the target directory; TESTING.md says what is known of it.
";

/// A part of the code, and the tests that must notice when it changes.
struct Part {
    name: &'static str,
    /// The packages, as options of cargo-mutants.
    packages: &'static [&'static str],
    /// The only files and directories that are changed, or none for all of the package.
    only: &'static [&'static str],
    /// The files and directories that are not.
    except: &'static [&'static str],
    /// The tests, as options of `cargo test`.
    tests: &'static [&'static str],
}

const PARTS: &[Part] = &[
    Part {
        name: "macros",
        packages: &["--package=wdm-irp-macros", "--test-package=wdm-irp-macros"],
        only: &[],
        except: &[],
        tests: &[],
    },
    Part {
        name: "library",
        packages: &["--package=wdm-irp", "--test-package=wdm-irp-tests"],
        only: &[],
        // No part of any build but loom's.
        except: &["wdm-irp/src/operation/loom.rs"],
        tests: &[
            "--lib",
            "--test=hazards",
            "--test=adversarial",
            "--test=pool",
            "--test=random",
            "--test=abi",
            "--test=traits",
        ],
    },
    Part {
        name: "ledger",
        packages: &[
            "--package=wdm-irp-sim",
            "--test-package=wdm-irp-sim,wdm-irp-tests,wdm-irp-conformance",
        ],
        only: &[
            "wdm-irp-sim/src/io",
            "wdm-irp-sim/src/ke/dispatcher.rs",
            "wdm-irp-sim/src/ke/event.rs",
            "wdm-irp-sim/src/ke/wait.rs",
            "wdm-irp-sim/src/kernel",
            "wdm-irp-sim/src/machine",
            "wdm-irp-sim/src/memory.rs",
            "wdm-irp-sim/src/mm",
            "wdm-irp-sim/src/report/kind.rs",
            "wdm-irp-sim/src/report/violation.rs",
        ],
        except: &[],
        tests: &["--lib", "--test=hazards", "--test=random", "--test=host"],
    },
];

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let names = arguments::names(&mut parser)?;
    for name in &names {
        if !PARTS.iter().any(|part| part.name == name) {
            return Err(lexopt::Error::from(format!("no part {name}")).into());
        }
    }
    if !has_cargo_command("mutants") {
        println!("SKIPPED: no cargo-mutants");
        return Ok(Verdict::Passed);
    }
    let output = tree.target_directory()?.join("mutants");
    let mut passed = true;
    for part in PARTS {
        if !names.is_empty() && !names.iter().any(|name| name == part.name) {
            continue;
        }
        let output = output.join(part.name);
        tree.shell.create_dir(&output)?;
        println!("==> {}", part.name);
        let mutants = tree
            // Without baseline, which is `cargo test`: here it would look for the tests in the
            // mutated package.
            .cargo([
                "mutants",
                "--baseline=skip",
                "--no-shuffle",
                "--colors=never",
                "--timeout=60",
            ])
            .arg("--output")
            .arg(output)
            .args(part.options())
            // Nobody debugs a mutant; and what is random need not be long.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("WDM_IRP_FUZZ_INPUTS", "400")
            .env("WDM_IRP_RANDOM_PROGRAMS", "300")
            .env_remove("CARGO_TARGET_DIR");
        passed &= succeeds(mutants)?;
    }
    Ok(Verdict::from(passed))
}

impl Part {
    fn options(&self) -> Vec<String> {
        let only = self
            .only
            .iter()
            .map(|path| format!("--file={}", pattern(path)));
        let except = self
            .except
            .iter()
            .map(|path| format!("--exclude={}", pattern(path)));
        let tests = self.tests.iter().map(|test| (*test).to_owned());
        let mut options: Vec<String> = self
            .packages
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        options.extend(only.chain(except));
        options.push("--".to_owned());
        options.extend(tests);
        options
    }
}

/// Returns the pattern of a file, or of all files in a directory.
fn pattern(path: &str) -> String {
    let is_file = Path::new(path).extension().is_some();
    if is_file {
        path.to_owned()
    } else {
        format!("{path}/**/*.rs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for part in PARTS {
            for path in part.only.iter().chain(part.except) {
                assert!(root.join(path).exists(), "{}: {path}", part.name);
                assert_eq!(
                    pattern(path).ends_with("/**/*.rs"),
                    root.join(path).is_dir()
                );
            }
        }
    }

    #[test]
    fn tests_come_after_two_dashes() {
        let part = Part {
            name: "part",
            packages: &["--package=p"],
            only: &["p/src/io", "p/src/irp.rs"],
            except: &["p/src/loom.rs"],
            tests: &["--lib"],
        };
        assert_eq!(
            part.options(),
            [
                "--package=p",
                "--file=p/src/io/**/*.rs",
                "--file=p/src/irp.rs",
                "--exclude=p/src/loom.rs",
                "--",
                "--lib"
            ]
        );
    }
}
