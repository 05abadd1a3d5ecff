//! `bench instructions`: counted with callgrind.

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
    let build = [
        "build",
        "--quiet",
        "--locked",
        "--package=wdm-irp-benchmarks",
        "--bin=count",
    ];
    tree.cargo(build).arg("--profile=driver").run()?;
    let count = format!("count{}", std::env::consts::EXE_SUFFIX);
    let count = tree.target_directory()?.join("driver").join(count);
    Ok(Verdict::from(succeeds(tree.shell.cmd(count).quiet())?))
}
