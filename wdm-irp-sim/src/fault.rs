//! Faults that a test injects: allocations that fail, and delays that widen races.

use std::collections::BTreeMap;

use crate::sync::{Duration, Mutex, OnceLock, lock, thread};

/// A function that can fail for lack of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Allocation {
    /// `IoAllocateIrp`
    Irp,
    /// `IoAllocateMdl`
    Mdl,
    /// `ExAllocatePoolWithTag`
    Pool,
    /// `IoGetDeviceObjectPointer`
    File,
    /// `IoSetCompletionRoutineEx`
    Registration,
}

/// Declares the points, so that their list and their names are in one place.
macro_rules! points {
    ($($(#[$doc:meta])* $point:ident,)*) => {
        /// A point at which the model can be delayed, to widen a race.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DelayPoint { $($(#[$doc])* $point,)* }

        impl DelayPoint {
            /// Every point, in the order of the declaration.
            pub const ALL: &[Self] = &[$(Self::$point),*];

            /// Returns the name, as the environment variable `WDM_IRP_SIM_DELAY` takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => stringify!($point),)*
                }
            }
        }
    };
}

points! {
    /// In `IofCallDriver`, before the dispatch routine.
    BeforeDispatch,
    /// In `IofCallDriver`, between the return of the dispatch routine and its own.
    AfterDispatch,
    /// In `IofCompleteRequest`, before each completion routine.
    BeforeRoutine,
    /// In `IofCompleteRequest`, after each completion routine.
    AfterRoutine,
    /// In `KeSetEvent`, after the event is signaled: the waiter runs, and may be gone, before the
    /// caller does.
    AfterSetEvent,
    /// In `KeWaitForSingleObject`, before it looks at the event.
    BeforeWait,
    /// In `IoCancelIrp`, after the cancel routine was taken out and before it is called.
    BeforeCancelRoutine,
    /// In `IoCancelIrp`, before it touches the IRP.
    BeforeCancel,
}

/// The environment variable that delays every machine of the process.
const DELAY: &str = "WDM_IRP_SIM_DELAY";

/// Reads [`DELAY`].
fn delay_of_process() -> Option<(DelayPoint, Duration)> {
    static SAID: OnceLock<Option<(DelayPoint, Duration)>> = OnceLock::new();
    *SAID.get_or_init(|| {
        let said = std::env::var(DELAY).ok()?;
        let delay = parse_delay(&said);
        assert!(
            delay.is_some(),
            "{DELAY} is `{said}`, and not a `DelayPoint` and milliseconds, as in `AfterSetEvent=30`"
        );
        delay
    })
}

fn parse_delay(text: &str) -> Option<(DelayPoint, Duration)> {
    let (name, milliseconds) = text.split_once('=')?;
    let point = DelayPoint::ALL.iter().find(|point| point.name() == name)?;
    Some((*point, Duration::from_millis(milliseconds.parse().ok()?)))
}

#[derive(Debug)]
struct Plan {
    /// For each function, which of its next calls fail, counted from 0.
    failing: BTreeMap<Allocation, Vec<usize>>,
    delays: BTreeMap<DelayPoint, Duration>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            failing: BTreeMap::new(),
            delays: delay_of_process().into_iter().collect(),
        }
    }
}

/// The faults of a machine.
///
/// Tests must not depend on time. To find those that do, the environment variable
/// `WDM_IRP_SIM_DELAY` delays every machine at a [`DelayPoint`], for so many milliseconds:
/// `WDM_IRP_SIM_DELAY=AfterSetEvent=30 cargo test`.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Plan>);

impl Faults {
    /// Makes a coming call fail: the next one if `skip` is 0, the one after it if `skip` is 1 …
    pub fn fail(&self, allocation: Allocation, skip: usize) {
        lock(&self.0)
            .failing
            .entry(allocation)
            .or_default()
            .push(skip);
    }

    /// Delays the model each time it comes to a point.
    pub fn delay(&self, point: DelayPoint, duration: Duration) {
        lock(&self.0).delays.insert(point, duration);
    }

    /// Removes every fault that the test has injected.
    pub fn clear(&self) {
        *lock(&self.0) = Plan::default();
    }

    /// Returns whether this call fails.
    pub(crate) fn take(&self, allocation: Allocation) -> bool {
        let mut plan = lock(&self.0);
        let Some(failing) = plan.failing.get_mut(&allocation) else {
            return false;
        };
        let now = failing.contains(&0);
        failing.retain(|skip| *skip != 0);
        for skip in failing {
            *skip -= 1;
        }
        now
    }

    /// Sleeps if the test has asked for a delay at this point.
    pub(crate) fn delay_at(&self, point: DelayPoint) {
        let delay = lock(&self.0).delays.get(&point).copied();
        if let Some(delay) = delay {
            thread::sleep(delay);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_is_a_point_and_milliseconds() {
        for point in DelayPoint::ALL {
            let delay = parse_delay(&format!("{}=30", point.name()));
            assert_eq!(point.name(), format!("{point:?}"));
            assert_eq!(delay, Some((*point, Duration::from_millis(30))));
        }
        for text in [
            "",
            "BeforeWait",
            "=30",
            "BeforeWait=",
            "BeforeWait=-1",
            "Nowhere=30",
        ] {
            assert_eq!(parse_delay(text), None, "{text}");
        }
    }

    #[test]
    fn exactly_the_chosen_calls_fail() {
        let faults = Faults::default();
        faults.fail(Allocation::Irp, 0);
        faults.fail(Allocation::Irp, 2);
        let irps: Vec<bool> = (0..5).map(|_| faults.take(Allocation::Irp)).collect();
        assert_eq!(irps, [true, false, true, false, false]);
        assert!(!faults.take(Allocation::Mdl));
        faults.fail(Allocation::Mdl, 1);
        faults.clear();
        assert!(!faults.take(Allocation::Mdl));
        assert!(!faults.take(Allocation::Mdl));
    }
}
