//! The machine: one isolated instance of the model, and its ledger.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;
use std::ops::Deref;

use wdm_irp::sys::{NTSTATUS, PDRIVER_DISPATCH};

use crate::behavior::Behavior;
use crate::context::{self, Entered};
use crate::device::{Device, DeviceOptions, DeviceShared};
use crate::event::Wait;
use crate::fault::{Allocation, Faults};
use crate::irp;
use crate::irql;
use crate::memory::{Memory, POISON};
use crate::registry;
use crate::sync::{Arc, Duration, Instant, Mutex, OnceLock, lock, thread};
use crate::timeline::{Entry, Lane, Step, Timeline};
use crate::violation::{Report, Violation, ViolationKind};

/// Freed IRPs and MDLs that are kept, poisoned, to notice later use.
const QUARANTINE: usize = 4096;
/// Entries of the timeline that are kept.
const ENTRIES: usize = 1 << 16;
/// How long a wait for ever may last. Miri's clock counts its own steps, and jumps when nobody runs.
const HANG_LIMIT: Duration = Duration::from_secs(if cfg!(miri) { 2000 } else { 20 });

/// Who has an IRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The driver that has allocated it.
    Originator,
    /// A lower driver, or the I/O manager on the way back.
    InFlight,
    /// The pool.
    Freed,
}

/// One call of a dispatch routine for an IRP.
pub(crate) struct Frame {
    pub(crate) id: u64,
    pub(crate) location: i8,
    pub(crate) device: Arc<str>,
    /// What the dispatch routine has returned.
    pub(crate) returned: Option<NTSTATUS>,
    /// Whether the driver had marked the IRP pending, once it has completed it.
    pub(crate) marked: Option<bool>,
    /// Whether the timeline has said so already.
    pub(crate) noted: bool,
}

/// The ledger's page about one IRP. Nothing of this is in the memory of the IRP, which may be gone or misused.
pub(crate) struct IrpRecord {
    pub(crate) address: usize,
    pub(crate) memory: Option<Memory>,
    pub(crate) stack_count: i8,
    pub(crate) standing: Standing,
    /// Whether it was ever sent.
    pub(crate) sent: bool,
    /// The location whose routine belongs to the originator, when in flight.
    pub(crate) origin_location: i8,
    /// The thread that has sent it.
    pub(crate) origin_thread: Option<thread::ThreadId>,
    /// Whether `IofCompleteRequest` is on its way through the locations, outside of any routine.
    pub(crate) walking: bool,
    /// Counts the walks, to notice one that overtakes another.
    pub(crate) walks: u64,
    /// Counts the calls of dispatch routines.
    pub(crate) calls: u64,
    /// The calls that have not both returned and been completed.
    pub(crate) frames: Vec<Frame>,
    /// The MDLs it carries, when in flight.
    pub(crate) mdls: Vec<usize>,
    /// Calls of `IoCancelIrp` that may still touch it.
    pub(crate) cancelling: u32,
    /// It was freed when it must not be: the memory is kept and the originator is not called any more.
    pub(crate) doomed: bool,
}

/// The ledger's page about one MDL.
pub(crate) struct MdlRecord {
    pub(crate) memory: Option<Memory>,
    pub(crate) freed: bool,
    pub(crate) locked: bool,
    /// The IRP in flight that carries it.
    pub(crate) in_flight: Option<u32>,
    /// The IRP it was allocated for, or the last one the thread had to do with.
    pub(crate) irp: Option<u32>,
}

struct Quarantined {
    memory: Memory,
    address: usize,
    irp: Option<u32>,
    what: &'static str,
}

/// Everything the machine remembers.
#[derive(Default)]
pub(crate) struct State {
    /// The IRP that is, or was last, at an address.
    pub(crate) numbers: BTreeMap<usize, u32>,
    pub(crate) irps: BTreeMap<u32, IrpRecord>,
    next_irp: u32,
    pub(crate) mdls: BTreeMap<usize, MdlRecord>,
    /// The IRP to which the event at an address belongs.
    pub(crate) events: BTreeMap<usize, u32>,
    pub(crate) waits: Vec<Wait>,
    violations: Vec<Violation>,
    entries: VecDeque<Entry>,
    forgotten: usize,
    quarantine: VecDeque<Quarantined>,
    freed_order: VecDeque<u32>,
    devices: Vec<Arc<DeviceShared>>,
}

