//! The tables.

use std::env::current_exe;
use std::error::Error;
use std::process::Command;
use std::thread::available_parallelism;

use wdm_irp_benchmarks::SENDERS;

use crate::callgrind::{Cost, run};
use crate::cases::{ROUNDS, names};

/// How often the threads are timed, and how many pairs of requests each of them sends then.
const TIMINGS: usize = 5;
const PAIRS: u32 = 500_000;

/// Counts everything twice and prints it.
pub(crate) fn print() -> Result<(), Box<dyn Error>> {
    print_cases()?;

    println!("\nrequests in flight at once, from the heap: for each, sent and waited for\n");
    println!(
        "{:<10}{:>14}{:>14}",
        "in flight", "instructions", "allocations"
    );
    for requests in [1, 10, 100, 1_000, 10_000] {
        let cost = twice(&["flight", &requests.to_string()])?;
        println!(
            "{requests:<10}{:>14}{:>14}",
            each(cost.instructions, requests)?,
            each(cost.allocations, requests)?
        );
    }

    let processors = available_parallelism()?;
    println!(
        "\nthreads with requests of their own: for an inline and a pended one; {processors} processors"
    );
    println!("nanoseconds: elapsed, the counting kernel included; median of {TIMINGS}\n");
    println!(
        "{:<10}{:>14}{:>14}",
        "threads", "instructions", "nanoseconds"
    );
    for threads in [1, 2, 8] {
        let cost = twice(&["threads", &threads.to_string(), &ROUNDS.to_string()])?;
        println!(
            "{threads:<10}{:>14}{:>14.1}",
            each(cost.instructions, threads * ROUNDS)?,
            time(threads)?
        );
    }
    Ok(())
}

fn print_cases() -> Result<(), Box<dyn Error>> {
    let [ours, v1, v2] = SENDERS.map(|sender| sender.name);
    let mut calls = Vec::new();
    println!("instructions of one request outside the kernel's functions, counted twice\n");
    println!(
        "{:<20}{ours:>6}{v1:>6}{v2:>6}{:>9}{:>9}",
        "case", "ours-V1", "ours-V2"
    );
    for case in names() {
        let costs = [count(case, ours)?, count(case, v1)?, count(case, v2)?];
        let [ours, v1, v2] = [0, 1, 2].map(|index| costs[index].instructions.cast_signed());
        println!(
            "{case:<20}{ours:>6}{v1:>6}{v2:>6}{:>9}{:>9}",
            ours - v1,
            ours - v2
        );
        calls.push((case, costs));
    }

    println!("\ncalls of the kernel's functions by ours, and allocations beside them\n");
    println!(
        "{:<20}{:>11}  {:<10}  calls",
        "case", "allocations", "V1's calls"
    );
    for (case, [ours, v1, _]) in calls {
        let same = if ours.kernel == v1.kernel {
            "the same"
        } else {
            "others"
        };
        let names: Vec<String> = ours
            .kernel
            .iter()
            .map(|(name, calls)| match calls {
                1 => name.clone(),
                calls => format!("{name} x {calls}"),
            })
            .collect();
        println!(
            "{case:<20}{:>11}  {same:<10}  {}",
            ours.allocations,
            names.join(", ")
        );
    }
    Ok(())
}

/// Returns the nanoseconds for a pair of requests of one of so many threads.
fn time(threads: u64) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..TIMINGS {
        let output = Command::new(current_exe()?)
            .args(["threads", &threads.to_string(), &PAIRS.to_string()])
            .output()?;
        times.push(String::from_utf8(output.stdout)?.trim().parse::<f64>()?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[TIMINGS / 2])
}

/// Returns the cost of one round of a case.
fn count(case: &str, sender: &str) -> Result<Cost, Box<dyn Error>> {
    let mut cost = twice(&["case", case, sender])?;
    cost.instructions =
        each(cost.instructions, ROUNDS).map_err(|error| format!("{case}, {sender}: {error}"))?;
    cost.allocations = each(cost.allocations, ROUNDS)?;
    for calls in cost.kernel.values_mut() {
        *calls = each(*calls, ROUNDS)?;
    }
    Ok(cost)
}

/// Counts twice, and returns the cost if it is the same.
fn twice(arguments: &[&str]) -> Result<Cost, Box<dyn Error>> {
    let cost = run(arguments)?;
    if cost != run(arguments)? {
        return Err(format!("{arguments:?} costs another time something else").into());
    }
    Ok(cost)
}

/// Returns the share of each of `rounds` in `total`, if it is the same for each.
fn each(total: u64, rounds: u64) -> Result<u64, Box<dyn Error>> {
    if total.is_multiple_of(rounds) {
        Ok(total / rounds)
    } else {
        Err(format!("{total} is not the same for each of {rounds}").into())
    }
}
