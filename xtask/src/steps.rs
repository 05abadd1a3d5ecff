//! Steps: what `check` and `ci` run one after the other, and count.

use std::process::Command;

use crate::counts::Counts;
use crate::process::shown;
use crate::tools::has_target;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

/// One step; counts as one, passed, failed or SKIPPED, if its output counts nothing itself.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The Rust target without which the step is SKIPPED.
    pub(crate) target: Option<&'static str>,
    /// What is run, until something fails.
    pub(crate) actions: &'static [Action],
}

impl Step {
    /// Names a step that needs no other target than the host.
    pub(crate) const fn new(name: &'static str, actions: &'static [Action]) -> Self {
        Self {
            name,
            target: None,
            actions,
        }
    }
}

/// A part of a step.
#[derive(Debug)]
pub(crate) enum Action {
    /// `cargo ARGUMENT...`
    Cargo(&'static [&'static str]),
    /// `cargo ARGUMENT...`, with the flags for rustdoc.
    Document(&'static str, &'static [&'static str]),
    /// `cargo xtask ARGUMENT...`
    Xtask(&'static [&'static str]),
    /// `cargo ARGUMENT...` must fail, and say this.
    Refused {
        cargo: &'static [&'static str],
        because: &'static str,
    },
}

pub(crate) const FORMAT: Step = Step::new(
    "format",
    &[Action::Cargo(&["fmt", "--all", "--", "--check"])],
);

/// Features that matter: the defaults, none, all that the host can have.
pub(crate) const LINTS: Step = Step::new(
    "lints",
    &[
        Action::Cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-Dwarnings",
        ]),
        Action::Cargo(&[
            "clippy",
            "--package=wdm-irp",
            "--no-default-features",
            "--locked",
            "--",
            "-Dwarnings",
        ]),
    ],
);

pub(crate) const DOCUMENTATION: Step = Step::new(
    "documentation",
    &[Action::Document(
        "-D warnings",
        &["doc", "--workspace", "--no-deps", "--locked"],
    )],
);

pub(crate) const TESTS: Step = Step::new("tests", &[Action::Cargo(&["test", "--locked"])]);

/// Runs the steps, and prints what passed, failed and was SKIPPED in all of them.
pub(crate) fn run(tree: &Tree, steps: &[Step]) -> Result<Verdict> {
    let mut sum = Counts::default();
    for step in steps {
        if let Some(target) = step.target
            && !has_target(tree, target)
        {
            println!(
                "\nSKIPPED: {}: the Rust target cannot be installed",
                step.name
            );
            sum.skipped += 1;
            continue;
        }
        println!("\n==> {}", step.name);
        let (log, failure) = perform(tree, step.actions)?;
        if let Some(failure) = &failure {
            println!("FAILED: {} ({failure})", step.name);
        }
        sum += Counts::of_step(&log, failure.is_none());
    }
    println!();
    Ok(sum.finish())
}

/// Runs actions until one fails; returns what they said, and how the last one failed.
fn perform(tree: &Tree, actions: &[Action]) -> Result<(String, Option<String>)> {
    let mut log = String::new();
    for action in actions {
        let command = match action {
            Action::Cargo(arguments) => tree.cargo(*arguments),
            Action::Document(flags, arguments) => tree.cargo(*arguments).env("RUSTDOCFLAGS", flags),
            Action::Xtask(arguments) => tree.xtask(arguments)?,
            Action::Refused { cargo, because } => {
                if !is_refused(tree.cargo(*cargo).into(), because)? {
                    return Ok((log, Some("not refused, or for another reason".to_owned())));
                }
                continue;
            }
        };
        let (output, status) = shown(command)?;
        log.push_str(&output);
        if !status.success() {
            return Ok((log, Some(status.to_string())));
        }
    }
    Ok((log, None))
}

/// Runs a command that must fail, and prints the lines that say why.
fn is_refused(mut command: Command, because: &str) -> Result<bool> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut refused = false;
    for line in said.lines().filter(|line| line.contains(because)) {
        println!("{line}");
        refused = true;
    }
    if !refused {
        print!("{said}");
    }
    Ok(refused && !output.status.success())
}
