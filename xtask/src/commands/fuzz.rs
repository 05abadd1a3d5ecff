//! `fuzz`: generated input for the macro, and random programs for the library.

use lexopt::Parser;

use crate::arguments;
use crate::process::succeeds;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
The attribute must never panic, and each of its errors must be at a token of the input: 200,000
inputs, or N. Random programs must end as the library's contracts say: 1,000,000 of them, or N.
A failure prints the seed that repeats it.
";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let number = arguments::number(&mut parser)?;
    let count = |usual: u64| number.unwrap_or(usual).to_string();
    let inputs = tree
        .cargo([
            "test",
            "--release",
            "--locked",
            "--package=wdm-irp-macros",
            "fuzz",
        ])
        .env("WDM_IRP_FUZZ_INPUTS", count(200_000));
    let programs = tree
        .cargo([
            "test",
            "--release",
            "--locked",
            "--package=wdm-irp-tests",
            "--test=random",
        ])
        .args(["--", "--nocapture"])
        .env("WDM_IRP_RANDOM_PROGRAMS", count(1_000_000));
    let inputs = succeeds(inputs)?;
    let programs = succeeds(programs)?;
    Ok(Verdict::from(inputs && programs))
}
