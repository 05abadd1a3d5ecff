//! A copy of the tree, without what cargo and git keep in it.

use std::fs;
use std::path::Path;

use crate::verdict::Result;

/// The file by which cargo marks a directory as one that a backup may leave out.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Copies the tree, without `.git` and the target directories, and removes an earlier copy.
///
/// Files are as new as the copy, not as the original: or cargo could take what it built with a bug
/// for what the original becomes.
pub(crate) fn copy_tree(from: &Path, to: &Path, target: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    copy_directory(from, to, target)
}

/// Copies what is in a directory into one that is there.
pub(crate) fn copy_directory(from: &Path, to: &Path, target: &Path) -> Result<()> {
    for entry in from.read_dir()? {
        let (source, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let copy = to.join(&name);
        if name == ".git" {
            continue;
        }
        if !source.is_dir() {
            // Not `fs::copy`, which keeps the time of the original on some systems.
            fs::write(copy, fs::read(&source)?)?;
        } else if source != target && !source.join(CACHE_TAG).exists() {
            fs::create_dir(&copy)?;
            copy_directory(&source, &copy, target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn copy_has_the_sources_alone_and_they_are_new() {
        let shell = xshell::Shell::new().expect("a shell");
        let directory = shell.create_temp_dir().expect("a directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        let write = |path: &str| {
            let path = from.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(&path, "text").expect("a file");
            path
        };
        let source = write("src/target/lib.rs");
        write(".git/HEAD");
        write("built/debug/program");
        write("examples/target/CACHEDIR.TAG");
        let old = SystemTime::now() - Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(source);
        file.and_then(|file| file.set_modified(old))
            .expect("a time");

        fs::create_dir_all(to.join("left/over")).expect("a directory");
        copy_tree(&from, &to, &from.join("built")).expect("a copy");

        let copy = to.join("src/target/lib.rs");
        assert_eq!(fs::read_to_string(&copy).expect("a copy"), "text");
        let time = fs::metadata(copy).and_then(|metadata| metadata.modified());
        assert!(time.expect("a time") > old + Duration::from_secs(60));
        for absent in [".git", "built", "examples/target", "left"] {
            assert!(!to.join(absent).exists(), "{absent}");
        }
    }
}
