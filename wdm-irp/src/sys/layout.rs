//! The ABI, asserted: every size and offset of the structures that the kernel shares, as the WDK
//! has them.

use core::mem::{offset_of, size_of};

use static_assertions::const_assert_eq;

use super::constants;
use super::types::{
    DEVICE_OBJECT, DISPATCHER_HEADER, DRIVER_OBJECT, EX_RUNDOWN_REF, FILE_OBJECT, IO_REMOVE_LOCK,
    IO_STACK_LOCATION, IO_STATUS_BLOCK, IRP, KEVENT, MDL, NTSTATUS, PARAMETERS_DEVICE_IO_CONTROL,
    PARAMETERS_OTHERS, PARAMETERS_READ, UNICODE_STRING,
};

/// Asserts each row at compile time and lists it for the comparison with `abi/wdm-x64.tsv`.
macro_rules! layout {
    ($($kind:ident $name:literal $value:literal = $actual:expr;)*) => {
        $(const_assert_eq!($actual, $value);)*

        /// Every asserted fact as `(kind, WDM name, bytes)`, for the test that compares them with
        /// the measured table.
        pub const LAYOUT: &[(&str, &str, usize)] = &[$((stringify!($kind), $name, $value)),*];
    };
}

const PARAMETERS: usize = offset_of!(IO_STACK_LOCATION, Parameters);

