//! The parameters that the lower driver finds in its stack location, byte by byte.

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::request::{Buffered, ControlCode, Neither};
use wdm_irp::sys::{IRP_MJ_DEVICE_CONTROL, IRP_MJ_READ};
use wdm_irp::{ByteOffset, Irp, PassiveLevel};

use super::below::{Devices, Kernel};
use super::failure::{Failure, same};
use super::outcome::{SOON, Seen, note};
use crate::codes::{BUFFERED, NEITHER};

/// How much of a stack location the lower device records: what is before `DeviceObject`.
const RECORDED: usize = 40;

/// Where the parameters of a stack location are, in bytes: abi/wdm-x64.tsv.
mod offset {
    pub(super) const MAJOR_FUNCTION: usize = 0;
    pub(super) const READ_LENGTH: usize = 8;
    pub(super) const READ_KEY: usize = 16;
    pub(super) const READ_BYTE_OFFSET: usize = 24;
    pub(super) const OUTPUT_BUFFER_LENGTH: usize = 8;
    pub(super) const INPUT_BUFFER_LENGTH: usize = 16;
    pub(super) const IO_CONTROL_CODE: usize = 24;
    pub(super) const TYPE3_INPUT_BUFFER: usize = 32;
}

pub(super) fn read_parameters(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    const OFFSET: i64 = 0x1122_3344_5566_7788;

    let mut location = [0; 72];
    let done = Irp::allocate(on.record)?
        .read(&mut location, ByteOffset(OFFSET))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("recorded bytes", done.information(), RECORDED)?;
    same(
        "MajorFunction",
        u32::from(location[offset::MAJOR_FUNCTION]),
        IRP_MJ_READ,
    )?;
    same("Length", word(&location, offset::READ_LENGTH), 72)?;
    same("Key", word(&location, offset::READ_KEY), 0)?;
    same(
        "ByteOffset",
        double_word(&location, offset::READ_BYTE_OFFSET),
        OFFSET.cast_unsigned(),
    )
}

pub(super) fn ioctl_buffered_parameters(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let code: ControlCode<Buffered> = BUFFERED;
    let mut location = [0; 64];
    let done = Irp::allocate(on.record)?
        .device_control(code, SystemBuffer::both(&mut location, 5))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("recorded bytes", done.information(), RECORDED)?;
    ioctl_parameters(&location, code.get(), 5, 64)
}

pub(super) fn ioctl_neither_parameters(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let code: ControlCode<Neither> = NEITHER;
    let mut input = [1; 24];
    let mut location = [0; 48];
    let address = input.as_ptr().addr();
    let done = Irp::allocate(on.record)?
        .device_control(code, (&mut input, &mut location))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("recorded bytes", done.information(), RECORDED)?;
    ioctl_parameters(&location, code.get(), 24, 48)?;
    same(
        "Type3InputBuffer",
        double_word(&location, offset::TYPE3_INPUT_BUFFER),
        address as u64,
    )
}

fn ioctl_parameters(location: &[u8], code: u32, input: u32, output: u32) -> Result<(), Failure> {
    let major_function = u32::from(location[offset::MAJOR_FUNCTION]);
    same("MajorFunction", major_function, IRP_MJ_DEVICE_CONTROL)?;
    same(
        "OutputBufferLength",
        word(location, offset::OUTPUT_BUFFER_LENGTH),
        output,
    )?;
    same(
        "InputBufferLength",
        word(location, offset::INPUT_BUFFER_LENGTH),
        input,
    )?;
    same(
        "IoControlCode",
        word(location, offset::IO_CONTROL_CODE),
        code,
    )
}

/// Returns the little-endian `ULONG` at an offset.
fn word(bytes: &[u8], offset: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(word)
}

/// Returns the little-endian `ULONG64` at an offset.
fn double_word(bytes: &[u8], offset: usize) -> u64 {
    u64::from(word(bytes, offset)) | u64::from(word(bytes, offset + 4)) << 32
}
