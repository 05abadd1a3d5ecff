/*
 * The baselines: the request by hand. V1 signals only if PendingReturned is set; V2 (ALWAYS_SIGNAL) always, as most
 * routines in Microsoft's samples do. Both wait only for STATUS_PENDING.
 */
#include "driver.h"

static NTSTATUS NTAPI read_done(DEVICE_OBJECT *device, IRP *irp, void *event)
{
    (void)device;
#ifdef ALWAYS_SIGNAL
    (void)irp;
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
#else
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
#endif
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS bench_read(DEVICE_OBJECT *disk, UCHAR *sector, ULONG_PTR *information)
{
    IRP *irp = IoAllocateIrp(disk->StackSize, FALSE);
    IO_STACK_LOCATION *next;
    KEVENT event;
    NTSTATUS status;
    BOOLEAN timed_out = FALSE;
    MDL *mdl;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_READ;
    next->Parameters.Read.Length = 512;
    next->Parameters.Read.ByteOffset.QuadPart = 0;
    if (disk->Flags & DO_BUFFERED_IO) {
        irp->AssociatedIrp.SystemBuffer = sector;
    } else if (disk->Flags & DO_DIRECT_IO) {
        mdl = IoAllocateMdl(sector, 512, FALSE, FALSE, NULL);
        if (!mdl) {
            IoFreeIrp(irp);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
        irp->MdlAddress = mdl;
    } else {
        irp->UserBuffer = sector;
    }

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, read_done, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(disk, irp) == STATUS_PENDING) {
        LARGE_INTEGER timeout;

        timeout.QuadPart = -5 * 10000000LL;
        if (KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout) == STATUS_TIMEOUT) {
            timed_out = TRUE;
            IoCancelIrp(irp);
            KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        }
    }

    status = irp->IoStatus.Status;
    *information = irp->IoStatus.Information;
    mdl = irp->MdlAddress;
    if (mdl) {
        MmUnlockPages(mdl);
        IoFreeMdl(mdl);
    }
    IoFreeIrp(irp);
    if (timed_out && status == STATUS_CANCELLED)
        status = STATUS_IO_TIMEOUT;
    return status;
}
