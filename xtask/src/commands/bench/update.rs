//! `bench update`: the figures in BENCHMARKS.md.

use std::fs;

use lexopt::Parser;

use crate::arguments;
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Runs the commands in BENCHMARKS.md and puts what they print in place of what it says they print:
all of them if no COMMAND is named. A block is

  ```console
  $ cargo xtask bench <command>
  ...
  ```
";

/// What a line with a command begins with.
const PROMPT: &str = "$ cargo xtask bench ";

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let only = arguments::names(&mut parser)?;
    let path = tree.root.join("BENCHMARKS.md");
    let commands = commands(&fs::read_to_string(&path)?);
    for name in &only {
        if !commands.iter().any(|command| name_of(command) == name) {
            return Err(format!("BENCHMARKS.md has no block of `{name}`").into());
        }
    }
    for command in commands {
        if !only.is_empty() && !only.iter().any(|name| name == name_of(&command)) {
            continue;
        }
        eprintln!("cargo xtask bench {command}");
        let words: Vec<&str> = std::iter::once("bench")
            .chain(command.split_whitespace())
            .collect();
        let output = tree.xtask(&words)?.output()?;
        let output = String::from_utf8(output.stdout)?;
        if output.lines().any(|line| line.starts_with("SKIPPED: ")) {
            return Err(format!("{command}: {}", output.trim_end()).into());
        }
        let page = fs::read_to_string(&path)?;
        fs::write(&path, with_output(&page, &command, &output))?;
    }
    Ok(Verdict::Passed)
}

/// Returns the commands of a page, without what all of them begin with.
fn commands(page: &str) -> Vec<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix(PROMPT))
        .map(str::to_owned)
        .collect()
}

fn name_of(command: &str) -> &str {
    command.split_whitespace().next().unwrap_or_default()
}

/// Puts what a command prints into its block.
fn with_output(page: &str, command: &str, output: &str) -> String {
    let mut new = String::with_capacity(page.len());
    let mut inside = false;
    for line in page.lines() {
        inside &= !line.starts_with("```");
        if !inside {
            new.push_str(line);
            new.push('\n');
        }
        if line.strip_prefix(PROMPT) == Some(command) {
            inside = true;
            for line in output.lines() {
                new.push_str(line);
                new.push('\n');
            }
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
Text.

```console
$ cargo xtask bench wine 41
old
```

```console
$ cargo xtask bench code-size
old too
```
";

    #[test]
    fn commands_are_those_after_a_prompt() {
        assert_eq!(commands(PAGE), ["wine 41", "code-size"]);
        assert_eq!(name_of("wine 41"), "wine");
        assert!(commands("cargo xtask bench wine\n").is_empty());
    }

    #[test]
    fn output_replaces_that_of_its_command_alone() {
        let page = with_output(PAGE, "wine 41", "new\n\nlines\n");
        assert_eq!(page, PAGE.replace("old\n", "new\n\nlines\n"));
        assert_eq!(with_output(PAGE, "wine", "new\n"), PAGE);
    }
}
