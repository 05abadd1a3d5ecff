//! The table of code sizes, and what is judged by it.

use std::fmt::Write as _;

use super::listing::Code;
use super::unwind::Unwind;

const MOST_INSTRUCTIONS: i64 = 6;

/// What the tables show: a name, and the symbol of the function. That of our routine is mangled.
const FUNCTIONS: [(&str, Option<&str>); 6] = [
    ("routine_ours", None),
    ("routine_V1", Some("routine_v1")),
    ("routine_V2", Some("routine_v2")),
    ("send_and_wait_ours", Some("measured_ours_read")),
    ("send_and_wait_V1", Some("measured_v1_read")),
    ("send_and_wait_V2", Some("measured_v2_read")),
];

/// One line of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    name: &'static str,
    code: Code,
    unwind: Unwind,
}

/// Reads the lines of the table from the listings of one object file.
pub(super) fn rows(code: &str, unwind: &str, symbols: &str) -> [Row; 6] {
    let ours = names(symbols).find(|name| {
        name.find("wdm_irp")
            .is_some_and(|at| name[at..].contains("trampoline"))
    });
    FUNCTIONS.map(|(name, symbol)| {
        let symbol = symbol.or(ours).unwrap_or_default();
        Row {
            name,
            code: Code::of(symbol, code),
            unwind: Unwind::of(symbol, unwind),
        }
    })
}

/// Returns the names of the symbols that `llvm-readobj --symbols` lists.
fn names(symbols: &str) -> impl Iterator<Item = &str> {
    symbols
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("Name: "))
}

pub(super) fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:<24} {:>6} {:>13} {:>6} {:>7} {:>7}  calls of\n",
        "function", "bytes", "instructions", "calls", "unwind", "stack"
    );
    for Row { name, code, unwind } in rows {
        let called = if name.starts_with("routine") {
            code.names()
        } else {
            String::new()
        };
        let _ = writeln!(
            table,
            "{name:<24} {:>6} {:>13} {:>6} {:>7} {:>7}  {called}",
            code.bytes, code.instructions, code.calls, unwind.entries, unwind.stack,
        );
    }
    table
}

/// Returns how many instructions our routine has more than V1's; fewer are less than zero.
pub(super) fn more_than_v1([ours, v1, ..]: &[Row; 6]) -> i64 {
    let count = |row: &Row| i64::try_from(row.code.instructions).unwrap_or(i64::MAX);
    count(ours) - count(v1)
}

/// Returns what the token and the types have left behind.
pub(super) fn judge(rows: &[Row; 6], symbols: &str) -> Vec<String> {
    let mut failures = Vec::new();
    for row in rows.iter().filter(|row| row.code.instructions == 0) {
        failures.push(format!("{} is not in the image", row.name));
    }
    let more = more_than_v1(rows);
    if more > MOST_INSTRUCTIONS {
        failures.push(format!(
            "our routine has {more} instructions more than V1's"
        ));
    }
    let [ours, v1, ..] = rows;
    let calls = |row: &Row| (row.code.calls, row.code.called.clone());
    if calls(ours) != calls(v1) {
        failures.push("our routine calls others than V1's".to_owned());
    }
    let entries = |row: &Row| (row.unwind.entries, row.unwind.handlers);
    if entries(ours) != entries(v1) {
        failures.push("our routine has other unwinding table entries than V1's".to_owned());
    }
    for name in names(symbols).filter(|name| is_of_panics(name)) {
        failures.push(format!("panics or formatting in the image: {name}"));
    }
    failures
}

/// Returns whether a symbol belongs to panics or formatting.
fn is_of_panics(symbol: &str) -> bool {
    // A mangled `fmt` has its length before it.
    let is_fmt = symbol
        .match_indices("fmt")
        .any(|(at, _)| symbol[..at].ends_with(|digit: char| digit.is_ascii_digit()));
    is_fmt
        || ["panic", "unwind", "eh_personality"]
            .iter()
            .any(|word| symbol.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, instructions: usize) -> Row {
        let code = Code {
            bytes: 4 * instructions,
            instructions,
            calls: 1,
            called: ["KeSetEvent".to_owned()].into(),
        };
        let unwind = Unwind {
            entries: 1,
            handlers: 0,
            stack: 40,
        };
        Row { name, code, unwind }
    }

    fn rows_of(ours: usize) -> [Row; 6] {
        let mut rows = FUNCTIONS.map(|(name, _)| row(name, 10));
        rows[0] = row("routine_ours", ours);
        rows
    }

    #[test]
    fn six_instructions_more_are_the_most() {
        assert!(judge(&rows_of(16), "").is_empty());
        assert!(judge(&rows_of(9), "").is_empty());
        let failures = judge(&rows_of(17), "");
        assert_eq!(failures, ["our routine has 7 instructions more than V1's"]);
    }

    #[test]
    fn calls_and_unwinding_table_entries_are_those_of_v1() {
        let mut rows = rows_of(10);
        rows[0].code.called = ["KeSetEvent".to_owned(), "IoFreeIrp".to_owned()].into();
        assert_eq!(judge(&rows, ""), ["our routine calls others than V1's"]);
        let mut rows = rows_of(10);
        rows[0].code.calls = 2;
        assert_eq!(judge(&rows, ""), ["our routine calls others than V1's"]);
        let mut rows = rows_of(10);
        rows[0].unwind.handlers = 1;
        let failures = judge(&rows, "");
        assert_eq!(
            failures,
            ["our routine has other unwinding table entries than V1's"]
        );
    }

    #[test]
    fn functions_must_be_there_and_panics_must_not() {
        let mut rows = rows_of(10);
        rows[5].code = Code::default();
        assert_eq!(judge(&rows, ""), ["send_and_wait_V2 is not in the image"]);
        for symbol in [
            "_ZN4core9panicking5panic17h",
            "_ZN4core3fmt5write17h",
            "rust_eh_personality",
        ] {
            let symbols = format!("  Symbol {{\n    Name: {symbol}\n  }}\n");
            assert_eq!(judge(&rows_of(10), &symbols).len(), 1, "{symbol}");
        }
        assert!(judge(&rows_of(10), "    Name: routine_fmt\n    Value: panic\n").is_empty());
    }

    #[test]
    fn our_routine_is_the_trampoline_of_the_library() {
        let symbols = "  Name: other_trampoline\n  Name: _ZN7wdm_irp7routine10trampoline17hE\n";
        let code = "0000 <_ZN7wdm_irp7routine10trampoline17hE>:\n   0: c3  \tretq\n";
        let [ours, v1, ..] = rows(code, "", symbols);
        assert_eq!((ours.code.instructions, v1.code.instructions), (1, 0));
    }

    #[test]
    fn table_names_the_calls_of_routines_only() {
        let table = table(&[row("routine_V1", 10), row("send_and_wait_V1", 116)]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "function                  bytes  instructions  calls  unwind   stack  calls of",
                "routine_V1                   40            10      1       1      40  KeSetEvent",
                "send_and_wait_V1            464           116      1       1      40  ",
            ]
        );
    }
}
