//! Hazard H26: the layout of the structures that are shared with the kernel.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::mem::offset_of;

use windows_sys::Wdk::Foundation as windows;

const MEASURED: &str = include_str!("../wdm-irp/abi/wdm-x64.tsv");

/// Rows of the measured table that have no counterpart here, because nothing in the library uses them.
const UNUSED: &[&str] = &[
    "IO_STACK_LOCATION.Parameters.Power.",
    "IO_STACK_LOCATION.Parameters.Scsi.",
    "IO_STACK_LOCATION.Parameters.WMI.",
    "IO_STACK_LOCATION.Parameters.QueryDeviceRelations.",
    "IO_STACK_LOCATION.Parameters.QueryInterface.",
    "IO_STACK_LOCATION.Parameters.DeviceCapabilities.",
    "IO_STACK_LOCATION.Parameters.StartDevice.",
    "IO_STACK_LOCATION.Parameters.QueryId.",
    "IO_STACK_LOCATION.Parameters.UsageNotification.",
];

/// The numbers that the library pins with static assertions are the measured ones, and all of them.
#[test]
fn h26_pinned_layout_is_the_measured_one() {
    let measured: BTreeMap<(&str, &str), usize> = MEASURED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split('\t');
            let (kind, name, bytes) = (columns.next(), columns.next(), columns.next());
            (
                (kind.expect("kind"), name.expect("name")),
                bytes.expect("bytes").parse().expect("a number"),
            )
        })
        .filter(|((_, name), _)| !UNUSED.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    let pinned: BTreeMap<(&str, &str), usize> = wdm_irp::sys::LAYOUT
        .iter()
        .map(|&(kind, name, bytes)| ((kind, name), bytes))
        .collect();
    assert_eq!(
        pinned.len(),
        wdm_irp::sys::LAYOUT.len(),
        "a row is pinned twice"
    );
    assert_eq!(pinned, measured);
}

/// Why `IO_STACK_LOCATION` is declared here: windows-sys drops `POINTER_ALIGNMENT`. If this fails, it has been mended.
#[test]
fn h26_windows_sys_has_the_stack_location_wrong() {
    assert_eq!(
        offset_of!(windows::IO_STACK_LOCATION_0_16, InputBufferLength),
        4
    );
    assert_eq!(
        offset_of!(
            wdm_irp::sys::PARAMETERS_DEVICE_IO_CONTROL,
            InputBufferLength
        ),
        8
    );
}
