//! `bench code-size`: what the token and the types leave behind in machine code.

mod listing;
mod rows;
mod unwind;

use std::fs;
use std::path::{Path, PathBuf};

use lexopt::Parser;
use xshell::cmd;

use self::rows::{judge, more_than_v1, rows, table};
use crate::arguments;
use crate::tools::{find_llvm, has_target};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
The machine code of the completion routines and of their callers for both Windows architectures,
ours against V1: prints the tables, and fails if the token or the types leave anything behind:
  - the routine makes the same calls as V1's and has at most 6 instructions more,
  - it has as many unwinding table entries as V1's, without handler,
  - nothing in the image refers to panics or formatting.
";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    let Some(objdump) = find_llvm(tree, "llvm-objdump") else {
        println!("SKIPPED: no llvm-objdump");
        return Ok(Verdict::Passed);
    };
    let Some(readobj) = find_llvm(tree, "llvm-readobj") else {
        println!("SKIPPED: no llvm-readobj");
        return Ok(Verdict::Passed);
    };
    let mut passed = true;
    for architecture in ["x86_64", "aarch64"] {
        let target = format!("{architecture}-pc-windows-msvc");
        if !has_target(tree, &target) {
            println!("SKIPPED: no Rust target {target}");
            continue;
        }
        let object = build(tree, &target)?;
        let code = cmd!(tree.shell, "{objdump} -d -r {object}")
            .quiet()
            .read()?;
        let unwind = cmd!(tree.shell, "{readobj} --unwind {object}")
            .quiet()
            .read()?;
        let symbols = cmd!(tree.shell, "{readobj} --symbols {object}")
            .quiet()
            .read()?;
        let rows = rows(&code, &unwind, &symbols);
        println!("{target}\n\n{}", table(&rows));
        for failure in judge(&rows, &symbols) {
            println!("FAILED: {architecture}: {failure}");
            passed = false;
        }
        println!(
            "our routine: V1's calls, and {} instructions more\n",
            more_than_v1(&rows)
        );
    }
    Ok(Verdict::from(passed))
}

/// Builds the functions under measurement; returns their object file.
fn build(tree: &Tree, target: &str) -> Result<PathBuf> {
    let target_directory = tree.target_directory()?;
    let objects = target_directory.join(target).join("driver").join("deps");
    // The object is no output that cargo knows of: it would not make it again.
    for object in object_files(&objects)? {
        fs::remove_file(object)?;
    }
    tree.cargo([
        "clean",
        "--quiet",
        "--locked",
        "--package=wdm-irp-benchmarks",
    ])
    .args(["--profile=driver", "--target", target, "--target-dir"])
    .arg(&target_directory)
    .run()?;
    tree.cargo([
        "rustc",
        "--quiet",
        "--locked",
        "--package=wdm-irp-benchmarks",
        "--lib",
    ])
    .args([
        "--crate-type=staticlib",
        "--no-default-features",
        "--features=kernel",
    ])
    .args(["--profile=driver", "--target", target, "--target-dir"])
    .arg(&target_directory)
    .args(["--", "--emit=obj"])
    .run()?;
    let object = object_files(&objects)?.pop();
    object.ok_or_else(|| format!("no object file in {}", objects.display()).into())
}

fn object_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = Vec::new();
    if !directory.exists() {
        return Ok(objects);
    }
    for entry in directory.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("wdm_irp_benchmarks-") && name.ends_with(".o") {
            objects.push(path);
        }
    }
    Ok(objects)
}
