//! `delays`: the host tests, on machines that are slow where another thread can overtake.

use std::fs::{self, File};
use std::process::{Child, Command};

use lexopt::Parser;
use xshell::Cmd;

use crate::arguments;
use crate::counts::{Counts, Report};
use crate::process::{spawn, succeeds};
use crate::tree::{HOST_PACKAGES, Tree};
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
The machines of the host model are delayed for 30 ms, or MILLISECONDS, each time they come to one
point where another thread can overtake: a test that depends on time fails. Prints what fails,
`passed <point>: <n> tests` or `failed <point>`, and at last `<n> passed, <n> failed, <n> skipped`.
";

/// The delay points of the host model.
///
/// Known here, because this program must run when the model does not compile; a test compares.
const POINTS: &[&str] = &[
    "BeforeDispatch",
    "AfterDispatch",
    "BeforeRoutine",
    "AfterRoutine",
    "AfterSetEvent",
    "BeforeWait",
    "BeforeCancelRoutine",
    "BeforeCancel",
];

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let milliseconds = arguments::number(&mut parser)?.unwrap_or(30);
    if !succeeds(tests(tree).arg("--no-run"))? {
        return Ok(Verdict::Failed);
    }
    let work = tree.shell.create_temp_dir()?;
    let mut running: Vec<(&str, Child)> = Vec::new();
    for point in POINTS {
        let log = File::create(work.path().join(point))?;
        // The programs that must not compile do not run.
        let mut command = Command::from(
            tests(tree)
                .args(["--", "--exact", "--skip", "ui"])
                .env("WDM_IRP_SIM_DELAY", format!("{point}={milliseconds}")),
        );
        command.stdout(log.try_clone()?).stderr(log);
        running.push((point, spawn(&mut command)?));
    }
    let mut report = Report::default();
    for (point, mut tests) in running {
        let passed = tests.wait()?.success();
        let log = fs::read(work.path().join(point))?;
        let log = String::from_utf8_lossy(&log);
        if passed {
            let tests = Counts::of_log(&log).passed;
            report.pass(&format!("{point}: {tests} tests"));
        } else {
            for line in log.lines() {
                println!("  {line}");
            }
            report.fail(point, "see above");
        }
    }
    Ok(report.finish())
}

fn tests(tree: &Tree) -> Cmd<'_> {
    let random = std::env::var("WDM_IRP_RANDOM_PROGRAMS").unwrap_or_else(|_| "100".to_owned());
    tree.cargo(["test", "--locked", "--no-fail-fast"])
        .args(HOST_PACKAGES)
        .args(["--lib", "--tests"])
        // They sleep, most of the time: many at once.
        .env("RUST_TEST_THREADS", "16")
        .env("WDM_IRP_RANDOM_PROGRAMS", random)
}

#[cfg(test)]
mod tests {
    use wdm_irp_sim::DelayPoint;

    #[test]
    fn points_are_those_of_the_model() {
        let points: Vec<String> = DelayPoint::ALL
            .iter()
            .map(|point| format!("{point:?}"))
            .collect();
        assert_eq!(super::POINTS, points);
    }
}
