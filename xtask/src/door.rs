//! The way from the command line to each command, and to its help.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;

use lexopt::Parser;

use crate::table::{COMMANDS, Command, InCi};
use crate::tree::Tree;

/// What a command returns that could do its work, or says why it could not.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Whether what a command looked at is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
}

impl From<bool> for Verdict {
    fn from(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }
}

/// Runs the command that the arguments name.
pub(crate) fn enter(arguments: Vec<OsString>) -> Result<Verdict> {
    let tree = Tree::open()?;
    dispatch("cargo xtask", COMMANDS, &tree, Parser::from_args(arguments))
}

pub(crate) fn dispatch(
    door: &str,
    commands: &[Command],
    tree: &Tree,
    mut parser: Parser,
) -> Result<Verdict> {
    let Some(name) = parser.raw_args()?.next() else {
        print!("{}", overview(door, commands));
        return Ok(Verdict::Failed);
    };
    if name == "--help" || name == "-h" || name == "help" {
        print!("{}", overview(door, commands));
        return Ok(Verdict::Passed);
    }
    let Some(command) = commands.iter().find(|command| name == command.name) else {
        let name = name.display();
        return Err(
            lexopt::Error::from(format!("no command `{name}`; see `{door} --help`")).into(),
        );
    };
    let rest: Vec<OsString> = parser.raw_args()?.collect();
    let own = rest.iter().take_while(|argument| *argument != "--");
    // The commands of a command have their own help.
    let first = rest.first().map(|argument| argument.to_string_lossy());
    let for_another = command.more.is_empty() && first.is_some_and(|first| !first.starts_with('-'));
    if !for_another
        && own
            .into_iter()
            .any(|argument| argument == "--help" || argument == "-h")
    {
        if command.more.is_empty() {
            return (command.run)(tree, Parser::from_args(["--help"]));
        }
        print!("{}", help(door, command));
        return Ok(Verdict::Passed);
    }
    (command.run)(tree, Parser::from_args(rest))
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
}
