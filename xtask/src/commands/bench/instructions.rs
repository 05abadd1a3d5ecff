//! `bench instructions`: counted with callgrind.

use std::path::PathBuf;

use lexopt::Parser;

use crate::arguments;
use crate::process::succeeds;
use crate::tools::find_tool;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Prints the tables: case, ours, V1, V2, and the differences. Needs valgrind, which root installs.
";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    if find_tool(tree, "valgrind", &["valgrind"]).is_none() {
        println!("SKIPPED: no valgrind");
        return Ok(Verdict::Passed);
    }
    let one = build(tree, "boxed", "count-one")?;
    let two = build(tree, "boxed,two-callers", "count-two")?;
    Ok(Verdict::from(succeeds(
        tree.shell.cmd(&one).args([&one, &two]).quiet(),
    )?))
}

/// Builds the counting program with some features, and returns where it is.
///
/// Each has a target directory of its own: both are run, and a build for other features would
/// replace the first.
fn build(tree: &Tree, features: &str, name: &str) -> Result<PathBuf> {
    let directory = tree.target_directory()?.join(name);
    let build = [
        "build",
        "--quiet",
        "--locked",
        "--package=wdm-irp-benchmarks",
        "--bin=count",
        "--profile=driver",
        "--no-default-features",
        "--features",
        features,
        "--target-dir",
    ];
    tree.cargo(build).arg(&directory).run()?;
    let count = format!("count{}", std::env::consts::EXE_SUFFIX);
    Ok(directory.join("driver").join(count))
}
