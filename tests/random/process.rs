//! Programs in processes of their own, which may hang or crash.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use proptest::strategy::ValueTree;

use crate::draw::program;
use crate::run::{CURRENT, Fixed};
use crate::shared::{Coverage, lock};
use crate::{run_job, tree};

/// The environment variable with the job of a child process.
pub(crate) const JOB: &str = "WDM_IRP_RANDOM_JOB";
/// The exit status of a child process one of whose programs has failed.
const FAILED: i32 = 99;
/// How often it is looked whether programs end.
const STEP: Duration = Duration::from_millis(250);
/// How many steps a program may take, which needs less than one.
const PATIENCE: u32 = 240;
/// The same for one that is suspected to hang.
const PATIENCE_WITH_SUSPECTS: u32 = 12;
/// What a child process says at its end.
const DONE: &str = "done";
/// What a child process says of a program, before its seed.
const BEGIN: &str = "begin";

/// Some programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) first: u64,
    pub(crate) stride: u64,
    pub(crate) count: u64,
    /// Whether each is repeated, with a short limit for hangs.
    pub(crate) is_suspect: bool,
    /// How each is shrunk.
    pub(crate) shrink: String,
}

impl Job {
    /// Makes a job of one program, again and again.
    pub(crate) fn suspect(seed: u64, shrink: &str) -> Self {
        Self {
            first: seed,
            stride: 1,
            count: 1,
            is_suspect: true,
            shrink: shrink.to_owned(),
        }
    }

    /// Makes one job for each process.
    pub(crate) fn split(first: u64, programs: u64, processes: u64) -> Vec<Self> {
        (0..processes.max(1))
            .map(|index| Self {
                first: first.wrapping_add(index),
                stride: processes,
                count: (programs + processes - 1 - index) / processes,
                is_suspect: false,
                shrink: String::new(),
            })
            .collect()
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            stride,
            count,
            is_suspect,
            shrink,
        } = self;
        write!(f, "{first},{stride},{count},{is_suspect},{shrink}")
    }
}

impl FromStr for Job {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let fields: Vec<&str> = text.split(',').collect();
        let [first, stride, count, is_suspect, shrink] = fields[..] else {
            return Err(());
        };
        Ok(Self {
            first: first.parse().map_err(drop)?,
            stride: stride.parse().map_err(drop)?,
            count: count.parse().map_err(drop)?,
            is_suspect: is_suspect.parse().map_err(drop)?,
            shrink: shrink.to_owned(),
        })
    }
}

/// A program that has failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    shrink: String,
    /// How it ended, and what it has said.
    text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, shrink, text } = self;
        let mut tree = tree(&program(), *seed);
        for step in shrink.chars() {
            crate::shrink(&mut *tree, step);
        }
        let program = tree.current();
        writeln!(f, "a program failed: {text}\n\nthe program: {program:#?}")?;
        write!(
            f,
            "\nreplay it with WDM_IRP_RANDOM_SEED={seed} WDM_IRP_RANDOM_SHRINK={shrink}"
        )
    }
}

/// Ends the process, with the timeline, if a program takes too long.
///
/// It counts its own steps: time also passes while the whole process is stopped.
fn watch(begun: &AtomicU64, patience: u32) {
    let (mut last, mut steps) = (0, 0);
    loop {
        thread::sleep(STEP);
        let now = begun.load(SeqCst);
        steps = if now == last { steps + 1 } else { 0 };
        last = now;
        if steps < patience {
            continue;
        }
        eprintln!("it does not end");
        // In case a lock keeps the timeline from being read.
        thread::spawn(|| {
            thread::sleep(Duration::from_secs(20));
            std::process::exit(FAILED);
        });
        let machine = lock(&CURRENT).clone();
        let timeline = machine.map(|machine| machine.timeline().to_text());
        eprintln!("\ntimeline:\n{}", timeline.unwrap_or_default());
        std::process::exit(FAILED);
    }
}

