//! The memory that a request transfers to or from.

use core::ptr::NonNull;

/// Bytes that a request can transfer to and from.
///
/// Every buffer is exclusive, for writes too: a driver that uses buffered I/O takes the system
/// buffer for its own and may use it as scratch space.
///
/// While an IRP is in flight its buffer must be resident if the target may touch it above
/// `APC_LEVEL`: on a waiting thread's stack, in nonpaged pool, or in nonpageable static memory. For
/// direct I/O the library locks the pages; at `DISPATCH_LEVEL` they must be nonpageable already,
/// and pages that cannot be brought in raise an exception, which nothing catches.
///
/// An array that the request owns is aligned to 16 bytes, as pool memory is. Anything else is where
/// it is: if the target wants an alignment (`DEVICE_OBJECT.AlignmentRequirement`, with direct I/O),
/// it must have that.
///
/// # Safety
/// [`as_mut_ptr`](IoBuffer::as_mut_ptr) points to [`byte_len`](IoBuffer::byte_len) initialized
/// bytes that may be read and written, by any thread, and are reached through this value only. Both
/// stay the same as long as the value is neither moved nor otherwise used. Neither method panics.
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
        // SAFETY: the bytes of a slice that the value owns or borrows exclusively; what makes their
        // address and length constant is said in the line of the type.
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

/// The one buffer of a `METHOD_BUFFERED` request: the driver reads its input from it, then writes
/// its output over it.
///
/// ```
/// use wdm_irp::buffer::SystemBuffer;
///
/// let mut sector_size = [0; 4];
/// let query = SystemBuffer::output(&mut sector_size);
/// let command = SystemBuffer::both([1, 2, 3, 4, 0, 0, 0, 0], 4);
/// # _ = (query, command);
/// ```
#[derive(Debug)]
pub struct SystemBuffer<B> {
    buffer: B,
    pub(crate) lengths: Lengths,
}

#[derive(Debug)]
pub(crate) enum Lengths {
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
    /// If the buffer is shorter than its input, the request is not sent:
    /// [`IrpError::InvalidParameter`](crate::error::IrpError::InvalidParameter).
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

/// The bytes of the buffer, so that [`Completed::transferred`](crate::Completed::transferred) gives
/// the output.
// SAFETY: passes on what the inner buffer promises.
unsafe impl<B: IoBuffer> IoBuffer for SystemBuffer<B> {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.buffer.as_mut_ptr()
    }
    fn byte_len(&self) -> usize {
        self.buffer.byte_len()
    }
}

/// A buffer in its place, aligned as pool memory is: drivers may take the system buffer for a
/// structure.
#[repr(C, align(16))]
pub(crate) struct PoolAligned<B>(pub(crate) B);
