//! What a modeled driver does with a request.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use wdm_irp::sys::{DISPATCH_LEVEL, NTSTATUS, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL};

use crate::driver::device::{Device, DeviceShared, Dispatch};
use crate::driver::lower_irp::LowerIrp;
use crate::driver::options::DeviceOptions;
use crate::driver::owned_irp::OwnedIrp;
use crate::driver::when::{Completion, When};
use crate::io::major;
use crate::ke::irql;
use crate::kernel::Kernel;
use crate::kernel::objects::DeviceObject;
use crate::report::kind::ViolationKind;
use crate::sync::{Arc, Condvar, Mutex, lock, thread, wait};

/// Computes the result of a request: status and information.
type Respond = dyn Fn(&LowerIrp) -> (NTSTATUS, usize) + Send + Sync;

/// A whole dispatch routine.
type Routine = dyn Fn(LowerIrp) -> NTSTATUS + Send + Sync;

enum Kind {
    Respond {
        respond: Arc<Respond>,
        when: When,
        irql: u8,
    },
    Custom(Box<Routine>),
    Sequence(Vec<Arc<Behavior>>, AtomicUsize),
}

/// What a modeled driver does with a request: when it completes it, and with what result.
pub struct Behavior(Kind);

impl fmt::Debug for Behavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Behavior");
        match &self.0 {
            Kind::Respond { when, irql, .. } => {
                debug.field("when", when).field("irql", irql);
            }
            Kind::Custom(_) => {
                debug.field("custom", &true);
            }
            Kind::Sequence(behaviors, _) => {
                debug.field("sequence", behaviors);
            }
        }
        debug.finish()
    }
}

impl Behavior {
    /// Creates a driver that computes the result with a closure.
    ///
    /// It completes inline unless [`when`](Self::when) says otherwise.
    pub fn respond(
        respond: impl Fn(&LowerIrp) -> (NTSTATUS, usize) + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Respond {
            respond: Arc::new(respond),
            when: When::inline(),
            irql: DISPATCH_LEVEL,
        })
    }

    /// Creates a driver with a constant result.
    #[must_use]
    pub fn complete(status: NTSTATUS, information: usize) -> Self {
        Self::respond(move |_| (status, information))
    }

    /// Creates a driver that transfers data.
    ///
    /// A read gets bytes that count up from the low byte of the offset. A write is taken: see
    /// [`Received::data`](crate::Received::data). A device control gets back as much of its input
    /// as fits.
    #[must_use]
    pub fn transfer() -> Self {
        Self::respond(|irp| match irp.major() {
            major::READ => (STATUS_SUCCESS, irp.write_output(&irp.read_pattern())),
            major::WRITE => (STATUS_SUCCESS, irp.input().len()),
            major::CONTROL | major::INTERNAL_CONTROL => {
                let input = irp.input();
                (STATUS_SUCCESS, irp.write_output(&input))
            }
            _ => (STATUS_SUCCESS, 0),
        })
    }

    /// Creates a driver that answers device controls with a closure from code and input to output.
    ///
    /// The output is cut to what the caller has room for.
    pub fn control(
        answer: impl Fn(u32, &[u8]) -> Result<Vec<u8>, NTSTATUS> + Send + Sync + 'static,
    ) -> Self {
        Self::respond(move |irp| match answer(irp.control_code(), &irp.input()) {
            Ok(output) => (STATUS_SUCCESS, irp.write_output(&output)),
            Err(status) => (status, 0),
        })
    }

    /// Creates a driver whose dispatch routine is a closure.
    ///
    /// A panic in it is recorded as a violation, and the IRP completed with `STATUS_UNSUCCESSFUL`.
    pub fn custom(dispatch: impl Fn(LowerIrp) -> NTSTATUS + Send + Sync + 'static) -> Self {
        Self(Kind::Custom(Box::new(dispatch)))
    }

    /// Creates a driver that uses one behavior for each request, and the last one for all that
    /// follow.
    #[must_use]
    pub fn sequence(behaviors: impl IntoIterator<Item = Self>) -> Self {
        let behaviors = behaviors.into_iter().map(Arc::new).collect();
        Self(Kind::Sequence(behaviors, AtomicUsize::new(0)))
    }

    /// Sets when the request is completed.
    #[must_use]
    pub fn when(mut self, new: When) -> Self {
        match &mut self.0 {
            Kind::Respond { when, .. } => *when = new,
            Kind::Custom(_) => {}
            Kind::Sequence(behaviors, _) => {
                for behavior in behaviors {
                    if let Some(Self(Kind::Respond { when, .. })) = Arc::get_mut(behavior) {
                        *when = new;
                    }
                }
            }
        }
        self
    }

    /// Sets the IRQL at which another thread completes the request.
    ///
    /// By default it is `DISPATCH_LEVEL`, as in a DPC.
    #[must_use]
    pub fn at_irql(mut self, level: u8) -> Self {
        if let Kind::Respond { irql, .. } = &mut self.0 {
            *irql = level;
        }
        self
    }

    /// Runs the dispatch routine.
    fn handle(&self, irp: LowerIrp) -> NTSTATUS {
        match &self.0 {
            Kind::Respond {
                respond,
                when,
                irql,
            } => run(irp, respond, *when, *irql),
            Kind::Custom(dispatch) => {
                let kernel = irp.kernel().clone();
                let number = irp.number();
                guarded(&kernel, number, || dispatch(irp)).unwrap_or(STATUS_UNSUCCESSFUL)
            }
            Kind::Sequence(behaviors, next) => {
                let index = next.fetch_add(1, Ordering::Relaxed);
                match behaviors.get(index).or(behaviors.last()) {
                    Some(behavior) => behavior.handle(irp),
                    None => irp.complete(STATUS_SUCCESS, 0),
                }
            }
        }
    }
}

