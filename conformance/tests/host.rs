//! The script on the host model.
//!
//! `GOLDEN=write` in the environment writes the model's trace to `golden.txt`; whether it is what
//! the documentation says remains to be read.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;
use std::thread::JoinHandle;

use wdm_irp::PassiveLevel;
use wdm_irp_conformance::{
    Devices, Kernel, SCENARIOS, Scenario, Threads, Trace, Work, compare, differences, dispatch,
    golden, run,
};
use wdm_irp_sim::{Device, DeviceOptions, Machine};

/// The threads of a machine.
struct OfMachine<'a> {
    machine: &'a Machine,
    started: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads for OfMachine<'_> {
    fn start(&self, work: Work) -> Result<(), Work> {
        let thread = self.machine.spawn(move || work.run());
        self.started.lock().unwrap().push(thread);
        Ok(())
    }
}

/// The trace of a scenario; panics if the machine finds a misuse.
fn trace_of(scenario: &'static Scenario) -> String {
    let machine = Machine::new();
    let device = |name, stack_size| -> Device {
        let options = DeviceOptions::new(name).stack_size(stack_size);
        // SAFETY: the script keeps to the rules of the WDK.
        unsafe { machine.raw_device(options, Some(dispatch)) }
    };
    let (own, upper, middle, lower) = (
        device("own", 4),
        device("upper", 3),
        device("middle", 2),
        device("lower", 1),
    );
    // SAFETY: the machine keeps the devices, and all their requests go to `dispatch`.
    let devices = unsafe {
        Devices::new(
            own.as_ptr(),
            upper.as_ptr(),
            middle.as_ptr(),
            lower.as_ptr(),
        )
    };
    let threads = OfMachine {
        machine: &machine,
        started: Mutex::default(),
    };
    let mut buffer = vec![0; 1 << 14];
    let trace = Trace::new(&mut buffer);
    let at = PassiveLevel::check().unwrap();
    run(scenario, &devices, &threads, &at, &trace);
    for thread in threads.started.into_inner().unwrap() {
        thread.join().unwrap();
    }
    let trace = trace.into_text().to_owned();
    machine.finish();
    trace
}

#[test]
fn the_host_model_leaves_the_golden_trace() {
    let traces: Vec<(&str, String)> = SCENARIOS
        .iter()
        // It asks for the time of day, which Miri keeps from programs.
        .filter(|scenario| !cfg!(miri) || scenario.name() != "time_outs")
        .map(|scenario| (scenario.name(), trace_of(scenario)))
        .collect();
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        let mut text = String::new();
        for (name, trace) in &traces {
            let gap = if text.is_empty() { "" } else { "\n" };
            write!(text, "{gap}[{name}]\n{trace}").unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden.txt");
        std::fs::write(path, text).unwrap();
        return;
    }
    if cfg!(miri) {
        // It has looked at the calls. Searching the text takes it minutes.
        return;
    }
    let mut failures = String::new();
    for (name, trace) in &traces {
        if let Err(mismatch) = compare(name, Kernel::Windows, trace) {
            writeln!(failures, "{name}: {mismatch}\n{trace}").unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
#[cfg_attr(miri, ignore = "the calls of the test above, many times")]
fn the_trace_is_the_same_every_time() {
    for scenario in SCENARIOS {
        let first = trace_of(scenario);
        for _ in 0..10 {
            assert_eq!(trace_of(scenario), first, "{}", scenario.name());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "text only, without unsafe code")]
fn scenarios_have_names_of_their_own_and_golden_traces() {
    let names: BTreeSet<&str> = SCENARIOS.iter().map(Scenario::name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
    let text = include_str!("../golden.txt");
    let headings = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    assert_eq!(headings.collect::<BTreeSet<&str>>(), names);
    for name in names {
        assert!(golden(name).next().is_some(), "{name}");
    }
}

/// Each row is about a line that there is, differs from it, and has a reason that is explained.
#[test]
#[cfg_attr(miri, ignore = "text only, without unsafe code")]
fn the_table_of_differences_is_consistent() {
    let document = include_str!("../differences.md");
    let reasons: BTreeSet<&str> = document
        .lines()
        .skip_while(|line| *line != "## Reasons")
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|row| row.strip_prefix('|')?.split('|').next().map(str::trim))
        .filter(|cell| cell.parse::<u32>().is_ok())
        .collect();
    let mut used = BTreeSet::new();
    let mut lines = BTreeSet::new();
    for row in differences() {
        let line = golden(row.scenario).nth(row.line - 1);
        assert_eq!(line, Some(row.windows), "{row:?}");
        assert!(!row.wine().eq([row.windows]), "{row:?} is no difference");
        assert!(lines.insert((row.scenario, row.line)), "{row:?} twice");
        used.insert(row.reason);
    }
    assert!(!used.is_empty());
    assert_eq!(used, reasons);
}

/// The comparison notices lines that are missing, added, or changed, and missing differences.
#[test]
#[cfg_attr(miri, ignore = "text only, without unsafe code")]
fn the_comparison_is_strict() {
    let name = SCENARIOS[0].name();
    let same: Vec<&str> = golden(name).collect();
    let fails = |lines: &[&str]| compare(name, Kernel::Windows, &lines.join("\n")).is_err();
    assert!(!fails(&same));
    assert!(fails(&same[1..]));
    assert!(fails(&same[..same.len() - 1]));
    assert!(fails(&[&same[..], &["more"]].concat()));
    assert!(fails(&[&["other"], &same[1..]].concat()));

    for row in differences() {
        let golden: Vec<&str> = golden(row.scenario).collect();
        let golden = golden.join("\n");
        assert!(compare(row.scenario, Kernel::Windows, &golden).is_ok());
        assert!(compare(row.scenario, Kernel::Wine, &golden).is_err());
    }
}
