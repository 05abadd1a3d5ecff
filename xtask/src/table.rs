//! The table of commands: what each of them is called, does and is for, and whether `ci` runs it.

use lexopt::Parser;

use crate::commands::{
    bench, bless, bugs, check, ci, delays, deps, fuzz, loom, miri, mutants, ui, windows_tests, wine,
};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

/// Whether `cargo xtask ci` runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InCi {
    /// It is a step of `ci`.
    Step,
    /// It is none, for this reason.
    No(&'static str),
}

/// A command of `cargo xtask`.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// The arguments, as the help shows them.
    pub(crate) arguments: &'static str,
    /// What the command does, in one line.
    pub(crate) about: &'static str,
    /// What else there is to know, in lines of the help.
    pub(crate) more: &'static str,
    pub(crate) in_ci: InCi,
    pub(crate) work: Work,
}

/// What runs a command.
pub(crate) type Run = fn(&Tree, Parser) -> Result<Verdict>;

/// What a command does with its arguments.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Run(Run),
    /// The first of them names one of these commands.
    Choose(&'static [Command]),
}

/// Every command.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        arguments: "",
        about: "Format, lints, documentation and tests: what to run before a commit",
        more: check::HELP,
        in_ci: InCi::No("its steps are the first ones of ci"),
        work: Work::Run(check::run),
    },
    Command {
        name: "bless",
        arguments: "[NAME]",
        about: "Writes the .stderr files of tests/ui again and shows what has changed",
        more: bless::HELP,
        in_ci: InCi::No("writes to the tree"),
        work: Work::Run(bless::run),
    },
    Command {
        name: "ui",
        arguments: "NAME",
        about: "Compiles one program of tests/ui and compares what the compiler says",
        more: ui::HELP,
        in_ci: InCi::No("cargo test runs all of them"),
        work: Work::Run(ui::run),
    },
    Command {
        name: "bugs",
        arguments: "[--loom] [NAME...]",
        about: "Seeds bugs, each of which a test must see",
        more: bugs::HELP,
        in_ci: InCi::Step,
        work: Work::Run(bugs::run),
    },
    Command {
        name: "miri",
        arguments: "[SEEDS] [-- OPTION...]",
        about: "Runs the host tests under Miri, under Stacked Borrows and Tree Borrows",
        more: miri::HELP,
        in_ci: InCi::Step,
        work: Work::Run(miri::run),
    },
    Command {
        name: "loom",
        arguments: "",
        about: "Explores every interleaving of the handshake, then seeds its bugs",
        more: loom::HELP,
        in_ci: InCi::Step,
        work: Work::Run(loom::run),
    },
    Command {
        name: "delays",
        arguments: "[MILLISECONDS]",
        about: "Runs the host tests on machines that are slow at one point after another",
        more: delays::HELP,
        in_ci: InCi::Step,
        work: Work::Run(delays::run),
    },
    Command {
        name: "mutants",
        arguments: "[PART...]",
        about: "Breaks the code in every way that cargo-mutants knows; takes hours",
        more: mutants::HELP,
        in_ci: InCi::No("takes hours"),
        work: Work::Run(mutants::run),
    },
    Command {
        name: "fuzz",
        arguments: "[N]",
        about: "Gives the macro generated input, and runs random programs",
        more: fuzz::HELP,
        in_ci: InCi::No("takes ten minutes; cargo test does the same with fewer inputs"),
        work: Work::Run(fuzz::run),
    },
    Command {
        name: "deps",
        arguments: "",
        about: "Checks features, oldest Rust, oldest dependencies, licenses and packages",
        more: deps::HELP,
        in_ci: InCi::Step,
        work: Work::Run(deps::run),
    },
    Command {
        name: "wine",
        arguments: "",
        about: "Links examples/wine-driver and runs it in Wine's kernel",
        more: wine::HELP,
        in_ci: InCi::Step,
        work: Work::Run(wine::run),
    },
    Command {
        name: "windows-tests",
        arguments: "",
        about: "Builds the tests as Windows programs and runs them in Wine",
        more: windows_tests::HELP,
        in_ci: InCi::Step,
        work: Work::Run(windows_tests::run),
    },
    Command {
        name: "bench",
        arguments: "COMMAND",
        about: "Measures what the library costs: see `cargo xtask bench --help`",
        more: "",
        in_ci: InCi::No("ci names the one measurement that judges"),
        work: Work::Choose(BENCH),
    },
    Command {
        name: "ci",
        arguments: "",
        about: "Everything that must pass on a clean clone",
        more: ci::HELP,
        in_ci: InCi::No("is ci"),
        work: Work::Run(ci::run),
    },
];

/// The commands of `cargo xtask bench`.
pub(crate) const BENCH: &[Command] = &[
    Command {
        name: "instructions",
        arguments: "",
        about: "Counts instructions with callgrind",
        more: bench::instructions::HELP,
        in_ci: InCi::No("measures and does not judge"),
        work: Work::Run(bench::instructions::run),
    },
    Command {
        name: "code-size",
        arguments: "",
        about: "Compares the machine code of completion routines, and judges it",
        more: bench::code_size::HELP,
        in_ci: InCi::Step,
        work: Work::Run(bench::code_size::run),
    },
    Command {
        name: "build-cost",
        arguments: "[ALTERNATIONS]",
        about: "Compares a clean build with one of windows-sys and syn alone",
        more: bench::build_cost::HELP,
        in_ci: InCi::No("measures and does not judge"),
        work: Work::Run(bench::build_cost::run),
    },
    Command {
        name: "wine",
        arguments: "[ALTERNATIONS]",
        about: "Times one request by three drivers in Wine's kernel",
        more: bench::wine::HELP,
        in_ci: InCi::No("measures and does not judge"),
        work: Work::Run(bench::wine::run),
    },
    Command {
        name: "update",
        arguments: "[COMMAND...]",
        about: "Runs the commands in BENCHMARKS.md and writes their output there",
        more: bench::update::HELP,
        in_ci: InCi::No("writes to the tree"),
        work: Work::Run(bench::update::run),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Action;

    /// Returns the commands that the steps of `ci` call, as they would be typed.
    fn called_by_ci() -> Vec<String> {
        let actions = ci::STEPS.iter().flat_map(|step| step.actions);
        actions
            .filter_map(|action| match action {
                Action::Xtask(arguments) => Some(arguments.join(" ")),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn ci_calls_each_check_and_nothing_else() {
        let called = called_by_ci();
        let benches = BENCH
            .iter()
            .map(|command| (format!("bench {}", command.name), command));
        let all: Vec<(String, &Command)> = COMMANDS
            .iter()
            .map(|command| (command.name.to_owned(), command))
            .chain(benches)
            .collect();
        for (path, command) in &all {
            let is_called = called
                .iter()
                .any(|call| call == path || call.starts_with(&format!("{path} ")));
            // `bench` is a word on the way to its commands.
            if path != "bench" {
                assert_eq!(is_called, command.in_ci == InCi::Step, "{path}");
            }
        }
        for call in &called {
            assert!(
                all.iter().any(|(path, command)| {
                    command.in_ci == InCi::Step && call.starts_with(path.as_str())
                }),
                "ci calls {call}, which is no command"
            );
        }
    }

    #[test]
    fn each_command_has_a_name_of_its_own() {
        for commands in [COMMANDS, BENCH] {
            for (index, command) in commands.iter().enumerate() {
                let first = commands.iter().position(|other| other.name == command.name);
                assert_eq!(first, Some(index), "{}", command.name);
            }
        }
    }
}
