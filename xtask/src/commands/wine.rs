//! `wine`: the driver of examples/wine-driver, in Wine's kernel.

mod report;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lexopt::Parser;
use xshell::{TempDir, cmd};

use self::report::{Line, imports};
use crate::arguments;
use crate::counts::Report;
use crate::prefix::Prefix;
use crate::process::{logged, start, wait_within};
use crate::tools::{Wine, find_llvm, has_target};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Builds examples/wine-driver for both Windows architectures, checks what the images import, and runs
the x86_64 one in Wine's kernel. Its cases include the conformance script: the trace must be
conformance/golden.txt, except for what conformance/differences.md lists. Prints `passed <case>`,
`failed <case>: <why>` or `SKIPPED: <why>` for each part, and at last
`<n> passed, <n> failed, <n> skipped`.

Nothing here needs a display, a WDK or an SDK. As root it installs the Debian packages that it
misses.
";

/// How long the driver may take in Wine, whose first start makes its prefix.
const LIMIT: Duration = Duration::from_secs(300);

/// How a driver is linked.
///
/// Described here and not in a build script or .cargo/config.toml, so that no other build sees it:
/// not the host's `cargo test`, nor a Windows user's builds for the same targets. link.exe takes
/// the same arguments.
///
/// No C run-time library; `DriverEntry` is where the kernel enters; /RELEASE fills in the checksum
/// that it wants.
pub(super) const DRIVER_LINK: &str =
    "/NODEFAULTLIB /SUBSYSTEM:NATIVE /DRIVER:WDM /ENTRY:DriverEntry /RELEASE";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    let mut driver = Driver {
        tree,
        target: tree.target_directory()?,
        work: tree.shell.create_temp_dir()?,
        report: Report::default(),
    };
    let image = driver.build("x86_64")?;
    driver.build("aarch64")?;
    match image {
        Some(image) => driver.run(&image)?,
        None => driver.report.skip("no driver for x86_64: run in Wine"),
    }
    Ok(driver.report.finish())
}

struct Driver<'t> {
    tree: &'t Tree,
    target: PathBuf,
    work: TempDir,
    report: Report,
}

impl Driver<'_> {
    /// Builds the driver and checks what it imports; returns the image if there is one.
    fn build(&mut self, architecture: &str) -> Result<Option<PathBuf>> {
        let target = format!("{architecture}-pc-windows-msvc");
        if !has_target(self.tree, &target) {
            self.report.skip(&format!(
                "no Rust target {target}: driver for {architecture}"
            ));
            return Ok(None);
        }
        let build = self
            .tree
            .cargo([
                "rustc",
                "--quiet",
                "--locked",
                "--package=wine-driver",
                "--lib",
            ])
            .args([
                "--crate-type=cdylib",
                "--features=kernel",
                "--profile=driver",
            ])
            .args(["--target", &target, "--target-dir"])
            .arg(&self.target)
            .args(["--", "-Clinker=rust-lld", "-Clinker-flavor=lld-link"])
            .arg(format!("-Clink-args={DRIVER_LINK}"));
        let log = self.work.path().join("build");
        if !logged(build, &log, None)? {
            show(&log)?;
            self.report
                .fail(&format!("build_{architecture}"), "see above");
            return Ok(None);
        }
        self.report.pass(&format!("build_{architecture}"));
        let image = self
            .target
            .join(target)
            .join("driver")
            .join("wine_driver.dll");
        self.check_imports(architecture, &image)?;
        Ok(Some(image))
    }

    fn check_imports(&mut self, architecture: &str, image: &Path) -> Result<()> {
        let Some(readobj) = find_llvm(self.tree, "llvm-readobj") else {
            self.report
                .skip(&format!("no llvm-readobj: import table for {architecture}"));
            return Ok(());
        };
        let table = cmd!(self.tree.shell, "{readobj} --coff-imports {image}")
            .quiet()
            .read()?;
        let modules = imports(&table);
        let case = format!("imports_ntoskrnl_only_{architecture}");
        if modules == BTreeSet::from(["ntoskrnl.exe"]) {
            self.report.pass(&case);
        } else {
            let modules: Vec<&str> = modules.into_iter().collect();
            self.report
                .fail(&case, &format!("the image imports {}", modules.join(", ")));
        }
        Ok(())
    }

    /// Runs the driver, and reports each of its cases.
    fn run(&mut self, image: &Path) -> Result<()> {
        let target = "x86_64-pc-windows-gnu";
        let wine = match Wine::find(self.tree) {
            Ok(wine) => wine,
            Err(why) => {
                self.report.skip(&format!("{why}: run in Wine"));
                return Ok(());
            }
        };
        if !has_target(self.tree, target) {
            self.report
                .skip(&format!("no Rust target {target}: run in Wine"));
            return Ok(());
        }
        // The profile matters: with link-time optimization the loader does not import
        // bcryptprimitives.dll, which Wine 8 lacks.
        let build = self
            .tree
            .cargo([
                "build",
                "--quiet",
                "--locked",
                "--package=wine-loader",
                "--profile=driver",
            ])
            .args(["--target", target, "--target-dir"])
            .arg(&self.target);
        let work = self.work.path();
        let log = work.join("build");
        if !logged(build, &log, None)? {
            show(&log)?;
            self.report.fail("build_loader", "see above");
            return Ok(());
        }
        let loader = self
            .target
            .join(target)
            .join("driver")
            .join("wine-loader.exe");
        fs::copy(loader, work.join("wine-loader.exe"))?;
        fs::copy(image, work.join("driver.sys"))?;

        let prefix = Prefix::new(&wine, work);
        let (report, log) = (work.join("report"), work.join("log"));
        // The loader's own start makes the prefix. (After a `wineboot` of ours the service control
        // manager would be on its way out.)
        let mut loader = Command::new(&wine.loader);
        prefix.enter(&mut loader);
        loader
            .args(["wine-loader.exe", "driver.sys"])
            .env("HOME", work)
            .current_dir(work)
            .stdout(File::create(&report)?)
            .stderr(File::create(&log)?);
        let ended = wait_within(start(&mut loader)?, LIMIT)?;
        drop(prefix);
        self.judge(&report, &log, ended)
    }

    /// Judges by the report alone: a driver that takes the kernel down with it leaves no dependable
    /// exit status.
    fn judge(&mut self, report: &Path, log: &Path, ended: bool) -> Result<()> {
        let text = String::from_utf8_lossy(&fs::read(report)?).into_owned();
        let mut is_complete = false;
        for line in text.lines() {
            let line = Line::parse(line);
            is_complete |= line.is_last();
            match line {
                Line::Passed(case) => self.report.pass(case),
                Line::Failed(case, why) => self.report.fail(case, why),
                Line::Other(line) => println!("{line}"),
            }
        }
        if !is_complete {
            show(log)?;
            let how = if ended {
                "succeeded"
            } else {
                "failed or took too long"
            };
            self.report
                .fail("wine_report", &format!("incomplete; the loader {how}"));
        }
        Ok(())
    }
}

fn show(log: &Path) -> Result<()> {
    eprint!("{}", String::from_utf8_lossy(&fs::read(log)?));
    Ok(())
}
