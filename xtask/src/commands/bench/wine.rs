//! `bench wine`: the same request by three drivers in Wine's kernel, in turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lexopt::Parser;
use xshell::cmd;

use crate::arguments;
use crate::commands::wine::DRIVER_LINK;
use crate::prefix::Prefix;
use crate::process::{start, wait_within};
use crate::tools::{Wine, find_program, has_target};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
The drivers are ours, and C's V1 and V2. Prints the nanoseconds for one request, from 41
alternations or ALTERNATIONS.
";

/// How long all alternations may take.
const LIMIT: Duration = Duration::from_secs(500);

const MSVC: &str = "x86_64-pc-windows-msvc";
const GNU: &str = "x86_64-pc-windows-gnu";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let alternations = arguments::number(&mut parser)?.unwrap_or(41);
    let wine = match Wine::find(tree) {
        Ok(wine) => wine,
        Err(why) => {
            println!("SKIPPED: {why}");
            return Ok(Verdict::Passed);
        }
    };
    for target in [MSVC, GNU] {
        if !has_target(tree, target) {
            println!("SKIPPED: no Rust target {target}");
            return Ok(Verdict::Passed);
        }
    }
    let work = tree.shell.create_temp_dir()?;
    let work = work.path();
    build(tree, &wine.gcc, work)?;

    let prefix = Prefix::new(&wine, work);
    let mut alternate = on_one_processor(&wine.loader);
    prefix.enter(&mut alternate);
    let (output, log) = (work.join("output"), work.join("log"));
    alternate
        .args([
            "alternate.exe",
            &alternations.to_string(),
            "ours.sys",
            "V1.sys",
            "V2.sys",
        ])
        .env("HOME", work)
        .current_dir(work)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&output)?)
        .stderr(fs::File::create(&log)?);
    let success = wait_within(start(&mut alternate)?, LIMIT)?;
    drop(prefix);
    let text =
        |path: &Path| fs::read(path).map(|text| String::from_utf8_lossy(&text).replace('\r', ""));
    print!("{}", text(&output)?);
    if !success {
        print!("{}", text(&log)?);
    }
    Ok(Verdict::from(success))
}

/// Builds the three drivers, and the program that loads them in turns.
fn build(tree: &Tree, gcc: &Path, work: &Path) -> Result<()> {
    let shell = &tree.shell;
    let headers = wdk_headers(tree, gcc)?;
    let compile = || {
        cmd!(
            shell,
            "{gcc} -O2 -Wall -Wextra -Werror -isystem {headers} -c"
        )
        .quiet()
    };
    let object = |name: &str| work.join(format!("{name}.o"));
    for sender in ["ours", "V1", "V2"] {
        let name = format!("-DNAME=\"WdmIrpBench{sender}\"");
        let driver = compile().args(["benchmarks/c/driver.c", &name, "-o"]);
        driver.arg(object(sender)).run()?;
    }
    let sender = || compile().arg("benchmarks/c/sender.c");
    sender().arg("-o").arg(object("sender-V1")).run()?;
    sender()
        .args(["-DALWAYS_SIGNAL", "-o"])
        .arg(object("sender-V2"))
        .run()?;

    let target = tree.target_directory()?;
    let benchmarks = [
        "--quiet",
        "--locked",
        "--package=wdm-irp-benchmarks",
        "--profile=driver",
    ];
    tree.cargo([
        "rustc",
        "--lib",
        "--crate-type=cdylib",
        "--no-default-features",
    ])
    .args(benchmarks)
    .args(["--features=driver", "--target", MSVC, "--target-dir"])
    .arg(&target)
    .args(["--", "-Clinker=rust-lld", "-Clinker-flavor=lld-link"])
    .arg(format!(
        "-Clink-args={DRIVER_LINK} {}",
        object("ours").display()
    ))
    .run()?;
    let images = target.join(MSVC).join("driver");
    fs::copy(images.join("wdm_irp_benchmarks.dll"), work.join("ours.sys"))?;
    for sender in ["V1", "V2"] {
        let image = work.join(format!("{sender}.sys"));
        let objects = [object(sender), object(&format!("sender-{sender}"))];
        cmd!(
            shell,
            "{gcc} -shared -nostdlib -Wl,--subsystem,native -Wl,--entry,DriverEntry"
        )
        .arg("-o")
        .arg(image)
        .args(objects)
        .arg("-lntoskrnl")
        .quiet()
        .run()?;
    }

    tree.cargo(["build", "--bin=alternate"])
        .args(benchmarks)
        .args(["--target", GNU, "--target-dir"])
        .arg(&target)
        .run()?;
    let programs = target.join(GNU).join("driver");
    fs::copy(programs.join("alternate.exe"), work.join("alternate.exe"))?;
    Ok(())
}

/// Finds the directory of wdm.h.
fn wdk_headers(tree: &Tree, gcc: &Path) -> Result<PathBuf> {
    let sysroot = cmd!(tree.shell, "{gcc} -print-sysroot").quiet().read()?;
    let directories = [
        Path::new(&sysroot).join("include/ddk"),
        PathBuf::from("/usr/share/mingw-w64/include/ddk"),
        PathBuf::from("/usr/x86_64-w64-mingw32/include/ddk"),
    ];
    let found = directories
        .into_iter()
        .find(|directory| directory.join("wdm.h").exists());
    found.ok_or_else(|| "mingw-w64 has no wdm.h".into())
}

/// Prepares a program that has one processor for all its processes, the last that we may use.
///
/// Which one a driver's process gets, and who else is on it, would decide the ratio.
fn on_one_processor(program: &Path) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let (Some(taskset), Some(processor)) = (find_program("taskset"), last_processor(&status))
    else {
        return Command::new(program);
    };
    let mut command = Command::new(taskset);
    command.args(["-c", processor]).arg(program);
    command
}

/// Returns the last number in the list of processors that proc(5)'s `status` allows.
fn last_processor(status: &str) -> Option<&str> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim()
        .rsplit([',', '-'])
        .next()
        .filter(|number| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_processor_ends_the_list() {
        for (list, last) in [
            ("0-15", "15"),
            ("3", "3"),
            ("0-3,8,10-11", "11"),
            ("0,12", "12"),
        ] {
            let status =
                format!("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{list}\nMems:\t1\n");
            assert_eq!(last_processor(&status), Some(last), "{list}");
        }
        assert_eq!(last_processor("Name:\tx\n"), None);
    }
}
