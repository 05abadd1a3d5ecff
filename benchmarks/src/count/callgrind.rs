//! Runs a program under callgrind and adds up what its profile says.

use std::collections::BTreeMap;
use std::env::temp_dir;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, id};

/// What the functions of the sender cost, the kernel's own not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Instructions.
    pub(crate) instructions: u64,
    /// Calls of the kernel's functions, by name.
    pub(crate) kernel: BTreeMap<String, u64>,
    /// Calls of the global allocator.
    pub(crate) allocations: u64,
}

/// Runs `program` with `arguments` under callgrind.
///
/// Only the functions `measured_…` and what they call are counted.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Result<Cost, Box<dyn Error>> {
    let profile = temp_dir().join(format!("wdm-irp-callgrind.{}", id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=measured_*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = fs::read_to_string(&profile)?;
    fs::remove_file(&profile)?;
    parse(program, &text)
}

/// Whose instructions a function's are.
enum Owner {
    Sender,
    Kernel,
    Allocator,
}

/// What Rust's global allocator calls on this host.
const ALLOCATOR: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "free"];

/// Returns whose instructions those of a function are.
///
/// Functions of another object (`memcpy`) are their caller's.
fn owner(function: &str) -> Owner {
    if function.contains("wdm_irp_sim_") || function.contains("count::kernel::") {
        Owner::Kernel
    } else if function.contains("__rust_") || ALLOCATOR.contains(&function) {
        Owner::Allocator
    } else {
        Owner::Sender
    }
}

/// A function in the profile.
#[derive(Default)]
struct Function {
    /// Its own instructions; none for those around the measured ones.
    own: u64,
    /// Those of functions in other objects that it calls.
    foreign: u64,
    /// Its calls of the kernel and the allocator.
    calls: Vec<(String, u64)>,
}

/// Adds up a profile of `program` in callgrind's format.
fn parse(program: &Path, profile: &str) -> Result<Cost, Box<dyn Error>> {
    let program = program.display().to_string();
    let mut senders: BTreeMap<String, Function> = BTreeMap::new();
    let (mut objects, mut functions) = (BTreeMap::new(), BTreeMap::new());
    let (mut object, mut function) = (String::new(), String::new());
    let (mut called_object, mut called) = (String::new(), String::new());
    let mut calls = 0;
    for line in profile.lines() {
        if let Some((key, value)) = line.split_once('=') {
            match key {
                "ob" => {
                    object = name(value, &mut objects)?;
                    called_object.clone_from(&object);
                }
                "fn" => function = name(value, &mut functions)?,
                "cob" => called_object = name(value, &mut objects)?,
                "cfn" => called = name(value, &mut functions)?,
                "calls" => {
                    let count = value.split(' ').next().unwrap_or_default();
                    calls = count.parse()?;
                }
                _ => {}
            }
            continue;
        }
        if !line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            continue;
        }
        let instructions: u64 = match line.split(' ').nth(1) {
            Some(count) => count.parse()?,
            None => 0,
        };
        // A line behind `calls=` is about that call, any other about the function itself.
        let calls = std::mem::take(&mut calls);
        let object_of_call = std::mem::replace(&mut called_object, object.clone());
        if object != program || !matches!(owner(&function), Owner::Sender) {
            continue;
        }
        let sender = senders.entry(function.clone()).or_default();
        match owner(&called) {
            _ if calls == 0 => sender.own += instructions,
            Owner::Sender if object_of_call == program => {}
            Owner::Sender => sender.foreign += instructions,
            Owner::Kernel | Owner::Allocator => sender.calls.push((called.clone(), calls)),
        }
    }

    let mut cost = Cost::default();
    for sender in senders.into_values().filter(|sender| sender.own != 0) {
        cost.instructions += sender.own + sender.foreign;
        for (called, calls) in sender.calls {
            if matches!(owner(&called), Owner::Kernel) {
                *cost.kernel.entry(short(&called)).or_default() += calls;
            } else if called != "free" {
                cost.allocations += calls;
            }
        }
    }
    Ok(cost)
}

/// Resolves callgrind's `(number) name`, whose name is given at its first use only.
fn name(value: &str, known: &mut BTreeMap<String, String>) -> Result<String, Box<dyn Error>> {
    let (number, name) = value.split_once(')').ok_or("a name without number")?;
    if !name.is_empty() {
        known.insert(number.into(), name.trim().into());
    }
    Ok(known.get(number).ok_or("an unknown number")?.clone())
}

/// Returns the function's name in the kernel.
fn short(function: &str) -> String {
    let (_, name) = function
        .rsplit_once("wdm_irp_sim_")
        .unwrap_or(("", function));
    name.into()
}
