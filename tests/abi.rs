//! Compares the layout of the structures that the kernel shares with the measured one ([H26]).
//!
//! [H26]: ../docs/hazards.md#h26
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::mem::offset_of;

use windows_sys::Wdk::Foundation as windows;

/// Holds the measured sizes and offsets, with the header that they come from.
const MEASURED: &str = include_str!("../wdm-irp/abi/wdm-x64.tsv");

/// Lists the measured rows that the library does not declare, because nothing in it uses them.
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

/// Requires the numbers of the library's static assertions to be the measured ones, all of them.
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

/// Shows why the library declares `IO_STACK_LOCATION`: windows-sys drops `POINTER_ALIGNMENT`.
///
/// If this fails, windows-sys has been corrected.
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
