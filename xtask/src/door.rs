//! The way from the command line to each command, and to its help.

use std::ffi::OsString;
use std::fmt::Write as _;

use lexopt::Parser;

use crate::table::{COMMANDS, Command, InCi, Run, Work};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

/// Runs the command that the arguments name.
pub(crate) fn enter(arguments: &[OsString]) -> Result<Verdict> {
    match way("cargo xtask", COMMANDS, arguments)? {
        Way::Say(text, verdict) => {
            print!("{text}");
            Ok(verdict)
        }
        Way::Run(run, rest) => run(&Tree::open()?, Parser::from_args(rest)),
    }
}

/// What is to be done for a command line.
enum Way<'a> {
    /// Print a text, which is help that was asked for or is needed.
    Say(String, Verdict),
    /// Run a command with the rest of the arguments.
    Run(Run, &'a [OsString]),
}

fn way<'a>(
    door: &str,
    commands: &[Command],
    arguments: &'a [OsString],
) -> std::result::Result<Way<'a>, lexopt::Error> {
    let Some((name, rest)) = arguments.split_first() else {
        return Ok(Way::Say(overview(door, commands), Verdict::Failed));
    };
    if is_help(name) || name == "help" {
        return Ok(Way::Say(overview(door, commands), Verdict::Passed));
    }
    let Some(command) = commands.iter().find(|command| name == command.name) else {
        let name = name.display();
        return Err(format!("no command `{name}`; see `{door} --help`").into());
    };
    match command.work {
        Work::Choose(commands) => way(&format!("{door} {}", command.name), commands, rest),
        // What comes after two dashes is for somebody else.
        Work::Run(_) if rest.iter().take_while(|word| *word != "--").any(is_help) => {
            Ok(Way::Say(help(door, command), Verdict::Passed))
        }
        Work::Run(run) => Ok(Way::Run(run, rest)),
    }
}

fn is_help(word: &OsString) -> bool {
    word == "--help" || word == "-h"
}

/// Lists commands, one line each.
fn overview(door: &str, commands: &[Command]) -> String {
    let mut text = format!("Usage: {door} COMMAND [ARGUMENT...]\n\n");
    for command in commands {
        let _ = writeln!(text, "  {:<14} {}", command.name, command.about);
    }
    let _ = writeln!(text, "\n`{door} COMMAND --help` says more about a command.");
    text
}

/// Explains one command.
fn help(door: &str, command: &Command) -> String {
    let usage = format!("{door} {} {}", command.name, command.arguments);
    let usage = usage.trim_end();
    let ci = match command.in_ci {
        InCi::Step => "It is a step of `cargo xtask ci`.".to_owned(),
        InCi::No(why) => format!("It is no step of `cargo xtask ci`: {why}."),
    };
    let Command { about, more, .. } = command;
    format!("{about}.\n\nUsage: {usage}\n\n{more}\n{ci}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::BENCH;

    #[test]
    fn help_fits_a_terminal() {
        for (door, commands) in [("cargo xtask", COMMANDS), ("cargo xtask bench", BENCH)] {
            let overview = overview(door, commands);
            for command in commands {
                assert!(overview.contains(command.name), "{}", command.name);
                for line in overview.lines().chain(help(door, command).lines()) {
                    assert!(line.chars().count() <= 100, "{line}");
                }
            }
        }
    }

    /// Returns what is said for a command line, or the arguments that a command is run with.
    fn said_or_rest(line: &str) -> std::result::Result<(String, Verdict), Vec<OsString>> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match way("cargo xtask", COMMANDS, &words).expect("a command") {
            Way::Say(text, verdict) => Ok((text, verdict)),
            Way::Run(_, rest) => Err(rest.to_vec()),
        }
    }

    #[test]
    fn help_is_that_of_the_command_before_it() {
        for (line, usage) in [
            ("--help", "Usage: cargo xtask COMMAND"),
            ("help", "Usage: cargo xtask COMMAND"),
            ("bugs --loom --help", "Usage: cargo xtask bugs [--loom]"),
            ("bench -h", "Usage: cargo xtask bench COMMAND"),
            (
                "bench wine --help",
                "Usage: cargo xtask bench wine [ALTERNATIONS]",
            ),
        ] {
            let (text, verdict) = said_or_rest(line).expect(line);
            assert!(text.contains(usage), "{line}: {text}");
            assert_eq!(verdict, Verdict::Passed, "{line}");
        }
        for line in ["", "bench"] {
            let (_, verdict) = said_or_rest(line).expect(line);
            assert_eq!(verdict, Verdict::Failed, "{line}");
        }
    }

    #[test]
    fn rest_of_the_line_is_the_commands() {
        assert_eq!(said_or_rest("bench wine 41"), Err(vec!["41".into()]));
        let rest: Vec<OsString> = vec!["1".into(), "--".into(), "--help".into()];
        assert_eq!(said_or_rest("miri 1 -- --help"), Err(rest));
        for unknown in ["nothing", "bench nothing", "code-size"] {
            let words: Vec<OsString> = unknown.split(' ').map(OsString::from).collect();
            assert!(way("cargo xtask", COMMANDS, &words).is_err(), "{unknown}");
        }
    }
}
