//! Reads and writes.

use super::state::Request;
use super::transfer::{Fields, Transfer, length, sealed};
use crate::buffer::IoBuffer;
use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::UpToDispatch;
use crate::sys;

/// Where a transfer begins, in bytes from the start of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteOffset(pub i64);

/// A read: the kind of request that [`Irp::read`](crate::Irp::read) makes.
#[derive(Debug)]
pub struct Read {
    offset: ByteOffset,
}

impl sealed::Sealed for Read {}

/// A write: the kind of request that [`Irp::write`](crate::Irp::write) makes.
#[derive(Debug)]
pub struct Write {
    offset: ByteOffset,
}

impl sealed::Sealed for Write {}

impl<T> Irp<T> {
    /// `IRP_MJ_READ` into `buffer`, handed over by the target's I/O method (`DO_BUFFERED_IO`,
    /// `DO_DIRECT_IO` or neither). May be sent at IRQL <= `DISPATCH_LEVEL`.
    pub fn read<B>(self, buffer: B, offset: ByteOffset) -> Request<T, Read, B> {
        Request::new(self, Read { offset }, buffer)
    }

    /// `IRP_MJ_WRITE` from `buffer`, handed over by the target's I/O method. May be sent at IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{
    /// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn erase(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    ///     let write = Irp::allocate(disk)?.write([0; 512], ByteOffset(0)).on_completion(done, ());
    ///     write.send_and_wait(at, Timeout::seconds(5))?;
    ///     Ok(())
    /// }
    /// ```
    pub fn write<B>(self, buffer: B, offset: ByteOffset) -> Request<T, Write, B> {
        Request::new(self, Write { offset }, buffer)
    }
}

impl Fields {
    /// A read or write, by the target's I/O method.
    #[inline]
    fn transfer<B: IoBuffer>(
        &self,
        major_function: u32,
        offset: ByteOffset,
        buffer: &mut B,
        operation: i32,
    ) -> Result<(), IrpError> {
        let length = length(buffer.byte_len())?;
        let start = buffer.as_mut_ptr();
        self.set_function(major_function, 0);
        self.next.set_byte_offset(offset.0);
        self.next.set_length(length);
        let flags = self.device_flags();
        if flags & sys::DO_BUFFERED_IO != 0 {
            self.set_system_buffer(start);
        } else if flags & sys::DO_DIRECT_IO != 0 {
            self.set_mdl(start, length, operation)?;
        } else {
            self.set_user_buffer(start);
        }
        Ok(())
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<B: IoBuffer> Transfer<B> for Read {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, at: &Fields, buffer: &mut B) -> Result<(), IrpError> {
        at.transfer(sys::IRP_MJ_READ, self.offset, buffer, sys::IoWriteAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<B: IoBuffer> Transfer<B> for Write {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, at: &Fields, buffer: &mut B) -> Result<(), IrpError> {
        at.transfer(sys::IRP_MJ_WRITE, self.offset, buffer, sys::IoReadAccess)
    }
}
