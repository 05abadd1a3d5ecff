//! What the completion routine shares with the originator.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;

use super::handshake::Handshake;
use super::loom::memory;
use crate::sys::{self, DEVICE_OBJECT, IRP, PIO_COMPLETION_ROUTINE};

/// A completion routine as the I/O manager takes it, with its context parameter.
#[derive(Clone, Copy)]
pub(crate) struct Callback {
    pub(crate) routine: PIO_COMPLETION_ROUTINE,
    pub(crate) context: *mut c_void,
}

/// What the completion routine needs of an operation.
#[repr(C)]
pub(crate) struct Operation<C> {
    pub(crate) handshake: Handshake,
    pub(crate) context: UnsafeCell<MaybeUninit<C>>,
}

impl<C> Operation<C> {
    pub(crate) const fn new() -> Self {
        Self {
            handshake: Handshake::new(),
            context: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Writes the operation of a request that will be sent, where it will stay. [`Operation::new`]
    /// would be moved there with zeros for what is uninitialized.
    ///
    /// # Safety
    /// `this` may be written.
    #[inline]
    pub(crate) unsafe fn init_in_flight(this: *mut Self) {
        // SAFETY: in bounds by contract.
        let handshake = unsafe { &raw mut (*this).handshake };
        // SAFETY: by contract. The context needs no initialization.
        unsafe { Handshake::init_in_flight(handshake) };
    }

    /// Puts the context in its place, arms the handshake, whose round has begun, and calls the
    /// target.
    ///
    /// # Safety
    /// - The operation is the caller's, without a context. `irp` is the caller's, too, and was
    ///   entered for the driver of `device`, with a routine that accesses this operation.
    /// - Until the routine has signaled or finished, the operation stays where it is, nobody has an
    ///   exclusive reference to it, and nobody frees the IRP or what is attached to it.
    /// - The IRQL is one at which the request may be sent.
    #[inline]
    pub(crate) unsafe fn send(&self, device: *mut DEVICE_OBJECT, irp: *mut IRP, context: C) {
        // SAFETY: the operation is the caller's; the old value is uninitialized.
        unsafe { &mut *self.context.get() }.write(context);
        // SAFETY: the last round is over, since the operation had no context, and it does not move.
        unsafe { self.handshake.arm() };
        // The status says what the lower driver wants the caller to believe; the handshake knows.
        // SAFETY: the IRP is ours, complete, and was allocated for this target, by contract.
        let _ = unsafe { sys::IofCallDriver(device, irp) };
    }

    /// Takes the context out.
    ///
    /// # Safety
    /// The operation is the caller's, with a context, and the routine does not access it any more.
    #[inline]
    pub(crate) unsafe fn take_context(&self) -> C {
        memory::take_back(&self.handshake);
        // SAFETY: there is a context, by contract, and it is not read again.
        unsafe { self.context.get().cast::<C>().read() }
    }

    /// Drops the context where it is.
    ///
    /// # Safety
    /// As for [`Operation::take_context`].
    pub(crate) unsafe fn drop_context(&self) {
        memory::take_back(&self.handshake);
        // SAFETY: there is a context, by contract, and it is not used again.
        unsafe { self.context.get().cast::<C>().drop_in_place() };
    }

    /// Returns the address of the handshake: the first field, so no access is needed to find it.
    pub(crate) const fn handshake(this: *const Self) -> *const Handshake {
        this.cast()
    }
}
