//! The tree that is worked on: where it is, and what its manifests say.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::verdict::Result;

/// The packages whose tests are the host suite: what is tested there is `--lib --tests` of each.
pub(crate) const HOST_PACKAGES: &[&str] = &[
    "--package=wdm-irp",
    "--package=wdm-irp-sim",
    "--package=wdm-irp-tests",
    "--package=wdm-irp-conformance",
    "--package=wdm-irp-examples",
    "--package=wine-driver",
];

/// The packages that are published.
pub(crate) const LIBRARIES: &[&str] = &["wdm-irp", "wdm-irp-macros", "wdm-irp-sim"];

/// The variables by which loom would explore less.
const LOOM_LIMITS: &[&str] = &[
    "LOOM_MAX_PREEMPTIONS",
    "LOOM_MAX_BRANCHES",
    "LOOM_MAX_PERMUTATIONS",
    "LOOM_MAX_DURATION",
    "LOOM_CHECKPOINT_FILE",
    "LOOM_LOG",
];

/// The root of the repository, with a shell whose directory it is.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) shell: Shell,
    pub(crate) root: PathBuf,
}

impl Tree {
    /// Finds the tree that this program belongs to.
    pub(crate) fn open() -> Result<Self> {
        // Cargo says it to what it runs; a program that was copied still knows where it was built.
        let own = std::env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&own)
            .parent()
            .ok_or("xtask is not in a directory of the repository")?
            .to_owned();
        let shell = Shell::new()?;
        shell.change_dir(&root);
        Ok(Self { shell, root })
    }

    /// Prepares a command of cargo, of the toolchain that the repository names.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Cmd<'_> {
        clean(self.shell.cmd("cargo")).args(arguments)
    }

    /// Prepares a command of another toolchain's cargo.
    ///
    /// `cargo +toolchain` is not enough: this program is run by a cargo, which on Windows may come
    /// first.
    pub(crate) fn cargo_of(&self, toolchain: &str) -> Cmd<'_> {
        clean(cmd!(self.shell, "rustup run {toolchain} cargo"))
    }

    /// Prepares a command of this program.
    pub(crate) fn xtask(&self, arguments: &[&str]) -> Result<Cmd<'_>> {
        let own = std::env::current_exe()?;
        Ok(self.shell.cmd(own).args(arguments).quiet())
    }

    /// Returns what `cargo metadata` says of the members of the workspace.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let text = self
            .cargo(["metadata", "--format-version=1", "--no-deps", "--locked"])
            .read()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Returns the target directory: `CARGO_TARGET_DIR`, or what cargo takes without it.
    pub(crate) fn target_directory(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let path = metadata["target_directory"].as_str();
        Ok(path
            .ok_or("cargo metadata names no target directory")?
            .into())
    }
}

/// Removes the variables by which the caller could change what a command of cargo checks.
fn clean(command: Cmd<'_>) -> Cmd<'_> {
    // A cargo that is told the name of another one starts that.
    let mut command = command.env_remove("CARGO").quiet();
    for limit in LOOM_LIMITS {
        command = command.env_remove(limit);
    }
    command
}

/// Returns what `cargo metadata` says of one package.
pub(crate) fn package<'m>(metadata: &'m Value, name: &str) -> Result<&'m Value> {
    metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == name))
        .ok_or_else(|| format!("no package {name} in the workspace").into())
}
