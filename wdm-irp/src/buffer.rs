//! The memory a request transfers to or from, and how it is handed to the target.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::{PassiveOnly, SendIrql, UpToDispatch};
use crate::sys;
use crate::sys::irp::StackLocation;

/// Bytes that a request can transfer to and from.
///
/// Every buffer is exclusive, for writes too: a driver that uses buffered I/O takes the system buffer for its own
/// and may use it as scratch space.
///
/// While an IRP is in flight its buffer must be resident if the target may touch it above `APC_LEVEL`: on a waiting
/// thread's stack, in nonpaged pool, or in nonpageable static memory. For direct I/O the library locks the pages; at
/// `DISPATCH_LEVEL` they must be nonpageable already, and pages that cannot be brought in raise an exception, which nothing
/// catches.
///
/// An array that the request owns is aligned to 16 bytes, as pool memory is. Anything else is where it is: if the target
/// wants an alignment (`DEVICE_OBJECT.AlignmentRequirement`, with direct I/O), it must have that.
///
/// # Safety
/// [`as_mut_ptr`](IoBuffer::as_mut_ptr) points to [`byte_len`](IoBuffer::byte_len) initialised bytes that may be
/// read and written, by any thread, and are reached through this value only. Both stay the same as long as the value is
/// neither moved nor otherwise used. Neither method panics.
pub unsafe trait IoBuffer: Send {
    /// The first byte.
    fn as_mut_ptr(&mut self) -> *mut u8;
    /// How many bytes there are.
    fn byte_len(&self) -> usize;
}

// SAFETY: no bytes.
unsafe impl IoBuffer for () {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        NonNull::dangling().as_ptr()
    }
    fn byte_len(&self) -> usize {
        0
    }
}

macro_rules! slices {
    ($($(#[$meta:meta])* [$($generics:tt)*] $ty:ty: $why:literal;)*) => {$(
        $(#[$meta])*
        #[doc = $why]
        // SAFETY: the bytes of a slice that the value owns or borrows exclusively; what makes their address and
        // length constant is said in the line of the type.
        unsafe impl<$($generics)*> IoBuffer for $ty {
            fn as_mut_ptr(&mut self) -> *mut u8 {
                self[..].as_mut_ptr()
            }
            fn byte_len(&self) -> usize {
                self[..].len()
            }
        }
    )*};
}

slices! {
    [const N: usize] [u8; N]: "The bytes are the value itself, which is pinned in its operation.";
    [] &mut [u8]: "Exclusively borrowed elsewhere.";
    [const N: usize] &mut [u8; N]: "Exclusively borrowed elsewhere.";
    #[cfg(feature = "alloc")]
    [] alloc::boxed::Box<[u8]>: "On the heap, whose global allocator must be nonpaged.";
    #[cfg(feature = "alloc")]
    [] alloc::vec::Vec<u8>: "On the heap, whose global allocator must be nonpaged; reallocates on use only.";
}

/// The one buffer of a `METHOD_BUFFERED` request: the driver reads its input from it, then writes its output over it.
///
/// ```
/// use wdm_irp::SystemBuffer;
///
/// let mut sector_size = [0; 4];
/// let query = SystemBuffer::output(&mut sector_size);
/// let command = SystemBuffer::both([1, 2, 3, 4, 0, 0, 0, 0], 4);
/// # _ = (query, command);
/// ```
#[derive(Debug)]
pub struct SystemBuffer<B> {
    buffer: B,
    lengths: Lengths,
}

#[derive(Debug)]
enum Lengths {
    Input,
    Output,
    Both { input: usize },
}

impl<B: IoBuffer> SystemBuffer<B> {
    /// All of the buffer is input; the driver returns no data.
    pub const fn input(buffer: B) -> Self {
        Self {
            buffer,
            lengths: Lengths::Input,
        }
    }

    /// The driver takes no input; all of the buffer is for its output.
    pub const fn output(buffer: B) -> Self {
        Self {
            buffer,
            lengths: Lengths::Output,
        }
    }

    /// The first `input` bytes of the buffer are input, all of it is for output.
    ///
    /// If the buffer is shorter than its input, the request is not sent: [`IrpError::InvalidParameter`].
    pub const fn both(buffer: B, input: usize) -> Self {
        Self {
            buffer,
            lengths: Lengths::Both { input },
        }
    }
}

impl<B> SystemBuffer<B> {
    /// The buffer.
    pub fn into_inner(self) -> B {
        self.buffer
    }
}

/// The bytes of the buffer, so that [`Completed::transferred`](crate::Completed::transferred) gives the output.
// SAFETY: passes on what the inner buffer promises.
unsafe impl<B: IoBuffer> IoBuffer for SystemBuffer<B> {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.buffer.as_mut_ptr()
    }
    fn byte_len(&self) -> usize {
        self.buffer.byte_len()
    }
}

mod sealed {
    pub trait Sealed {}
}

/// How a control code hands over its buffers: the transfer method in its two lowest bits.
pub trait Method: sealed::Sealed {
    /// `METHOD_…`
    const METHOD: u32;
}

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident $(: METHOD $method:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        $(impl Method for $name { const METHOD: u32 = $method; })?
    )*};
}

