//! `bless`: writes what the compiler says of the programs that must not compile.

use lexopt::Parser;
use xshell::cmd;

use super::ui;
use crate::arguments;
use crate::process::succeeds;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
NAME is a part of a program's path in tests/ui, as for `cargo xtask ui`; without it, all are
written. Read every change: a program that fails for another reason than before tests nothing.
";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let names = arguments::names(&mut parser)?;
    let ([] | [_]) = names.as_slice() else {
        return Err(lexopt::Error::from("one NAME at most").into());
    };
    let test = ui::test(tree, names.first().map(String::as_str))?;
    // It fails for what it has written, or for a program that compiles: the run after it decides.
    succeeds(test.env("TRYBUILD", "overwrite"))?;
    let passed = succeeds(ui::test(tree, names.first().map(String::as_str))?)?;

    let stderr = ":(glob)tests/ui/**/*.stderr";
    succeeds(cmd!(tree.shell, "git --no-pager diff --stat -- {stderr}").quiet())?;
    succeeds(cmd!(tree.shell, "git --no-pager diff -- {stderr}").quiet())?;
    let state = cmd!(tree.shell, "git status --short -- {stderr}")
        .quiet()
        .read()?;
    if state.is_empty() {
        println!("no .stderr file has changed");
    } else {
        println!("{state}\n");
        println!(
            "Read every one of these changes. A program must fail for the reason that its name"
        );
        println!(
            "and its comments give: one that now fails for another is a lost test, so mend it."
        );
    }
    Ok(Verdict::from(passed))
}
