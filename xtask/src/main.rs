//! `cargo xtask`: the one door to everything that is not plain cargo. [`door`] lists the commands.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod copy;
mod counts;
mod door;
mod prefix;
mod process;
mod seedbed;
mod steps;
mod table;
mod tools;
mod tree;
mod verdict;

use std::process::ExitCode;

use verdict::Verdict;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match door::enter(&arguments) {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            // The exit status of a mistaken command line is 2, as is usual.
            ExitCode::from(if error.is::<lexopt::Error>() { 2 } else { 1 })
        }
    }
}
