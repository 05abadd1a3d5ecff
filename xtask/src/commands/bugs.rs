//! `bugs`: shows that tests can fail.

use lexopt::{Arg, Parser};

use super::loom;
use crate::arguments::text;
use crate::seedbed::{Suite, seed};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Seeds each bug of tests/bugs, or those that are named, into a copy of the tree, and runs the test
that must see it. With --loom the bugs are those of wdm-irp/loom/bugs. A bug is a patch with two
lines before it:

  Caught by: <test program> [<what else it is given>]
  Because of: <what it then says, a regular expression>

Prints `passed caught <bug>` or `failed <bug>: <why>`, and at last
`<n> passed, <n> failed, <n> skipped`.
";

const HOST: Suite = Suite {
    directory: "tests/bugs",
    options: &["--package=wdm-irp-tests"],
};

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let mut names = Vec::new();
    let mut for_loom = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("loom") => for_loom = true,
            Arg::Value(name) => names.push(text(name)?),
            option => return Err(option.unexpected().into()),
        }
    }
    if for_loom {
        loom::prepare(tree)?;
        seed(tree, &loom::BUGS, &names)
    } else {
        seed(tree, &HOST, &names)
    }
}
