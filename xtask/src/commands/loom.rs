//! `loom`: every interleaving of the handshake.

use std::time::Duration;

use lexopt::Parser;

use crate::arguments;
use crate::process::{start, succeeds, wait_within};
use crate::seedbed::{Suite, seed};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Explores the models of wdm-irp/loom, and then each again with a bug seeded: the model that the
patch names must fail, and for the reason that it names. Prints cargo's test summary, then what
`cargo xtask bugs` prints.
";

pub(super) const BUGS: Suite = Suite {
    directory: "wdm-irp/loom/bugs",
    options: &["--release", "--package=wdm-irp"],
};

/// How long the models may take.
const LIMIT: Duration = Duration::from_secs(1800);

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    prepare(tree)?;
    let lints = [
        "clippy",
        "--quiet",
        "--locked",
        "--package=wdm-irp",
        "--test=loom",
        "--",
    ];
    if !succeeds(tree.cargo(lints).arg("-Dwarnings"))? {
        return Ok(Verdict::Failed);
    }
    let models = tree
        .cargo([
            "test",
            "--locked",
            "--release",
            "--package=wdm-irp",
            "--test=loom",
        ])
        .args(["--", "--nocapture", "--test-threads=1"]);
    if !wait_within(start(&mut models.into())?, LIMIT)? {
        return Ok(Verdict::Failed);
    }
    seed(tree, &BUGS, &[])
}

/// Makes what the shell of the tree runs a build for loom.
pub(super) fn prepare(tree: &Tree) -> Result<()> {
    let target = tree.target_directory()?.join("loom");
    tree.shell.set_var("CARGO_TARGET_DIR", target);
    tree.shell.set_var("RUSTFLAGS", "--cfg loom");
    // Built as often as there are bugs, and run for seconds.
    tree.shell
        .set_var("CARGO_PROFILE_RELEASE_INCREMENTAL", "true");
    tree.shell.set_var("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    Ok(())
}
