//! Circles of files, and imports that point upwards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::{Arrow, arrows};
use crate::tree::{File, Findings};

/// The rooms of a crate, from the ground up. A room is a file of the crate's root with its folder.
type Floors = &'static [&'static [&'static str]];

/// The crates whose files have an order: what a file may import is on its floor or below.
const FLOORS: &[(&str, Floors)] = &[
    (
        "wdm-irp/src/",
        &[
            &["sys"],
            &["error", "irql", "timeout", "lock_storage", "pool"],
            &["operation", "remove_lock", "rundown"],
            &["target"],
            &["irp", "buffer", "routine", "completed"],
            &["request"],
            &["in_flight"],
            &["send"],
            &["macro_support", "lib"],
        ],
    ),
    (
        "wdm-irp-macros/src/",
        &[
            &["errors", "tokens"],
            &["args"],
            &["attributes"],
            &["item"],
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
            &["ex", "io", "ke", "mm", "ob"],
            &["driver"],
            &["machine"],
            &["exports", "lib"],
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
                findings.push(message);
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

/// Finds imports of a room that is above the importing one.
pub(crate) fn upward(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for (source, floors) in FLOORS {
        for Arrow { from, line, to } in arrows(files, source) {
            let floor = |path| floor(floors, room(path, source));
            if floor(&to) > floor(&from) {
                findings.push(format!("{from}:{line} imports {to}, above it"));
            }
        }
    }
    findings
}

/// Finds rooms that have no floor, and names on a floor that are no rooms.
pub(crate) fn floors(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for (source, floors) in FLOORS {
        let rooms: BTreeSet<&str> = files
            .iter()
            .filter(|file| file.path.starts_with(source))
            .map(|file| room(&file.path, source))
            .filter(|room| *room != "tests")
            .collect();
        for room in rooms.iter().filter(|room| floor(floors, room).is_none()) {
            findings.push(format!("{source}{room}.rs is on no floor"));
        }
        for room in floors.concat().iter().filter(|room| !rooms.contains(*room)) {
            findings.push(format!("{source}{room}.rs has a floor and does not exist"));
        }
    }
    findings
}

/// Returns how far above the ground a room is.
fn floor(floors: Floors, room: &str) -> Option<usize> {
    floors.iter().position(|rooms| rooms.contains(&room))
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
        for (message, file) in found.iter().zip(["a", "b", "c"]) {
            let complaint = format!("wdm-irp/src/{file}.rs imports itself");
            assert!(message.starts_with(&complaint), "{message}");
            let arrow = "wdm-irp/src/b.rs:2 -> wdm-irp/src/c.rs";
            assert!(message.contains(arrow), "{message}");
        }
        assert_eq!(found.len(), 3);
        assert!(circles(&files(&list[..3])).is_empty());
    }

    #[test]
    fn an_import_of_what_is_above_is_found() {
        let list = [
            ("wdm-irp/src/lib.rs", "mod sys; mod irql; mod send;"),
            ("wdm-irp/src/sys.rs", "mod layout;"),
            ("wdm-irp/src/sys/layout.rs", "\nuse crate::irql;"),
            ("wdm-irp/src/irql.rs", "use crate::sys;\nuse crate::send;"),
            ("wdm-irp/src/send.rs", "use crate::irql;"),
        ];
        let found = upward(&files(&list));
        let expected = [
            "wdm-irp/src/irql.rs:2 imports wdm-irp/src/send.rs, above it",
            "wdm-irp/src/sys/layout.rs:2 imports wdm-irp/src/irql.rs, above it",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_room_without_a_floor_and_a_floor_without_a_room_are_found() {
        let rooms = FLOORS.iter().flat_map(|(source, floors)| {
            let path = move |room: &&str| (format!("{source}{room}.rs"), String::new());
            floors.concat().iter().map(path).collect::<Vec<_>>()
        });
        let mut list: Vec<(String, String)> = rooms.collect();
        list.push(("wdm-irp-sim/src/tests/new.rs".to_owned(), String::new()));
        let found = |list: &[(String, String)]| {
            let list: Vec<(&str, &str)> = list.iter().map(|(a, b)| (&**a, &**b)).collect();
            floors(&files(&list))
        };
        assert!(found(&list).is_empty());
        list.push(("wdm-irp/src/new/a.rs".to_owned(), String::new()));
        assert_eq!(found(&list), ["wdm-irp/src/new.rs is on no floor"]);
        list.pop();
        list.remove(0);
        let gone = "wdm-irp/src/sys.rs has a floor and does not exist";
        assert_eq!(found(&list), [gone]);
    }
}
