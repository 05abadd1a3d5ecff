//! Plays the script: every step is the raw call that it is named after.

use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::fmt;
use core::ptr::{from_ref, null, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use wdm_irp::PassiveLevel;
use wdm_irp::sys::{
    DEVICE_OBJECT, Executive, IO_NO_INCREMENT, IRP, IoAcquireCancelSpinLock, IoAllocateIrp,
    IoAllocateMdl, IoCancelIrp, IoFreeIrp, IoFreeMdl, IoMarkIrpPending, IoReadAccess,
    IoReleaseCancelSpinLock, IoSetCancelRoutine, IoSetNextIrpStackLocation, IofCallDriver,
    IofCompleteRequest, KEVENT, KeGetCurrentIrql, KeInitializeEvent, KeSetEvent,
    KeWaitForSingleObject, KernelMode, MDL, MmProbeAndLockPages, MmUnlockPages, NTSTATUS,
    NotificationEvent, PASSIVE_LEVEL, PDRIVER_CANCEL, PIO_COMPLETION_ROUTINE,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, set_irp_status,
};

use crate::irp::Irp;
use crate::script::{Actor, Errand, Limit, Scenario, Step, Which};
use crate::show::{Boolean, Control, Irql, Status};
use crate::trace::Trace;

const PAGE_SIZE: usize = 4096;

/// `MDL_PAGES_LOCKED` in `MDL.MdlFlags`
const MDL_PAGES_LOCKED: i16 = 2;

/// The devices that the script sends requests to.
///
/// # Invariants
/// Each is a device object, by the number of its actor. The requests to the devices of drivers go to [`dispatch`]; they
/// have 3, 2 and 1 stack locations. The originator's own device gets none.
#[derive(Debug)]
pub struct Devices([*mut DEVICE_OBJECT; Actor::COUNT]);

impl Devices {
    /// Vouches for the devices.
    ///
    /// # Safety
    /// All four are device objects that stay valid while this is used. Every request to `upper`, `middle` and `lower`,
    /// which have a `StackSize` of 3, 2 and 1, is handed to [`dispatch`], and nobody but the script sends them any.
    #[must_use]
    pub const unsafe fn new(
        own: *mut DEVICE_OBJECT,
        upper: *mut DEVICE_OBJECT,
        middle: *mut DEVICE_OBJECT,
        lower: *mut DEVICE_OBJECT,
    ) -> Self {
        // INVARIANT: by contract.
        Self([own, upper, middle, lower])
    }

    fn of(&self, actor: Actor) -> *mut DEVICE_OBJECT {
        self.0[actor.index()]
    }

    /// Whose device this is.
    fn actor(&self, device: *mut DEVICE_OBJECT) -> Option<Actor> {
        Actor::ALL
            .into_iter()
            .find(|&actor| self.of(actor) == device)
    }

    /// A device by its name.
    fn name(&self, device: *mut DEVICE_OBJECT) -> &'static str {
        if device.is_null() {
            return "NULL";
        }
        match self.actor(device) {
            Some(Actor::Originator) => "own",
            Some(driver) => driver.name(),
            None => "unknown",
        }
    }
}

/// Starts threads, which `wdm_irp::sys` cannot.
pub trait Threads {
    /// Runs the work on another thread, at `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// The work, if there is no thread to be had.
    fn start(&self, work: Work) -> Result<(), Work>;
}

/// What another thread is to do.
///
/// # Invariants
/// `0` is the bench of a scenario that waits for this, and the errand is set in it.
#[derive(Debug)]
pub struct Work(*mut c_void);

// SAFETY: the scenario waits meanwhile, and what its bench shares with the thread is atomic or handed over with the
// start of the thread.
unsafe impl Send for Work {}

impl Work {
    /// Does it.
    pub fn run(self) {
        let bench: *const Bench<'_> = self.0.cast();
        // SAFETY: by the type's invariant.
        let errand = unsafe { (*bench).errand.get() };
        if let Some(Errand { actor, steps }) = errand {
            Act::of_holder(bench, *actor).play(steps);
        }
    }

    /// The work as the context of a thread.
    #[must_use]
    pub fn into_raw(self) -> *mut c_void {
        self.0
    }

    /// The work of a context.
    ///
    /// # Safety
    /// `raw` comes from [`into_raw`](Self::into_raw), and becomes a `Work` again once.
    #[must_use]
    pub const unsafe fn from_raw(raw: *mut c_void) -> Self {
        // INVARIANT: by contract.
        Self(raw)
    }
}