impl State {
    /// The IRP at an address, freed or not.
    pub(crate) fn irp_at(&mut self, address: usize) -> Option<(u32, &mut IrpRecord)> {
        let number = *self.numbers.get(&address)?;
        Some((number, self.irps.get_mut(&number)?))
    }

    /// Enters a new IRP.
    pub(crate) fn add_irp(&mut self, memory: Memory, stack_count: i8) -> u32 {
        self.next_irp += 1;
        let number = self.next_irp;
        let address = memory.as_ptr().addr();
        self.numbers.insert(address, number);
        self.irps.insert(
            number,
            IrpRecord {
                address,
                memory: Some(memory),
                stack_count,
                standing: Standing::Originator,
                sent: false,
                origin_location: 0,
                origin_thread: None,
                walking: false,
                walks: 0,
                calls: 0,
                frames: Vec::new(),
                mdls: Vec::new(),
                cancelling: 0,
                doomed: false,
            },
        );
        number
    }

    /// Removes the page of the IRP that was freed first.
    fn forget_oldest(&mut self) {
        let Some(oldest) = self.freed_order.pop_front() else {
            return;
        };
        let Some(record) = self.irps.remove(&oldest) else {
            return;
        };
        // The address may belong to a later IRP.
        if self.numbers.get(&record.address) == Some(&oldest) {
            self.numbers.remove(&record.address);
        }
    }

    /// Keeps freed memory, poisoned. Miri needs no poison: there it is really freed.
    ///
    /// Returns what comes out of the quarantine damaged.
    pub(crate) fn free_memory(
        &mut self,
        memory: Memory,
        irp: Option<u32>,
        what: &'static str,
    ) -> Option<(Option<u32>, String)> {
        if let Some(number) = irp {
            self.freed_order.push_back(number);
            if self.freed_order.len() > QUARANTINE {
                self.forget_oldest();
            }
        }
        if cfg!(miri) {
            return None;
        }
        // SAFETY: its owner has given the memory back.
        unsafe { memory.fill(0..memory.size(), POISON) };
        self.quarantine.push_back(Quarantined {
            address: memory.as_ptr().addr(),
            memory,
            irp,
            what,
        });
        if self.quarantine.len() <= QUARANTINE {
            return None;
        }
        let old = self.quarantine.pop_front()?;
        if old.irp.is_none() {
            self.mdls.remove(&old.address);
        }
        old.damage()
    }
}

impl Quarantined {
    fn damage(&self) -> Option<(Option<u32>, String)> {
        // SAFETY: nobody owns the memory, so nobody may write to it; a driver that does is what this looks for.
        let intact = unsafe { self.memory.is_filled(0..self.memory.size(), POISON) };
        (!intact).then(|| {
            (
                self.irp,
                format!("the memory of the freed {} was written to", self.what),
            )
        })
    }
}

struct Settings {
    hang_limit: Duration,
    strict_lower: bool,
    recording: bool,
}

/// The machine itself.
pub(crate) struct Inner {
    start: Instant,
    /// Whether it is the machine of threads that have none.
    is_default: bool,
    pub(crate) state: Mutex<State>,
    pub(crate) faults: Faults,
    settings: Mutex<Settings>,
    workers: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Counts the threads, for their names.
    threads: Mutex<u32>,
}

