//! `mutants`: every way to break the code that cargo-mutants knows.

use lexopt::Parser;

use crate::arguments;
use crate::door::{Result, Verdict};
use crate::process::succeeds;
use crate::tools::has_cargo_command;
use crate::tree::Tree;

pub(crate) const HELP: &str = "\
Breaks the library, the macros and the host model's ledger, one mutant at a time, and runs the
tests that must notice. Needs `cargo install --locked cargo-mutants`, and hours.

A PART is macros, library or ledger; without one, all are tried. Anything that is not caught is
in mutants/PART/mutants.out/missed.txt of the target directory; TESTING.md says what is known of it.
";

/// A part of the code that has tests of its own.
struct Part {
    name: &'static str,
    arguments: &'static [&'static str],
}

const PARTS: &[Part] = &[
    Part {
        name: "macros",
        arguments: &["--package=wdm-irp-macros", "--test-package=wdm-irp-macros"],
    },
    Part {
        name: "library",
        arguments: &[
            "--package=wdm-irp",
            // What loom replaces.
            "--exclude=wdm-irp/src/sync.rs",
            "--test-package=wdm-irp-tests",
            "--",
            "--lib",
            "--test=hazards",
            "--test=adversarial",
            "--test=heap",
            "--test=random",
            "--test=abi",
            "--test=traits",
        ],
    },
    Part {
        name: "ledger",
        arguments: &[
            "--package=wdm-irp-sim",
            "--test-package=wdm-irp-sim,wdm-irp-tests,wdm-irp-conformance",
            "--file=wdm-irp-sim/src/{cancel,context,event,irp,machine,mdl,memory,registry,request,violation}.rs",
            "--",
            "--lib",
            "--test=hazards",
            "--test=random",
            "--test=host",
        ],
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
            .args(part.arguments)
            // Nobody debugs a mutant; and what is random need not be long.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("WDM_IRP_FUZZ_INPUTS", "400")
            .env("WDM_IRP_RANDOM_PROGRAMS", "300")
            .env_remove("CARGO_TARGET_DIR");
        passed &= succeeds(mutants)?;
    }
    Ok(Verdict::from(passed))
}
