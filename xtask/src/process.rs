//! Processes: with a log, with a time-out, with their output shown and kept.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::verdict::Result;

/// How long a process has to end when it is asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a command; returns whether it succeeded.
pub(crate) fn succeeds(command: impl Into<Command>) -> Result<bool> {
    let mut command = command.into();
    let status = command
        .status()
        .map_err(|error| unstarted(&command, &error))?;
    Ok(status.success())
}

/// Runs a command that shows nothing; returns whether it succeeded before the limit.
///
/// A program that does not exist has not succeeded.
pub(crate) fn succeeds_silently(command: impl Into<Command>, limit: Duration) -> bool {
    let mut command = command.into();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    start(&mut command)
        .and_then(|child| wait_within(child, limit))
        .unwrap_or(false)
}

/// Runs a command whose output, both streams of it, goes to a file; returns whether it succeeded.
///
/// A command that reaches the limit is ended with all that it has started, and has not succeeded.
pub(crate) fn logged(
    command: impl Into<Command>,
    log: &Path,
    limit: Option<Duration>,
) -> Result<bool> {
    let mut command = command.into();
    let file = File::create(log)?;
    command.stdout(file.try_clone()?).stderr(file);
    match limit {
        Some(limit) => wait_within(start(&mut command)?, limit),
        None => succeeds(command),
    }
}

/// Runs a command and shows its output as it comes; returns the output and how it ended.
pub(crate) fn shown(command: impl Into<Command>) -> Result<(String, ExitStatus)> {
    let mut command = command.into();
    let (mut reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = spawn(&mut command)?;
    // It holds the ends of the pipe that are written to, and would keep it open.
    drop(command);
    let mut output = Vec::new();
    let mut chunk = [0; 8192];
    let mut screen = std::io::stdout();
    loop {
        let read = reader.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        screen.write_all(&chunk[..read])?;
        screen.flush()?;
        output.extend_from_slice(&chunk[..read]);
    }
    let status = child.wait()?;
    Ok((String::from_utf8_lossy(&output).into_owned(), status))
}

/// Waits for a child and ends it at the limit; returns whether it succeeded before.
pub(crate) fn wait_within(mut child: Child, limit: Duration) -> Result<bool> {
    if let Some(success) = ended_within(&mut child, limit)? {
        return Ok(success);
    }
    end_tree(&child, "TERM");
    if ended_within(&mut child, GRACE)?.is_none() {
        end_tree(&child, "KILL");
        child.wait()?;
    }
    Ok(false)
}

/// Starts a process that ends when the terminal says so.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| unstarted(command, &error))
}

/// Starts a process whose own processes can be ended with it.
pub(crate) fn start(command: &mut Command) -> Result<Child> {
    // Of its own group, by which they are found.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    spawn(command)
}

fn ended_within(child: &mut Child, limit: Duration) -> Result<Option<bool>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ends a process that `start` has started, and what it has started.
fn end_tree(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let mut command = if cfg!(windows) {
        let mut command = Command::new("taskkill");
        command.args(["/T", "/F", "/PID", &id]);
        command
    } else {
        // `kill` is part of every shell, and not always a program.
        let mut command = Command::new("sh");
        command.args(["-c", "kill -s \"$1\" -- \"-$2\"", "sh", signal, &id]);
        command
    };
    // It may have ended by itself in the meantime.
    let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn unstarted(command: &Command, error: &std::io::Error) -> Box<dyn std::error::Error> {
    format!(
        "{} does not start: {error}",
        command.get_program().display()
    )
    .into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn time_out_ends_what_the_process_has_started() {
        // What the inner one holds open as long as it lives.
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut outer = sh("sh -c 'exec sleep 60'; echo late");
        outer.stdout(writer);
        let began = Instant::now();
        let child = start(&mut outer).expect("sh");
        drop(outer);
        assert!(!wait_within(child, Duration::from_millis(300)).expect("it can be waited for"));
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("text");
        assert_eq!(said, "");
        assert!(began.elapsed() < GRACE);
    }

    #[test]
    fn time_out_kills_what_does_not_listen() {
        let mut deaf = sh("trap '' TERM; while :; do sleep 1; done");
        let mut child = start(&mut deaf).expect("sh");
        thread::sleep(Duration::from_millis(200));
        end_tree(&child, "TERM");
        let ended = ended_within(&mut child, Duration::from_millis(300));
        assert_eq!(ended.expect("it can be waited for"), None);
        end_tree(&child, "KILL");
        let ended = ended_within(&mut child, GRACE);
        assert_eq!(ended.expect("it can be waited for"), Some(false));
    }

    #[test]
    fn both_streams_are_kept_in_order() {
        let (output, status) = shown(sh("echo one; echo two >&2; echo three; exit 3")).expect("sh");
        assert_eq!(output, "one\ntwo\nthree\n");
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn program_that_does_not_exist_is_an_error_or_no_success() {
        let error = succeeds(Command::new("no-such-program")).expect_err("it does not exist");
        assert!(
            error
                .to_string()
                .starts_with("no-such-program does not start")
        );
        assert!(!succeeds_silently(Command::new("no-such-program"), GRACE));
    }
}