impl Inner {
    fn new(is_default: bool) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            is_default,
            state: Mutex::default(),
            faults: Faults::default(),
            settings: Mutex::new(Settings {
                hang_limit: HANG_LIMIT,
                strict_lower: false,
                recording: true,
            }),
            workers: Mutex::default(),
            threads: Mutex::default(),
        })
    }

    /// The machine of threads that have entered none.
    pub(crate) fn process_default() -> Arc<Self> {
        static DEFAULT: OnceLock<Arc<Inner>> = OnceLock::new();
        DEFAULT.get_or_init(|| Self::new(true)).clone()
    }

    /// Tells machines apart.
    pub(crate) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn hang_limit(&self) -> Duration {
        lock(&self.settings).hang_limit
    }

    /// Adds an entry to the timeline.
    pub(crate) fn record(
        &self,
        irp: Option<u32>,
        step: Step,
        from: Lane,
        to: Lane,
        text: impl Into<String>,
    ) {
        if !lock(&self.settings).recording && step != Step::Violation {
            return;
        }
        let thread = context::thread_name();
        let irql = irql::current();
        let text = text.into();
        let mut state = lock(&self.state);
        if state.entries.len() == ENTRIES {
            state.entries.pop_front();
            state.forgotten += 1;
        }
        state.entries.push_back(Entry {
            // Under the lock, so that the entries are in the order of their times.
            at: self.start.elapsed(),
            thread,
            irql,
            irp,
            step,
            from,
            to,
            text,
        });
    }

    /// Adds a note of the calling thread's party.
    pub(crate) fn note(&self, irp: Option<u32>, text: impl Into<String>) {
        let lane = context::lane();
        self.record(irp, Step::Note, lane.clone(), lane, text);
    }

    /// Adds a call from the calling thread's party to the I/O manager.
    pub(crate) fn call(&self, irp: Option<u32>, text: impl Into<String>) {
        self.record(irp, Step::Call, context::lane(), Lane::IoManager, text);
    }

    /// Records a misuse. On the machine of threads that have none, nobody would look: the process ends.
    pub(crate) fn violate(&self, kind: ViolationKind, irp: Option<u32>, detail: &str) {
        let violation = Violation {
            kind,
            irp,
            detail: detail.to_owned(),
            thread: context::thread_name(),
            irql: irql::current(),
        };
        let lane = context::lane();
        self.record(
            irp,
            Step::Violation,
            lane.clone(),
            lane,
            format!("{kind}: {detail}"),
        );
        lock(&self.state).violations.push(violation);
        if self.is_default {
            eprintln!(
                "wdm-irp-sim: BUG CHECK on a thread that is on no Machine\n{}",
                self.report()
            );
            std::process::abort();
        }
    }

    /// Records a lower driver's misuse: tests use such drivers on purpose, so it is a note unless asked otherwise.
    pub(crate) fn violate_lower(&self, kind: ViolationKind, irp: Option<u32>, detail: &str) {
        if lock(&self.settings).strict_lower {
            self.violate(kind, irp, detail);
        } else {
            self.note(irp, format!("{kind}: {detail}"));
        }
    }

    /// Checks that a function may be called at the current IRQL.
    pub(crate) fn check_irql(&self, highest: u8, irp: Option<u32>, function: &str) {
        let irql = irql::current();
        if irql > highest {
            self.violate(
                ViolationKind::IrqlTooHigh,
                irp,
                &format!("{function} at IRQL {irql}; at most {highest} is allowed"),
            );
        }
    }

    fn timeline(&self) -> Timeline {
        let state = lock(&self.state);
        Timeline::new(state.entries.iter().cloned().collect(), state.forgotten)
    }

    /// The violations so far, without the checks of the end.
    fn report(&self) -> Report {
        let violations = lock(&self.state).violations.clone();
        Report {
            violations,
            timeline: self.timeline(),
        }
    }

    /// A thread waits for something that will not come: tells everything and ends the process.
    pub(crate) fn hang(&self, what: &str) -> ! {
        let open: Vec<String> = lock(&self.state)
            .irps
            .iter()
            .filter(|(_, record)| record.standing != Standing::Freed)
            .map(|(number, record)| format!("IRP#{number}: {}", describe(record)))
            .collect();
        eprintln!(
            "wdm-irp-sim: HANG: thread {} at {}_LEVEL has waited for {:?}: {what}\n{}\n\n{}\ntimeline:\n{}",
            context::thread_name(),
            crate::names::irql_name(irql::current()),
            self.hang_limit(),
            open.join("\n"),
            self.report(),
            self.timeline().to_text()
        );
        std::process::abort();
    }

    /// A number for a new thread.
    fn next_thread(&self) -> u32 {
        let mut threads = lock(&self.threads);
        *threads += 1;
        *threads
    }

    /// Starts a thread that the end of the machine waits for.
    pub(crate) fn spawn_worker(
        self: &Arc<Self>,
        device: &DeviceShared,
        work: impl FnOnce() + Send + 'static,
    ) -> u32 {
        let number = self.next_thread();
        let machine = self.clone();
        let name: Arc<str> = format!("worker {number}").into();
        let lane = device.lane();
        let handle = thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                let _entered = context::enter(machine, name, lane);
                work();
            })
            .expect("the host starts threads");
        let mut workers = lock(&self.workers);
        workers.retain(|worker| !worker.is_finished());
        workers.push(handle);
        number
    }

    /// Waits until no worker is about to do anything any more.
    fn join_workers(&self) {
        loop {
            let workers = std::mem::take(&mut *lock(&self.workers));
            if workers.is_empty() {
                return;
            }
            for worker in workers {
                if worker.join().is_err() {
                    self.violate(
                        ViolationKind::DriverPanicked,
                        None,
                        "a worker thread of a lower driver panicked",
                    );
                }
            }
        }
    }

    /// The checks of the end.
    fn close(&self) -> Report {
        self.join_workers();
        // Lower drivers may own handles of this machine: let go of them, or it would live for ever.
        let devices = lock(&self.state).devices.clone();
        for device in devices {
            device.retire();
        }
        let mut found: Vec<(ViolationKind, Option<u32>, String)> = Vec::new();
        {
            let mut state = lock(&self.state);
            for (number, record) in &state.irps {
                if record.standing != Standing::Freed {
                    found.push((
                        ViolationKind::IrpLeaked,
                        Some(*number),
                        format!("never freed; {}", describe(record)),
                    ));
                }
                let intact = record.memory.as_ref().is_none_or(|memory| {
                    // SAFETY: nobody runs any more who may write to it.
                    unsafe { irp::guard_is_intact(memory, record.stack_count) }
                });
                if !intact {
                    found.push((ViolationKind::IrpOverrun, Some(*number), OVERRUN.to_owned()));
                }
            }
            for record in state.mdls.values().filter(|record| !record.freed) {
                let (kind, text) = if record.locked {
                    (
                        ViolationKind::PagesLeftLocked,
                        "the pages of an MDL were never unlocked",
                    )
                } else {
                    (ViolationKind::MdlLeaked, "an MDL was never freed")
                };
                found.push((kind, record.irp, text.to_owned()));
            }
            for (irp, text) in state.quarantine.drain(..).filter_map(|old| old.damage()) {
                found.push((ViolationKind::WriteAfterFree, irp, text));
            }
        }
        for (kind, irp, text) in found {
            self.violate(kind, irp, &text);
        }
        self.report()
    }
}

