//! `miri`: the host tests, under both models of borrowing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};

use lexopt::Parser;
use xshell::cmd;

use crate::counts::Report;
use crate::process::{spawn, succeeds};
use crate::tree::{HOST_PACKAGES, Tree};
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
The whole host test suite under Miri: no undefined behavior under Stacked Borrows nor under Tree
Borrows, with strict provenance and symbolic alignment, with several seeds, each of which is
another order of the threads. What needs cargo or a process of its own is left out; so says the
reason beside each such test. Prints cargo's test summaries, one for each model, seed and program.

The seeds are 0..SEEDS, one if not given; each OPTION is one of `cargo test`, to choose tests.
";

const FLAGS: &str = "-Zmiri-strict-provenance -Zmiri-symbolic-alignment-check";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let (seeds, options) = read(&mut parser)?;
    let install = cmd!(
        tree.shell,
        "rustup component add --toolchain nightly miri rust-src"
    );
    let installed = install.quiet().ignore_stdout().ignore_stderr().output();
    if !installed.is_ok_and(|output| output.status.success()) {
        let mut report = Report::default();
        report.skip("no Miri: the host tests under Miri");
        return Ok(report.finish());
    }

    let tests = || {
        let tests = tree.cargo_of("nightly").args(["miri", "test", "--locked"]);
        if options.is_empty() {
            tests.args(HOST_PACKAGES).args(["--lib", "--tests"])
        } else {
            tests.args(&options)
        }
    };
    if !succeeds(tests().arg("--no-run"))? {
        return Ok(Verdict::Failed);
    }
    let work = tree.shell.create_temp_dir()?;
    // The models are tried at the same time, so nothing is shown until one of them is through.
    let under = |flags: String, log: &Path| -> Result<Child> {
        let log = File::create(log)?;
        let mut command = Command::from(tests().arg("--no-fail-fast").env("MIRIFLAGS", flags));
        command.stdout(log.try_clone()?).stderr(log);
        spawn(&mut command)
    };
    let seeds = format!("-Zmiri-many-seeds=0..{seeds}");
    let (stacked_log, tree_log) = (work.path().join("stacked"), work.path().join("tree"));
    let mut stacked = under(format!("{FLAGS} {seeds}"), &stacked_log)?;
    let mut tree = under(format!("{FLAGS} -Zmiri-tree-borrows {seeds}"), &tree_log)?;
    let mut passed = true;
    for (model, tests, log) in [
        ("Stacked", &mut stacked, &stacked_log),
        ("Tree", &mut tree, &tree_log),
    ] {
        passed &= tests.wait()?.success();
        println!("\n{model} Borrows");
        print!("{}", String::from_utf8_lossy(&fs::read(log)?));
    }
    Ok(Verdict::from(passed))
}

/// Returns the number of seeds and the options of `cargo test`.
fn read(parser: &mut Parser) -> Result<(u64, Vec<String>)> {
    use lexopt::ValueExt as _;
    let mut words: Vec<String> = Vec::new();
    for argument in parser.raw_args()? {
        words.push(
            argument
                .into_string()
                .map_err(lexopt::Error::NonUnicodeValue)?,
        );
    }
    let end = words.iter().position(|word| word == "--");
    let options = words.split_off(end.unwrap_or(words.len()));
    let seeds = match words.as_slice() {
        [] => 1,
        [seeds] => OsString::from(seeds).parse()?,
        _ => {
            return Err(lexopt::Error::from("one number of seeds; options come after `--`").into());
        }
    };
    Ok((seeds, options.into_iter().skip(1).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds_and_options(arguments: &[&str]) -> Result<(u64, Vec<String>)> {
        read(&mut Parser::from_args(arguments))
    }

    #[test]
    fn options_come_after_two_dashes() {
        let (seeds, options) = seeds_and_options(&[]).expect("none is needed");
        assert_eq!((seeds, options.len()), (1, 0));
        let (seeds, options) = seeds_and_options(&["16"]).expect("a number");
        assert_eq!((seeds, options.len()), (16, 0));
        let (seeds, options) = seeds_and_options(&["--", "--lib", "--", "h01"]).expect("options");
        assert_eq!(seeds, 1);
        assert_eq!(options, ["--lib", "--", "h01"]);
        for wrong in [&["many"][..], &["1", "2"], &["1", "--lib"]] {
            assert!(seeds_and_options(wrong).is_err(), "{wrong:?}");
        }
    }
}
