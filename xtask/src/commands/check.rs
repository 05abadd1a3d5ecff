//! `check`: what a contributor runs before a commit.

use lexopt::Parser;

use crate::arguments;
use crate::steps::{self, DOCUMENTATION, FORMAT, LINTS, Step, TESTS};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
These are the first steps of `cargo xtask ci`. The last line is
`N passed, N failed, N skipped`, where each test of cargo's counts.
";

const STEPS: &[Step] = &[FORMAT, LINTS, DOCUMENTATION, TESTS];

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    steps::run(tree, STEPS)
}
