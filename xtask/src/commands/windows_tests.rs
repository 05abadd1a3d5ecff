//! `windows-tests`: the tests as Windows programs, what `cargo test` is on Windows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lexopt::Parser;
use serde_json::Value;
use xshell::cmd;

use crate::arguments;
use crate::counts::Report;
use crate::prefix::Prefix;
use crate::process::succeeds;
use crate::tools::{Wine, has_target};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Builds the tests for x86_64-pc-windows-gnu, checks that none imports ntoskrnl.exe, and runs them in
Wine's user mode: what a driver author's `cargo test` is on Windows. Prints cargo's test summaries,
or `SKIPPED: <why>`.
";

const TARGET: &str = "x86_64-pc-windows-gnu";

/// Rust's std imports `ProcessPrng` from bcryptprimitives.dll, which Wine 8 lacks.
const PRNG: &str = "\
__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *, unsigned long);
__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, unsigned long long length) {
    return SystemFunction036(buffer, (unsigned long)length);
}
";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    let wine = match Wine::find(tree) {
        _ if !has_target(tree, TARGET) => return Ok(skip(&format!("no Rust target {TARGET}"))),
        Ok(wine) => wine,
        Err(why) => return Ok(skip(why)),
    };
    let work = tree.shell.create_temp_dir()?;
    let (source, library) = (
        work.path().join("prng.c"),
        work.path().join("bcryptprimitives.dll"),
    );
    fs::write(&source, PRNG)?;
    let gcc = &wine.gcc;
    cmd!(
        tree.shell,
        "{gcc} -shared -O1 -o {library} {source} -ladvapi32"
    )
    .quiet()
    .run()?;

    let prefix = Prefix::new(&wine, work.path());
    let runner = format!("timeout --kill-after=10 600 {}", wine.loader.display());
    let tests = |options: &[&str]| {
        let tests = tree.cargo([
            "test",
            "--workspace",
            "--locked",
            "--target",
            TARGET,
            "--tests",
        ]);
        let mut tests = Command::from(tests.args(options));
        prefix.enter(&mut tests);
        tests
            .env("WINEPATH", work.path())
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &runner);
        tests
    };
    if !succeeds(tests(&["--no-run"]))? {
        return Ok(Verdict::Failed);
    }
    let messages = tests(&["--no-run", "--message-format=json"])
        .output()?
        .stdout;
    let programs = executables(&String::from_utf8_lossy(&messages));
    if programs.is_empty() {
        return Err("cargo builds no test program".into());
    }
    let objdump = beside(gcc, "objdump");
    for program in &programs {
        let headers = cmd!(tree.shell, "{objdump} -p {program}").quiet().read()?;
        if imports_kernel(&headers) {
            println!("{program} imports ntoskrnl.exe");
            return Ok(Verdict::Failed);
        }
    }
    println!(
        "{} test programs, and none imports ntoskrnl.exe",
        programs.len()
    );
    Ok(Verdict::from(succeeds(tests(&["--no-fail-fast"]))?))
}

fn skip(why: &str) -> Verdict {
    let mut report = Report::default();
    report.skip(&format!("{why}: tests as Windows programs"));
    report.finish()
}

/// Returns the programs that cargo's messages name, one message a line.
fn executables(messages: &str) -> BTreeSet<String> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(str::to_owned))
        .filter(|program| {
            Path::new(program)
                .extension()
                .is_some_and(|name| name == "exe")
        })
        .collect()
}

/// Returns whether an image imports the kernel, by the headers that `objdump -p` prints.
fn imports_kernel(headers: &str) -> bool {
    let headers = headers.to_ascii_lowercase();
    headers
        .lines()
        .any(|line| line.contains("dll name: ntoskrnl"))
}

/// Returns another tool of gcc's directory and target.
fn beside(gcc: &Path, tool: &str) -> PathBuf {
    let name = gcc.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix("gcc").unwrap_or(&name);
    gcc.with_file_name(format!("{name}{tool}{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_those_of_cargos_messages() {
        let messages = r#"
{"reason":"compiler-artifact","executable":"/target/deps/a.exe"}
{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/target/deps/a.exe"}
{"reason":"compiler-artifact","executable":"/target/deps/b"}
not JSON
{"reason":"build-finished","success":true}
"#;
        assert_eq!(
            executables(messages),
            BTreeSet::from(["/target/deps/a.exe".to_owned()])
        );
    }

    #[test]
    fn kernel_is_found_among_the_imports() {
        assert!(imports_kernel(
            "\tDLL Name: KERNEL32.dll\n\tDLL Name: NTOSKRNL.exe\n"
        ));
        assert!(!imports_kernel(
            "\tDLL Name: KERNEL32.dll\n\tntoskrnl.exe\n"
        ));
    }

    #[test]
    fn objdump_is_beside_gcc() {
        let exe = std::env::consts::EXE_SUFFIX;
        let gcc = Path::new("bin").join(format!("x86_64-w64-mingw32-gcc{exe}"));
        let objdump = Path::new("bin").join(format!("x86_64-w64-mingw32-objdump{exe}"));
        assert_eq!(beside(&gcc, "objdump"), objdump);
    }
}
