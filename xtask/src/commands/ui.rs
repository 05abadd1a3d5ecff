//! `ui`: one program that must not compile, or that must.

use std::path::{Path, PathBuf};

use lexopt::Parser;
use xshell::Cmd;

use crate::arguments;
use crate::process::succeeds;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
NAME is a part of the program's path in tests/ui, such as h01_finish_although_pended.rs, or h01_
for several programs.
";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let names = arguments::names(&mut parser)?;
    let [name] = names.as_slice() else {
        return Err(lexopt::Error::from("one NAME is needed").into());
    };
    Ok(Verdict::from(succeeds(test(tree, Some(name))?)?))
}

/// Prepares the test of the programs whose path contains the name.
pub(super) fn test<'t>(tree: &'t Tree, name: Option<&str>) -> Result<Cmd<'t>> {
    let test = tree.cargo(["test", "--locked", "--package=wdm-irp-tests", "--test=ui"]);
    let Some(name) = name else {
        return Ok(test);
    };
    // The test passes if it has nothing to do.
    let programs = programs(&tree.root.join("tests").join("ui"))?;
    if !programs
        .iter()
        .any(|path| is_named(&tree.root.join("tests"), path, name))
    {
        return Err(format!("no program in tests/ui has a path that contains `{name}`").into());
    }
    Ok(test.args(["--", "ui", &format!("trybuild={name}")]))
}

/// Returns whether the path, from the package on and with slashes, contains the name.
fn is_named(package: &Path, path: &Path, name: &str) -> bool {
    let path = path.strip_prefix(package).unwrap_or(path);
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/").contains(name)
}

fn programs(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            programs.extend(self::programs(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            programs.push(path);
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_a_part_of_the_path_in_the_package() {
        let package = Path::new("/tree/h99/tests");
        let path = package.join("ui").join("hazards").join("h01_copied.rs");
        for name in ["h01_", "h01_copied.rs", "ui/hazards/h01"] {
            assert!(is_named(package, &path, name), "{name}");
        }
        for name in ["h99", "h02_", "h01_copied.stderr"] {
            assert!(!is_named(package, &path, name), "{name}");
        }
    }
}
