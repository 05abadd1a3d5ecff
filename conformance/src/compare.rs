//! The trace that there must be: `golden.txt`, and for Wine's kernel `differences.md`.

use core::fmt;

/// The traces of all scenarios: `[name]`, then its lines.
const GOLDEN: &str = include_str!("../golden.txt");

/// The tables of differences.
const DIFFERENCES: &str = include_str!("../differences.md");

/// The heading under which each row of the table is a [`Difference`].
const LINES: &str = "## Lines";

/// Which kernel has left a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// One that keeps to the documentation: Windows, or the host model.
    Windows,
    /// Wine 8.
    Wine,
}

/// A line that Wine's kernel is known to leave otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The scenario.
    pub scenario: &'static str,
    /// The number of the line in the golden trace of the scenario, from 1.
    pub line: usize,
    /// The line in the golden trace.
    pub windows: &'static str,
    /// What Wine leaves instead: nothing, or lines that are separated by `<br>`.
    wine: &'static str,
    /// The number of the reason.
    pub reason: &'static str,
}

impl Difference {
    /// Returns what Wine leaves instead of the line.
    pub fn wine(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.wine
            .split("<br>")
            .map(code)
            .filter(|line| !line.is_empty())
    }

    /// Parses a row of the table; returns `None` if it is none.
    fn parse(row: &'static str) -> Option<Self> {
        let mut cells = row.strip_prefix('|')?.split('|').map(str::trim);
        let scenario = code(cells.next()?);
        // Heading and ruler have no number here.
        let line = cells.next()?.parse().ok()?;
        Some(Self {
            scenario,
            line,
            windows: code(cells.next()?),
            wine: cells.next()?,
            reason: cells.next()?,
        })
    }
}

/// Returns the text of a code span.
fn code(text: &'static str) -> &'static str {
    text.trim().trim_matches('`')
}

/// Lists every line that is known to differ.
pub fn differences() -> impl Iterator<Item = Difference> {
    DIFFERENCES
        .lines()
        .skip_while(|line| *line != LINES)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(Difference::parse)
}

/// Returns the golden trace of a scenario, line by line.
pub fn golden(scenario: &str) -> impl Iterator<Item = &'static str> {
    GOLDEN
        .lines()
        .skip_while(move |line| heading(line) != Some(scenario))
        .skip(1)
        .take_while(|line| heading(line).is_none())
        .filter(|line| !line.is_empty())
}

/// Returns the name in a line that begins a scenario.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// Returns the known difference of a line of the golden trace.
fn difference(scenario: &str, kernel: Kernel, line: &str, number: usize) -> Option<Difference> {
    match kernel {
        Kernel::Windows => None,
        // A row for another golden line is out of date, and changes nothing: the comparison shows
        // it.
        Kernel::Wine => differences()
            .find(|known| (known.scenario, known.line, known.windows) == (scenario, number, line)),
    }
}

/// Returns the trace that a kernel must leave, line by line.
fn expected(scenario: &'static str, kernel: Kernel) -> impl Iterator<Item = &'static str> {
    golden(scenario).zip(1..).flat_map(move |(line, number)| {
        let known = difference(scenario, kernel, line, number);
        let same = known.is_none().then_some(line);
        known.into_iter().flat_map(|known| known.wine()).chain(same)
    })
}

/// Compares a trace with the one that the kernel must leave.
///
/// # Errors
/// The first line that is not the same.
pub fn compare<'t>(
    scenario: &'static str,
    kernel: Kernel,
    trace: &'t str,
) -> Result<(), Mismatch<'t>> {
    let mut expected = expected(scenario, kernel);
    let mut lines = trace.lines();
    for line in 1.. {
        match (expected.next(), lines.next()) {
            (None, None) => break,
            (expected, got) if expected == got => {}
            (expected, got) => {
                return Err(Mismatch {
                    line,
                    expected,
                    got,
                });
            }
        }
    }
    Ok(())
}

/// The first line in which a trace is not as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch<'t> {
    /// The number of the line in the trace, from 1.
    pub line: usize,
    /// The line that there must be; `None`: the trace must be at its end.
    pub expected: Option<&'static str>,
    /// The line that there is; `None`: the trace is at its end.
    pub got: Option<&'t str>,
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const END: &str = "(the end)";
        write!(
            f,
            "line {} is `{}`, and must be `{}`",
            self.line,
            self.got.unwrap_or(END),
            self.expected.unwrap_or(END)
        )
    }
}

impl core::error::Error for Mismatch<'_> {}
