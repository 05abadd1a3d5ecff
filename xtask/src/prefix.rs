//! A world of Wine's own for one run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::succeeds_silently;
use crate::tools::Wine;

/// How long Wine's server may take to end.
const FAREWELL: Duration = Duration::from_secs(30);

/// A prefix of Wine in a directory; its server ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Prefix {
    server: PathBuf,
    directory: PathBuf,
}

impl Prefix {
    pub(crate) fn new(wine: &Wine, work: &Path) -> Self {
        Self {
            server: wine.server.clone(),
            directory: work.join("prefix"),
        }
    }

    /// Makes a command run in this prefix, without a display and what it would ask for.
    pub(crate) fn enter(&self, command: &mut Command) {
        command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env("WINEPREFIX", &self.directory)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=");
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        for option in ["-k", "-w"] {
            let mut server = Command::new(&self.server);
            self.enter(&mut server);
            server.arg(option);
            succeeds_silently(server, FAREWELL);
        }
    }
}
