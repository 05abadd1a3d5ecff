//! The repository's files.

use std::fs;
use std::path::Path;

/// A file: its path from the root, with `/`, and its text, which is empty where no check reads it.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extensions.contains(&extension))
    }
}

/// Returns the path, from the root, of what a link in this file leads to.
pub(crate) fn linked(file: &File, link: &str) -> String {
    let mut at: Vec<&str> = file.path.split('/').collect();
    at.pop();
    for part in link.split('/') {
        match part {
            ".." => drop(at.pop()),
            "" | "." => {}
            part => at.push(part),
        }
    }
    at.join("/")
}

/// What a check found: one message for each thing that is wrong, with the file and mostly the line.
pub(crate) type Findings = Vec<String>;

/// Reads the repository, or returns `None` where it cannot be reached: in a Windows program on
/// another system.
pub(crate) fn repository() -> Option<Vec<File>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if cfg!(windows) && !root.join("Cargo.toml").exists() {
        return None;
    }
    let mut files = Vec::new();
    read(&root, "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        files.iter().any(|file| file.path == "wdm-irp/src/lib.rs"),
        "{} is not the repository",
        root.display()
    );
    Some(files)
}

/// Adds the files of a directory, without what was built and what git keeps.
fn read(directory: &Path, prefix: &str, files: &mut Vec<File>) {
    let entries = fs::read_dir(directory).expect("a directory of the repository is readable");
    for entry in entries {
        let entry = entry.expect("an entry of a directory is readable");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("an entry has a type");
        if kind.is_dir() {
            let hidden = name.starts_with('.') && ![".ci", ".github", ".cargo"].contains(&&*name);
            if name != "target" && !hidden {
                read(&entry.path(), &format!("{path}/"), files);
            }
        } else if kind.is_file() {
            let mut file = File {
                path,
                text: String::new(),
            };
            if file.has_extension(&["rs", "md", "patch", "svg"]) {
                let text = fs::read_to_string(entry.path()).expect("a text is UTF-8");
                // As git writes it on Windows, if it is told to.
                file.text = text.replace("\r\n", "\n");
            }
            files.push(file);
        }
    }
}

/// Makes files for the tests of the checks.
#[cfg(test)]
pub(crate) fn files(list: &[(&str, &str)]) -> Vec<File> {
    list.iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect()
}
