//! Device control requests, by the transfer method of their control codes.

use core::marker::PhantomData;

use super::state::Request;
use super::transfer::{Fields, Transfer, length, sealed};
use crate::buffer::{IoBuffer, Lengths, SystemBuffer};
use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::UpToDispatch;
use crate::sys;

/// How a control code hands over its buffers: the transfer method in its two lowest bits.
pub trait Method: sealed::Sealed {
    /// `METHOD_…`
    const METHOD: u32;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident: METHOD $method:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Method for $name { const METHOD: u32 = $method; }
    )*};
}

methods! {
    /// `METHOD_BUFFERED`: one [`SystemBuffer`] for input and output.
    Buffered: METHOD 0;
    /// `METHOD_IN_DIRECT`: an input buffer, and a second one, locked, that the device reads.
    InDirect: METHOD 1;
    /// `METHOD_OUT_DIRECT`: an input buffer, and a second one, locked, that the device writes.
    OutDirect: METHOD 2;
    /// `METHOD_NEITHER`: the addresses of both buffers as they are.
    Neither: METHOD 3;
}

/// A device control request with transfer method `M`.
#[derive(Debug)]
pub struct Control<M> {
    major_function: u32,
    code: ControlCode<M>,
}

impl<M> sealed::Sealed for Control<M> {}

/// A control code (`CTL_CODE`) with transfer method `M`, vouched for.
///
/// ```
/// use wdm_irp::request::{Buffered, ControlCode};
///
/// // SAFETY: IOCTL_DISK_GET_LENGTH_INFO takes no input and writes a GET_LENGTH_INFORMATION, which
/// // is plain data.
/// const GET_LENGTH_INFO: ControlCode<Buffered> = unsafe { ControlCode::new(0x0007_405c) };
/// ```
///
/// A code of another method does not compile:
///
/// ```compile_fail
/// use wdm_irp::request::{Buffered, ControlCode};
///
/// // SAFETY: never reached.
/// const WRONG: ControlCode<Buffered> = unsafe { ControlCode::new(0x0007_405f) };
/// ```
#[derive(Debug)]
pub struct ControlCode<M> {
    code: u32,
    _method: PhantomData<M>,
}

impl<M> Clone for ControlCode<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for ControlCode<M> {}

impl<M: Method> ControlCode<M> {
    /// Vouches for a control code.
    ///
    /// # Panics
    /// If the method bits of `code` are not those of `M`; in a `const`, as is usual, that is a
    /// compile error.
    ///
    /// # Safety
    /// The drivers that handle the code treat the contents of its buffers as plain data even though
    /// the request comes from kernel mode: no addresses, no handles, nothing they would trust. Use
    /// [`Irp::raw`](crate::Irp::raw) for codes of another kind.
    #[must_use]
    pub const unsafe fn new(code: u32) -> Self {
        assert!(
            code & 3 == M::METHOD,
            "the transfer method of the control code is another one"
        );
        Self {
            code,
            _method: PhantomData,
        }
    }

    /// The code.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.code
    }
}

impl<T> Irp<T> {
    /// `IRP_MJ_DEVICE_CONTROL`: a [`SystemBuffer`] for [`Buffered`] codes, an
    /// `(input, data)` pair of buffers for others. May be sent at IRQL <= `DISPATCH_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::buffer::SystemBuffer;
    /// # use wdm_irp::request::{Buffered, ControlCode};
    /// # use wdm_irp::{
    /// #     Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// // SAFETY: IOCTL_DISK_GET_LENGTH_INFO takes no input and writes a 64-bit number.
    /// const GET_LENGTH_INFO: ControlCode<Buffered> = unsafe { ControlCode::new(0x0007_405c) };
    ///
    /// fn length(disk: &TargetDevice, at: &PassiveLevel) -> Result<u64, IrpError> {
    ///     let mut bytes = [0; 8];
    ///     Irp::allocate(disk)?
    ///         .device_control(GET_LENGTH_INFO, SystemBuffer::output(&mut bytes))
    ///         .on_completion(done, ())
    ///         .send_and_wait(at, Timeout::seconds(5))?;
    ///     Ok(u64::from_ne_bytes(bytes))
    /// }
    /// ```
    pub fn device_control<M: Method, B>(
        self,
        code: ControlCode<M>,
        buffers: B,
    ) -> Request<T, Control<M>, B> {
        let major_function = sys::IRP_MJ_DEVICE_CONTROL;
        let kind = Control {
            major_function,
            code,
        };
        Request::new(self, kind, buffers)
    }

    /// `IRP_MJ_INTERNAL_DEVICE_CONTROL`: like [`Irp::device_control`], for codes between drivers.
    pub fn internal_device_control<M: Method, B>(
        self,
        code: ControlCode<M>,
        buffers: B,
    ) -> Request<T, Control<M>, B> {
        let major_function = sys::IRP_MJ_INTERNAL_DEVICE_CONTROL;
        let kind = Control {
            major_function,
            code,
        };
        Request::new(self, kind, buffers)
    }
}

impl Fields {
    /// Enters what all control requests have in common.
    fn control<M>(&self, kind: &Control<M>, input: u32, output: u32) {
        self.set_function(kind.major_function, 0);
        self.next.set_io_control_code(kind.code.code);
        self.next.set_buffer_lengths(input, output);
    }

    /// `METHOD_IN_DIRECT` and `METHOD_OUT_DIRECT`.
    fn direct<M, I: IoBuffer, O: IoBuffer>(
        &self,
        kind: &Control<M>,
        (input, data): &mut (I, O),
        operation: i32,
    ) -> Result<(), IrpError> {
        let (in_length, data_length) = (length(input.byte_len())?, length(data.byte_len())?);
        self.control(kind, in_length, data_length);
        self.set_system_buffer(input.as_mut_ptr());
        self.set_mdl(data.as_mut_ptr(), data_length, operation)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<B: IoBuffer> Transfer<SystemBuffer<B>> for Control<Buffered> {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, at: &Fields, buffer: &mut SystemBuffer<B>) -> Result<(), IrpError> {
        let size = length(buffer.byte_len())?;
        let (input, output) = match buffer.lengths {
            Lengths::Input => (size, 0),
            Lengths::Output => (0, size),
            Lengths::Both { input } if input <= buffer.byte_len() => (length(input)?, size),
            Lengths::Both { .. } => return Err(IrpError::InvalidParameter),
        };
        at.control(self, input, output);
        at.set_system_buffer(buffer.as_mut_ptr());
        Ok(())
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<I: IoBuffer, O: IoBuffer> Transfer<(I, O)> for Control<InDirect> {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, at: &Fields, buffers: &mut (I, O)) -> Result<(), IrpError> {
        at.direct(self, buffers, sys::IoReadAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<I: IoBuffer, O: IoBuffer> Transfer<(I, O)> for Control<OutDirect> {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, at: &Fields, buffers: &mut (I, O)) -> Result<(), IrpError> {
        at.direct(self, buffers, sys::IoWriteAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<I: IoBuffer, O: IoBuffer> Transfer<(I, O)> for Control<Neither> {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, at: &Fields, (input, output): &mut (I, O)) -> Result<(), IrpError> {
        let (in_length, out_length) = (length(input.byte_len())?, length(output.byte_len())?);
        at.control(self, in_length, out_length);
        at.next.set_type3_input_buffer(input.as_mut_ptr().cast());
        at.set_user_buffer(output.as_mut_ptr());
        Ok(())
    }
}
