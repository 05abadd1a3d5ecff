/* What a driver under measurement is made of: driver.c, and one sender. */
#include <ntddk.h>

/*
 * Reads 512 bytes from the start of the device, waits at most five seconds, cancels on time-out: sender.c, or the library.
 * PASSIVE_LEVEL.
 */
NTSTATUS bench_read(DEVICE_OBJECT *disk, UCHAR *sector, ULONG_PTR *information);
