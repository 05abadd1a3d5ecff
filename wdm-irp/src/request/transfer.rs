//! How a request's buffer is entered in its IRP, and released again.

use core::ptr;

use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::SendIrql;
use crate::sys::irp::StackLocation;
use crate::sys::{self, DEVICE_OBJECT};
use crate::target::{Target, device_flags};

pub(super) mod sealed {
    pub trait Sealed {}
}

/// Kinds of requests that can transfer a `B`.
#[diagnostic::on_unimplemented(
    message = "IoMethod: a `{Self}` request does not transfer a `{B}`; pass a `SystemBuffer` for METHOD_BUFFERED, an `(input, data)` pair for the other methods",
    label = "wrong buffers for the transfer method of this request"
)]
///
/// # Safety
/// [`Irql`](Transfer::Irql) is what Windows documents for the request, and `enter` enters no other
/// memory than the buffer's. There is no reason to implement this outside of this crate.
pub unsafe trait Transfer<B>: sealed::Sealed {
    /// At which IRQLs the request may be sent.
    type Irql: SendIrql;

    /// Enters the request in the IRP and the stack location of its target: every field that is not
    /// as `IoAllocateIrp` and `IoReuseIrp` leave it.
    ///
    /// On an error nothing is attached to the IRP.
    ///
    /// # Safety
    /// The buffer stays where it is, and nobody uses it, until the IRP is completed.
    #[doc(hidden)]
    unsafe fn enter(&self, at: &Fields, buffer: &mut B) -> Result<(), IrpError>;
}

/// The fields that a request is entered in: of its IRP, and of the stack location of its target.
///
/// # Invariants
/// 1. The IRP is allocated and the originator's, and `next` is its next stack location.
/// 2. The device exists.
#[derive(Debug)]
pub struct Fields {
    pub(super) irp: sys::irp::Irp,
    pub(super) next: StackLocation,
    /// Of the target.
    device: *mut DEVICE_OBJECT,
}

impl Fields {
    /// Returns the fields of an IRP that is not sent.
    #[inline]
    pub(super) fn new<T: Target>(irp: &Irp<T>) -> Self {
        // INVARIANT: 1 by that of `Irp`, 2 by the contract of `Target`.
        Self {
            irp: irp.fields(),
            next: irp.next_location(),
            device: irp.target().device(),
        }
    }

    /// Returns `DO_BUFFERED_IO`, `DO_DIRECT_IO` … of the target.
    #[inline]
    pub(super) fn device_flags(&self) -> u32 {
        // SAFETY: the device exists (invariant 2).
        unsafe { device_flags(self.device) }
    }

    /// Enters the function codes.
    pub(super) fn set_function(&self, major_function: u32, minor_function: u8) {
        #[expect(clippy::cast_possible_truncation, reason = "IRP_MJ_ codes are bytes")]
        let major_function = major_function as u8;
        self.next.set_function(major_function, minor_function);
    }

    pub(super) fn set_system_buffer(&self, buffer: *mut u8) {
        self.irp.set_system_buffer(buffer.cast());
    }

    pub(super) fn set_user_buffer(&self, buffer: *mut u8) {
        self.irp.set_user_buffer(buffer.cast());
    }

    /// Describes the buffer to the device and locks its pages; [`release_mdl`] undoes it.
    #[inline]
    pub(super) fn set_mdl(
        &self,
        buffer: *mut u8,
        length: u32,
        operation: i32,
    ) -> Result<(), IrpError> {
        if length == 0 {
            return Ok(());
        }
        // SAFETY: the caller has the buffer from an `IoBuffer`.
        let mdl = unsafe { sys::IoAllocateMdl(buffer.cast(), length, 0, 0, ptr::null_mut()) };
        if mdl.is_null() {
            return Err(IrpError::MdlAllocation);
        }
        // SAFETY: the MDL describes an `IoBuffer`, which may be read and written.
        unsafe { sys::MmProbeAndLockPages(mdl, sys::KernelMode, operation) };
        self.irp.set_mdl_address(mdl);
        Ok(())
    }
}

/// Releases the MDL that [`Transfer::enter`] has attached, if it has.
///
/// # Safety
/// `irp` is allocated, the caller's, and in flight no more.
#[inline]
pub(crate) unsafe fn release_mdl(irp: sys::irp::Irp) {
    let mdl = irp.mdl_address();
    if mdl.is_null() {
        return;
    }
    // SAFETY: `set_mdl` locked the pages and no transfer is under way.
    unsafe { sys::MmUnlockPages(mdl) };
    // SAFETY: `set_mdl` allocated it.
    unsafe { sys::IoFreeMdl(mdl) };
    // Wine's IoFreeIrp would free it again.
    irp.set_mdl_address(ptr::null_mut());
}

pub(super) fn length(bytes: usize) -> Result<u32, IrpError> {
    u32::try_from(bytes).map_err(|_| IrpError::InvalidParameter)
}
