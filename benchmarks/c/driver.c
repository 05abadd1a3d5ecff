/*
 * The rest of every driver under measurement, the same object code in each: entry, a control device that runs the loop
 * and takes the time, and two lower devices that complete a read inline and from a work item.
 *
 * NAME is the name of the control device.
 */
#include <x86intrin.h>

#include "driver.h"

#define WIDE_(text) L##text
#define WIDE(text) WIDE_(text)

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS) */
#define RUN 0x0022E000

struct run {
    ULONG pended;
    ULONG rounds;
};

/* Of the processor: Wine exports no performance counter to drivers. */
struct result {
    ULONGLONG ticks;
};

struct lower {
    struct _IO_WORKITEM *item; /* NULL: completes inline */
    IRP *irp;
};

static DEVICE_OBJECT *control, *lower[2];
static UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\" WIDE(NAME));
static UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\" WIDE(NAME));

static void complete(IRP *irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static void NTAPI work(DEVICE_OBJECT *device, void *context)
{
    struct lower *this = device->DeviceExtension;
    IRP *irp = this->irp;

    (void)context;
    complete(irp, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length);
}

static NTSTATUS read(DEVICE_OBJECT *device, IRP *irp)
{
    struct lower *this = device->DeviceExtension;

    if (!this->item) {
        complete(irp, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length);
        return STATUS_SUCCESS;
    }
    this->irp = irp;
    IoMarkIrpPending(irp);
    IoQueueWorkItem(this->item, work, DelayedWorkQueue, NULL);
    return STATUS_PENDING;
}

static NTSTATUS run(const struct run *run, struct result *result)
{
    static UCHAR sector[512];
    DEVICE_OBJECT *disk = lower[run->pended != 0];
    ULONG rounds = run->rounds, round;
    ULONGLONG begin = __rdtsc();

    for (round = 0; round < rounds; round++) {
        ULONG_PTR information = 0;
        NTSTATUS status = bench_read(disk, sector, &information);

        if (status != STATUS_SUCCESS || information != sizeof(sector))
            return STATUS_UNSUCCESSFUL;
    }
    result->ticks = __rdtsc() - begin;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch(DEVICE_OBJECT *device, IRP *irp)
{
    IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    ULONG_PTR information = 0;

    if (device != control)
        return read(device, irp);
    if (location->MajorFunction == IRP_MJ_CREATE || location->MajorFunction == IRP_MJ_CLOSE) {
        status = STATUS_SUCCESS;
    } else if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL
            && location->Parameters.DeviceIoControl.IoControlCode == RUN
            && location->Parameters.DeviceIoControl.InputBufferLength >= sizeof(struct run)
            && location->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(struct result)) {
        struct run input = *(struct run *)irp->AssociatedIrp.SystemBuffer;

        status = run(&input, irp->AssociatedIrp.SystemBuffer);
        if (status == STATUS_SUCCESS)
            information = sizeof(struct result);
    }
    complete(irp, status, information);
    return status;
}

static void delete_devices(void)
{
    int i;

    for (i = 0; i < 2; i++) {
        if (!lower[i])
            continue;
        if (((struct lower *)lower[i]->DeviceExtension)->item)
            IoFreeWorkItem(((struct lower *)lower[i]->DeviceExtension)->item);
        IoDeleteDevice(lower[i]);
    }
    if (control)
        IoDeleteDevice(control);
}

static void NTAPI unload(DRIVER_OBJECT *driver)
{
    (void)driver;
    IoDeleteSymbolicLink(&link);
    delete_devices();
}

static NTSTATUS create(DRIVER_OBJECT *driver, UNICODE_STRING *device_name, DEVICE_OBJECT **device)
{
    NTSTATUS status = IoCreateDevice(driver, sizeof(struct lower), device_name, FILE_DEVICE_UNKNOWN,
            FILE_DEVICE_SECURE_OPEN, FALSE, device);

    if (status == STATUS_SUCCESS)
        (*device)->Flags |= DO_BUFFERED_IO;
    return status;
}

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registry_path)
{
    NTSTATUS status;
    int i;

    (void)registry_path;
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = dispatch;
    driver->DriverUnload = unload;
    for (i = 0; i < 2; i++) {
        struct lower *extension;

        status = create(driver, NULL, &lower[i]);
        if (status != STATUS_SUCCESS)
            goto fail;
        extension = lower[i]->DeviceExtension;
        extension->item = NULL;
        if (i && !(extension->item = IoAllocateWorkItem(lower[i]))) {
            status = STATUS_INSUFFICIENT_RESOURCES;
            goto fail;
        }
    }
    status = create(driver, &name, &control);
    if (status == STATUS_SUCCESS)
        status = IoCreateSymbolicLink(&link, &name);
    if (status == STATUS_SUCCESS)
        return status;
fail:
    delete_devices();
    return status;
}