/// The state of a running scenario.
struct Bench<'b> {
    scenario: &'static Scenario,
    devices: &'b Devices,
    threads: &'b dyn Threads,
    trace: &'b Trace<'b>,
    events: [UnsafeCell<KEVENT>; 2],
    mdls: [AtomicPtr<MDL>; 2],
    /// The IRP that each actor has: the originator's own, or the one that a driver holds.
    irps: [AtomicPtr<IRP>; Actor::COUNT],
    /// How often each dispatch routine was called.
    dispatched: [AtomicUsize; Actor::COUNT],
    /// How often each completion routine was called.
    completed: [AtomicUsize; Actor::COUNT],
    errand: Cell<Option<&'static Errand>>,
}

/// Runs a scenario and writes its trace.
pub fn run(
    scenario: &'static Scenario,
    devices: &Devices,
    threads: &dyn Threads,
    _at: &PassiveLevel,
    trace: &Trace<'_>,
) {
    let bench = Bench {
        scenario,
        devices,
        threads,
        trace,
        events: [const { UnsafeCell::new(EVENT) }; 2],
        mdls: [const { AtomicPtr::new(null_mut()) }; 2],
        irps: [const { AtomicPtr::new(null_mut()) }; Actor::COUNT],
        dispatched: [const { AtomicUsize::new(0) }; Actor::COUNT],
        completed: [const { AtomicUsize::new(0) }; Actor::COUNT],
        errand: Cell::new(None),
    };
    Act::of_holder(&raw const bench, Actor::Originator).play(scenario.originator);
}

/// An event before `KeInitializeEvent`.
// SAFETY: a KEVENT is integers and pointers, for which zeroes are valid.
const EVENT: KEVENT = unsafe { core::mem::zeroed() };

/// The dispatch routine of the script's devices, for all major functions.
///
/// # Safety
/// The I/O manager calls it, with one of the [`Devices`] and an IRP that the script has sent to it.
pub unsafe extern "system" fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the IRP is at this driver.
    let access = unsafe { Irp::new(irp) };
    let Some(location) = access.current() else {
        return STATUS_INVALID_DEVICE_REQUEST;
    };
    let bench: *const Bench<'_> = location.bench().cast();
    // SAFETY: the originator has filled in its bench, which is there as long as its IRP.
    let devices = unsafe { (*bench).devices };
    let actor = devices.actor(device).unwrap_or(Actor::Originator);
    let act = Act::new(bench, actor, irp);
    act.trace(format_args!(
        "dispatch({}), IRP_MJ 0x{:02X}, IRP_MN 0x{:02X}, location {} of {} for {}, Control {}, Cancel {}",
        devices.name(device),
        location.major(),
        location.minor(),
        access.current_location(),
        access.stack_count(),
        devices.name(location.device()),
        Control(location.control()),
        Boolean(access.cancel()),
    ));
    let bench = act.bench();
    let programs = bench.scenario.driver(actor).dispatch;
    act.play(program(programs, &bench.dispatched[actor.index()]))
}

/// The completion routine of an actor.
///
/// # Safety
/// The I/O manager calls it, for an IRP that the script has set it for.
unsafe extern "system" fn routine<const ACTOR: usize>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    let bench: *const Bench<'_> = context.cast();
    let actor = Actor::ALL[ACTOR];
    let act = Act::new(bench, actor, irp);
    // SAFETY: the IRP is at this routine.
    let access = unsafe { Irp::new(irp) };
    act.trace(format_args!(
        "routine({}), location {} of {}, PendingReturned {}, {}, Information {}, Cancel {}",
        act.bench().devices.name(device),
        access.current_location(),
        access.stack_count(),
        Boolean(access.pending_returned().into()),
        Status(access.status()),
        access.information(),
        Boolean(access.cancel()),
    ));
    let bench = act.bench();
    let programs = bench.scenario.driver(actor).routine;
    act.play(program(programs, &bench.completed[actor.index()]))
}