markers! {
    /// `METHOD_BUFFERED`: one [`SystemBuffer`] for input and output.
    Buffered: METHOD 0;
    /// `METHOD_IN_DIRECT`: an input buffer, and a second one, locked, that the device reads.
    InDirect: METHOD 1;
    /// `METHOD_OUT_DIRECT`: an input buffer, and a second one, locked, that the device writes.
    OutDirect: METHOD 2;
    /// `METHOD_NEITHER`: the addresses of both buffers as they are.
    Neither: METHOD 3;
    /// A read: the kind of request that [`Irp::read`](crate::Irp::read) makes.
    Read;
    /// A write: the kind of request that [`Irp::write`](crate::Irp::write) makes.
    Write;
    /// A request without a buffer: flush, shutdown, Plug and Play.
    NoTransfer;
    /// A request whose arguments [`Irp::raw`](crate::Irp::raw) was given.
    Raw;
}

/// A device control request with transfer method `M`.
#[derive(Debug)]
pub struct Control<M>(PhantomData<M>);

impl<M> sealed::Sealed for Control<M> {}

/// A control code (`CTL_CODE`) with transfer method `M`, vouched for.
///
/// ```
/// use wdm_irp::{Buffered, ControlCode};
///
/// // SAFETY: IOCTL_DISK_GET_LENGTH_INFO takes no input and writes a GET_LENGTH_INFORMATION, which is plain data.
/// const GET_LENGTH_INFO: ControlCode<Buffered> = unsafe { ControlCode::new(0x0007_405c) };
/// ```
///
/// A code of another method does not compile:
///
/// ```compile_fail
/// use wdm_irp::{Buffered, ControlCode};
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
    /// If the method bits of `code` are not those of `M`; in a `const`, as is usual, that is a compile error.
    ///
    /// # Safety
    /// The drivers that handle the code treat the contents of its buffers as plain data even though the request comes
    /// from kernel mode: no addresses, no handles, nothing they would trust. Use [`Irp::raw`](crate::Irp::raw) for
    /// codes of another kind.
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

/// Where a request's buffer is attached: its IRP, the target's stack location, and the target's I/O method.
///
/// # Invariants
/// `irp` is allocated and the originator's, `next` its next stack location.
#[derive(Debug)]
pub struct Attachment {
    irp: sys::irp::Irp,
    next: StackLocation,
    device_flags: u32,
}

/// A buffer in its place, aligned as pool memory is: drivers may take the system buffer for a structure.
#[repr(C, align(16))]
pub(crate) struct PoolAligned<B>(pub(crate) B);

impl Attachment {
    /// Of the IRP's target. Not for use when the IRP has been sent.
    pub(crate) fn new(irp: &Irp<'_>) -> Self {
        // INVARIANT: those of `Irp`.
        Self {
            irp: irp.fields(),
            next: irp.next_location(),
            device_flags: irp.target().flags(),
        }
    }

    fn set_system_buffer(&self, buffer: *mut u8) {
        self.irp.set_system_buffer(buffer.cast());
    }

    fn set_user_buffer(&self, buffer: *mut u8) {
        self.irp.set_user_buffer(buffer.cast());
    }

