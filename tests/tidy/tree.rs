//! The repository's files, and the comparison of what a check found with what is known.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A file: its path from the root, with `/`, and its text.
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

/// What a check found: messages by the name that a list of what is known would have for them,
/// mostly a path.
pub(crate) type Findings = BTreeMap<String, Vec<String>>;

/// Adds a message to the findings.
pub(crate) fn add(findings: &mut Findings, name: &str, message: String) {
    findings.entry(name.to_owned()).or_default().push(message);
}

/// Returns what is wrong: findings that are not known, and entries of the list that nothing was
/// found for.
pub(crate) fn compare(found: &Findings, known: &[&str]) -> String {
    let is_new = |name: &str| !known.contains(&name);
    let new = found
        .iter()
        .filter(|(name, _)| is_new(name))
        .flat_map(|(_, messages)| messages.clone());
    let gone = known
        .iter()
        .filter(|name| !found.contains_key(**name))
        .map(|name| {
            format!(
                "{name}: nothing is wrong there any more; delete its line in tests/tidy/known.rs"
            )
        });
    new.chain(gone).collect::<Vec<_>>().join("\n")
}

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
            let file = File {
                path,
                text: String::new(),
            };
            if file.has_extension(&["rs", "md", "patch", "svg"]) {
                let text = fs::read_to_string(entry.path()).expect("a text is UTF-8");
                // As git writes it on Windows, if it is told to.
                let text = text.replace("\r\n", "\n");
                files.push(File { text, ..file });
            }
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

#[test]
fn what_is_known_must_be_found_and_what_is_found_must_be_known() {
    let mut found = Findings::new();
    assert_eq!(compare(&found, &[]), "");
    add(&mut found, "a.rs", "a.rs: long".to_owned());
    assert_eq!(compare(&found, &["a.rs"]), "");
    assert_eq!(compare(&found, &[]), "a.rs: long");
    assert!(compare(&found, &["a.rs", "b.rs"]).starts_with("b.rs: nothing is wrong"));
}