/// The cancel routine of a driver.
///
/// # Safety
/// The I/O manager calls it, with the cancel spin lock held, for an IRP that the script has set it for.
unsafe extern "system" fn cancel<const ACTOR: usize>(device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: the IRP is at this routine.
    let access = unsafe { Irp::new(irp) };
    let Some(location) = access.current() else {
        return;
    };
    let bench: *const Bench<'_> = location.bench().cast();
    let actor = Actor::ALL[ACTOR];
    let mut act = Act::new(bench, actor, irp);
    act.irql = access.cancel_irql();
    act.trace(format_args!(
        "cancel routine({}), location {} of {}, Cancel {}, CancelRoutine {}, CancelIrql {}",
        act.bench().devices.name(device),
        access.current_location(),
        access.stack_count(),
        Boolean(access.cancel()),
        present(access.has_cancel_routine()),
        Irql(act.irql),
    ));
    let steps = act.bench().scenario.driver(actor).cancel;
    act.play(steps);
}

/// The completion routine of each actor.
const ROUTINES: [PIO_COMPLETION_ROUTINE; Actor::COUNT] = [
    Some(routine::<0>),
    Some(routine::<1>),
    Some(routine::<2>),
    Some(routine::<3>),
];

/// The cancel routine of each actor.
const CANCELS: [PDRIVER_CANCEL; Actor::COUNT] = [
    Some(cancel::<0>),
    Some(cancel::<1>),
    Some(cancel::<2>),
    Some(cancel::<3>),
];

