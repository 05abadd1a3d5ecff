//! One instance of the model: its ledger, its faults, its settings and its threads.

use crate::fault::Faults;
use crate::kernel::ledger::Ledger;
use crate::sync::{Arc, Duration, Instant, Mutex, OnceLock, lock, thread};

/// How long a wait without time-out may last.
///
/// Miri's clock counts its own steps, and jumps when nobody runs.
const HANG_LIMIT: Duration = Duration::from_secs(if cfg!(miri) { 2000 } else { 20 });

pub(crate) struct Settings {
    pub(crate) hang_limit: Duration,
    pub(crate) strict_lower: bool,
    pub(crate) recording: bool,
}

/// One instance of the model.
pub(crate) struct Kernel {
    pub(super) start: Instant,
    /// Whether it is the instance of threads that are on no machine.
    pub(super) is_default: bool,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) faults: Faults,
    pub(crate) settings: Mutex<Settings>,
    pub(super) workers: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Counts the threads, for their names.
    pub(super) threads: Mutex<u32>,
}

impl Kernel {
    pub(crate) fn new(is_default: bool) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            is_default,
            ledger: Mutex::default(),
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

    /// Returns the instance of threads that have entered no machine.
    pub(crate) fn process_default() -> Arc<Self> {
        static DEFAULT: OnceLock<Arc<Kernel>> = OnceLock::new();
        DEFAULT.get_or_init(|| Self::new(true)).clone()
    }

    /// Returns a number that tells instances apart.
    pub(crate) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn hang_limit(&self) -> Duration {
        lock(&self.settings).hang_limit
    }
}
