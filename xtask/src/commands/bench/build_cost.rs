//! `bench build-cost`: what a clean build of the library costs beside what it stands on.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use lexopt::Parser;
use serde_json::Value;
use xshell::Cmd;

use crate::arguments;
use crate::tree::{Tree, package};
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
A clean build of wdm-irp with its macros, and one of windows-sys and syn alone with the same
features, in turns: 5 of them, or ALTERNATIONS. Prints the medians of wall-clock and processor
time, and their ratios. Processor time is known on Linux only.
";

/// Seconds of one build: wall-clock and processor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    wall_clock: f64,
    processor: Option<f64>,
}

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    let alternations = arguments::number(&mut parser)?.unwrap_or(5);
    if alternations == 0 {
        return Err(lexopt::Error::from("no build can be measured in 0 alternations").into());
    }
    let work = tree.shell.create_temp_dir()?;
    let target = work.path().join("target");
    let alone = work.path().join("alone");
    write_alone(tree, &alone)?;

    let ours =
        || build(tree, &tree.root.join("wdm-irp").join("Cargo.toml"), &target).arg("--locked");
    let theirs = || build(tree, &alone.join("Cargo.toml"), &target);
    // Downloads whatever is missing, so that no build has to.
    theirs().run()?;
    ours().run()?;
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..alternations {
        costs[0].push(measure(tree, &target, &ours())?);
        costs[1].push(measure(tree, &target, &theirs().arg("--offline"))?);
    }
    println!("{alternations} alternations, medians of seconds\n");
    print!("{}", table(median(&costs[0]), median(&costs[1])));
    Ok(Verdict::Passed)
}

/// Writes a package of what wdm-irp stands on, as its manifests say it.
fn write_alone(tree: &Tree, directory: &Path) -> Result<()> {
    let metadata = tree.metadata()?;
    let mut manifest = "[package]\nname = \"alone\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
        [workspace]\n[dependencies]\n"
        .to_owned();
    for (user, dependency) in [("wdm-irp", "windows-sys"), ("wdm-irp-macros", "syn")] {
        manifest.push_str(&requirement(package(&metadata, user)?, dependency)?);
    }
    fs::create_dir_all(directory.join("src"))?;
    fs::write(directory.join("src").join("lib.rs"), "")?;
    fs::write(directory.join("Cargo.toml"), manifest)?;
    fs::copy(tree.root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
    Ok(())
}

/// Returns the line of a manifest for a dependency of a package that `cargo metadata` describes.
fn requirement(package: &Value, dependency: &str) -> Result<String> {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let found = dependencies
        .into_iter()
        .find(|found| found["name"] == dependency && found["kind"].is_null())
        .ok_or_else(|| format!("no dependency {dependency}"))?;
    // Strings, true and false, and lists of strings are in TOML what they are in JSON.
    Ok(format!(
        "{dependency} = {{ version = {}, default-features = {}, features = {} }}\n",
        found["req"], found["uses_default_features"], found["features"]
    ))
}

fn build<'t>(tree: &'t Tree, manifest: &Path, target: &Path) -> Cmd<'t> {
    tree.cargo(["build", "--quiet", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("CARGO_TARGET_DIR")
}

fn measure(tree: &Tree, target: &Path, build: &Cmd<'_>) -> Result<Cost> {
    tree.shell.remove_path(target)?;
    let (began, processor) = (Instant::now(), processor_of_children());
    build.run()?;
    let wall_clock = began.elapsed().as_secs_f64();
    let until = processor_of_children();
    let processor = until.zip(processor).map(|(until, from)| until - from);
    Ok(Cost {
        wall_clock,
        processor,
    })
}

/// Returns the processor seconds of all processes that this one has waited for, where Linux tells.
fn processor_of_children() -> Option<f64> {
    processor_seconds(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads `cutime` and `cstime`, fields 16 and 17 of proc(5)'s `stat`, in hundredths of a second.
fn processor_seconds(stat: &str) -> Option<f64> {
    // The second field is the program's name, in parentheses, and may have spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(13);
    let mut hundredths = || fields.next()?.parse::<f64>().ok();
    Some((hundredths()? + hundredths()?) / 100.0)
}

/// Returns the median of each kind of time, the lower one of two.
fn median(costs: &[Cost]) -> Cost {
    let middle = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len().saturating_sub(1) / 2).copied()
    };
    Cost {
        wall_clock: middle(costs.iter().map(|cost| cost.wall_clock).collect()).unwrap_or(f64::NAN),
        processor: middle(costs.iter().filter_map(|cost| cost.processor).collect()),
    }
}

fn table(ours: Cost, theirs: Cost) -> String {
    let mut table = format!("{:<20} {:>10} {:>10}\n", "build", "wall-clock", "processor");
    let known = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{time:.2}"));
    for (name, cost) in [("ours", ours), ("windows-sys+syn", theirs)] {
        let processor = known(cost.processor);
        let _ = writeln!(
            table,
            "{name:<20} {:>10.3} {processor:>10}",
            cost.wall_clock
        );
    }
    let wall_clock = ours.wall_clock / theirs.wall_clock;
    let processor = ours
        .processor
        .zip(theirs.processor)
        .map(|(ours, theirs)| ours / theirs);
    let processor = known(processor);
    let _ = writeln!(table, "{:<20} {wall_clock:>10.2} {processor:>10}", "ratio");
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(wall_clock: f64, processor: f64) -> Cost {
        Cost {
            wall_clock,
            processor: Some(processor),
        }
    }

    #[test]
    fn median_is_one_of_the_times() {
        let costs = [cost(3.0, 1.0), cost(1.0, 5.0), cost(2.0, 9.0)];
        assert_eq!(median(&costs), cost(2.0, 5.0));
        assert_eq!(median(&costs[..2]), cost(1.0, 1.0));
    }

    #[test]
    fn table_has_both_builds_and_their_ratio() {
        assert_eq!(
            table(cost(5.482, 9.57), cost(5.366, 9.69)),
            "\
build                wall-clock  processor
ours                      5.482       9.57
windows-sys+syn           5.366       9.69
ratio                      1.02       0.99
"
        );
        let unknown = Cost {
            wall_clock: 2.0,
            processor: None,
        };
        assert!(table(unknown, unknown).ends_with("ratio                      1.00          -\n"));
    }

    #[test]
    fn processor_time_is_that_of_the_children() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 1 2 3 4 11 12 250 150 20 0 1 0 9";
        assert_eq!(processor_seconds(stat), Some(4.0));
        assert_eq!(processor_seconds("7 (a) S 1"), None);
    }

    #[test]
    fn requirement_is_that_of_the_manifest() {
        let package = r#"{ "dependencies": [
            { "name": "syn", "kind": "dev", "req": "^9",
              "uses_default_features": true, "features": [] },
            { "name": "syn", "kind": null, "req": "^3.0.10",
              "uses_default_features": false, "features": ["full", "parsing"] }
        ] }"#;
        let package: Value = serde_json::from_str(package).expect("JSON");
        assert_eq!(
            requirement(&package, "syn").expect("it is there"),
            "syn = { version = \"^3.0.10\", default-features = false, \
                features = [\"full\",\"parsing\"] }\n"
        );
        assert!(requirement(&package, "quote").is_err());
    }
}
