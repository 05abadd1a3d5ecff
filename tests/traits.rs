//! Which traits the types have, and which they must not have.
#![forbid(unsafe_code)]

use std::panic::UnwindSafe;

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};
use wdm_irp::{
    ApcLevel, Armed, BoxedSlot, Buffered, Completed, Completing, ControlCode, DispatchLevel,
    InFlight, Irp, IrpError, IsInline, IsPended, NotSent, OwnDevice, PassiveLevel, PendingReturned,
    Read, Request, SendError, Sent, Signaled, Slot, TargetDevice, Timeout,
};
use wdm_irp_tests::{Count, count, done};

// Tokens and handles of the completion routine: one, unforgeable, of this thread.
assert_not_impl_any!(Signaled<'static>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(Completing<'static, Count>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(Completing<'static, Count, IsPended>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(Completing<'static, Count, IsInline>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(PendingReturned<'static, Count>: Clone, Copy, Default, Send, Sync);

// Proofs of the IRQL speak of one thread.
assert_not_impl_any!(PassiveLevel: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(ApcLevel: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(DispatchLevel: Clone, Copy, Default, Send, Sync);
const_assert_eq!(size_of::<PassiveLevel>(), 0);
const_assert_eq!(size_of::<ApcLevel>(), 0);
const_assert_eq!(size_of::<DispatchLevel>(), 0);
const_assert_eq!(size_of::<Signaled<'static>>(), 0);

// Requests and operations belong to no thread, but there is one of each.
type InStatic = &'static Slot<count, [u8; 512]>;
type OnHeap = BoxedSlot<count, [u8; 512]>;
assert_impl_all!(Irp<'static>: Send, Sync);
assert_not_impl_any!(Irp<'static>: Clone, Copy, Default);
assert_impl_all!(Request<'static, Read, [u8; 512], Armed<count>>: Send, Sync);
assert_not_impl_any!(Request<'static, Read, [u8; 512], Armed<count>>: Clone, Copy, Default);
assert_impl_all!(InFlight<InStatic>: Send, Sync);
assert_impl_all!(InFlight<OnHeap>: Send, Sync);
assert_not_impl_any!(InFlight<InStatic>: Clone, Copy, Default);
assert_not_impl_any!(InFlight<OnHeap>: Clone, Copy, Default);
assert_impl_all!(Sent<InStatic>: Send);
assert_not_impl_any!(Sent<OnHeap>: Clone, Copy, Default);
assert_impl_all!(Completed<count, [u8; 512]>: Send);
assert_not_impl_any!(Completed<count, [u8; 512]>: Clone, Copy, Default);
assert_impl_all!(Slot<count, [u8; 512]>: Send, Sync);
assert_not_impl_any!(Slot<count, [u8; 512]>: Clone, Copy);
assert_impl_all!(OnHeap: Send, Sync);
assert_not_impl_any!(OnHeap: Clone, Copy, Default);
assert_impl_all!(TargetDevice: Send, Sync);
assert_not_impl_any!(TargetDevice: Clone, Copy, Default);
assert_impl_all!(OwnDevice: Send, Sync);
assert_not_impl_any!(OwnDevice: Clone, Copy, Default);

// A context or buffer that belongs to one thread keeps the operation there.
assert_not_impl_any!(Slot<done, *mut u8>: Send, Sync);
assert_not_impl_any!(BoxedSlot<done, *mut u8>: Send, Sync);

// Plain values.
assert_impl_all!(IrpError: Copy, Send, Sync, std::error::Error, UnwindSafe);
assert_impl_all!(Timeout: Copy, Send, Sync);
assert_not_impl_any!(Timeout: Default);
assert_impl_all!(ControlCode<Buffered>: Copy, Send, Sync);
assert_impl_all!(NotSent<'static, Read, (), done>: std::error::Error);
assert_impl_all!(SendError<'static, Read, (), done>: std::error::Error);

/// KEVENT 24, IRP pointer 8, at most 8 of state, and the context; then the buffer, aligned like pool memory.
#[test]
fn waited_operation_has_no_more_than_it_needs() {
    const FIXED: usize = 24 + 8 + 8;
    const fn with<B>(context: usize) -> usize {
        (FIXED + context).next_multiple_of(16) + size_of::<B>().next_multiple_of(16)
    }
    assert_eq!(size_of::<Slot<done, ()>>(), with::<()>(0));
    assert_eq!(size_of::<Slot<done, [u8; 512]>>(), with::<[u8; 512]>(0));
    assert_eq!(size_of::<Slot<done, &mut [u8]>>(), with::<&mut [u8]>(0));
    assert_eq!(size_of::<Count>(), 4);
    assert_eq!(size_of::<Slot<count, [u8; 512]>>(), with::<[u8; 512]>(4));
    assert_eq!(size_of::<InFlight<InStatic>>(), size_of::<usize>());
    assert_eq!(size_of::<InFlight<OnHeap>>(), size_of::<usize>());
}
