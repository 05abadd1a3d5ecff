//! The ledger's pages about routines of `IoSetCompletionRoutineEx`.

use std::ffi::c_void;

use wdm_irp::sys::PIO_COMPLETION_ROUTINE;

use crate::memory::Memory;

/// The ledger's page about one registration: what the system allocates until the routine has run.
pub(crate) struct Registration {
    /// Its address is the context of the routine that the system calls.
    pub(crate) memory: Memory,
    pub(crate) irp: u32,
    /// The device that is held until the routine has returned.
    pub(crate) device: usize,
    pub(crate) routine: PIO_COMPLETION_ROUTINE,
    pub(crate) context: Context,
}

/// The context of a driver's routine.
#[derive(Clone, Copy)]
pub(crate) struct Context(pub(crate) *mut c_void);

// SAFETY: an address that the model stores and hands back; whose memory it is, the driver knows.
unsafe impl Send for Context {}
