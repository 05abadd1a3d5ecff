//! What belongs to a thread: its machine, its name, its IRQL, and what it is doing for which IRP.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use wdm_irp::sys::PASSIVE_LEVEL;

use crate::kernel::Kernel;
use crate::report::timeline::Lane;
use crate::sync::Arc;

/// Something a thread is in the middle of: a dispatch, completion or cancel routine of an IRP.
struct Activity {
    kernel: usize,
    irp: u32,
    lane: Lane,
    originator_routine: bool,
}

struct Context {
    kernel: Option<Arc<Kernel>>,
    name: Option<Arc<str>>,
    lane: Lane,
    activities: Vec<Activity>,
    /// The IRP that was allocated or sent last, and the machine it belongs to.
    last_irp: Option<(usize, u32)>,
}

thread_local! {
    static CONTEXT: RefCell<Context> = const { RefCell::new(Context {
        kernel: None,
        name: None,
        lane: Lane::Originator,
        activities: Vec::new(),
        last_irp: None,
    }) };
}

/// Runs `f` on the thread's context; returns `None` while the thread is being torn down.
fn with<T>(f: impl FnOnce(&mut Context) -> T) -> Option<T> {
    CONTEXT
        .try_with(|context| f(&mut context.borrow_mut()))
        .ok()
}

/// Returns the instance that the calling thread is on, or the process-wide default.
pub(crate) fn kernel() -> Arc<Kernel> {
    with(|context| context.kernel.clone())
        .flatten()
        .unwrap_or_else(Kernel::process_default)
}

/// Returns the name of the calling thread.
pub(crate) fn name() -> Arc<str> {
    with(|context| context.name.clone())
        .flatten()
        .unwrap_or_else(|| "originator".into())
}

/// Returns the party for which the calling thread acts.
pub(crate) fn lane() -> Lane {
    with(|context| {
        context
            .activities
            .last()
            .map_or_else(|| context.lane.clone(), |activity| activity.lane.clone())
    })
    .unwrap_or(Lane::Originator)
}

/// Returns the party and the name of the calling thread, for a report about another one.
pub(crate) fn who() -> (Lane, Arc<str>) {
    (lane(), name())
}

/// Returns whether the calling thread is inside a routine for this IRP: a dispatch, completion or
/// cancel routine.
pub(crate) fn is_busy_with(kernel: &Kernel, irp: u32) -> bool {
    let kernel = kernel.id();
    with(|context| {
        context
            .activities
            .iter()
            .any(|activity| (activity.kernel, activity.irp) == (kernel, irp))
    })
    .unwrap_or(false)
}

/// Returns the IRP whose originator's completion routine is running on the calling thread.
pub(crate) fn irp_of_running_routine(kernel: &Kernel) -> Option<u32> {
    let kernel = kernel.id();
    with(|context| {
        context
            .activities
            .iter()
            .rev()
            .find(|activity| activity.originator_routine && activity.kernel == kernel)
            .map(|activity| activity.irp)
    })
    .flatten()
}

/// Returns the IRP that the calling thread has allocated or sent last.
pub(crate) fn last_irp(kernel: &Kernel) -> Option<u32> {
    let kernel = kernel.id();
    with(|context| {
        context
            .last_irp
            .filter(|(id, _)| *id == kernel)
            .map(|(_, irp)| irp)
    })
    .flatten()
}

/// Remembers the IRP that was allocated or sent last.
pub(crate) fn set_last_irp(kernel: &Kernel, irp: u32) {
    let kernel = kernel.id();
    with(|context| context.last_irp = Some((kernel, irp)));
}

/// A thread's stay in a routine for an IRP, which ends when this is dropped.
pub(crate) struct Busy(PhantomData<*const ()>);

/// Enters a routine for an IRP.
pub(crate) fn enter_routine(
    kernel: &Kernel,
    irp: u32,
    lane: Lane,
    originator_routine: bool,
) -> Busy {
    let kernel = kernel.id();
    with(|context| {
        context.activities.push(Activity {
            kernel,
            irp,
            lane,
            originator_routine,
        });
    });
    Busy(PhantomData)
}

impl Drop for Busy {
    fn drop(&mut self) {
        with(|context| context.activities.pop());
    }
}

/// The machine, the name and the party of a thread.
struct Place {
    kernel: Option<Arc<Kernel>>,
    name: Option<Arc<str>>,
    lane: Lane,
}

/// A thread's stay on a machine, which ends when this is dropped.
#[must_use = "the thread leaves the machine when this is dropped"]
pub struct Entered {
    before: Option<Place>,
    _this_thread: PhantomData<*const ()>,
}

/// Puts the calling thread on a machine.
pub(crate) fn enter(kernel: Arc<Kernel>, name: Arc<str>, lane: Lane) -> Entered {
    let before = with(|context| Place {
        kernel: context.kernel.replace(kernel),
        name: context.name.replace(name),
        lane: std::mem::replace(&mut context.lane, lane),
    });
    Entered {
        before,
        _this_thread: PhantomData,
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let Some(Place { kernel, name, lane }) = self.before.take() else {
            return;
        };
        // The machine that is left may be dropped by this, which must not happen inside of `with`.
        let _left = with(|context| {
            context.name = name;
            context.lane = lane;
            std::mem::replace(&mut context.kernel, kernel)
        });
    }
}

impl std::fmt::Debug for Entered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

thread_local! {
    static IRQL: Cell<u8> = const { Cell::new(PASSIVE_LEVEL) };
}

/// Returns the IRQL of the calling thread.
pub(crate) fn irql() -> u8 {
    // A thread that is being torn down has no value any more; it is back at PASSIVE_LEVEL.
    IRQL.try_with(Cell::get).unwrap_or(PASSIVE_LEVEL)
}

/// Sets the IRQL of the calling thread.
pub(crate) fn set_irql(irql: u8) {
    let _ = IRQL.try_with(|cell| cell.set(irql));
}
