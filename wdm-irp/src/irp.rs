//! An allocated IRP, and the requests it can become.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem;

use crate::buffer::{Control, ControlCode, Method, NoTransfer, Raw, Read, Write};
use crate::device::{OwnDevice, TargetDevice};
use crate::error::IrpError;
use crate::request::Request;
use crate::sys::irp::StackLocation;
use crate::sys::{self, IRP, PARAMETERS_OTHERS};
use crate::timeout::Timeout;

/// Where a transfer begins, in bytes from the start of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteOffset(pub i64);

/// A Plug and Play request without arguments, vouched for.
///
/// ```
/// use wdm_irp::PnpMinor;
///
/// let query = PnpMinor::QUERY_PNP_DEVICE_STATE;
/// # _ = query;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PnpMinor(u8);

impl PnpMinor {
    /// `IRP_MN_QUERY_PNP_DEVICE_STATE`: the answer is in [`Completed::information`](crate::Completed::information).
    pub const QUERY_PNP_DEVICE_STATE: Self = Self(sys::IRP_MN_QUERY_PNP_DEVICE_STATE);

    /// Vouches for an `IRP_MN_…` code.
    ///
    /// # Safety
    /// A driver may send the request, and the request takes no arguments.
    #[must_use]
    pub const unsafe fn new(minor_function: u8) -> Self {
        Self(minor_function)
    }
}

/// The stack location of a request that this crate has no method for.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest {
    /// `IRP_MJ_…`
    pub major_function: u8,
    /// `IRP_MN_…`
    pub minor_function: u8,
    /// `SL_…` flags of the major function.
    pub flags: u8,
    /// `Parameters.Others.Argument1` to `Argument4`.
    pub arguments: [*mut c_void; 4],
}

/// An IRP that this driver has allocated for one target.
///
/// It becomes a request by one of its methods, gets a completion routine, and is sent:
///
/// ```
/// use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};
///
/// #[completion_routine]
/// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
///     irp.signal_if_pended()
/// }
///
/// fn read_sector(disk: &TargetDevice, sector: &mut [u8; 512], at: &PassiveLevel) -> Result<usize, IrpError> {
///     let done = Irp::allocate(disk)?
///         .read(sector, ByteOffset(0))
///         .on_completion(read_done, ())
///         .send_and_wait(at, Timeout::seconds(5))?;
///     Ok(done.information())
/// }
/// ```
///
/// Dropping it frees it (`IoFreeIrp`).
///
/// # Invariants
/// 1. `raw` came from `IoAllocateIrp`, and is this value's alone until `into_raw` gives it away.
/// 2. `next` is its next stack location, and there are as many below as `target` needs.
#[must_use = "dropping it frees the IRP"]
#[derive(Debug)]
pub struct Irp<'d> {
    raw: sys::irp::Irp,
    /// Kept, as the compiler cannot know that writing to the location does not move it.
    next: StackLocation,
    target: &'d TargetDevice,
}

// SAFETY: an IRP of IoAllocateIrp belongs to no thread, nor do its locations.
unsafe impl Send for Irp<'_> {}
// SAFETY: shared access does nothing.
unsafe impl Sync for Irp<'_> {}

impl<'d> Irp<'d> {
    /// `IoAllocateIrp` with as many stack locations as `target` needs, without quota. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::IrpAllocation`].
    #[inline]
    pub fn allocate(target: &'d TargetDevice) -> Result<Self, IrpError> {
        Self::with_stack_size(target, target.stack_size())
    }

    /// Like [`Irp::allocate`], with one more stack location, for this driver itself: its completion routine then gets
    /// `own` as its `DeviceObject`. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::IrpAllocation`], or [`IrpError::InvalidParameter`] if the target's stack is as deep as an IRP can be.
    pub fn allocate_with_own_location(
        target: &'d TargetDevice,
        own: &OwnDevice,
    ) -> Result<Self, IrpError> {
        // One more still: `CurrentLocation` starts at `StackCount + 1`, in a signed byte.
        let stack_size = target.stack_size().saturating_add(1);
        if stack_size == i8::MAX {
            return Err(IrpError::InvalidParameter);
        }
        let mut irp = Self::with_stack_size(target, stack_size)?;
        // SAFETY: the IRP is this value's (invariant 1) and has one location more than the target needs, at least two.
        unsafe { sys::IoSetNextIrpStackLocation(irp.as_ptr()) };
        irp.next.set_device_object(own.as_ptr());
        // SAFETY: there is a lower location, since the target needs at least one.
        let next = unsafe { sys::IoGetNextIrpStackLocation(irp.as_ptr()) };
        // INVARIANT: 2; the target's location is one lower now.
        // SAFETY: a location of an IRP that is this value's (invariant 1).
        irp.next = unsafe { StackLocation::new(next) };
        Ok(irp)
    }