/// What a write behind the last stack location is.
pub(crate) const OVERRUN: &str = "memory behind the last stack location was written to: IoMarkIrpPending, or a use of \
     the current stack location, on an IRP without own location";

/// Where an IRP is.
fn describe(record: &IrpRecord) -> String {
    match record.standing {
        Standing::Freed => "freed".to_owned(),
        Standing::Originator if record.sent => "completed, at the originator".to_owned(),
        Standing::Originator => "not sent, at the originator".to_owned(),
        Standing::InFlight => record
            .frames
            .iter()
            .rev()
            .find(|frame| frame.marked.is_none())
            .map_or_else(
                || "in flight, held back by a completion routine".to_owned(),
                |frame| format!("in flight at {}", frame.device),
            ),
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = lock(&self.state);
        let addresses = state
            .numbers
            .keys()
            .chain(state.mdls.keys())
            .copied()
            .chain(state.devices.iter().map(|device| device.address()));
        registry::remove(addresses, self);
    }
}

/// What can be done with a machine from any thread.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Handle {
    /// The machine of the calling thread, or the process-wide default.
    #[must_use]
    pub fn current() -> Self {
        Self(context::current())
    }

    /// Puts the calling thread on this machine until the result is dropped; for threads that
    /// [`spawn`](Self::spawn) has not started, such as scoped ones.
    pub fn enter(&self) -> Entered {
        let name = format!("thread {}", self.0.next_thread());
        context::enter(self.0.clone(), name.into(), Lane::Originator)
    }

    /// Starts a thread on this machine.
    ///
    /// # Panics
    /// If the host cannot start a thread.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let machine = self.0.clone();
        let name: Arc<str> = format!("thread {}", self.0.next_thread()).into();
        thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                let _entered = context::enter(machine, name, Lane::Originator);
                work()
            })
            .expect("the host starts threads")
    }

    /// A device with buffered I/O, a stack of its own and this behaviour.
    #[must_use]
    pub fn device(&self, behavior: Behavior) -> Device {
        let number = lock(&self.0.state).devices.len() + 1;
        self.device_with(DeviceOptions::new(&format!("device {number}")), behavior)
    }

    /// A device.
    #[must_use]
    pub fn device_with(&self, options: DeviceOptions, behavior: Behavior) -> Device {
        self.add_device(Device::new(&self.0, options, behavior))
    }

    /// A device whose dispatch routine is code of the test, for all major functions.
    ///
    /// # Safety
    /// `dispatch` treats IRPs as the WDK demands of a driver; it may breach its contract where the ledger notices it,
    /// which leaves the IRP alone then.
    #[must_use]
    pub unsafe fn raw_device(&self, options: DeviceOptions, dispatch: PDRIVER_DISPATCH) -> Device {
        self.add_device(Device::new_raw(&self.0, options, dispatch))
    }

    fn add_device(&self, device: Device) -> Device {
        let shared = device.shared();
        lock(&self.0.state).devices.push(shared);
        device
    }

    /// A filter driver's device on top of another one: it passes every request on, with a routine of its own that
    /// propagates the pending mark.
    #[must_use]
    pub fn filter_over(&self, lower: &Device) -> Device {
        let number = lock(&self.0.state).devices.len() + 1;
        let options = DeviceOptions::new(&format!("filter {number}"))
            .stack_size(lower.stack_size().saturating_add(1))
            .flags(lower.flags());
        self.device_with(options, Behavior::pass_through(lower))
    }

    /// What happened so far.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.0.timeline()
    }

    /// The violations so far, which are then forgotten: for a test that expects them.
    #[must_use]
    pub fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut lock(&self.0.state).violations)
    }

    /// The waits so far, in the order in which they ended.
    #[must_use]
    pub fn waits(&self) -> Vec<Wait> {
        lock(&self.0.state).waits.clone()
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Makes the next `IoAllocateIrp` fail.
    pub fn fail_next_irp_allocation(&self) {
        self.0.faults.fail(Allocation::Irp, 0);
    }

    /// Makes the next `IoAllocateMdl` fail.
    pub fn fail_next_mdl_allocation(&self) {
        self.0.faults.fail(Allocation::Mdl, 0);
    }

    /// How long a wait without time-out may last before it is reported as a hang, which ends the process.
    /// 20 seconds unless told otherwise.
    pub fn hang_limit(&self, limit: Duration) {
        lock(&self.0.settings).hang_limit = limit;
    }

    /// Whether a lower driver's breach of its contract is a violation. It is a note in the timeline unless told
    /// otherwise, since tests use such drivers on purpose.
    pub fn strict_lower(&self, strict: bool) {
        lock(&self.0.settings).strict_lower = strict;
    }

    /// Whether the timeline is recorded. It is unless told otherwise; a test with very many requests may not want it.
    pub fn record_timeline(&self, recording: bool) {
        lock(&self.0.settings).recording = recording;
    }

    /// How many IRPs are allocated now.
    #[must_use]
    pub fn live_irps(&self) -> usize {
        lock(&self.0.state)
            .irps
            .values()
            .filter(|record| record.standing != Standing::Freed)
            .count()
    }

    /// How many IRPs have been allocated so far.
    #[must_use]
    pub fn allocated_irps(&self) -> u32 {
        lock(&self.0.state).next_irp
    }

    /// How many MDLs are allocated now.
    #[must_use]
    pub fn live_mdls(&self) -> usize {
        lock(&self.0.state)
            .mdls
            .values()
            .filter(|record| !record.freed)
            .count()
    }
}

