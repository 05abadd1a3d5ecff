//! `IoGetDeviceObjectPointer`, and requests to a device that was opened by name.

use wdm_irp::sys::{
    self, DEVICE_OBJECT, FILE_OBJECT, FILE_READ_DATA, NTSTATUS, STATUS_ACCESS_DENIED,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS, UNICODE_STRING,
};

use super::support::{Counter, Irp, Object, assert_kinds, has_entry};
use crate::irql::raise;
use crate::{Allocation, Behavior, Device, DeviceOptions, Machine, ViolationKind, When};

const NAME: &str = r"\Device\Disk0";

/// A file object with a reference, and the device to send requests to.
#[derive(Debug)]
struct Opened {
    file: *mut FILE_OBJECT,
    device: *mut DEVICE_OBJECT,
}

impl Opened {
    fn close(self) {
        assert_eq!(Object(self.file.cast()).dereference(), 0);
    }
}

fn open(name: &str) -> Result<Opened, NTSTATUS> {
    let mut units: Vec<u16> = name.encode_utf16().collect();
    let length = u16::try_from(size_of_val(&*units)).unwrap();
    let mut string = UNICODE_STRING {
        Length: length,
        MaximumLength: length,
        Buffer: units.as_mut_ptr(),
    };
    let (mut file, mut device) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the string and the two results are local variables.
    let status = unsafe {
        sys::IoGetDeviceObjectPointer(
            &raw mut string,
            FILE_READ_DATA,
            &raw mut file,
            &raw mut device,
        )
    };
    if status == STATUS_SUCCESS {
        Ok(Opened { file, device })
    } else {
        Err(status)
    }
}

fn named_device(machine: &Machine, when: When) -> Device {
    let options = DeviceOptions::new("disk")
        .object_name(NAME)
        .wants_file_object();
    machine.device_with(options, Behavior::complete(STATUS_SUCCESS, 0).when(when))
}

#[test]
fn a_device_is_opened_and_closed() {
    let machine = Machine::new();
    let disk = named_device(&machine, When::inline());
    let opened = open(NAME).unwrap();
    assert_eq!(opened.device, disk.as_ptr());
    // SAFETY: the file object is this test's.
    assert_eq!(unsafe { (*opened.file).DeviceObject }, disk.as_ptr());
    // SAFETY: as above.
    assert_eq!(unsafe { (*opened.file).Size }, 216);
    assert_eq!(disk.references(), 0, "the file object holds it");
    opened.close();
    let text = r"IoGetDeviceObjectPointer(\Device\Disk0, access 0x1) returned STATUS_SUCCESS";
    assert!(has_entry(&machine, text));
    machine.finish();
}

#[test]
fn the_top_of_the_stack_gets_the_requests() {
    let machine = Machine::new();
    let disk = named_device(&machine, When::inline());
    let filter = machine.filter_over(&disk);
    let opened = open(NAME).unwrap();
    assert_eq!(opened.device, filter.as_ptr());
    // SAFETY: the file object is this test's.
    assert_eq!(unsafe { (*opened.file).DeviceObject }, disk.as_ptr());
    opened.close();
    machine.finish();
}

#[test]
fn opening_fails() {
    let machine = Machine::new();
    let options = DeviceOptions::new("secret").object_name(r"\Device\Secret");
    let secret = machine.device_with(
        options.open_status(STATUS_ACCESS_DENIED),
        Behavior::complete(STATUS_SUCCESS, 0),
    );
    let disk = named_device(&machine, When::inline());
    assert_eq!(open("").unwrap_err(), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_eq!(open("disk").unwrap_err(), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_eq!(open(r"\Device\Secret").unwrap_err(), STATUS_ACCESS_DENIED);
    machine.faults().fail(Allocation::File, 0);
    assert_eq!(open(NAME).unwrap_err(), STATUS_INSUFFICIENT_RESOURCES);
    disk.delete();
    assert_eq!(open(NAME).unwrap_err(), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_eq!(secret.references(), 0);
    machine.finish();
}

#[test]
fn a_file_object_is_never_released() {
    let machine = Machine::new();
    let _disk = named_device(&machine, When::inline());
    let _opened = open(NAME).unwrap();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::ObjectLeaked]);
    let text = r"1 references to the file object of \Device\Disk0 were never released";
    assert!(report.to_string().contains(text), "{report}");
}

#[test]
fn a_file_object_keeps_its_device() {
    let machine = Machine::new();
    let disk = named_device(&machine, When::inline());
    let counter = Counter::default();
    let (irp, opened) = (Irp::allocate(1), open(NAME).unwrap());
    disk.delete();
    irp.next().set_file_object(opened.file);
    assert_eq!(irp.send(&counter, &disk), STATUS_SUCCESS);
    let file = Object(opened.file.cast());
    opened.close();
    assert!(machine.take_violations().is_empty());
    irp.send(&counter, &disk);
    file.reference();
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::DeletedObjectUsed; 2],
    );
}

#[test]
fn a_request_without_the_file_object_is_reported() {
    let machine = Machine::new();
    let disk = named_device(&machine, When::inline());
    let counter = Counter::default();
    let (irp, opened) = (Irp::allocate(1), open(NAME).unwrap());
    irp.next().set_file_object(opened.file);
    irp.send(&counter, &disk);
    let filter = machine.filter_over(&disk);
    let through_filter = Irp::allocate(2);
    through_filter.next().set_file_object(opened.file);
    through_filter.send(&counter, &filter);
    through_filter.free();
    assert!(machine.take_violations().is_empty());
    // The location was completed: it names no file any more.
    irp.send(&counter, &disk);
    irp.next().set_file_object(disk.as_ptr().cast());
    irp.send(&counter, &disk);
    let stale = opened.file;
    opened.close();
    irp.next().set_file_object(stale);
    irp.send(&counter, &disk);
    let other = DeviceOptions::new("tape").object_name(r"\Device\Tape0");
    let _tape = machine.device_with(other, Behavior::complete(STATUS_SUCCESS, 0));
    let tape = open(r"\Device\Tape0").unwrap();
    irp.next().set_file_object(tape.file);
    irp.send(&counter, &disk);
    tape.close();
    irp.free();
    let files = disk
        .received()
        .into_iter()
        .map(|received| received.file_object);
    assert_eq!(files.take(2).collect::<Vec<_>>(), [stale.addr(); 2]);
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::FileObjectMissing; 4],
    );
}

#[test]
fn a_file_object_is_released_while_a_request_names_it() {
    let machine = Machine::new();
    let disk = named_device(&machine, When::triggered());
    let counter = Counter::default();
    let (irp, opened) = (Irp::allocate(1), open(NAME).unwrap());
    irp.next().set_file_object(opened.file);
    irp.send(&counter, &disk);
    opened.close();
    assert!(disk.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::ObjectDeletedInUse]);
}

#[test]
fn the_irql_of_opening() {
    let machine = Machine::new();
    let _disk = named_device(&machine, When::inline());
    let opened = {
        let _raised = raise(1);
        open(NAME).unwrap()
    };
    opened.close();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh]);
}
