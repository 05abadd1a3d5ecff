//! What is counted.

use core::hint::black_box;
use core::ptr::NonNull;
use std::error::Error;
use std::mem::zeroed;
use std::thread;
use std::time::Instant;

use wdm_irp::TargetDevice;
use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, STATUS_DEVICE_BUSY, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_IO_TIMEOUT, STATUS_SUCCESS,
};
use wdm_irp_benchmarks::{BOXED, Outcome, Read, SENDERS};

use crate::kernel::{self, Lower};

/// How often a process runs its case; every run must cost the same.
pub(crate) const ROUNDS: u64 = 10;

/// A sender's `read`, and the device it reads from.
struct Reader {
    device: Box<DEVICE_OBJECT>,
    read: Read,
    four: Read,
}

impl Reader {
    fn read(&mut self) -> Outcome {
        self.with(self.read)
    }

    fn read_four(&mut self) -> Outcome {
        self.with(self.four)
    }

    fn with(&mut self, read: Read) -> Outcome {
        // SAFETY: the device outlives `disk`, and each read is over when it returns. The kernel of
        // this program never touches a buffer.
        let disk = unsafe { TargetDevice::from_raw(NonNull::from(&mut *self.device)) };
        let disk = disk.expect("a stack of one");
        read(&disk, &mut [0; 512])
    }
}

/// Makes a case of each function: its name and itself. Only the sender's instructions are counted.
macro_rules! cases {
    ($($(#[$doc:meta])* fn $name:ident($reader:ident) $body:block)*) => {
        $($(#[$doc])* fn $name($reader: &mut Reader) $body)*
        const CASES: &[(&str, fn(&mut Reader))] = &[$((stringify!($name), $name)),*];
    };
}

cases! {
    /// The lower driver completes the request before it returns.
    fn inline(reader) {
        kernel::lower(Lower::Inline(STATUS_SUCCESS));
        assert_eq!(reader.read(), Ok(512));
    }

    /// The lower driver returns `STATUS_PENDING` and completes later.
    fn pended(reader) {
        kernel::lower(Lower::Pended);
        assert_eq!(reader.read(), Ok(512));
    }

    /// The lower driver keeps the request until it is cancelled.
    fn timeout_cancel(reader) {
        kernel::lower(Lower::UntilCancelled);
        assert_eq!(reader.read(), Err(STATUS_IO_TIMEOUT));
    }

    /// `IoAllocateIrp` returns null.
    fn allocation_failure(reader) {
        kernel::out_of_memory(true);
        assert_eq!(reader.read(), Err(STATUS_INSUFFICIENT_RESOURCES));
    }

    /// Inline, with an error.
    fn inline_error(reader) {
        kernel::lower(Lower::Inline(STATUS_DEVICE_BUSY));
        assert_eq!(reader.read(), Err(STATUS_DEVICE_BUSY));
    }

    /// Four inline ones, with one IRP.
    fn four_inline(reader) {
        kernel::lower(Lower::Inline(STATUS_SUCCESS));
        assert_eq!(reader.read_four(), Ok(4 * 512));
    }

    /// Four pended ones, with one IRP.
    fn four_pended(reader) {
        kernel::lower(Lower::Pended);
        assert_eq!(reader.read_four(), Ok(4 * 512));
    }

    /// Inline, through an MDL.
    fn inline_direct_io(reader) {
        reader.device.Flags = DO_DIRECT_IO;
        kernel::lower(Lower::Inline(STATUS_SUCCESS));
        assert_eq!(reader.read(), Ok(512));
    }

    /// Pended, through an MDL.
    fn pended_direct_io(reader) {
        reader.device.Flags = DO_DIRECT_IO;
        kernel::lower(Lower::Pended);
        assert_eq!(reader.read(), Ok(512));
    }
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name)
}

fn device() -> Box<DEVICE_OBJECT> {
    // SAFETY: a DEVICE_OBJECT consists of integers, raw pointers and optional functions, for which
    // zeroes are valid.
    let mut device: Box<DEVICE_OBJECT> = Box::new(unsafe { zeroed() });
    device.StackSize = 1;
    device.Flags = DO_BUFFERED_IO;
    device
}

/// Prints how many functions send each request.
pub(crate) fn callers() -> Result<(), Box<dyn Error>> {
    let callers = BOXED.len();
    if SENDERS.iter().any(|sender| sender.callers.len() != callers) {
        return Err("not as many callers for each request".into());
    }
    println!("{callers}");
    Ok(())
}

/// Runs a case [`ROUNDS`] times, with the caller of that number.
pub(crate) fn run(case: &str, sender: &str, caller: &str) -> Result<(), Box<dyn Error>> {
    let (_, case) = CASES
        .iter()
        .find(|(name, _)| *name == case)
        .ok_or("which case?")?;
    let sender = SENDERS
        .iter()
        .find(|known| known.name == sender)
        .ok_or("which sender?")?;
    let caller: usize = caller.parse()?;
    let mut reader = Reader {
        device: device(),
        read: black_box(*sender.callers.get(caller).ok_or("which caller?")?),
        four: black_box(*sender.four.get(caller).ok_or("which caller?")?),
    };
    for _ in 0..ROUNDS {
        case(&mut reader);
    }
    Ok(())
}

/// Sends `requests` from memory of their own, has them all in flight at once, and waits for them, with the
/// caller of that number.
pub(crate) fn flight(requests: &str, caller: &str) -> Result<(), Box<dyn Error>> {
    let (requests, caller): (usize, usize) = (requests.parse()?, caller.parse()?);
    let (send, wait) = BOXED.get(caller).ok_or("which caller?")?;
    let mut device = device();
    // SAFETY: `device` outlives `disk` and every request: each is waited for below. The kernel of
    // this program never touches a buffer.
    let disk = unsafe { TargetDevice::from_raw(NonNull::from(&mut *device)) }?;
    kernel::lower(Lower::Pended);
    let mut in_flight = Vec::with_capacity(requests);
    for _ in 0..requests {
        in_flight.push(send(disk.clone())?);
    }
    for sent in in_flight {
        assert_eq!(wait(sent), 8);
    }
    Ok(())
}

/// Sends pairs of an inline and a pended request from threads, and prints what a pair takes.
///
/// In nanoseconds, for one pair of one thread: all threads together send so many times as many.
pub(crate) fn threads(threads: &str, requests: &str) -> Result<(), Box<dyn Error>> {
    let (threads, requests): (u32, u32) = (threads.parse()?, requests.parse()?);
    let pairs = || {
        let mut reader = Reader {
            device: device(),
            read: SENDERS[0].callers[0],
            four: SENDERS[0].four[0],
        };
        for _ in 0..requests {
            inline(&mut reader);
            pended(&mut reader);
        }
    };
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(pairs);
        }
    });
    println!(
        "{:.1}",
        start.elapsed().as_secs_f64() * 1e9 / f64::from(requests)
    );
    Ok(())
}
