//! A program to count, and what a request costs in it.

use std::error::Error;
use std::fs::canonicalize;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::callgrind::{Cost, run};
use crate::cases::ROUNDS;

/// A build of this program.
pub(crate) struct Program {
    path: PathBuf,
    /// How many functions call each request.
    callers: usize,
}

impl Program {
    /// Returns the program at `path`, if it calls each request from so many functions.
    pub(crate) fn new(path: &str, callers: usize) -> Result<Self, Box<dyn Error>> {
        // The profile has the resolved path.
        let path = canonicalize(path).map_err(|error| format!("{path}: {error}"))?;
        let program = Self { path, callers };
        let said = program.output(&["callers"])?;
        if said != callers.to_string() {
            let path = program.path.display();
            return Err(format!("{path}: callers: {said}, wanted: {callers}").into());
        }
        Ok(program)
    }

    /// Runs the program and returns what it prints.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
        let output = Command::new(&self.path).args(arguments).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().into())
    }

    /// Returns the cost of one round of a case, for the caller that pays most.
    pub(crate) fn case(&self, case: &str, sender: &str) -> Result<Cost, Box<dyn Error>> {
        self.dearest(&["case", case, sender], ROUNDS)
    }

    /// Returns the cost of each of so many requests from memory of their own, in flight at once, for the caller
    /// that pays most.
    pub(crate) fn flight(&self, requests: u64) -> Result<Cost, Box<dyn Error>> {
        self.dearest(&["flight", &requests.to_string()], requests)
    }

    /// Returns the cost of each of `rounds`.
    pub(crate) fn each(&self, arguments: &[&str], rounds: u64) -> Result<Cost, Box<dyn Error>> {
        let cost = twice(&self.path, arguments)?;
        each(cost, rounds).map_err(|error| format!("{arguments:?}: {error}").into())
    }

    /// Returns the cost of each of `rounds`, for the caller that pays most.
    fn dearest(&self, arguments: &[&str], rounds: u64) -> Result<Cost, Box<dyn Error>> {
        let mut dearest = Cost::default();
        for caller in 0..self.callers {
            let caller = caller.to_string();
            let cost = self.each(&[arguments, &[&caller]].concat(), rounds)?;
            if cost.instructions > dearest.instructions {
                dearest = cost;
            }
        }
        Ok(dearest)
    }
}

/// Counts twice, and returns the cost if it is the same.
fn twice(program: &Path, arguments: &[&str]) -> Result<Cost, Box<dyn Error>> {
    let cost = run(program, arguments)?;
    if cost != run(program, arguments)? {
        return Err(format!("{arguments:?} costs another time something else").into());
    }
    Ok(cost)
}

/// Returns the share of each of `rounds`, if it is the same for each.
fn each(mut cost: Cost, rounds: u64) -> Result<Cost, Box<dyn Error>> {
    let counts = [&mut cost.instructions, &mut cost.allocations];
    for count in counts.into_iter().chain(cost.kernel.values_mut()) {
        if !count.is_multiple_of(rounds) {
            return Err(format!("{count} is not the same for each of {rounds}").into());
        }
        *count /= rounds;
    }
    Ok(cost)
}