/// The steps for this call of a routine.
fn program(programs: &[&'static [Step]], calls: &AtomicUsize) -> &'static [Step] {
    let call = calls.fetch_add(1, Ordering::Relaxed);
    programs
        .get(call)
        .or(programs.last())
        .copied()
        .unwrap_or(&[])
}

/// An actor on the stage.
///
/// # Invariants
/// `bench` is valid until the step that ends the scenario's waiting for this actor, which is its last. `irp` is the IRP
/// that the actor has, or null; the script does not use it after it was completed or freed.
struct Act<'b> {
    bench: *const Bench<'b>,
    actor: Actor,
    irp: *mut IRP,
    /// What the last `IofCallDriver` returned.
    called: NTSTATUS,
    /// For `IoReleaseCancelSpinLock`.
    irql: u8,
}

impl<'b> Act<'b> {
    fn new(bench: *const Bench<'b>, actor: Actor, irp: *mut IRP) -> Self {
        // INVARIANT: the callers are the routines of the script, which have both from the I/O manager, and `of_holder`.
        Self {
            bench,
            actor,
            irp,
            called: STATUS_SUCCESS,
            irql: PASSIVE_LEVEL,
        }
    }

    /// The actor with the IRP that it holds.
    fn of_holder(bench: *const Bench<'b>, actor: Actor) -> Self {
        let mut act = Self::new(bench, actor, null_mut());
        act.irp = act.bench().irps[actor.index()].load(Ordering::Acquire);
        act
    }

    fn bench<'a>(&self) -> &'a Bench<'b> {
        // SAFETY: by the type's invariant; the reference is not kept across the last step.
        unsafe { &*self.bench }
    }

    fn access(&self) -> Irp {
        // SAFETY: by the type's invariant.
        unsafe { Irp::new(self.irp) }
    }

    fn trace(&self, line: fmt::Arguments<'_>) {
        let name = self.actor.name();
        self.bench().trace.line(format_args!("{name}: {line}"));
    }

    fn event(&self, which: Which) -> *mut KEVENT {
        self.bench().events[which.index()].get()
    }

    fn mdl(&self, which: Which) -> *mut MDL {
        self.bench().mdls[which.index()].load(Ordering::Acquire)
    }

    /// The steps of a routine, and what it returns.
    fn play(mut self, steps: &[Step]) -> NTSTATUS {
        for step in steps {
            match *step {
                Step::Allocate(stack_size) => {
                    self.allocate(stack_size);
                    if self.irp.is_null() {
                        return STATUS_INSUFFICIENT_RESOURCES;
                    }
                }
                Step::Free => self.free(),
                Step::OwnLocation => self.own_location(),
                Step::Next(major, minor) => self.next(major, minor),
                Step::Copy => self.copy(),
                Step::Skip => self.skip(),
                Step::SetRoutine(control) => self.set_routine(control),
                Step::Call(below) => self.call(below),
                Step::Mark => self.mark(),
                Step::MarkIfPendingReturned => {
                    if self.access().pending_returned() {
                        self.mark();
                    }
                }
                Step::SetStatus(status, information) => self.set_status(status, information),
                Step::Complete => self.complete(),
                Step::Hold => {
                    self.bench().irps[self.actor.index()].store(self.irp, Ordering::Release);
                }
                Step::Continue(actor, steps) => {
                    Act::of_holder(self.bench, actor).play(steps);
                }
                Step::OnThread(errand) => self.on_thread(errand),
                Step::SetCancelRoutine(set) => self.set_cancel_routine(set),
                Step::AcquireCancelLock => self.acquire_cancel_lock(),
                Step::ReleaseCancelLock => self.release_cancel_lock(),
                Step::Cancel => self.cancel(),
                Step::InitializeEvent(which, kind, state) => {
                    self.initialize_event(which, kind, state);
                }
                Step::SetEvent(which) => self.set_event(which),
                Step::Signal(which) => self.signal(which),
                Step::Wait(which, limit) => self.wait(which, limit),
                Step::AllocateMdl(which, offset, length, attach) => {
                    self.allocate_mdl(which, offset, length, attach);
                    if self.mdl(which).is_null() {
                        return STATUS_INSUFFICIENT_RESOURCES;
                    }
                }
                Step::DetachMdls => self.detach_mdls(),
                Step::LockPages(which) => self.lock_pages(which),
                Step::UnlockPages(which) => self.unlock_pages(which),
                Step::FreeMdl(which) => self.free_mdl(which),
                Step::ShowIrp => self.show_irp(),
                Step::ShowLocation => self.show_location(),
                Step::ShowIrql => self.show_irql(),
                Step::Return(status) => return status,
                Step::ReturnCalled => return self.called,
            }
        }
        STATUS_SUCCESS
    }

    fn allocate(&mut self, stack_size: i8) {
        // SAFETY: the stack sizes of the script are positive.
        self.irp = unsafe { IoAllocateIrp(stack_size, 0) };
        self.bench().irps[self.actor.index()].store(self.irp, Ordering::Release);
        let null = if self.irp.is_null() { ": NULL" } else { "" };
        self.trace(format_args!("IoAllocateIrp({stack_size}){null}"));
    }

    fn free(&mut self) {
        // SAFETY: the originator has the IRP.
        unsafe { IoFreeIrp(self.irp) };
        self.irp = null_mut();
        self.trace(format_args!("IoFreeIrp"));
    }

    fn own_location(&self) {
        // SAFETY: the originator has the IRP, and has asked for the location.
        unsafe { IoSetNextIrpStackLocation(self.irp) };
        if let Some(location) = self.access().current() {
            location.set_device(self.bench().devices.of(Actor::Originator));
        }
        let current = self.access().current_location();
        self.trace(format_args!(
            "IoSetNextIrpStackLocation: location {current}"
        ));
    }

    fn next(&self, major: u32, minor: u8) {
        let major = major.to_le_bytes()[0];
        let bench = self.bench.cast_mut().cast();
        self.access().next().fill(major, minor, bench);
        self.trace(format_args!("IoGetNextIrpStackLocation"));
    }

    fn copy(&self) {
        self.access().copy_to_next();
        self.trace(format_args!("IoCopyCurrentIrpStackLocationToNext"));
    }

    fn skip(&self) {
        self.access().skip();
        let current = self.access().current_location();
        self.trace(format_args!(
            "IoSkipCurrentIrpStackLocation: location {current}"
        ));
    }

    fn set_routine(&self, control: u8) {
        let routine = ROUTINES[self.actor.index()];
        let context = self.bench.cast_mut().cast();
        self.access().set_routine(routine, context, control);
        self.trace(format_args!("IoSetCompletionRoutine({})", Control(control)));
    }

    fn call(&mut self, below: Actor) {
        let device = self.bench().devices.of(below);
        self.trace(format_args!("IofCallDriver({})", below.name()));
        // SAFETY: the actor has the IRP, and its next location is filled in.
        self.called = unsafe { IofCallDriver(device, self.irp) };
        self.trace(format_args!(
            "IofCallDriver returned {}",
            Status(self.called)
        ));
    }

    fn mark(&self) {
        // SAFETY: the actor has the IRP and a location in it.
        unsafe { IoMarkIrpPending(self.irp) };
        self.trace(format_args!("IoMarkIrpPending"));
    }

    fn set_status(&self, status: NTSTATUS, information: usize) {
        // SAFETY: the actor has the IRP.
        unsafe { set_irp_status(self.irp, status, information) };
        self.trace(format_args!("IoStatus = {}, {information}", Status(status)));
    }

    fn complete(&self) {
        self.trace(format_args!("IofCompleteRequest"));
        // SAFETY: the actor has the IRP, and does not use it any more.
        unsafe { IofCompleteRequest(self.irp, 0) };
    }

    fn on_thread(&self, errand: &'static Errand) {
        let bench = self.bench();
        bench.errand.set(Some(errand));
        // INVARIANT: the errand is set, and the script waits for what it ends with.
        let work = Work(self.bench.cast_mut().cast());
        if let Err(work) = bench.threads.start(work) {
            self.trace(format_args!("no thread"));
            work.run();
        }
    }

    fn set_cancel_routine(&self, set: bool) {
        let routine = CANCELS[self.actor.index()].filter(|_| set);
        // SAFETY: the actor has the IRP; routines live for ever.
        let before = unsafe { IoSetCancelRoutine(self.irp, routine) };
        self.trace(format_args!(
            "IoSetCancelRoutine({}): was {}",
            present(set),
            present(before.is_some())
        ));
    }

    fn acquire_cancel_lock(&mut self) {
        let mut irql = 0;
        // SAFETY: the script does not hold the lock.
        unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
        self.irql = irql;
        self.trace(format_args!("IoAcquireCancelSpinLock: was {}", Irql(irql)));
    }

    fn release_cancel_lock(&self) {
        // SAFETY: the script holds the lock, and this is the IRQL from before.
        unsafe { IoReleaseCancelSpinLock(self.irql) };
        self.trace(format_args!("IoReleaseCancelSpinLock"));
    }

    fn cancel(&self) {
        let irp = self.bench().irps[Actor::Originator.index()].load(Ordering::Acquire);
        self.trace(format_args!("IoCancelIrp"));
        // SAFETY: the originator has not freed the IRP.
        let called = unsafe { IoCancelIrp(irp) };
        self.trace(format_args!("IoCancelIrp returned {}", Boolean(called)));
    }

    fn initialize_event(&self, which: Which, kind: i32, state: u8) {
        // SAFETY: the event is the scenario's, and nobody waits on it.
        unsafe { KeInitializeEvent(self.event(which), kind, state) };
        let kind = if kind == NotificationEvent {
            "NotificationEvent"
        } else {
            "SynchronizationEvent"
        };
        self.trace(format_args!(
            "KeInitializeEvent({}, {kind}, {})",
            event_name(which),
            Boolean(state)
        ));
    }

    fn set_event(&self, which: Which) {
        // SAFETY: the event is initialised, and the scenario goes on.
        let before = unsafe { KeSetEvent(self.event(which), IO_NO_INCREMENT, 0) };
        let before = if before == 0 {
            "not signalled"
        } else {
            "signalled"
        };
        self.trace(format_args!(
            "KeSetEvent({}): was {before}",
            event_name(which)
        ));
    }

    fn signal(&self, which: Which) {
        let event = self.event(which);
        self.trace(format_args!("KeSetEvent({})", event_name(which)));
        // SAFETY: the event is initialised. Nothing of the scenario is touched afterwards.
        unsafe { KeSetEvent(event, IO_NO_INCREMENT, 0) };
    }

    fn wait(&self, which: Which, limit: Limit) {
        let object = self.event(which).cast();
        let timeout = match &limit {
            Limit::Ticks(ticks) => from_ref(ticks),
            Limit::Forever => null(),
        };
        // SAFETY: the event is initialised; the time-out is readable or null.
        let status = unsafe { KeWaitForSingleObject(object, Executive, KernelMode, 0, timeout) };
        let (event, status) = (event_name(which), Status(status));
        match limit {
            Limit::Ticks(ticks) => self.trace(format_args!(
                "KeWaitForSingleObject({event}, {ticks}): {status}"
            )),
            Limit::Forever => self.trace(format_args!(
                "KeWaitForSingleObject({event}, NULL): {status}"
            )),
        }
    }

    fn allocate_mdl(&self, which: Which, offset: usize, length: u32, attach: Option<bool>) {
        let buffer = PAGES.0.get().cast::<u8>();
        let address = buffer.wrapping_add(offset).cast();
        let irp = attach.map_or(null_mut(), |_| self.irp);
        let secondary = u8::from(attach == Some(true));
        // SAFETY: the buffer is static; the originator has the IRP.
        let mdl = unsafe { IoAllocateMdl(address, length, secondary, 0, irp) };
        self.bench().mdls[which.index()].store(mdl, Ordering::Release);
        self.trace(format_args!(
            "IoAllocateMdl({}, page + {offset}, {length})",
            mdl_name(which)
        ));
        self.show_mdl(which);
        if attach.is_some() {
            let first = self.name_of_mdl(self.access().mdl());
            self.trace(format_args!("Irp->MdlAddress {first}"));
            if which == Which::Second {
                self.show_mdl(Which::First);
            }
        }
    }

    fn detach_mdls(&self) {
        self.access().detach_mdls();
        self.trace(format_args!("Irp->MdlAddress = NULL"));
    }

    fn lock_pages(&self, which: Which) {
        // SAFETY: the MDL describes static memory that kernel mode may read.
        unsafe { MmProbeAndLockPages(self.mdl(which), KernelMode, IoReadAccess) };
        self.trace(format_args!("MmProbeAndLockPages({})", mdl_name(which)));
        self.show_mdl(which);
    }

    fn unlock_pages(&self, which: Which) {
        // SAFETY: the pages are locked.
        unsafe { MmUnlockPages(self.mdl(which)) };
        self.trace(format_args!("MmUnlockPages({})", mdl_name(which)));
        self.show_mdl(which);
    }

    fn free_mdl(&self, which: Which) {
        // SAFETY: the MDL is the scenario's, and its pages are not locked.
        unsafe { IoFreeMdl(self.mdl(which)) };
        self.trace(format_args!("IoFreeMdl({})", mdl_name(which)));
    }

    fn show_irp(&self) {
        let irp = self.access();
        self.trace(format_args!(
            "IRP at location {} of {}, PendingReturned {}, {}, Information {}, Cancel {}, CancelRoutine {}",
            irp.current_location(),
            irp.stack_count(),
            Boolean(irp.pending_returned().into()),
            Status(irp.status()),
            irp.information(),
            Boolean(irp.cancel()),
            present(irp.has_cancel_routine()),
        ));
    }

    fn show_location(&self) {
        let irp = self.access();
        let Some(location) = irp.current() else {
            self.trace(format_args!("no location"));
            return;
        };
        self.trace(format_args!(
            "location {} for {}, Control {}",
            irp.current_location(),
            self.bench().devices.name(location.device()),
            Control(location.control()),
        ));
    }

    fn show_irql(&self) {
        // SAFETY: the script runs in kernel mode.
        let irql = unsafe { KeGetCurrentIrql() };
        self.trace(format_args!("at {}", Irql(irql)));
    }

    fn show_mdl(&self, which: Which) {
        let mdl = self.mdl(which);
        if mdl.is_null() {
            self.trace(format_args!("{}: NULL", mdl_name(which)));
            return;
        }
        // SAFETY: the MDL is the scenario's.
        let next = unsafe { (*mdl).Next };
        // SAFETY: as above.
        let start = unsafe { (*mdl).StartVa };
        // SAFETY: as above.
        let offset = unsafe { (*mdl).ByteOffset };
        // SAFETY: as above.
        let count = unsafe { (*mdl).ByteCount };
        // SAFETY: as above.
        let flags = unsafe { (*mdl).MdlFlags };
        let start = start.addr().wrapping_sub(PAGES.0.get().addr()) / PAGE_SIZE;
        self.trace(format_args!(
            "{}: Next {}, StartVa page {start}, ByteOffset {offset}, ByteCount {count}, {}",
            mdl_name(which),
            self.name_of_mdl(next),
            if flags & MDL_PAGES_LOCKED == 0 {
                "not locked"
            } else {
                "locked"
            },
        ));
    }

    /// An MDL by its name.
    fn name_of_mdl(&self, mdl: *mut MDL) -> &'static str {
        if mdl.is_null() {
            return "NULL";
        }
        Which::ALL
            .into_iter()
            .find(|&which| self.mdl(which) == mdl)
            .map_or("unknown", mdl_name)
    }
}

/// Memory to describe.
#[repr(align(4096))]
struct Pages(UnsafeCell<[u8; 4 * PAGE_SIZE]>);

// SAFETY: nobody reads or writes it.
unsafe impl Sync for Pages {}

static PAGES: Pages = Pages(UnsafeCell::new([0; 4 * PAGE_SIZE]));

const fn event_name(which: Which) -> &'static str {
    match which {
        Which::First => "event 1",
        Which::Second => "event 2",
    }
}

const fn mdl_name(which: Which) -> &'static str {
    match which {
        Which::First => "MDL 1",
        Which::Second => "MDL 2",
    }
}

const fn present(is: bool) -> &'static str {
    if is { "set" } else { "NULL" }
}
