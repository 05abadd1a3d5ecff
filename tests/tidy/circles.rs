//! Circles of files, and imports that point upwards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::{Arrow, arrows};
use crate::tree::{File, Findings, add};

/// The crates whose files have an order, each with its rooms from the ground up. A room is a file
/// of the crate's root with its folder. One that is not listed may be anywhere, as long as there is
/// no circle.
const FLOORS: &[(&str, &[&[&str]])] = &[
    (
        "wdm-irp/src/",
        &[
            &["sys"],
            &[
                "error",
                "target",
                "device",
                "irql",
                "timeout",
                "operation",
                "handshake",
            ],
            &["routine", "irp", "buffer", "completed"],
            &["request"],
            &["in_flight", "slot"],
            &["send"],
        ],
    ),
    (
        "wdm-irp-macros/src/",
        &[
            &["errors"],
            &["args"],
            &["attributes"],
            &["item", "routine"],
            &["raw", "typed"],
            &["expand"],
            &["lib"],
        ],
    ),
    (
        "wdm-irp-sim/src/",
        &[
            &["memory", "report", "sync"],
            &["fault"],
            &["kernel"],
            &["io", "ke", "mm"],
            &["driver"],
            &["machine"],
        ],
    ),
];

/// Finds the files from which the imports lead back to themselves.
pub(crate) fn circles(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for (source, _) in FLOORS {
        let arrows = arrows(files, source);
        for file in arrows
            .iter()
            .map(|arrow| &arrow.from)
            .collect::<BTreeSet<_>>()
        {
            if let Some(circle) = shortest_circle(&arrows, file) {
                let show = |a: &Arrow| format!("    {}:{} -> {}", a.from, a.line, a.to);
                let circle: Vec<String> = circle.into_iter().map(show).collect();
                let message = format!("{file} imports itself, by way of\n{}", circle.join("\n"));
                add(&mut findings, file, message);
            }
        }
    }
    findings
}

/// Returns the arrows of the shortest circle through a file.
fn shortest_circle<'a>(arrows: &'a [Arrow], file: &str) -> Option<Vec<&'a Arrow>> {
    let mut came_by: BTreeMap<&str, &Arrow> = BTreeMap::new();
    let mut queue = VecDeque::from([file]);
    while let Some(at) = queue.pop_front() {
        for arrow in arrows.iter().filter(|arrow| arrow.from == at) {
            if !came_by.contains_key(arrow.to.as_str()) {
                came_by.insert(&arrow.to, arrow);
                queue.push_back(&arrow.to);
            }
        }
    }
    let mut circle = vec![*came_by.get(file)?];
    while circle[0].from != file {
        circle.insert(0, came_by[circle[0].from.as_str()]);
    }
    Some(circle)
}

/// Finds imports of a room that is above the importing one. Their name is `from -> to`.
pub(crate) fn upward(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for (source, floors) in FLOORS {
        for arrow in arrows(files, source) {
            let floor = |path| {
                let room = room(path, source);
                floors
                    .iter()
                    .position(|rooms| rooms.contains(&room))
                    .map(|floor| (floor, room))
            };
            // `sys` is the ground: what it imports is above it, listed or not.
            let above = match (floor(&arrow.from), floor(&arrow.to)) {
                (Some((from, _)), Some((to, _))) => to > from,
                (Some((_, "sys")), None) => true,
                _ => false,
            };
            if above {
                let name = format!("{} -> {}", arrow.from, arrow.to);
                let message = format!(
                    "{}:{} imports {}, above it",
                    arrow.from, arrow.line, arrow.to
                );
                add(&mut findings, &name, message);
            }
        }
    }
    findings
}

/// Returns the room of a file: `irp` for `wdm-irp/src/irp.rs` and all in `wdm-irp/src/irp/`.
fn room<'a>(path: &'a str, source: &str) -> &'a str {
    let path = path.strip_prefix(source).unwrap_or(path);
    path.split(['/', '.']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    #[test]
    fn a_circle_is_found_with_its_arrows() {
        let list = [
            ("wdm-irp/src/lib.rs", "mod a; mod b; mod c; mod d;"),
            ("wdm-irp/src/a.rs", "use crate::b;"),
            ("wdm-irp/src/b.rs", "\nuse crate::c;"),
            ("wdm-irp/src/c.rs", "use crate::a;"),
            ("wdm-irp/src/d.rs", "use crate::a;"),
        ];
        let found = circles(&files(&list));
        let names: Vec<&String> = found.keys().collect();
        assert_eq!(
            names,
            ["wdm-irp/src/a.rs", "wdm-irp/src/b.rs", "wdm-irp/src/c.rs"]
        );
        let message = &found["wdm-irp/src/a.rs"][0];
        assert!(
            message.contains("wdm-irp/src/b.rs:2 -> wdm-irp/src/c.rs"),
            "{message}"
        );
        assert!(circles(&files(&list[..3])).is_empty());
    }

    #[test]
    fn an_import_of_what_is_above_is_found() {
        let list = [
            ("wdm-irp/src/lib.rs", "mod sys; mod irql; mod other;"),
            ("wdm-irp/src/sys.rs", "mod layout;"),
            ("wdm-irp/src/sys/layout.rs", "use crate::other;"),
            ("wdm-irp/src/irql.rs", "use crate::sys;"),
            ("wdm-irp/src/other.rs", "use crate::irql;"),
        ];
        let found = upward(&files(&list));
        let names: Vec<&String> = found.keys().collect();
        assert_eq!(names, ["wdm-irp/src/sys/layout.rs -> wdm-irp/src/other.rs"]);
        let list = [
            ("wdm-irp/src/irql.rs", "use crate::send;"),
            ("wdm-irp/src/send.rs", "use crate::irql;"),
        ];
        assert_eq!(upward(&files(&list)).len(), 1);
    }
}
