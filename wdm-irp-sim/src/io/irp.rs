//! IRPs in memory: their layout, how they are initialized, and the guard behind them.

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{IO_STACK_LOCATION, IO_TYPE_IRP, IRP, NTSTATUS, PARAMETERS_OTHERS};

use crate::memory::{Memory, POISON};

/// Bytes of a stack location.
const LOCATION: usize = size_of::<IO_STACK_LOCATION>();

/// `IRP.AllocationFlags`: the IRP counts against the quota of a process.
const IRP_QUOTA_CHARGED: u8 = 1;

/// Bytes behind the last stack location that nobody may touch.
///
/// Miri needs none: it knows where an allocation ends.
const GUARD: usize = if cfg!(miri) { 0 } else { LOCATION };

/// Returns the bytes of an IRP with its stack locations.
pub(super) fn size_of_irp(stack_count: i8) -> usize {
    size_of::<IRP>() + usize::from(stack_count.unsigned_abs()) * LOCATION
}

/// Allocates an IRP and initializes it like `IoInitializeIrp`.
pub(crate) fn allocate(stack_count: i8, charge_quota: bool) -> Memory {
    let size = size_of_irp(stack_count);
    let memory = Memory::zeroed(size + GUARD);
    // SAFETY: the memory was allocated above, and nobody else knows it.
    unsafe { memory.fill(size..size + GUARD, POISON) };
    let packet_size = u16::try_from(size).expect("at most 127 locations");
    let irp = memory.cast::<IRP>();
    // SAFETY: the memory was allocated above with this size, and nobody else knows it.
    unsafe { initialize(irp, packet_size, stack_count) };
    // SAFETY: an IRP since the line above, which nobody else knows.
    unsafe { (*irp).AllocationFlags = u8::from(charge_quota) * IRP_QUOTA_CHARGED };
    memory
}

/// Makes an IRP of memory (`IoInitializeIrp`).
///
/// # Safety
/// `irp` is writable for `packet_size` bytes, which is at least what an IRP with `stack_count`
/// locations takes; nobody else accesses it.
pub(super) unsafe fn initialize(irp: *mut IRP, packet_size: u16, stack_count: i8) {
    // SAFETY: writable for this many bytes by contract, and nobody else's.
    unsafe { irp.cast::<u8>().write_bytes(0, usize::from(packet_size)) };
    // SAFETY: as above; large enough for an IRP by contract, and zeroed, which is a valid one.
    let fields = unsafe { &mut *irp };
    fields.Type = i16::try_from(IO_TYPE_IRP).expect("IO_TYPE_IRP is 6");
    fields.Size = packet_size;
    fields.StackCount = stack_count;
    // An empty list points to itself.
    let links = &raw mut fields.ThreadListEntry;
    fields.ThreadListEntry.Flink = links;
    fields.ThreadListEntry.Blink = links;
    // SAFETY: an IRP with `stack_count` locations since the lines above, which nobody else
    // accesses by contract.
    let access = unsafe { Irp::new(irp) };
    set_current_location(access, stack_count + 1);
}

/// Makes an IRP as it was when it was initialized, but for `AllocationFlags`, with this status.
///
/// # Safety
/// `irp` is an initialized IRP with `stack_count` locations, which nobody else accesses.
pub(super) unsafe fn reset(irp: *mut IRP, stack_count: i8, status: NTSTATUS) {
    // SAFETY: initialized, and nobody else's, by contract.
    let size = unsafe { (*irp).Size };
    // SAFETY: as above.
    let flags = unsafe { (*irp).AllocationFlags };
    // SAFETY: the size is that of the IRP: `initialize` has set it. The rest is by contract.
    unsafe { initialize(irp, size, stack_count) };
    // SAFETY: as above.
    unsafe { (*irp).AllocationFlags = flags };
    // SAFETY: an IRP since the lines above, which nobody else accesses by contract.
    unsafe { Irp::new(irp) }.set_io_status(status, 0);
}

/// Returns whether nobody has written behind the last stack location.
///
/// # Safety
/// `memory` is an IRP of [`allocate`] with this stack count, and nobody writes to it during the
/// call.
pub(crate) unsafe fn guard_is_intact(memory: &Memory, stack_count: i8) -> bool {
    let size = size_of_irp(stack_count);
    // SAFETY: nobody writes to the memory during the call, by the caller's contract.
    unsafe { memory.is_filled(size..size + GUARD, POISON) }
}

/// The report of a write behind the last stack location.
pub(crate) const OVERRUN: &str = "memory behind the last stack location was written to: IoMarkIrpPending, or a use of \
     the current stack location, on an IRP without own location";

/// Makes another stack location the current one.
pub(crate) fn set_current_location(irp: Irp, number: i8) {
    irp.set_current_location(number, irp.address_of_location(number));
}

/// Clears what the I/O manager clears in a location that has been completed.
pub(super) fn clear_location(location: StackLocation) {
    location.set_function(location.major_function(), 0);
    location.set_flags(0);
    location.set_control(0);
    location.set_other_parameters(PARAMETERS_OTHERS {
        Argument1: std::ptr::null_mut(),
        Argument2: std::ptr::null_mut(),
        Argument3: std::ptr::null_mut(),
        Argument4: std::ptr::null_mut(),
    });
    location.set_file_object(std::ptr::null_mut());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_irp_is_initialized_as_windows_does() {
        let memory = allocate(3, false);
        let irp = memory.cast::<IRP>();
        // SAFETY: allocated above, and no other code knows the IRP.
        let access = unsafe { Irp::new(irp) };
        // SAFETY: as above.
        assert_eq!(unsafe { (*irp).Size }, 208 + 3 * 72);
        assert!(access.is_irp());
        assert_eq!(access.stack_count(), 3);
        assert_eq!(access.current_location(), 4);
        assert_eq!(
            access.current_stack_location().addr(),
            irp.addr() + 208 + 3 * 72,
            "one past the array"
        );
        assert_eq!(memory.size(), 208 + 3 * 72 + GUARD);
        assert_eq!(irp.addr() % 16, 0);
        assert!(access.location(0).is_none());
        assert!(access.location(1).is_some());
        assert!(access.location(4).is_none());
        // SAFETY: an IRP of `allocate` with that stack count, which no other code knows.
        assert!(unsafe { guard_is_intact(&memory, 3) });
    }

    #[test]
    #[cfg(not(miri))]
    fn marking_past_the_array_shows() {
        let memory = allocate(1, false);
        let irp = memory.cast::<IRP>();
        // SAFETY: the location that is marked is out of bounds of the IRP, and in bounds of the
        // allocation with its guard.
        unsafe { wdm_irp::sys::IoMarkIrpPending(irp) };
        // SAFETY: an IRP of `allocate` with that stack count, which no other code knows.
        assert!(!unsafe { guard_is_intact(&memory, 1) });
    }
}
