//! A timeline as a sequence diagram.

use std::fmt::Write as _;

use crate::report::names::irql_name;
use crate::report::timeline::{Entry, Lane, Step, Timeline};

const MARGIN: usize = 230;
const LANE_WIDTH: usize = 220;
const ROW_HEIGHT: usize = 30;
const HEADER: usize = 60;
/// Width of a character of the labels, in tenths of a pixel, for the reserve at the right edge.
const CHARACTER_TENTHS: usize = 72;

/// Without custom properties, which not every renderer knows.
const STYLE: &str = "\
svg{font:12px ui-monospace,SFMono-Regular,Consolas,monospace}.paper{fill:#fff}text{fill:#1b1f24}.dim{fill:#667}\
.bad,.dotbad{fill:#c4161c}.life{stroke:#b8c0cc;stroke-dasharray:4 4}.head{fill:#eef2f8;stroke:#b8c0cc}\
.call{stroke:#0b62c4;stroke-width:1.5}.tipc{fill:#0b62c4}.return{stroke:#5a6b7b;stroke-dasharray:5 3}\
.tipr{fill:#5a6b7b}.dot{fill:#1b1f24}.halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\
@media(prefers-color-scheme:dark){.paper{fill:#14171c}text{fill:#e6e9ee}.dim{fill:#9aa4b2}.bad,.dotbad{fill:#ff7b7b}\
.life{stroke:#465060}.head{fill:#222831;stroke:#465060}.call{stroke:#6cb2ff}.tipc{fill:#6cb2ff}\
.return{stroke:#a3b1c2}.tipr{fill:#a3b1c2}.dot{fill:#e6e9ee}.halo{stroke:#14171c}}";

/// Replaces what XML reserves and what it forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns the life lines in reading order: routine, originator, I/O manager, devices as they
/// appear.
fn lanes(entries: &[Entry]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for lane in entries.iter().flat_map(|entry| [&entry.from, &entry.to]) {
        if !lanes.contains(lane) {
            lanes.push(lane.clone());
        }
    }
    // Stable: devices keep the order in which they appear.
    lanes.sort_by_key(|lane| match lane {
        Lane::Routine => 0,
        Lane::Originator => 1,
        Lane::IoManager => 2,
        Lane::Device(_) => 3,
    });
    lanes
}

fn arrow(svg: &mut String, from: usize, to: usize, y: usize, step: Step) {
    let (line, tip) = if step == Step::Return {
        ("return", "tipr")
    } else {
        ("call", "tipc")
    };
    let back = if from < to { to - 8 } else { to + 8 };
    let _ = writeln!(
        svg,
        r#"<line class="{line}" x1="{from}" y1="{y}" x2="{to}" y2="{y}"/><polygon class="{tip}" points="{to},{y} {back},{} {back},{}"/>"#,
        y - 4,
        y + 4,
    );
}

impl Timeline {
    /// Draws a sequence diagram, light or dark as the reader prefers.
    #[must_use]
    pub fn to_svg(&self) -> String {
        render(self.entries(), self.times)
    }
}

