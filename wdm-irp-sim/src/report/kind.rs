//! The kinds of misuse that the model finds, with the bug check that Windows or Driver Verifier
//! raises for each.

use std::fmt;

/// A bug check: its code, its name, and its first parameter if that tells cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BugCheck {
    /// The code on the blue screen.
    pub code: u32,
    /// The name of the code.
    pub name: &'static str,
    /// The first parameter, where it says what happened.
    pub parameter: Option<u32>,
}

impl fmt::Display for BugCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:X}", self.name, self.code)?;
        if let Some(parameter) = self.parameter {
            write!(f, ", 0x{parameter:X}")?;
        }
        f.write_str(")")
    }
}

/// Declares the kinds with their bug check and the rule that a violation breaks.
macro_rules! kinds {
    ($(
        $(#[$doc:meta])*
        $kind:ident => $code:literal $name:ident $([$parameter:literal])? $(, rule $rule:literal)?;
    )*) => {
        /// The kinds of misuse that the model detects.
        ///
        /// The bug check of a kind is the one that Windows, or Driver Verifier where Windows itself
        /// does not notice, raises for it or for what follows from it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ViolationKind { $($(#[$doc])* $kind,)* }

        impl ViolationKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the bug check.
            #[must_use]
            pub const fn bug_check(self) -> BugCheck {
                match self {
                    $(Self::$kind => BugCheck {
                        code: $code,
                        name: stringify!($name),
                        parameter: kinds!(@optional $($parameter)?),
                    },)*
                }
            }

            /// Returns the Static Driver Verifier rule (or code analysis warning) about this
            /// misuse, if any.
            #[must_use]
            pub const fn rule(self) -> Option<&'static str> {
                match self {
                    $(Self::$kind => kinds!(@optional $($rule)?),)*
                }
            }
        }
    };
    (@optional) => { None };
    (@optional $value:literal) => { Some($value) };
}

