//! `deps`: features, versions and dependencies of the libraries.

mod copy;
mod features;

use std::path::PathBuf;
use std::time::Duration;

use lexopt::Parser;
use serde_json::Value;
use xshell::{Cmd, TempDir, cmd};

use crate::arguments;
use crate::counts::Report;
use crate::process::{logged, succeeds_silently};
use crate::tools::{has_cargo_command, has_target, has_toolchain};
use crate::tree::{LIBRARIES, Tree, package};
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Checks the libraries with every set of features, with the oldest toolchain and the oldest
dependencies that their manifests allow, what they depend on, that they can be packaged, and that
their API is compatible with that of the last tag. Prints `passed <case>`, `failed <case>: <why>`
or `SKIPPED: <why>` for each part, and at last `<n> passed, <n> failed, <n> skipped`.

cargo-deny and cargo-semver-checks take minutes to build, so they are used only where they are
installed: `cargo install --locked cargo-deny cargo-semver-checks`.
";

/// How long the advisory database may take to come.
const DATABASE: Duration = Duration::from_secs(120);

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    let mut checks = Checks {
        tree,
        metadata: tree.metadata()?,
        target: tree.target_directory()?,
        work: tree.shell.create_temp_dir()?,
        report: Report::default(),
    };
    checks.features()?;
    checks.oldest_toolchain()?;
    checks.oldest_dependencies()?;
    checks.what_it_depends_on()?;
    checks.packages()?;
    checks.compatibility()?;
    Ok(checks.report.finish())
}

struct Checks<'t> {
    tree: &'t Tree,
    metadata: Value,
    target: PathBuf,
    work: TempDir,
    report: Report,
}