/// Draws the diagram.
fn render(entries: &[Entry], times: bool) -> String {
    let lanes = lanes(entries);
    let x_of = |lane: &Lane| {
        let index = lanes.iter().position(|other| other == lane).unwrap_or(0);
        MARGIN + LANE_WIDTH / 2 + index * LANE_WIDTH
    };
    let height = HEADER + entries.len() * ROW_HEIGHT + 20;
    let width = entries
        .iter()
        .map(|entry| {
            let left = x_of(&entry.from).min(x_of(&entry.to));
            left + 12 + (entry.text.chars().count() + 12) * CHARACTER_TENTHS / 10
        })
        .chain([MARGIN + lanes.len() * LANE_WIDTH])
        .max()
        .unwrap_or(MARGIN);

    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="Sequence diagram of the IRP">"#
    );
    let _ = writeln!(svg, "<style>{STYLE}</style>");
    let _ = writeln!(
        svg,
        r#"<rect class="paper" width="{width}" height="{height}"/>"#
    );
    for lane in &lanes {
        let x = x_of(lane);
        let _ = writeln!(
            svg,
            r#"<line class="life" x1="{x}" y1="44" x2="{x}" y2="{height}"/><rect class="head" x="{}" y="14" width="{}" height="30" rx="6"/><text x="{x}" y="34" text-anchor="middle">{}</text>"#,
            x - LANE_WIDTH / 2 + 10,
            LANE_WIDTH - 20,
            escape(&lane.to_string()),
        );
    }
    for (row, entry) in entries.iter().enumerate() {
        let y = HEADER + row * ROW_HEIGHT + ROW_HEIGHT / 2;
        let mut who = String::new();
        if times {
            let _ = write!(who, "{} us ", entry.at.as_micros());
        }
        let _ = write!(who, "{} {}", entry.thread, irql_name(entry.irql));
        if let Some(number) = entry.irp {
            let _ = write!(who, " #{number}");
        }
        let _ = writeln!(
            svg,
            r#"<text class="dim" x="10" y="{}">{}</text>"#,
            y + 4,
            escape(&who)
        );
        let (from, to) = (x_of(&entry.from), x_of(&entry.to));
        let text = escape(&entry.text);
        if entry.step == Step::Violation {
            let _ = writeln!(
                svg,
                r#"<circle class="dotbad" cx="{from}" cy="{y}" r="5"/><text class="bad halo" x="{}" y="{}">VIOLATION {text}</text>"#,
                from + 12,
                y + 4
            );
        } else if from == to || entry.step == Step::Note {
            let _ = writeln!(
                svg,
                r#"<circle class="dot" cx="{from}" cy="{y}" r="3"/><text class="halo" x="{}" y="{}">{text}</text>"#,
                from + 12,
                y + 4
            );
        } else {
            arrow(&mut svg, from, to, y, entry.step);
            let _ = writeln!(
                svg,
                r#"<text class="halo" x="{}" y="{}">{text}</text>"#,
                from.min(to) + 12,
                y - 6
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn entry(from: Lane, to: Lane, step: Step, text: &str) -> Entry {
        Entry {
            at: Duration::from_micros(5),
            thread: "a<b".into(),
            irql: 2,
            irp: Some(1),
            step,
            from,
            to,
            text: text.to_owned(),
        }
    }

    #[test]
    fn text_is_escaped() {
        let svg = render(
            &[entry(
                Lane::Originator,
                Lane::Device("<&\"'\u{1}>".into()),
                Step::Call,
                "x < y && z",
            )],
            true,
        );
        assert!(svg.contains("x &lt; y &amp;&amp; z"));
        assert!(svg.contains("&lt;&amp;&quot;&#39; &gt;"));
        assert!(svg.contains("5 us a&lt;b DISPATCH #1"));
        assert!(!svg.contains("a<b"));
    }

    #[test]
    fn one_life_line_per_party_and_one_arrow_per_call() {
        let disk = Lane::Device("disk".into());
        let svg = render(
            &[
                entry(
                    Lane::Originator,
                    disk.clone(),
                    Step::Call,
                    "IofCallDriver -> disk",
                ),
                entry(
                    disk.clone(),
                    disk.clone(),
                    Step::Note,
                    "dispatch IRP_MJ_READ",
                ),
                entry(
                    disk,
                    Lane::Originator,
                    Step::Return,
                    "returned STATUS_PENDING",
                ),
            ],
            false,
        );
        assert_eq!(svg.matches(r#"class="life""#).count(), 2);
        assert_eq!(svg.matches("<polygon").count(), 2);
        assert_eq!(svg.matches(r#"class="dot""#).count(), 1);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("5 us"));
    }

    #[test]
    fn nothing_happened() {
        assert!(render(&[], true).ends_with("</svg>\n"));
    }
}
