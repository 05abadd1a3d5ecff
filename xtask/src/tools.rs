//! Tools that the repository does not bring: found, or installed where that is possible.

use std::path::{Path, PathBuf};
use std::time::Duration;

use xshell::cmd;

use crate::process::succeeds_silently;
use crate::tree::Tree;

/// How long an installation may take.
const INSTALLATION: Duration = Duration::from_secs(600);

/// Returns the first of the programs that there is.
///
/// If there is none, root installs the Debian package and looks again.
///
/// A program with a directory in its name is a path, the others are looked for in `PATH`.
pub(crate) fn find_tool(tree: &Tree, package: &str, programs: &[&str]) -> Option<PathBuf> {
    let find = || programs.iter().find_map(|program| find_program(program));
    find().or_else(|| {
        install_package(tree, package);
        find()
    })
}

/// Returns whether Rust's libraries for the target are there or can be had.
pub(crate) fn has_target(tree: &Tree, target: &str) -> bool {
    let sysroot = cmd!(tree.shell, "rustc --print sysroot").quiet().read();
    let library = |sysroot: String| {
        Path::new(&sysroot)
            .join("lib/rustlib")
            .join(target)
            .join("lib")
    };
    sysroot.is_ok_and(|sysroot| library(sysroot).is_dir())
        || succeeds_silently(cmd!(tree.shell, "rustup target add {target}"), INSTALLATION)
}

/// Returns whether a Rust toolchain is there or can be had.
pub(crate) fn has_toolchain(tree: &Tree, toolchain: &str) -> bool {
    let install = cmd!(
        tree.shell,
        "rustup toolchain install {toolchain} --profile minimal --no-self-update"
    );
    succeeds_silently(install, INSTALLATION)
}

/// Returns whether `cargo NAME` is installed.
pub(crate) fn has_cargo_command(name: &str) -> bool {
    find_program(&format!("cargo-{name}")).is_some()
}

/// Wine's parts, and gcc for what runs in it.
#[derive(Debug)]
pub(crate) struct Wine {
    pub(crate) loader: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) gcc: PathBuf,
}

impl Wine {
    /// Finds them, or returns the name of what there is not.
    pub(crate) fn find(tree: &Tree) -> Result<Self, &'static str> {
        // Wine's parts are not on the PATH of Debian.
        let wine = ["wine64", "/usr/lib/wine/wine64", "wine"];
        let server = [
            "wineserver",
            "/usr/lib/wine/wineserver64",
            "/usr/lib/wine/wineserver",
        ];
        Ok(Self {
            loader: find_tool(tree, "wine64", &wine).ok_or("no wine64")?,
            server: find_tool(tree, "wine64", &server).ok_or("no wineserver")?,
            gcc: find_gcc(tree).ok_or("no mingw-w64")?,
        })
    }
}

fn find_gcc(tree: &Tree) -> Option<PathBuf> {
    find_tool(tree, "gcc-mingw-w64-x86-64", &["x86_64-w64-mingw32-gcc"])
}

/// Finds a tool of LLVM, of whatever version there is.
pub(crate) fn find_llvm(tree: &Tree, name: &str) -> Option<PathBuf> {
    let versions = (14..=25).map(|version| format!("{name}-{version}"));
    let programs: Vec<String> = std::iter::once(name.to_owned()).chain(versions).collect();
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    find_tool(tree, "llvm", &programs)
}

pub(crate) fn find_program(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    if program.contains('/') {
        return Some(PathBuf::from(file)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(&file))
        .find(|path| path.is_file())
}

/// Installs a Debian package, if this is root on a Debian.
fn install_package(tree: &Tree, package: &str) {
    let is_root = cmd!(tree.shell, "id -u").quiet().ignore_stderr().read();
    if !is_root.is_ok_and(|id| id == "0") || find_program("apt-get").is_none() {
        return;
    }
    let quietly = |command: xshell::Cmd<'_>| {
        succeeds_silently(
            command.env("DEBIAN_FRONTEND", "noninteractive"),
            INSTALLATION,
        )
    };
    if quietly(cmd!(tree.shell, "apt-get update")) {
        quietly(cmd!(
            tree.shell,
            "apt-get install -y --no-install-recommends {package}"
        ));
    }
}
