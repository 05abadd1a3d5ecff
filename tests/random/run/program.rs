//! A program from its first step to the machine's report.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use wdm_irp_sim::{Behavior, DeviceOptions, Machine, MachineHandle};
use wdm_irp_tests::Removable;

use super::sender::Sender;
use super::stack::Stack;
use crate::program::{Program, Step};
use crate::routines::Tally;
use crate::shared::{Coverage, Shared, lock};
use crate::slots::Slots;

/// What outlives every program.
#[derive(Clone, Copy)]
pub(crate) struct Fixed {
    tallies: &'static [Tally],
    slots: &'static Slots,
    pub(crate) coverage: &'static Coverage,
}

impl Fixed {
    pub(crate) fn get() -> Self {
        /// Enough for the longest program: every step sends a request whose routine sends another.
        const TALLIES: usize = 24;
        static FIXED: OnceLock<Fixed> = OnceLock::new();
        *FIXED.get_or_init(|| Self {
            tallies: Box::leak((0..TALLIES).map(|_| Tally::default()).collect()),
            slots: Box::leak(Box::default()),
            coverage: Box::leak(Box::default()),
        })
    }
}

/// The machine of the program that runs, for a watchdog.
pub(crate) static CURRENT: Mutex<Option<MachineHandle>> = Mutex::new(None);

/// Runs a program on a machine of its own.
///
/// # Errors
/// What was wrong, with the timeline.
pub(crate) fn run(program: &Program, fixed: Fixed) -> Result<(), String> {
    let machine = Machine::new();
    if !cfg!(miri) {
        // The watchdog knows better: it notices when the process is stopped for a while.
        machine.hang_limit(Duration::from_secs(3600));
    }
    *lock(&CURRENT) = Some(machine.handle());
    let own = machine.device_with(DeviceOptions::new("own").own(), Behavior::refuse());
    let locks = program
        .needs_locks()
        .then(|| Removable::new(&machine).keep());
    let shared = Arc::new(Shared::new(
        machine.handle(),
        own,
        locks,
        fixed.tallies,
        fixed.coverage,
        program
            .steps
            .iter()
            .any(|step| matches!(step, Step::Fail(..))),
    ));
    let stacks: Vec<Stack> = program
        .devices
        .iter()
        .map(|spec| Stack::new(&shared, *spec))
        .collect();
    let mut sender = Sender {
        shared: shared.clone(),
        handles: Vec::new(),
        cancellers: Vec::new(),
        threads: Vec::new(),
        removal: None,
        slots: Some(fixed.slots),
        occupants: HashMap::new(),
        touched: Vec::new(),
    };
    for step in &program.steps {
        sender.step(step, &stacks);
    }
    sender.finish(program.end, &stacks);
    machine.join_drivers();
    let nested = fixed.slots.nested.iter().map(|slot| slot as &dyn Debug);
    for slot in sender.touched.drain(..).chain(nested) {
        // Its only public property.
        let text = format!("{slot:?}");
        shared.errors.check(text.contains("in_use: false"), || text);
    }
    drop((sender, stacks));
    shared.check_tallies();
    check_ledger(&machine, &shared);
    *lock(&CURRENT) = None;
    let mut errors = shared.errors.take();
    let report = machine.into_report();
    errors.extend(report.violations.iter().map(ToString::to_string));
    if errors.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n\ntimeline:\n{}",
        errors.join("\n"),
        report.timeline.to_text()
    ))
}

/// Checks that nothing is left, and that each wait was as it must be.
fn check_ledger(machine: &Machine, shared: &Shared) {
    let errors = &shared.errors;
    let (irps, mdls) = (machine.live_irps(), machine.live_mdls());
    let live = (irps, mdls, machine.live_pool_blocks());
    errors.check(live == (0, 0, 0), || {
        format!("IRPs, MDLs and pool left: {live:?}")
    });
    for wait in machine.waits() {
        errors.check((wait.mode, wait.alertable) == (0, false), || {
            format!("{wait:?}")
        });
    }
}
