//! A copy that has only the libraries, whose dependencies alone count for those who use them.

use std::fs;
use std::path::Path;

use crate::copy::copy_directory;
use crate::tree::{LIBRARIES, Tree};
use crate::verdict::Result;

/// Copies the libraries and what their manifests name.
pub(super) fn copy_libraries(tree: &Tree, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for file in ["rust-toolchain.toml", "README.md"] {
        fs::copy(tree.root.join(file), to.join(file))?;
    }
    for library in LIBRARIES {
        let copy = to.join(library);
        fs::create_dir(&copy)?;
        copy_directory(&tree.root.join(library), &copy, Path::new(""))?;
    }
    let manifest = fs::read_to_string(tree.root.join("Cargo.toml"))?;
    let manifest = with_members(&manifest, LIBRARIES).ok_or("Cargo.toml names no members")?;
    fs::write(to.join("Cargo.toml"), manifest)?;
    Ok(())
}

/// Replaces the members of a workspace; returns `None` if the manifest does not name them.
fn with_members(manifest: &str, members: &[&str]) -> Option<String> {
    const KEY: &str = "\nmembers = [";
    let start = manifest.find(KEY)? + KEY.len();
    let end = start + manifest[start..].find(']')?;
    let names: Vec<String> = members.iter().map(|name| format!("\"{name}\"")).collect();
    Some(format!(
        "{}{}{}",
        &manifest[..start],
        names.join(", "),
        &manifest[end..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_replaced_and_nothing_else() {
        for list in [r#""a", "b""#, "\n    \"a\",\n    \"b\",\n"] {
            let manifest = format!("[workspace]\nmembers = [{list}]\n\n[workspace.package]\n");
            assert_eq!(
                with_members(&manifest, &["c", "d"]).as_deref(),
                Some("[workspace]\nmembers = [\"c\", \"d\"]\n\n[workspace.package]\n")
            );
        }
        assert_eq!(with_members("[package]\n", &["c"]), None);
    }
}