kinds! {
    /// An IRP was not freed before the machine ended.
    ///
    /// Windows itself does not notice; Driver Verifier reports it when the driver unloads.
    IrpLeaked => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x62], rule "IoAllocateFree";
    /// An IRP was freed twice.
    IrpFreedTwice => 0xC2 BAD_POOL_CALLER [0x07], rule "IoAllocateFree";
    /// An IRP was freed while a lower driver had it: the completion that follows runs on freed
    /// memory.
    IrpFreedInFlight => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x20A], rule "IoAllocateFree";
    /// An IRP was freed while `IoCancelIrp` was still working on it.
    IrpFreedDuringCancel => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// A freed IRP was handed to the I/O manager.
    FreedIrpUsed => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// The memory of an IRP, an MDL or a pool block was written to after it was freed.
    WriteAfterFree => 0xC1 SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION;
    /// Memory behind the last stack location was written to, as by `IoMarkIrpPending` without own
    /// location.
    IrpOverrun => 0x19 BAD_POOL_HEADER [0x20];
    /// An IRP's type, stack count or current stack location is not what the I/O manager left there.
    IrpCorrupted => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x03];
    /// An address that is no IRP, or, for `IoFreeIrp`, none of `IoAllocateIrp`.
    UnknownIrp => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x01];
    /// `IofCallDriver` with something that is no device object.
    UnknownDevice => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x04];
    /// `IoReuseIrp` or `IoInitializeIrp` on an IRP that a lower driver has.
    IrpReusedInFlight => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x310], rule "IoReuseIrp2";
    /// `IoReuseIrp` on something that is no IRP of `IoAllocateIrp` or `IoInitializeIrp`.
    IrpNotReusable => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x311], rule "IoReuseIrp";
    /// `IoReuseIrp` while `IoCancelIrp` was still working on the IRP: it cancels the next request.
    IrpReusedDuringCancel => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION;
    /// `IoInitializeIrp` on an IRP of `IoAllocateIrp` that quota was charged for.
    IrpInitializedWithQuota => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x20D];
    /// `IoInitializeIrp` on an IRP of `IoAllocateIrp`.
    AllocatedIrpInitialized => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x238];
    /// `IoInitializeIrp` with a packet size that has no room for the stack locations.
    IrpPacketTooSmall => 0x19 BAD_POOL_HEADER [0x20];
    /// `IoCancelIrp` on an IRP that was made fresh by `IoReuseIrp`, and not sent since: it cancels
    /// the next request.
    ReusedIrpCancelled => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION;
    /// `IoAllocateIrp` or `IoInitializeIrp` with a stack size that is not positive.
    BadStackSize => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION;
    /// `IofCallDriver` on an IRP that has no stack location left.
    NoMoreStackLocations => 0x35 NO_MORE_IRP_STACK_LOCATIONS;
    /// The originator sent an IRP that is still in flight.
    SentInFlight => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x205];
    /// The originator sent an IRP that has no completion routine: nobody gets it back.
    SentWithoutRoutine => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION, rule "IoAllocateForward";
    /// The originator's routine is not registered for success, error and cancel alike.
    RoutineNotForAllOutcomes => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION, rule "IoAllocateIrpSignalEventInCompletion2";
    /// An IRP was completed with an outcome for which the originator's routine is not registered.
    RoutineNotCalled => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION, rule "IoAllocateIrpSignalEventInCompletion3";
    /// A `PnP` request was sent that does not start with `STATUS_NOT_SUPPORTED`.
    PnpIrpStatus => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x20E];
    /// A power request was sent that does not start with `STATUS_NOT_SUPPORTED`.
    PowerIrpStatus => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x20F];
    /// A WMI request was sent that does not start with `STATUS_NOT_SUPPORTED`.
    WmiIrpStatus => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x210];
    /// `IofCallDriver` for this request at this IRQL.
    SentAtBadIrql => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x23A], rule "ForwardedAtBadIrqlAllocate";
    /// The routine of a driver-allocated IRP did not return `STATUS_MORE_PROCESSING_REQUIRED`.
    RoutineLetCompletionContinue => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION, rule "IoAllocateComplete";
    /// A driver completed an IRP that it has allocated itself and that was not in flight.
    CompletedByOriginator => 0x44 MULTIPLE_IRP_COMPLETE_REQUESTS, rule "IoAllocateComplete";
    /// An IRP was completed twice.
    CompletedTwice => 0x44 MULTIPLE_IRP_COMPLETE_REQUESTS;
    /// An IRP was completed while its cancel routine was set.
    CancelRoutineSet => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x07];
    /// An IRP was completed with `STATUS_PENDING` in its `IO_STATUS_BLOCK`.
    CompletedWithPending => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x06];
    /// A dispatch routine's status does not go with `IoMarkIrpPending`.
    PendingContract => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION, rule "PendedCompletedRequest";
    /// A routine returned at another IRQL than it was called at.
    IrqlChanged => 0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION [0x05];
    /// A function was called above its highest IRQL.
    IrqlTooHigh => 0xA IRQL_NOT_LESS_OR_EQUAL;
    /// `KeRaiseIrql` to a lower level.
    IrqlNotGreaterOrEqual => 0x9 IRQL_NOT_GREATER_OR_EQUAL;
    /// A wait that may block above `APC_LEVEL`.
    WaitAtBadIrql => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x3B];
    /// A wait in `UserMode`: the thread's stack, with the event in it, may be paged out.
    UserModeWait => 0x77 KERNEL_STACK_INPAGE_ERROR, rule "KeWaitLocal";
    /// An alertable wait: it may end, and its event go out of scope, before the event is signaled.
    AlertableWait => 0x139 KERNEL_SECURITY_CHECK_FAILURE [0x3], rule "KeWaitLocal";
    /// `KeSetEvent` with `Wait` TRUE above `APC_LEVEL`.
    SetEventWaitAtBadIrql => 0xA IRQL_NOT_LESS_OR_EQUAL, rule "IrqlKeSetEvent";
    /// An event was used that `KeInitializeEvent` has not initialized.
    EventNotInitialized => 0x139 KERNEL_SECURITY_CHECK_FAILURE [0x3];
    /// An event was initialized while a thread waited on it.
    EventInitializedWhileWaitedOn => 0x139 KERNEL_SECURITY_CHECK_FAILURE [0x3];
    /// The cancel spin lock was taken by a processor that held it.
    CancelLockAlreadyOwned => 0xF SPIN_LOCK_ALREADY_OWNED;
    /// The cancel spin lock was released by a processor that did not hold it.
    CancelLockNotOwned => 0x10 SPIN_LOCK_NOT_OWNED;
    /// A cancel routine returned without releasing the cancel spin lock.
    CancelLockNotReleased => 0x4A IRQL_GT_ZERO_AT_SYSTEM_SERVICE;
    /// An MDL was not freed before the machine ended.
    MdlLeaked => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x62];
    /// The pages of an MDL were not unlocked before the machine ended.
    PagesLeftLocked => 0xCB DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS;
    /// An address that is no MDL of `IoAllocateMdl`.
    UnknownMdl => 0xC2 BAD_POOL_CALLER;
    /// An MDL was freed twice.
    MdlFreedTwice => 0xC2 BAD_POOL_CALLER [0x07];
    /// An MDL was used after it was freed.
    FreedMdlUsed => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// An MDL was freed while its pages were locked.
    MdlFreedLocked => 0xCB DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS;
    /// An MDL was freed, or its pages unlocked, while an IRP that carries it was in flight.
    MdlReleasedInFlight => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// The pages of an MDL were locked twice.
    PagesLockedTwice => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0xB0];
    /// Pages were unlocked that were not locked.
    PagesNotLocked => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x7C];
    /// A driver reached for the memory of an MDL whose pages were not locked.
    UnlockedPagesUsed => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION;
    /// A request says that its buffer is longer than the MDL it carries, or carries none.
    BufferMissing => 0x3B SYSTEM_SERVICE_EXCEPTION;
    /// References to a device or a file object were not released before the machine ended: the
    /// device is never removed.
    ObjectLeaked => 0x1D5 DRIVER_PNP_WATCHDOG, rule "DanglingDeviceObjectReference";
    /// A reference to an object was released that nobody had: another driver's object is deleted.
    ObjectOverDereferenced => 0x18 REFERENCE_BY_POINTER, rule "DanglingDeviceObjectReference";
    /// An address that is no object was referenced or dereferenced.
    UnknownObject => 0x18 REFERENCE_BY_POINTER;
    /// A device or file object was used after its last reference was gone.
    DeletedObjectUsed => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// The last reference to a device or file object was released while an IRP in flight used it.
    ObjectDeletedInUse => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// A request was sent without file object, or with that of another device, to a driver that
    /// needs it.
    FileObjectMissing => 0x3B SYSTEM_SERVICE_EXCEPTION;
    /// `IoSetCompletionRoutineEx` with a device that is not the calling driver's.
    NotOwnDevice => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION, rule "IoSetCompletionRoutineExCheckDeviceObject";
    /// A routine was registered by `IoSetCompletionRoutineEx`, and its IRP was not sent.
    RegistrationLeaked => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x62], rule "CompletionRoutineRegistered";
    /// An IRP was sent twice for one call of `IoSetCompletionRoutineEx`.
    RegistrationUsedTwice => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, rule "CompletionRoutineRegistered";
    /// `ExAllocatePoolWithTag` with no bytes, a tag of zero, or a pool type that there is not.
    PoolBadArgument => 0xC2 BAD_POOL_CALLER;
    /// Nonpaged pool was allocated above `DISPATCH_LEVEL`.
    PoolAllocatedAtBadIrql => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x02];
    /// Paged pool was allocated above `APC_LEVEL`.
    PagedPoolAllocatedAtBadIrql => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x01];
    /// Nonpaged pool was freed above `DISPATCH_LEVEL`.
    PoolFreedAtBadIrql => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x12];
    /// Paged pool was freed above `APC_LEVEL`.
    PagedPoolFreedAtBadIrql => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x11];
    /// A pool block was not freed before the machine ended.
    PoolLeaked => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x62];
    /// `ExFreePoolWithTag` on an address at which no pool block begins.
    UnknownPoolBlock => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x10];
    /// A pool block was freed twice.
    PoolFreedTwice => 0xC2 BAD_POOL_CALLER [0x07];
    /// A pool block was freed with another tag than it was allocated with.
    PoolWrongTag => 0xC2 BAD_POOL_CALLER [0x0A];
    /// Memory behind the end of a pool block was written to.
    PoolOverrun => 0x19 BAD_POOL_HEADER [0x20];
    /// A pool block was freed that an IRP in flight or a thread that waits still uses.
    PoolFreedInUse => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// `ExFreePoolWithTag` on an IRP of `IoAllocateIrp`.
    IrpFreedAsPool => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0x105], rule "IoAllocateFree";
    /// A remove lock was initialized with a tag of zero, or with the size of another build's.
    RemoveLockBadArgument => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION;
    /// A remove lock was initialized again, which other threads may still use.
    RemoveLockInitializedAgain => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0xD7];
    /// A remove lock was used that `IoInitializeRemoveLockEx` has not initialized.
    RemoveLockNotInitialized => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION;
    /// `IoReleaseRemoveLockEx` with a tag that the lock was not acquired with.
    RemoveLockWrongTag => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0xD5];
    /// `IoReleaseRemoveLockAndWaitEx` with a tag that the lock was not acquired with.
    RemoveLockWrongTagInWait => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0xD6];
    /// A remove lock was released that was not acquired.
    RemoveLockNotHeld => 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION [0xD5], rule "RemoveLock";
    /// `IoReleaseRemoveLockAndWaitEx` twice: it counts too low, and a device is deleted in use.
    RemoveLockWaitedForTwice => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, rule "IoReleaseRemoveLockAndWaitOutsideRemoveDevice";
    /// A remove lock was not released before the machine ended: the removal never ends.
    RemoveLockLeaked => 0x1D5 DRIVER_PNP_WATCHDOG, rule "RemoveLockRelease2";
    /// The memory of a remove lock or of run-down protection was freed while it was held.
    LockFreedWhileHeld => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// Run-down protection was used that `ExInitializeRundownProtection` has not initialized.
    RundownNotInitialized => 0x3B SYSTEM_SERVICE_EXCEPTION;
    /// Run-down protection was initialized again while it was held or before it was run down: an
    /// object is used that its owner has deleted.
    RundownReinitialized => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// Run-down protection was released that was not acquired: the owner does not wait for another
    /// access.
    RundownNotHeld => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// A thread waited for run-down protection while another did: they share the count.
    RundownWaitedForTwice => 0xD5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    /// Run-down protection was not released before the machine ended: its owner waits forever, for
    /// instance in a removal.
    RundownLeaked => 0x1D5 DRIVER_PNP_WATCHDOG;
    /// The code of a modeled driver panicked.
    DriverPanicked => 0x1E KMODE_EXCEPTION_NOT_HANDLED;
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self:?}", self.bug_check())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_checks_print_name_code_and_parameter() {
        assert_eq!(
            ViolationKind::CompletedTwice.bug_check().to_string(),
            "MULTIPLE_IRP_COMPLETE_REQUESTS (0x44)"
        );
        assert_eq!(
            ViolationKind::CompletedWithPending.bug_check().to_string(),
            "DRIVER_VERIFIER_IOMANAGER_VIOLATION (0xC9, 0x6)"
        );
        assert_eq!(
            ViolationKind::SentWithoutRoutine.rule(),
            Some("IoAllocateForward")
        );
        assert_eq!(ViolationKind::IrqlTooHigh.rule(), None);
    }
}