impl Dispatch for Behavior {
    fn dispatch(&self, device: &Arc<DeviceShared>, irp: OwnedIrp) -> NTSTATUS {
        // SAFETY: `DeviceShared::dispatch` calls this for an IRP whose current location is the
        // device's.
        let irp = unsafe { LowerIrp::new(device, irp) };
        device.remember(irp.receive());
        self.handle(irp)
    }
}

impl Device {
    pub(crate) fn new(kernel: &Arc<Kernel>, options: DeviceOptions, behavior: Behavior) -> Self {
        Self::with_code(kernel, options, Arc::new(behavior))
    }

    /// Changes what the driver does with the requests to come.
    pub fn set_behavior(&self, behavior: Behavior) {
        self.set_code(Arc::new(behavior));
    }
}

/// Runs code of the test, and records a panic in it as a violation.
fn guarded<T>(kernel: &Kernel, irp: u32, code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(panic) => {
            let message = panic
                .downcast_ref::<&str>()
                .map(|message| (*message).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            kernel.violate(
                ViolationKind::DriverPanicked,
                Some(irp),
                &format!("the code of a lower driver panicked: {message}"),
            );
            None
        }
    }
}

/// Computes the result and completes the IRP with it.
fn finish(irp: LowerIrp, respond: &Respond) -> NTSTATUS {
    let kernel = irp.kernel().clone();
    let (status, information) =
        guarded(&kernel, irp.number(), || respond(&irp)).unwrap_or((STATUS_UNSUCCESSFUL, 0));
    irp.complete(status, information)
}

/// A latch: one thread waits for another one to open it.
#[derive(Default)]
struct Latch {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Latch {
    fn open(&self) {
        *lock(&self.open) = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let mut open = lock(&self.open);
        while !*open {
            open = wait(&self.opened, open);
        }
    }
}

/// Runs the dispatch routine of [`Kind::Respond`].
fn run(irp: LowerIrp, respond: &Arc<Respond>, when: When, irql: u8) -> NTSTATUS {
    if when.marked {
        irp.mark_pending();
    }
    if when.completion == Completion::Inline {
        let status = {
            let _raised = irql::raise(irql::current().max(when.inline_irql));
            finish(irp, &**respond)
        };
        let returned = if when.marked { STATUS_PENDING } else { status };
        return when.returns.unwrap_or(returned);
    }
    let kernel = irp.kernel().clone();
    let device = irp.device().clone();
    // From here on the IRP may be completed at any time.
    let ticket = irp.hold(when.cancelable);
    let delay = match when.completion {
        Completion::After(delay) => Some(delay),
        Completion::BeforeReturn => None,
        Completion::Inline | Completion::Triggered => {
            return when.returns.unwrap_or(STATUS_PENDING);
        }
    };
    let latch = Arc::new(Latch::default());
    let (work_latch, respond) = (latch.clone(), respond.clone());
    kernel.spawn_worker(device.lane(), move || {
        if let Some(delay) = delay {
            thread::sleep(delay);
        }
        if let Some(irp) = device.take(ticket) {
            let _raised = irql::raise(irql);
            finish(irp, &*respond);
        }
        work_latch.open();
    });
    if delay.is_none() {
        latch.wait();
    }
    when.returns.unwrap_or(STATUS_PENDING)
}