layout! {
    sizeof "IRP" 208 = size_of::<IRP>();
    offset "IRP.Type" 0 = offset_of!(IRP, Type);
    offset "IRP.Size" 2 = offset_of!(IRP, Size);
    offset "IRP.MdlAddress" 8 = offset_of!(IRP, MdlAddress);
    offset "IRP.Flags" 16 = offset_of!(IRP, Flags);
    offset "IRP.AssociatedIrp" 24 = offset_of!(IRP, AssociatedIrp);
    offset "IRP.ThreadListEntry" 32 = offset_of!(IRP, ThreadListEntry);
    offset "IRP.IoStatus" 48 = offset_of!(IRP, IoStatus);
    offset "IRP.RequestorMode" 64 = offset_of!(IRP, RequestorMode);
    offset "IRP.PendingReturned" 65 = offset_of!(IRP, PendingReturned);
    offset "IRP.StackCount" 66 = offset_of!(IRP, StackCount);
    offset "IRP.CurrentLocation" 67 = offset_of!(IRP, CurrentLocation);
    offset "IRP.Cancel" 68 = offset_of!(IRP, Cancel);
    offset "IRP.CancelIrql" 69 = offset_of!(IRP, CancelIrql);
    offset "IRP.ApcEnvironment" 70 = offset_of!(IRP, ApcEnvironment);
    offset "IRP.AllocationFlags" 71 = offset_of!(IRP, AllocationFlags);
    offset "IRP.UserIosb" 72 = offset_of!(IRP, Anonymous.UserIosb);
    offset "IRP.UserEvent" 80 = offset_of!(IRP, UserEvent);
    offset "IRP.Overlay" 88 = offset_of!(IRP, Overlay);
    offset "IRP.CancelRoutine" 104 = offset_of!(IRP, CancelRoutine);
    offset "IRP.UserBuffer" 112 = offset_of!(IRP, UserBuffer);
    offset "IRP.Tail" 120 = offset_of!(IRP, Tail);
    offset "IRP.Tail.Overlay.DriverContext" 120 = offset_of!(IRP, Tail.Overlay.Anonymous1.Anonymous.DriverContext);
    offset "IRP.Tail.Overlay.Thread" 152 = offset_of!(IRP, Tail.Overlay.Thread);
    offset "IRP.Tail.Overlay.AuxiliaryBuffer" 160 = offset_of!(IRP, Tail.Overlay.AuxiliaryBuffer);
    offset "IRP.Tail.Overlay.ListEntry" 168 = offset_of!(IRP, Tail.Overlay.Anonymous2.ListEntry);
    offset "IRP.Tail.Overlay.CurrentStackLocation" 184 = offset_of!(IRP, Tail.Overlay.Anonymous2.Anonymous.CurrentStackLocation);
    offset "IRP.Tail.Overlay.OriginalFileObject" 192 = offset_of!(IRP, Tail.Overlay.OriginalFileObject);

    sizeof "IO_STACK_LOCATION" 72 = size_of::<IO_STACK_LOCATION>();
    offset "IO_STACK_LOCATION.MajorFunction" 0 = offset_of!(IO_STACK_LOCATION, MajorFunction);
    offset "IO_STACK_LOCATION.MinorFunction" 1 = offset_of!(IO_STACK_LOCATION, MinorFunction);
    offset "IO_STACK_LOCATION.Flags" 2 = offset_of!(IO_STACK_LOCATION, Flags);
    offset "IO_STACK_LOCATION.Control" 3 = offset_of!(IO_STACK_LOCATION, Control);
    offset "IO_STACK_LOCATION.Parameters" 8 = PARAMETERS;
    offset "IO_STACK_LOCATION.Parameters.Read.Length" 8 = PARAMETERS + offset_of!(PARAMETERS_READ, Length);
    offset "IO_STACK_LOCATION.Parameters.Read.Key" 16 = PARAMETERS + offset_of!(PARAMETERS_READ, Key);
    offset "IO_STACK_LOCATION.Parameters.Read.ByteOffset" 24 = PARAMETERS + offset_of!(PARAMETERS_READ, ByteOffset);
    offset "IO_STACK_LOCATION.Parameters.Write.Length" 8 = PARAMETERS + offset_of!(PARAMETERS_READ, Length);
    offset "IO_STACK_LOCATION.Parameters.Write.Key" 16 = PARAMETERS + offset_of!(PARAMETERS_READ, Key);
    offset "IO_STACK_LOCATION.Parameters.Write.ByteOffset" 24 = PARAMETERS + offset_of!(PARAMETERS_READ, ByteOffset);
    offset "IO_STACK_LOCATION.Parameters.DeviceIoControl.OutputBufferLength" 8 = PARAMETERS + offset_of!(PARAMETERS_DEVICE_IO_CONTROL, OutputBufferLength);
    offset "IO_STACK_LOCATION.Parameters.DeviceIoControl.InputBufferLength" 16 = PARAMETERS + offset_of!(PARAMETERS_DEVICE_IO_CONTROL, InputBufferLength);
    offset "IO_STACK_LOCATION.Parameters.DeviceIoControl.IoControlCode" 24 = PARAMETERS + offset_of!(PARAMETERS_DEVICE_IO_CONTROL, IoControlCode);
    offset "IO_STACK_LOCATION.Parameters.DeviceIoControl.Type3InputBuffer" 32 = PARAMETERS + offset_of!(PARAMETERS_DEVICE_IO_CONTROL, Type3InputBuffer);
    offset "IO_STACK_LOCATION.Parameters.Others.Argument1" 8 = PARAMETERS + offset_of!(PARAMETERS_OTHERS, Argument1);
    offset "IO_STACK_LOCATION.Parameters.Others.Argument2" 16 = PARAMETERS + offset_of!(PARAMETERS_OTHERS, Argument2);
    offset "IO_STACK_LOCATION.Parameters.Others.Argument3" 24 = PARAMETERS + offset_of!(PARAMETERS_OTHERS, Argument3);
    offset "IO_STACK_LOCATION.Parameters.Others.Argument4" 32 = PARAMETERS + offset_of!(PARAMETERS_OTHERS, Argument4);
    offset "IO_STACK_LOCATION.DeviceObject" 40 = offset_of!(IO_STACK_LOCATION, DeviceObject);
    offset "IO_STACK_LOCATION.FileObject" 48 = offset_of!(IO_STACK_LOCATION, FileObject);
    offset "IO_STACK_LOCATION.CompletionRoutine" 56 = offset_of!(IO_STACK_LOCATION, CompletionRoutine);
    offset "IO_STACK_LOCATION.Context" 64 = offset_of!(IO_STACK_LOCATION, Context);

    sizeof "DEVICE_OBJECT" 328 = size_of::<DEVICE_OBJECT>();
    offset "DEVICE_OBJECT.Type" 0 = offset_of!(DEVICE_OBJECT, Type);
    offset "DEVICE_OBJECT.Size" 2 = offset_of!(DEVICE_OBJECT, Size);
    offset "DEVICE_OBJECT.ReferenceCount" 4 = offset_of!(DEVICE_OBJECT, ReferenceCount);
    offset "DEVICE_OBJECT.DriverObject" 8 = offset_of!(DEVICE_OBJECT, DriverObject);
    offset "DEVICE_OBJECT.NextDevice" 16 = offset_of!(DEVICE_OBJECT, NextDevice);
    offset "DEVICE_OBJECT.AttachedDevice" 24 = offset_of!(DEVICE_OBJECT, AttachedDevice);
    offset "DEVICE_OBJECT.CurrentIrp" 32 = offset_of!(DEVICE_OBJECT, CurrentIrp);
    offset "DEVICE_OBJECT.Timer" 40 = offset_of!(DEVICE_OBJECT, Timer);
    offset "DEVICE_OBJECT.Flags" 48 = offset_of!(DEVICE_OBJECT, Flags);
    offset "DEVICE_OBJECT.Characteristics" 52 = offset_of!(DEVICE_OBJECT, Characteristics);
    offset "DEVICE_OBJECT.DeviceExtension" 64 = offset_of!(DEVICE_OBJECT, DeviceExtension);
    offset "DEVICE_OBJECT.DeviceType" 72 = offset_of!(DEVICE_OBJECT, DeviceType);
    offset "DEVICE_OBJECT.StackSize" 76 = offset_of!(DEVICE_OBJECT, StackSize);
    offset "DEVICE_OBJECT.AlignmentRequirement" 152 = offset_of!(DEVICE_OBJECT, AlignmentRequirement);

    sizeof "DRIVER_OBJECT" 336 = size_of::<DRIVER_OBJECT>();
    offset "DRIVER_OBJECT.DeviceObject" 8 = offset_of!(DRIVER_OBJECT, DeviceObject);
    offset "DRIVER_OBJECT.Flags" 16 = offset_of!(DRIVER_OBJECT, Flags);
    offset "DRIVER_OBJECT.DriverStart" 24 = offset_of!(DRIVER_OBJECT, DriverStart);
    offset "DRIVER_OBJECT.DriverSize" 32 = offset_of!(DRIVER_OBJECT, DriverSize);
    offset "DRIVER_OBJECT.DriverExtension" 48 = offset_of!(DRIVER_OBJECT, DriverExtension);
    offset "DRIVER_OBJECT.DriverUnload" 104 = offset_of!(DRIVER_OBJECT, DriverUnload);
    offset "DRIVER_OBJECT.MajorFunction" 112 = offset_of!(DRIVER_OBJECT, MajorFunction);

    sizeof "IO_STATUS_BLOCK" 16 = size_of::<IO_STATUS_BLOCK>();
    offset "IO_STATUS_BLOCK.Status" 0 = offset_of!(IO_STATUS_BLOCK, Anonymous.Status);
    offset "IO_STATUS_BLOCK.Information" 8 = offset_of!(IO_STATUS_BLOCK, Information);

    sizeof "DISPATCHER_HEADER" 24 = size_of::<DISPATCHER_HEADER>();
    offset "DISPATCHER_HEADER.SignalState" 4 = offset_of!(DISPATCHER_HEADER, SignalState);
    offset "DISPATCHER_HEADER.WaitListHead" 8 = offset_of!(DISPATCHER_HEADER, WaitListHead);
    sizeof "KEVENT" 24 = size_of::<KEVENT>();
    offset "KEVENT.Header" 0 = offset_of!(KEVENT, Header);

    sizeof "MDL" 48 = size_of::<MDL>();
    offset "MDL.Next" 0 = offset_of!(MDL, Next);
    offset "MDL.Size" 8 = offset_of!(MDL, Size);
    offset "MDL.MdlFlags" 10 = offset_of!(MDL, MdlFlags);
    offset "MDL.Process" 16 = offset_of!(MDL, Process);
    offset "MDL.MappedSystemVa" 24 = offset_of!(MDL, MappedSystemVa);
    offset "MDL.StartVa" 32 = offset_of!(MDL, StartVa);
    offset "MDL.ByteCount" 40 = offset_of!(MDL, ByteCount);
    offset "MDL.ByteOffset" 44 = offset_of!(MDL, ByteOffset);

    sizeof "IO_REMOVE_LOCK" 32 = size_of::<IO_REMOVE_LOCK>();
    offset "IO_REMOVE_LOCK.Common.Removed" 0 = offset_of!(IO_REMOVE_LOCK, Common.Removed);
    offset "IO_REMOVE_LOCK.Common.IoCount" 4 = offset_of!(IO_REMOVE_LOCK, Common.IoCount);
    offset "IO_REMOVE_LOCK.Common.RemoveEvent" 8 = offset_of!(IO_REMOVE_LOCK, Common.RemoveEvent);
    sizeof "EX_RUNDOWN_REF" 8 = size_of::<EX_RUNDOWN_REF>();
    offset "EX_RUNDOWN_REF.Count" 0 = offset_of!(EX_RUNDOWN_REF, Anonymous.Count);

    sizeof "FILE_OBJECT" 216 = size_of::<FILE_OBJECT>();
    offset "FILE_OBJECT.DeviceObject" 8 = offset_of!(FILE_OBJECT, DeviceObject);
    sizeof "UNICODE_STRING" 16 = size_of::<UNICODE_STRING>();
    offset "UNICODE_STRING.Length" 0 = offset_of!(UNICODE_STRING, Length);
    offset "UNICODE_STRING.MaximumLength" 2 = offset_of!(UNICODE_STRING, MaximumLength);
    offset "UNICODE_STRING.Buffer" 8 = offset_of!(UNICODE_STRING, Buffer);
}

