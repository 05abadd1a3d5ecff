//! Counts the instructions of a request outside the kernel's functions, with callgrind.
//!
//! `count <one> <two>` runs two builds of this program under valgrind, once for each case and
//! sender, twice in all, and prints the tables: `<two>` is built with the feature `two-callers`,
//! `<one>` without it. See `cargo xtask bench instructions`.

mod callgrind;
mod cases;
mod kernel;
mod programs;
mod tables;

use std::env::args;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["callers"] => cases::callers(),
        ["case", case, sender, caller] => cases::run(case, sender, caller),
        ["flight", requests, caller] => cases::flight(requests, caller),
        ["threads", threads, requests] => cases::threads(threads, requests),
        [one, two] => tables::print(one, two),
        _ => Err("usage: count <program with one caller> <program with two callers>".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