    /// Describes the buffer to the device and locks its pages; [`detach`] undoes it.
    #[inline]
    fn set_mdl(&self, buffer: *mut u8, length: u32, operation: i32) -> Result<(), IrpError> {
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

    /// A read or write, by the target's I/O method.
    #[inline]
    fn transfer<B: IoBuffer>(&self, buffer: &mut B, operation: i32) -> Result<(), IrpError> {
        let length = length(buffer.byte_len())?;
        let start = buffer.as_mut_ptr();
        self.next.set_length(length);
        if self.device_flags & sys::DO_BUFFERED_IO != 0 {
            self.set_system_buffer(start);
        } else if self.device_flags & sys::DO_DIRECT_IO != 0 {
            self.set_mdl(start, length, operation)?;
        } else {
            self.set_user_buffer(start);
        }
        Ok(())
    }

    /// `METHOD_IN_DIRECT` and `METHOD_OUT_DIRECT`.
    fn direct<I: IoBuffer, O: IoBuffer>(
        &self,
        (input, data): &mut (I, O),
        operation: i32,
    ) -> Result<(), IrpError> {
        let (in_length, data_length) = (length(input.byte_len())?, length(data.byte_len())?);
        self.next.set_buffer_lengths(in_length, data_length);
        self.set_system_buffer(input.as_mut_ptr());
        self.set_mdl(data.as_mut_ptr(), data_length, operation)
    }
}

/// Releases what [`Transfer::attach`] has allocated.
///
/// # Safety
/// `irp` is allocated, the caller's, and in flight no more.
#[inline]
pub(crate) unsafe fn detach(irp: sys::irp::Irp) {
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

fn length(bytes: usize) -> Result<u32, IrpError> {
    u32::try_from(bytes).map_err(|_| IrpError::InvalidParameter)
}

/// Kinds of requests that can transfer a `B`.
#[diagnostic::on_unimplemented(
    message = "IoMethod: a `{Self}` request does not transfer a `{B}`; pass a `SystemBuffer` for METHOD_BUFFERED, an `(input, data)` pair for the other methods",
    label = "wrong buffers for the transfer method of this request"
)]
///
/// # Safety
/// [`Irql`](Transfer::Irql) is what Windows documents for the request, and `attach` enters no other memory than the
/// buffer's. There is no reason to implement this outside of this crate.
pub unsafe trait Transfer<B>: sealed::Sealed {
    /// At which IRQLs the request may be sent.
    type Irql: SendIrql;

    /// Enters the buffer in the IRP.
    ///
    /// # Safety
    /// The buffer stays where it is until the IRP is completed.
    #[doc(hidden)]
    unsafe fn attach(at: &Attachment, buffer: &mut B) -> Result<(), IrpError>;
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<B: IoBuffer> Transfer<B> for Read {
    type Irql = UpToDispatch;
    unsafe fn attach(at: &Attachment, buffer: &mut B) -> Result<(), IrpError> {
        at.transfer(buffer, sys::IoWriteAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<B: IoBuffer> Transfer<B> for Write {
    type Irql = UpToDispatch;
    unsafe fn attach(at: &Attachment, buffer: &mut B) -> Result<(), IrpError> {
        at.transfer(buffer, sys::IoReadAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<B: IoBuffer> Transfer<SystemBuffer<B>> for Control<Buffered> {
    type Irql = UpToDispatch;
    unsafe fn attach(at: &Attachment, buffer: &mut SystemBuffer<B>) -> Result<(), IrpError> {
        let size = length(buffer.byte_len())?;
        let (input, output) = match buffer.lengths {
            Lengths::Input => (size, 0),
            Lengths::Output => (0, size),
            Lengths::Both { input } if input <= buffer.byte_len() => (length(input)?, size),
            Lengths::Both { .. } => return Err(IrpError::InvalidParameter),
        };
        at.next.set_buffer_lengths(input, output);
        at.set_system_buffer(buffer.as_mut_ptr());
        Ok(())
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<I: IoBuffer, O: IoBuffer> Transfer<(I, O)> for Control<InDirect> {
    type Irql = UpToDispatch;
    unsafe fn attach(at: &Attachment, buffers: &mut (I, O)) -> Result<(), IrpError> {
        at.direct(buffers, sys::IoReadAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<I: IoBuffer, O: IoBuffer> Transfer<(I, O)> for Control<OutDirect> {
    type Irql = UpToDispatch;
    unsafe fn attach(at: &Attachment, buffers: &mut (I, O)) -> Result<(), IrpError> {
        at.direct(buffers, sys::IoWriteAccess)
    }
}

// SAFETY: documented so; the buffer is an `IoBuffer`.
unsafe impl<I: IoBuffer, O: IoBuffer> Transfer<(I, O)> for Control<Neither> {
    type Irql = UpToDispatch;
    unsafe fn attach(at: &Attachment, (input, output): &mut (I, O)) -> Result<(), IrpError> {
        let (in_length, out_length) = (length(input.byte_len())?, length(output.byte_len())?);
        at.next.set_buffer_lengths(in_length, out_length);
        at.next.set_type3_input_buffer(input.as_mut_ptr().cast());
        at.set_user_buffer(output.as_mut_ptr());
        Ok(())
    }
}

// SAFETY: documented so; there is no buffer.
unsafe impl Transfer<()> for NoTransfer {
    type Irql = PassiveOnly;
    unsafe fn attach(_: &Attachment, (): &mut ()) -> Result<(), IrpError> {
        Ok(())
    }
}

// SAFETY: the lowest IRQL suits every request; no memory is entered.
unsafe impl<B: Send> Transfer<B> for Raw {
    type Irql = PassiveOnly;
    unsafe fn attach(_: &Attachment, _: &mut B) -> Result<(), IrpError> {
        Ok(())
    }
}