/// An isolated instance of the model. The calling thread is on it until it ends; so are the threads it starts.
///
/// At its end it checks that nothing was misused and nothing is left: see [`finish`](Self::finish).
#[derive(Debug)]
pub struct Machine {
    handle: Handle,
    entered: Option<Entered>,
    closed: bool,
    _this_thread: PhantomData<*const ()>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// Makes a machine and puts the calling thread on it.
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner::new(false);
        let entered = context::enter(inner.clone(), "originator".into(), Lane::Originator);
        Self {
            handle: Handle(inner),
            entered: Some(entered),
            closed: false,
            _this_thread: PhantomData,
        }
    }

    /// A handle that other threads can use.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until the threads of the lower drivers have done what they are about to do.
    ///
    /// After a wait for an event, the thread that has signalled it may still be on its way out of the completion
    /// routine: call this before looking at the timeline.
    pub fn settle(&self) {
        self.handle.0.join_workers();
    }

    /// Waits for the lower drivers' threads, then looks for violations and leaks.
    ///
    /// Dropping the machine does the same, unless the thread is panicking.
    ///
    /// # Panics
    /// If there is any, with a report that names the bug check and shows the timeline of each IRP concerned.
    pub fn finish(self) {
        // The drop does it.
    }

    /// Like [`finish`](Self::finish), but returns what it has found.
    #[must_use]
    pub fn into_report(mut self) -> Report {
        self.closed = true;
        self.handle.0.close()
    }
}

