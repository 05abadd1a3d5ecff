//! What the completion routine shares with the originator.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use super::handshake::Handshake;
use super::loom::memory;

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

    /// An empty operation where it will stay. [`Operation::new`] as a constant would be moved with
    /// zeros for what is uninitialized.
    #[inline]
    pub(crate) fn new_in(memory: &mut MaybeUninit<Self>) -> &Self {
        let memory: *mut Self = memory.as_mut_ptr();
        // SAFETY: in bounds of `memory`.
        let handshake = unsafe { &raw mut (*memory).handshake };
        // SAFETY: ours to write.
        unsafe { Handshake::init(handshake) };
        // SAFETY: the context needs no initialization; borrowed as long as `memory`.
        unsafe { &*memory }
    }

    /// Takes the context out.
    ///
    /// # Safety
    /// The operation is the caller's, with a context, and the routine has let go of it.
    #[inline]
    pub(crate) unsafe fn take_context(&self) -> C {
        memory::take_back(&self.handshake);
        // SAFETY: by contract.
        unsafe { self.context.get().cast::<C>().read() }
    }

    /// The first field, so no access is needed to find it.
    pub(crate) const fn handshake(this: *const Self) -> *const Handshake {
        this.cast()
    }
}
