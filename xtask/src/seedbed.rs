//! A copy of the tree into which bugs are seeded, one by one.

mod patch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use xshell::cmd;

use self::patch::Header;
use crate::copy::copy_tree;
use crate::counts::Report;
use crate::process::logged;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

/// How long a test may take to see a bug, the build included.
const LIMIT: Duration = Duration::from_secs(900);

/// Bugs that are seeded in the same way.
#[derive(Debug)]
pub(crate) struct Suite {
    /// Where their patches are.
    pub(crate) directory: &'static str,
    /// Which tests `cargo test` is to build.
    pub(crate) options: &'static [&'static str],
}

/// Seeds the bugs of a suite that are named, or all of them if none is, one after the other.
pub(crate) fn seed(tree: &Tree, suite: &Suite, only: &[String]) -> Result<Verdict> {
    let mut report = Report::default();
    let directory = tree.root.join(suite.directory);
    let mut bugs = patch::names(&directory)?;
    for name in only.iter().filter(|name| !bugs.contains(name)) {
        report.fail(
            name,
            &format!("there is no such bug in {}", suite.directory),
        );
    }
    bugs.retain(|bug| only.is_empty() || only.contains(bug));
    if bugs.is_empty() && only.is_empty() {
        report.fail("bugs", &format!("there are none in {}", suite.directory));
    }

    // At a fixed place, so that one build serves the next.
    let original_target = tree.target_directory()?;
    let target = original_target.join("bugs");
    let seedbed = Seedbed {
        tree,
        options: suite.options,
        copy: target.join("tree"),
        log: target.join("log"),
        target,
    };
    copy_tree(&tree.root, &seedbed.copy, &original_target)?;
    for bug in bugs {
        let patch = directory.join(format!("{bug}.patch"));
        match seedbed.try_bug(&patch)? {
            Ok(()) => report.pass(&format!("caught {bug}")),
            Err(why) => report.fail(&bug, &why),
        }
    }
    Ok(report.finish())
}

/// The copy of the tree into which bugs are seeded.
struct Seedbed<'t> {
    tree: &'t Tree,
    options: &'static [&'static str],
    copy: PathBuf,
    log: PathBuf,
    target: PathBuf,
}

impl Seedbed<'_> {
    /// Seeds one bug and removes it again; returns why it was not caught.
    fn try_bug(&self, patch: &Path) -> Result<std::result::Result<(), String>> {
        let text = fs::read_to_string(patch)?;
        let Some(header) = Header::parse(&text) else {
            return Ok(Err("the patch does not name a test and a reason".to_owned()));
        };
        let reason = header.reason()?;
        if !self.apply(patch, &[])? {
            self.show_log()?;
            return Ok(Err("the patch does not apply; see above".to_owned()));
        }
        let passes = self.test(&header)?;
        let judgment = if passes {
            Err(format!("{} does not see it", header.caught_by()))
        } else if !reason.is_match(&self.read_log()?) {
            self.show_log()?;
            let caught_by = header.caught_by();
            Err(format!("{caught_by} fails for another reason; see above"))
        } else {
            Ok(())
        };
        if self.apply(patch, &["--reverse"])? {
            Ok(judgment)
        } else {
            self.show_log()?;
            Err(format!("{} cannot be removed from the copy", patch.display()).into())
        }
    }

    /// Applies the patch as it is or not at all: no fuzz, and not by way of a repository around
    /// the copy.
    fn apply(&self, patch: &Path, options: &[&str]) -> Result<bool> {
        let apply = cmd!(self.tree.shell, "git apply -p1 {options...} {patch}").quiet();
        let mut apply = Command::from(apply.env("GIT_CEILING_DIRECTORIES", &self.target));
        apply.current_dir(&self.copy);
        logged(apply, &self.log, None)
    }

    /// Runs the test that must see the bug; returns whether it passes.
    fn test(&self, header: &Header) -> Result<bool> {
        let test = self
            .tree
            .cargo(["test", "--quiet", "--locked"])
            .args(self.options)
            .args(["--test", &header.program, "--", "--nocapture"])
            .args(&header.arguments)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("RUST_BACKTRACE", "0");
        let mut test = Command::from(test);
        test.current_dir(&self.copy);
        logged(test, &self.log, Some(LIMIT))
    }

    fn read_log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    fn show_log(&self) -> Result<()> {
        eprint!("{}", self.read_log()?);
        Ok(())
    }
}