impl Deref for Machine {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let report = if self.closed {
            None
        } else if thread::panicking() {
            // What the workers do may concern memory that this panic has released: do not wait for them.
            let report = self.handle.0.report();
            if !report.is_clean() {
                eprintln!("wdm-irp-sim: violations before the panic:\n{report}");
            }
            None
        } else {
            Some(self.handle.0.close())
        };
        self.entered = None;
        if let Some(report) = report {
            assert!(report.is_clean(), "the machine found misuse:\n{report}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters a new IRP.
    fn add(state: &mut State) -> (u32, usize) {
        let number = state.add_irp(irp::allocate(1), 1);
        (number, state.irps[&number].address)
    }

    #[test]
    #[cfg(not(miri))] // Thousands of IRPs.
    fn the_irp_that_was_freed_first_is_forgotten_first() {
        let mut state = State::default();
        let irps: Vec<(u32, usize)> = (0..=QUARANTINE).map(|_| add(&mut state)).collect();
        for (number, _) in &irps {
            assert!(state.irp_at(irps[0].1).is_some());
            let record = state.irps.get_mut(number).unwrap();
            let memory = record.memory.take().unwrap();
            assert!(state.free_memory(memory, Some(*number), "IRP").is_none());
        }
        assert!(state.irp_at(irps[0].1).is_none());
        assert!(state.irp_at(irps[1].1).is_some());
        assert_eq!(state.irps.len(), QUARANTINE);
        assert_eq!(state.numbers.len(), QUARANTINE);
    }

    #[test]
    fn an_address_that_a_later_irp_has_is_not_forgotten() {
        let mut state = State::default();
        let (first, address) = add(&mut state);
        let (second, _) = add(&mut state);
        state.freed_order.push_back(first);
        // The pool hands out the address again.
        state.numbers.insert(address, second);
        state.forget_oldest();
        assert!(!state.irps.contains_key(&first));
        let found = state.irp_at(address).map(|(number, _)| number);
        assert_eq!(found, Some(second));
    }
}