impl Checks<'_> {
    /// Counts a command as a case, and shows what it says if it fails.
    fn check(&mut self, case: &str, command: Cmd<'_>) -> Result<()> {
        let log = self.work.path().join("log");
        if logged(command, &log, None)? {
            self.report.pass(case);
        } else {
            eprint!("{}", String::from_utf8_lossy(&std::fs::read(log)?));
            self.report.fail(case, "see above");
        }
        Ok(())
    }

    fn features(&mut self) -> Result<()> {
        // The names in the manifest, so that none is forgotten. Without `kernel` they are for the
        // host.
        let features = features::of(package(&self.metadata, "wdm-irp")?);
        if features.is_empty() {
            self.report.fail("features", "none in wdm-irp/Cargo.toml");
        }
        let windows = "x86_64-pc-windows-msvc";
        let for_host = features
            .iter()
            .copied()
            .filter(|feature| *feature != "kernel");
        let for_host = features::powerset(&for_host.collect::<Vec<_>>());
        let for_windows = features::powerset(&features);
        for set in for_host {
            self.check_features(&set, None)?;
        }
        if !has_target(self.tree, windows) {
            self.report
                .skip(&format!("no Rust target {windows}: features with kernel"));
            return Ok(());
        }
        for set in for_windows {
            self.check_features(&set, Some(windows))?;
        }
        Ok(())
    }

    fn check_features(&mut self, set: &str, target: Option<&str>) -> Result<()> {
        let mut clippy = self
            .tree
            .cargo(["clippy", "--quiet", "--locked", "--package=wdm-irp"])
            .args(["--no-default-features", "--features", set]);
        let mut case = format!("features_{}", if set.is_empty() { "none" } else { set });
        if let Some(target) = target {
            clippy = clippy.args(["--target", target]);
            case = format!("{case}_{target}");
        }
        clippy = clippy.arg("--target-dir").arg(&self.target);
        self.check(&case, clippy.args(["--", "-Dwarnings"]))
    }

    fn oldest_toolchain(&mut self) -> Result<()> {
        let oldest = package(&self.metadata, "wdm-irp")?["rust_version"].as_str();
        let oldest = oldest.ok_or("wdm-irp has no rust-version")?.to_owned();
        if !has_toolchain(self.tree, &oldest) {
            self.report
                .skip(&format!("no Rust {oldest}: oldest toolchain"));
            return Ok(());
        }
        let check = self
            .tree
            .cargo_of(&oldest)
            .args(["check", "--locked", "--target-dir"]);
        let check = for_libraries(check.arg(self.target.join("minimal")));
        self.check(&format!("rust_{oldest}"), check)
    }

    fn oldest_dependencies(&mut self) -> Result<()> {
        if !succeeds_silently(self.tree.cargo_of("nightly").arg("--version"), DATABASE) {
            self.report.skip("no nightly toolchain: minimal versions");
            return Ok(());
        }
        // What the manifests ask for itself, and what that asks for in turn.
        for option in ["direct-minimal-versions", "minimal-versions"] {
            let copy = self.work.path().join(option);
            copy::copy_libraries(self.tree, &copy)?;
            let directory = self.tree.shell.push_dir(&copy);
            // Resolved by nightly, which has the option, and checked by the toolchain of this
            // repository.
            let update = self
                .tree
                .cargo_of("nightly")
                .args(["update", &format!("-Z{option}")]);
            let log = self.work.path().join("log");
            if logged(update, &log, None)? {
                let check = self
                    .tree
                    .cargo(["check", "--workspace", "--locked", "--target-dir"]);
                self.check(option, check.arg(self.target.join("minimal")))?;
            } else {
                eprint!("{}", String::from_utf8_lossy(&std::fs::read(log)?));
                self.report.fail(option, "see above");
            }
            drop(directory);
        }
        Ok(())
    }

    /// Checks licenses, duplicates, sources and advisories.
    fn what_it_depends_on(&mut self) -> Result<()> {
        let deny = |arguments: &[&str]| self.tree.cargo(["deny", "--locked"]).args(arguments);
        if !has_cargo_command("deny") {
            self.no_duplicates()?;
            self.report
                .skip("no cargo-deny: licenses, sources and advisories");
            return Ok(());
        }
        let (licenses, bans) = (deny(&["check", "licenses"]), deny(&["check", "bans"]));
        let (sources, fetch) = (deny(&["check", "sources"]), deny(&["fetch", "db"]));
        let advisories = deny(&["check", "--disable-fetch", "advisories"]);
        self.check("licenses", licenses)?;
        self.check("duplicates", bans)?;
        self.check("sources", sources)?;
        if succeeds_silently(fetch, DATABASE) {
            self.check("advisories", advisories)?;
        } else {
            self.report.skip("no advisory database: advisories");
        }
        Ok(())
    }

    fn no_duplicates(&mut self) -> Result<()> {
        let duplicates = self
            .tree
            .cargo([
                "tree",
                "--workspace",
                "--locked",
                "--target=all",
                "--duplicates",
            ])
            .ignore_status()
            .output()?;
        if duplicates.status.success() && duplicates.stdout.is_empty() {
            self.report.pass("duplicates");
        } else {
            eprint!("{}", String::from_utf8_lossy(&duplicates.stderr));
            eprint!("{}", String::from_utf8_lossy(&duplicates.stdout));
            self.report.fail("duplicates", "see above");
        }
        Ok(())
    }

    /// Checks what is published.
    fn packages(&mut self) -> Result<()> {
        // Together, because none of them can be resolved without the others.
        let package = [
            "package",
            "--quiet",
            "--locked",
            "--allow-dirty",
            "--no-verify",
        ];
        let package = for_libraries(self.tree.cargo(package));
        self.check("package", package.arg("--target-dir").arg(&self.target))
    }

    fn compatibility(&mut self) -> Result<()> {
        let describe = cmd!(self.tree.shell, "git describe --tags --abbrev=0");
        let Ok(tag) = describe.quiet().ignore_stderr().read() else {
            self.report
                .skip("no tag: compatibility with the last version");
            return Ok(());
        };
        if !has_cargo_command("semver-checks") {
            self.report
                .skip(&format!("no cargo-semver-checks: compatibility with {tag}"));
            return Ok(());
        }
        // The macros have no API that it could compare.
        for library in LIBRARIES
            .iter()
            .filter(|library| **library != "wdm-irp-macros")
        {
            let compare = [
                "semver-checks",
                "--baseline-rev",
                &tag,
                "--package",
                library,
            ];
            self.check(&format!("compatible_{library}"), self.tree.cargo(compare))?;
        }
        Ok(())
    }
}

/// Makes a command of cargo one for all libraries.
fn for_libraries(cargo: Cmd<'_>) -> Cmd<'_> {
    cargo.args(
        LIBRARIES
            .iter()
            .map(|library| format!("--package={library}")),
    )
}