    #[inline]
    fn with_stack_size(target: &'d TargetDevice, stack_size: i8) -> Result<Self, IrpError> {
        // SAFETY: a device object has a stack of at least one.
        let irp = unsafe { sys::IoAllocateIrp(stack_size, 0) };
        if irp.is_null() {
            return Err(IrpError::IrpAllocation);
        }
        // SAFETY: just allocated, with one location at least.
        let next = unsafe { sys::IoGetNextIrpStackLocation(irp) };
        // INVARIANT: 1 and 2; just allocated, with the locations `target` asks for.
        Ok(Self {
            // SAFETY: just allocated, and this value's until `into_raw`.
            raw: unsafe { sys::irp::Irp::new(irp) },
            // SAFETY: a location of that IRP.
            next: unsafe { StackLocation::new(next) },
            target,
        })
    }

    pub(crate) fn as_ptr(&self) -> *mut IRP {
        self.raw.as_ptr()
    }

    pub(crate) fn target(&self) -> &'d TargetDevice {
        self.target
    }

    /// Gives the IRP away; the caller frees it.
    pub(crate) fn into_raw(self) -> *mut IRP {
        let irp = self.as_ptr();
        mem::forget(self);
        irp
    }

    /// The fields of the IRP.
    pub(crate) fn fields(&self) -> sys::irp::Irp {
        self.raw
    }

    pub(crate) fn next_location(&self) -> StackLocation {
        self.next
    }

    /// Enters the function codes.
    fn function(&self, major_function: u32, minor_function: u8) {
        #[expect(clippy::cast_possible_truncation, reason = "IRP_MJ_ codes are bytes")]
        let major_function = major_function as u8;
        self.next.set_function(major_function, minor_function);
    }

    fn transfer<K, B>(
        self,
        major_function: u32,
        buffer: B,
        offset: ByteOffset,
    ) -> Request<'d, K, B> {
        self.function(major_function, 0);
        self.next.set_byte_offset(offset.0);
        Request::new(self, buffer)
    }

    fn control<M: Method, B>(
        self,
        major_function: u32,
        code: ControlCode<M>,
        buffers: B,
    ) -> Request<'d, Control<M>, B> {
        self.function(major_function, 0);
        self.next.set_io_control_code(code.get());
        Request::new(self, buffers)
    }

    fn bare(self, major_function: u32, minor_function: u8) -> Request<'d, NoTransfer, ()> {
        self.function(major_function, minor_function);
        Request::new(self, ())
    }

    /// `IRP_MJ_READ` into `buffer`, handed over by the target's I/O method (`DO_BUFFERED_IO`, `DO_DIRECT_IO` or
    /// neither). May be sent at IRQL <= `DISPATCH_LEVEL`.
    pub fn read<B>(self, buffer: B, offset: ByteOffset) -> Request<'d, Read, B> {
        self.transfer(sys::IRP_MJ_READ, buffer, offset)
    }

    /// `IRP_MJ_WRITE` from `buffer`, handed over by the target's I/O method. May be sent at IRQL <= `DISPATCH_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn erase(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    ///     let write = Irp::allocate(disk)?.write([0; 512], ByteOffset(0)).on_completion(done, ());
    ///     write.send_and_wait(at, Timeout::seconds(5))?;
    ///     Ok(())
    /// }
    /// ```
    pub fn write<B>(self, buffer: B, offset: ByteOffset) -> Request<'d, Write, B> {
        self.transfer(sys::IRP_MJ_WRITE, buffer, offset)
    }

    /// `IRP_MJ_DEVICE_CONTROL`: a [`SystemBuffer`](crate::SystemBuffer) for [`Buffered`](crate::Buffered) codes, an
    /// `(input, data)` pair of buffers for others. May be sent at IRQL <= `DISPATCH_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{
    /// #     Buffered, Completing, ControlCode, Irp, IrpError, PassiveLevel, Signaled, SystemBuffer, TargetDevice, Timeout,
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
    ) -> Request<'d, Control<M>, B> {
        self.control(sys::IRP_MJ_DEVICE_CONTROL, code, buffers)
    }

    /// `IRP_MJ_INTERNAL_DEVICE_CONTROL`: like [`Irp::device_control`], for codes between drivers.
    pub fn internal_device_control<M: Method, B>(
        self,
        code: ControlCode<M>,
        buffers: B,
    ) -> Request<'d, Control<M>, B> {
        self.control(sys::IRP_MJ_INTERNAL_DEVICE_CONTROL, code, buffers)
    }

    /// `IRP_MJ_FLUSH_BUFFERS`. May be sent at `PASSIVE_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn flush(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    ///     Irp::allocate(disk)?.flush().on_completion(done, ()).send_and_wait(at, Timeout::seconds(30))?;
    ///     Ok(())
    /// }
    /// ```
    pub fn flush(self) -> Request<'d, NoTransfer, ()> {
        self.bare(sys::IRP_MJ_FLUSH_BUFFERS, 0)
    }

    /// `IRP_MJ_SHUTDOWN`. May be sent at `PASSIVE_LEVEL`.
    pub fn shutdown(self) -> Request<'d, NoTransfer, ()> {
        self.bare(sys::IRP_MJ_SHUTDOWN, 0)
    }

    /// `IRP_MJ_PNP`, with the initial status `STATUS_NOT_SUPPORTED` that Plug and Play requests start from. May be sent
    /// at `PASSIVE_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{
    /// #     Completing, Irp, IrpError, PassiveLevel, PnpMinor, Signaled, TargetDevice, Timeout, completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn state(device: &TargetDevice, at: &PassiveLevel) -> Result<usize, IrpError> {
    ///     let query = Irp::allocate(device)?.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE).on_completion(done, ());
    ///     Ok(query.send_and_wait(at, Timeout::seconds(30))?.information())
    /// }
    /// ```
    pub fn pnp(self, minor_function: PnpMinor) -> Request<'d, NoTransfer, ()> {
        self.raw.set_io_status(sys::STATUS_NOT_SUPPORTED, 0);
        self.bare(sys::IRP_MJ_PNP, minor_function.0)
    }

    /// Any other request, by its raw arguments: a URB in `Argument1` of an internal device control, for instance. `keep_alive`
    /// may be moved until the IRP is sent, so the arguments must not point into the value itself, only to what it owns
    /// elsewhere; it is given back when the IRP is completed. May be sent at `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// - A driver may send such a request with an IRP of `IoAllocateIrp`.
    /// - What the arguments point to stays valid until the request is completed, however it ends and even if its handle is
    ///   leaked.
    pub unsafe fn raw<B>(self, request: RawRequest, keep_alive: B) -> Request<'d, Raw, B> {
        self.function(request.major_function.into(), request.minor_function);
        self.next.set_flags(request.flags);
        let [argument1, argument2, argument3, argument4] = request.arguments;
        self.next.set_other_parameters(PARAMETERS_OTHERS {
            Argument1: argument1,
            Argument2: argument2,
            Argument3: argument3,
            Argument4: argument4,
        });
        Request::new(self, keep_alive)
    }
}

/// An IRP with a request; see the hidden methods of [`Irp`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoAllocateForward: this IRP has neither a request nor a completion routine; call a method such as `.read(buffer, offset)` and then `.on_completion(routine, context)` before it is sent",
    label = "nothing to send yet"
)]
pub trait HasRequest {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl Irp<'_> {
    pub fn send_and_wait<P>(self, _: P, _: Timeout)
    where
        Self: HasRequest,
    {
    }
    pub fn on_completion<R, C>(self, _: R, _: C)
    where
        Self: HasRequest,
    {
    }
}

impl Drop for Irp<'_> {
    fn drop(&mut self) {
        // SAFETY: from `IoAllocateIrp`, this value's alone (invariant 1), and not used again.
        unsafe { sys::IoFreeIrp(self.as_ptr()) };
    }
}

/// Keeps `PhantomData` of the kinds out of the signatures above.
pub(crate) type Kind<K> = PhantomData<fn() -> K>;