/// Converts a status as the WDK writes it.
const fn status(code: u32) -> NTSTATUS {
    NTSTATUS::from_ne_bytes(code.to_ne_bytes())
}

/// Asserts the values of constants that the kernel and this library must agree on.
macro_rules! constants {
    ($($name:ident = $value:expr;)*) => {
        $(const_assert_eq!(constants::$name, $value);)*
    };
}

constants! {
    IRP_MJ_READ = 0x03;
    IRP_MJ_WRITE = 0x04;
    IRP_MJ_FLUSH_BUFFERS = 0x09;
    IRP_MJ_DEVICE_CONTROL = 0x0e;
    IRP_MJ_INTERNAL_DEVICE_CONTROL = 0x0f;
    IRP_MJ_SHUTDOWN = 0x10;
    IRP_MJ_POWER = 0x16;
    IRP_MJ_SYSTEM_CONTROL = 0x17;
    IRP_MJ_PNP = 0x1b;
    SL_PENDING_RETURNED = 0x01;
    SL_ERROR_RETURNED = 0x02;
    SL_INVOKE_ON_CANCEL = 0x20;
    SL_INVOKE_ON_SUCCESS = 0x40;
    SL_INVOKE_ON_ERROR = 0x80;
    DO_BUFFERED_IO = 0x04;
    DO_DIRECT_IO = 0x10;
    IO_TYPE_IRP = 6;
    IO_NO_INCREMENT = 0;
    NonPagedPoolNx = 512;
    PagedPool = 1;
    FILE_READ_DATA = 1;
    FILE_WRITE_DATA = 2;
    STATUS_SUCCESS = 0;
    STATUS_TIMEOUT = 0x102;
    STATUS_PENDING = 0x103;
    STATUS_DEVICE_BUSY = status(0x8000_0011);
    STATUS_UNSUCCESSFUL = status(0xc000_0001);
    STATUS_INVALID_PARAMETER = status(0xc000_000d);
    STATUS_ACCESS_DENIED = status(0xc000_0022);
    STATUS_OBJECT_NAME_NOT_FOUND = status(0xc000_0034);
    STATUS_DELETE_PENDING = status(0xc000_0056);
    STATUS_INVALID_DEVICE_REQUEST = status(0xc000_0010);
    STATUS_MORE_PROCESSING_REQUIRED = status(0xc000_0016);
    STATUS_INSUFFICIENT_RESOURCES = status(0xc000_009a);
    STATUS_IO_TIMEOUT = status(0xc000_00b5);
    STATUS_NOT_SUPPORTED = status(0xc000_00bb);
    STATUS_CANCELLED = status(0xc000_0120);
    STATUS_DRIVER_INTERNAL_ERROR = status(0xc000_0183);
}
