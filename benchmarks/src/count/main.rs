//! Counts the instructions of a request outside the kernel's functions, with callgrind.
//!
//! `count` runs itself under valgrind, once for each case and sender, twice in all, and prints the
//! tables. See `cargo xtask bench instructions`.

mod callgrind;
mod cases;
mod kernel;
mod tables;

use std::env::args;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => tables::print(),
        ["case", case, sender] => cases::run(case, sender),
        ["flight", requests] => cases::flight(requests),
        ["threads", threads, requests] => cases::threads(threads, requests),
        _ => Err("no arguments, for the tables".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
