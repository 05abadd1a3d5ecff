//! The host model: the part of the Windows I/O manager that wdm-irp calls, on the host.
//!
//! [`wdm_irp::sys`] imports its functions from `ntoskrnl.exe` in a driver build, and from this
//! crate otherwise. The library's own code, down to the last pointer, then runs in ordinary tests,
//! under Miri, and under sanitizers.
//!
//! It is a model, not a set of mocks. IRPs are memory with the layout of the WDK and an array of
//! stack locations. [`IofCallDriver`](wdm_irp::sys::IofCallDriver) moves down in it, and
//! [`IofCompleteRequest`](wdm_irp::sys::IofCompleteRequest) walks up and calls completion routines
//! by the same control bits. Waits block; IRQL is kept per thread. A ledger beside that memory
//! notices misuse, and names it by the bug check that it would have been ([`ViolationKind`]).
//!
//! - A [`Machine`] is one isolated instance; make one per test. At its end it panics if anything
//!   was misused or leaked. Threads that are on no machine share one for the whole process, where a
//!   misuse ends the process.
//! - A [`Device`] is a lower driver's. Its [`Behavior`] says when and how it completes requests,
//!   and whether it keeps to its contract.
//! - [`Machine::faults`](MachineHandle::faults) makes allocations fail and widens races.
//! - [`Machine::timeline`](MachineHandle::timeline) tells what happened, as text or as a sequence
//!   diagram.
//!
//! A function of the WDK is modeled in the room of its prefix: `ex`, `io`, `ke`, `mm` or `ob`.
//! Below them is the `kernel`, with the ledger; above them are the modeled drivers (`driver`) and,
//! on top, the `machine`. What a test reads in the end is in `report`.
//!
//! The model has no preemption by IRQL (a thread at `DISPATCH_LEVEL` may be interrupted by any
//! other), no paging, no threaded IRPs, no `DRIVER_OBJECT`s (a device's `DriverObject` is null),
//! and no structured exceptions ([`MmProbeAndLockPages`](wdm_irp::sys::MmProbeAndLockPages) never
//! raises one). Opening a device by its name sends no `IRP_MJ_CREATE`, and a driver that deletes
//! its device stays loaded.
//!
//! # Example
//!
//! The lower driver of this test completes each request on another thread. The originator is raw
//! calls here, and the library in real tests.
//!
//! ```
//! use std::{ffi::c_void, ptr, time::Duration};
//! use wdm_irp::sys::*;
//! use wdm_irp_sim::{Behavior, DeviceOptions, Machine, When};
//!
//! unsafe extern "system" fn done(
//!     _: *mut DEVICE_OBJECT,
//!     _: *mut IRP,
//!     event: *mut c_void,
//! ) -> NTSTATUS {
//!     unsafe { KeSetEvent(event.cast(), 0, 0) };
//!     STATUS_MORE_PROCESSING_REQUIRED
//! }
//!
//! let machine = Machine::new();
//! let when = When::after(Duration::from_millis(1));
//! let behavior = Behavior::complete(STATUS_DEVICE_BUSY, 0).when(when);
//! let disk = machine.device_with(DeviceOptions::new("disk"), behavior);
//! unsafe {
//!     let irp = IoAllocateIrp(disk.stack_size(), 0);
//!     let mut event: KEVENT = std::mem::zeroed();
//!     let event = &raw mut event;
//!     KeInitializeEvent(event, NotificationEvent, 0);
//!     (*IoGetNextIrpStackLocation(irp)).MajorFunction = 9; // IRP_MJ_FLUSH_BUFFERS
//!     IoSetCompletionRoutine(irp, Some(done), event.cast());
//!     assert_eq!(IofCallDriver(disk.as_ptr(), irp), STATUS_PENDING);
//!     KeWaitForSingleObject(event.cast(), Executive, KernelMode, 0, ptr::null());
//!     assert_eq!(irp::Irp::new(irp).status(), STATUS_DEVICE_BUSY);
//!     IoFreeIrp(irp); // Without this line, `finish` panics and says so.
//! }
//! machine.join_drivers();
//! println!("{}", machine.timeline());
//! machine.finish();
//! ```
//!
//! A crate that uses nothing of this one by name needs `use wdm_irp_sim as _;` to link it.

#![cfg(target_pointer_width = "64")]

// First, since under loom its `thread_local!` replaces the standard library's.
#[macro_use]
mod sync;

mod driver;
mod ex;
mod exports;
mod fault;
mod io;
mod ke;
mod kernel;
mod machine;
mod memory;
mod mm;
mod ob;
mod report;

#[cfg(test)]
mod tests;

pub use driver::behavior::Behavior;
pub use driver::device::Device;
pub use driver::held::Ticket;
pub use driver::lower_irp::LowerIrp;
pub use driver::options::DeviceOptions;
pub use driver::received::{Parameters, Received};
pub use driver::when::When;
pub use fault::{Allocation, DelayPoint, Faults};
pub use ke::irql;
pub use kernel::ledger::Wait;
pub use kernel::this_thread::Entered;
pub use machine::Machine;
pub use machine::handle::MachineHandle;
pub use report::kind::{BugCheck, ViolationKind};
pub use report::names::{irql_name, major_name, status_name};
pub use report::summary::Report;
pub use report::timeline::{self, Lane, Step, Timeline};
pub use report::violation::Violation;