/// Does the job of a child process.
pub(crate) fn serve(job: &Job) {
    static BEGUN: AtomicU64 = AtomicU64::new(0);

    let fixed = Fixed::get();
    let patience = if job.is_suspect {
        PATIENCE_WITH_SUSPECTS
    } else {
        PATIENCE
    };
    thread::spawn(move || watch(&BEGUN, patience));
    let begin = |seed| {
        BEGUN.fetch_add(1, SeqCst);
        println!("{BEGIN} {seed}");
    };
    match run_job(job, fixed, begin) {
        Ok(()) => {
            let values: Vec<String> = fixed
                .coverage
                .values()
                .iter()
                .map(ToString::to_string)
                .collect();
            println!("{DONE} {}", values.join(" "));
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(FAILED);
        }
    }
}

/// Does jobs in this process, for Miri, which cannot start others.
pub(crate) fn run_here(jobs: &[Job]) -> Result<Vec<u64>, Failure> {
    let fixed = Fixed::get();
    for job in jobs {
        let mut seed = job.first;
        run_job(job, fixed, |next| seed = next).map_err(|text| Failure {
            seed,
            shrink: job.shrink.clone(),
            text,
        })?;
    }
    Ok(fixed.coverage.values())
}

/// Does a job in a child process.
pub(crate) fn run(job: &Job) -> Result<Vec<u64>, Failure> {
    run_in(job, &Children::default())
}

/// Does jobs side by side, until one fails.
pub(crate) fn run_all(jobs: &[Job]) -> Result<Vec<u64>, Failure> {
    let children = Children::default();
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .iter()
            .map(|job| {
                let children = &children;
                scope.spawn(move || {
                    let result = run_in(job, children);
                    if result.is_err() {
                        children.kill();
                    }
                    result
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("does not panic"))
            .collect()
    });
    let mut sum = vec![0; Coverage::NAMES.len()];
    let mut failures = Vec::new();
    for result in results {
        match result {
            Ok(values) => {
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += value;
                }
            }
            Err(failure) => failures.push(failure),
        }
    }
    // The first one has ended the others.
    match failures
        .into_iter()
        .min_by_key(|failure| failure.text == KILLED)
    {
        Some(failure) => Err(failure),
        None => Ok(sum),
    }
}

/// What is said of a child process that was ended because of another one.
const KILLED: &str = "ended, because another process has failed";

/// The child processes that run.
#[derive(Debug, Default)]
struct Children {
    list: Mutex<Vec<Child>>,
    killed: AtomicBool,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Vec<Child>> {
        lock(&self.list)
    }

    /// Ends all of them.
    fn kill(&self) {
        self.killed.store(true, SeqCst);
        for child in self.lock().iter_mut() {
            let _ = child.kill();
        }
    }
}

/// Does a job in a child process that is listed while it runs.
fn run_in(job: &Job, children: &Children) -> Result<Vec<u64>, Failure> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "random_programs",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(JOB, job.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let stdout = child.stdout.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    let id = child.id();
    children.lock().push(child);
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut seed = job.first;
    let mut values = None;
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        // The harness may have begun the line.
        if let Some((_, text)) = line.split_once(&format!("{BEGIN} ")) {
            seed = text.parse().unwrap_or(seed);
        } else if let Some(text) = line.strip_prefix(DONE) {
            let numbers = text.split_whitespace();
            values = numbers.map(|value| value.parse().ok()).collect();
        }
    }
    let child = {
        let mut children = children.lock();
        let index = children.iter().position(|child| child.id() == id);
        index.map(|index| children.swap_remove(index))
    };
    let status = child.and_then(|mut child| child.wait().ok());
    let errors = errors.join().unwrap_or_default();
    if let Some(values) = values.filter(|_| status.is_some_and(|status| status.success())) {
        return Ok(values);
    }
    let text = match status {
        Some(status) if status.code() == Some(FAILED) => errors,
        Some(status) if !status.success() && children.killed.load(SeqCst) => KILLED.to_owned(),
        Some(status) => format!("its process has ended with {status}\n{errors}"),
        None => errors,
    };
    Err(Failure {
        seed,
        shrink: job.shrink.clone(),
        text,
    })
}
