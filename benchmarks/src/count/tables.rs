//! The tables.

use std::error::Error;
use std::thread::available_parallelism;

use wdm_irp_benchmarks::SENDERS;

use crate::callgrind::Cost;
use crate::cases::{ROUNDS, names};
use crate::programs::Program;

/// How often the threads are timed, and how many pairs of requests each of them sends then.
const TIMINGS: usize = 5;
const PAIRS: u32 = 500_000;

/// Counts everything twice and prints it: in a program with one caller of each request, and in one
/// with two.
pub(crate) fn print(one: &str, two: &str) -> Result<(), Box<dyn Error>> {
    let programs = [Program::new(one, 1)?, Program::new(two, 2)?];
    let costs = print_instructions(&programs)?;
    print_calls(costs);
    print_boxed(&programs)?;
    let [one, _] = programs;
    print_threads(&one)
}

/// What a case costs: in each program, with each sender.
type Costs = [[Cost; 3]; 2];

fn print_instructions(
    programs: &[Program; 2],
) -> Result<Vec<(&'static str, Costs)>, Box<dyn Error>> {
    let [ours, v1, v2] = SENDERS.map(|sender| sender.name);
    println!("instructions of one request outside the kernel's functions, counted twice\n");
    println!("{:<20}{:>29}{:>29}", "", "1 caller", "2 callers");
    let columns = format!("{ours:>8}{v1:>6}{v2:>6}{:>9}", "ours-V1");
    println!("{:<20}{columns}{columns}", "case");
    let mut all = Vec::new();
    for case in names() {
        let mut costs = Costs::default();
        print!("{case:<20}");
        for (program, costs) in programs.iter().zip(&mut costs) {
            for (sender, cost) in SENDERS.iter().zip(costs.iter_mut()) {
                *cost = program.case(case, sender.name)?;
            }
            let [ours, v1, v2] = costs.each_ref().map(|cost| cost.instructions);
            let more = ours.cast_signed() - v1.cast_signed();
            print!("{ours:>8}{v1:>6}{v2:>6}{more:>9}");
        }
        println!();
        all.push((case, costs));
    }
    Ok(all)
}

fn print_calls(all: Vec<(&str, Costs)>) {
    println!("\ncalls of the kernel's functions by ours, and allocations beside them\n");
    println!(
        "{:<20}{:>11}  {:<10}  calls",
        "case", "allocations", "V1's calls"
    );
    for (case, [[ours, v1, _], [second, ..]]) in all {
        let same = if ours.kernel == v1.kernel && second.kernel == v1.kernel {
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
        let allocations = ours.allocations.max(second.allocations);
        println!(
            "{case:<20}{allocations:>11}  {same:<10}  {}",
            names.join(", ")
        );
    }
}

fn print_boxed(programs: &[Program; 2]) -> Result<(), Box<dyn Error>> {
    println!(
        "\nrequests in flight at once, from memory of their own: for each, sent and waited for\n"
    );
    println!(
        "{:<10}{:>14}{:>14}{:>14}",
        "in flight", "1 caller", "2 callers", "allocations"
    );
    for requests in [1, 10, 100, 1_000, 10_000] {
        print!("{requests:<10}");
        let mut allocations = 0;
        for program in programs {
            let cost = program.flight(requests)?;
            print!("{:>14}", cost.instructions);
            allocations = cost.allocations.max(allocations);
        }
        println!("{allocations:>14}");
    }
    Ok(())
}

fn print_threads(program: &Program) -> Result<(), Box<dyn Error>> {
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
        let arguments = ["threads", &threads.to_string(), &ROUNDS.to_string()];
        let cost = program.each(&arguments, threads * ROUNDS)?;
        println!(
            "{threads:<10}{:>14}{:>14.1}",
            cost.instructions,
            time(program, threads)?
        );
    }
    Ok(())
}

/// Returns the nanoseconds for a pair of requests of one of so many threads.
fn time(program: &Program, threads: u64) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..TIMINGS {
        let time = program.output(&["threads", &threads.to_string(), &PAIRS.to_string()])?;
        times.push(time.parse::<f64>()?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[TIMINGS / 2])
}
