//! Random programs of calls of the library, against every behavior of lower drivers.
//!
//! With injected faults and several threads; each is checked against what must come of it.
//!
//! A program is a machine with up to three stacks of devices and up to twelve steps; [`program`]
//! says which there are. While it runs, and after it, every request must have had one outcome, the
//! one that its lower driver gives it ([`oracle`]); contexts and buffers must have been dropped
//! once, routines must have run once for each request sent and never for another, and the ledger of
//! the machine must be empty.
//!
//! `cargo test` runs a few thousand of them. The long run, of a million:
//!
//! ```text
//! WDM_IRP_RANDOM_PROGRAMS=1000000 cargo test --release -p wdm-irp-tests --test random -- --nocapture
//! ```
//!
//! Programs are numbered by their seeds, from `WDM_IRP_RANDOM_SEED` (0) on. They run in processes
//! of their own (`WDM_IRP_RANDOM_PROCESSES`, 2), so that one that hangs or crashes is a failure
//! like any other: it is shrunk, and printed with its seed, the way it was shrunk, and the
//! machine's timeline. To replay it:
//!
//! ```text
//! WDM_IRP_RANDOM_SEED=1234 WDM_IRP_RANDOM_SHRINK=sscs cargo test -p wdm-irp-tests --test random
//! ```
//!
//! A program is what its seed makes it. The order of its threads is not: a failure that depends on
//! it may need some repetitions, of which a replay does many.
#![forbid(unsafe_code)]

mod answers;
mod draw;
mod handles;
mod idle;
mod oracle;
mod process;
mod program;
mod routines;
mod run;
mod shared;
mod slots;

use std::env;
use std::time::{Duration, Instant};

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::process::{Failure, Job};
use crate::program::Program;
use crate::run::{Fixed, run};
use crate::shared::Coverage;

/// Programs of a run that does not say how many.
const PROGRAMS: u64 = if cfg!(miri) {
    4
} else if cfg!(windows) {
    // The shortest delay is longer there.
    500
} else if cfg!(debug_assertions) {
    3_000
} else {
    10_000
};

/// How often a program is repeated to see whether it fails, when it is replayed or shrunk.
const REPETITIONS: u32 = 50;

/// Reads a setting from the environment.
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    let value = text.parse();
    Some(value.unwrap_or_else(|_| panic!("{name}={text} is not what it should be")))
}

/// Returns the programs that a seed stands for: the one that is drawn, and those it is shrunk to.
fn tree(programs: &BoxedStrategy<Program>, seed: u64) -> Box<dyn ValueTree<Value = Program>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    programs
        .new_tree(&mut TestRunner::new_with_rng(config, rng))
        .expect("no program is rejected")
}

/// Takes a step of shrinking: `s` to something simpler, `c` back to something less simple.
fn shrink(tree: &mut dyn ValueTree<Value = Program>, step: char) -> bool {
    match step {
        's' => tree.simplify(),
        'c' => tree.complicate(),
        other => panic!("{other} is no step of shrinking"),
    }
}

/// Runs the programs of a job in this process, and says before each which one it is.
fn run_job(job: &Job, fixed: Fixed, mut begin: impl FnMut(u64)) -> Result<(), String> {
    let repetitions = if job.is_suspect { REPETITIONS } else { 1 };
    let programs = draw::program();
    for index in 0..job.count {
        let seed = job.first.wrapping_add(index.wrapping_mul(job.stride));
        let mut tree = tree(&programs, seed);
        for step in job.shrink.chars() {
            shrink(&mut *tree, step);
        }
        let program = tree.current();
        for _ in 0..repetitions {
            begin(seed);
            run(&program, fixed)?;
        }
    }
    Ok(())
}

/// Looks for the simplest program that fails, within reason.
fn minimize(failure: Failure) -> Failure {
    const LIMIT: Duration = Duration::from_secs(120);

    let start = Instant::now();
    let seed = failure.seed;
    let fails = |shrink: &str| process::run(&Job::suspect(seed, shrink)).err();
    let Some(mut smallest) = fails("") else {
        // It depends on the order of its threads, and shrinking would be guessing.
        return failure;
    };
    let mut tree = tree(&draw::program(), seed);
    let mut path = String::new();
    let mut step = 's';
    while start.elapsed() < LIMIT && shrink(&mut *tree, step) {
        path.push(step);
        step = match fails(&path) {
            Some(failure) => {
                smallest = failure;
                's'
            }
            None => 'c',
        };
    }
    smallest
}

#[test]
fn random_programs() {
    if let Some(job) = setting::<Job>(process::JOB) {
        return process::serve(&job);
    }
    let first = setting("WDM_IRP_RANDOM_SEED");
    let shrink: Option<String> = setting("WDM_IRP_RANDOM_SHRINK");
    let programs = setting("WDM_IRP_RANDOM_PROGRAMS");
    let jobs = match (first, shrink, programs) {
        (Some(seed), shrink, None) | (Some(seed), shrink @ Some(_), Some(_)) => {
            vec![Job::suspect(seed, &shrink.unwrap_or_default())]
        }
        (first, _, programs) => {
            let processes = setting("WDM_IRP_RANDOM_PROCESSES").unwrap_or(2);
            Job::split(first.unwrap_or(0), programs.unwrap_or(PROGRAMS), processes)
        }
    };
    let programs: u64 = jobs.iter().map(|job| job.count).sum();
    let start = Instant::now();
    let result = if cfg!(miri) {
        process::run_here(&jobs)
    } else {
        process::run_all(&jobs)
    };
    let coverage = match result {
        Ok(coverage) => coverage,
        Err(failure) if cfg!(miri) || jobs[0].is_suspect => panic!("{failure}"),
        Err(failure) => panic!("{}", minimize(failure)),
    };
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate, to be read")]
    let rate = programs as f64 / seconds;
    println!("{programs} programs in {seconds:.1} s, {rate:.0}/s");
    for (name, value) in Coverage::NAMES.iter().zip(&coverage) {
        println!("{value:>12} {name}");
        assert!(
            programs < 1000 || *value > 0,
            "no program got to {name}: the programs have become too tame"
        );
    }
}
