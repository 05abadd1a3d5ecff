//! The driver's cases against the host model: the same code, with a ledger that names every misuse.
#![cfg(not(feature = "kernel"))]

use std::fmt::Write;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use wdm_irp::in_flight::Canceller;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock};
use wdm_irp::sys::irp::StackLocation;
use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE, IoGetCurrentIrpStackLocation, NTSTATUS,
    STATUS_DEVICE_BUSY, STATUS_SUCCESS,
};
use wdm_irp::target::{DesiredAccess, DevicePair, Hold, OpenedDevice, Unlocked, device_name};
use wdm_irp::{IrpError, PassiveLevel, TargetDevice};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, LowerIrp, Machine, When};
use wine_driver::requests::{CASES, Case, Devices, Kernel, STATUS_DATA_ERROR, run};

const READ: DesiredAccess = DesiredAccess::READ;

/// How long the slow devices take.
const SLOW: Duration = Duration::from_millis(250);

#[test]
fn every_case_passes() {
    let mut failures = String::new();
    for (name, case) in CASES {
        if let Err(failure) = on_a_new_machine(*case) {
            writeln!(failures, "{name}: {failure}").expect("a String takes everything");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// The model of a kernel.
struct Model<'a> {
    machine: &'a Machine,
    canceller: Mutex<Option<JoinHandle<()>>>,
}

impl Kernel for Model<'_> {
    fn fail_next_allocation(&self) {
        self.machine.fail_next_irp_allocation();
    }

    fn fail_next_registration(&self) {
        self.machine.fail_next_registration();
    }

    fn allocated(&self) -> isize {
        self.machine.live_irps().cast_signed()
    }

    fn cancel_elsewhere(&self, canceller: Canceller) -> bool {
        let thread = self.machine.spawn(move || canceller.cancel());
        *self.canceller.lock().expect("no panic") = Some(thread);
        true
    }

    fn join(&self) {
        let thread = self.canceller.lock().expect("no panic").take();
        thread.expect("started").join().expect("no panic");
    }

    fn forwards_pending_returned(&self) -> bool {
        // The device below breaks its contract in the way in which Wine does.
        false
    }
}

/// Runs a case; the machine panics at its end if anything was misused or leaked.
fn on_a_new_machine(case: Case) -> Result<(), String> {
    let machine = Machine::new();
    let device = |name: &str, behavior| machine.device_with(DeviceOptions::new(name), behavior);
    let direct =
        |name: &str, behavior| machine.device_with(DeviceOptions::new(name).direct(), behavior);

    let inline = device("inline", transferring(When::inline()));
    let inline_direct = direct("inline_direct", transferring(When::inline()));
    let busy = device("busy", Behavior::complete(STATUS_DEVICE_BUSY, 0));
    let pend = device("pend", transferring(When::after(Duration::ZERO)));
    let pend_direct = direct("pend_direct", transferring(When::after(Duration::ZERO)));
    let slow = device("slow", transferring(When::after(SLOW)));
    let until_cancelled = device("until_cancelled", transferring(When::cancelled()));
    let forward = device("forward", transferring(When::after(SLOW).unmarked()));
    let record = device("record", Behavior::respond(record_location));
    let mark_and_return_success = device(
        "mark_and_return_success",
        transferring(When::inline_marked().returning(STATUS_SUCCESS)),
    );
    let return_success_and_complete = device(
        "return_success_and_complete",
        transferring(When::after(SLOW).unmarked().returning(STATUS_SUCCESS)),
    );
    let deep = |stack_size| {
        let options = DeviceOptions::new("deep").stack_size(stack_size);
        machine.device_with(options, transferring(When::inline()))
    };
    let (deep, too_deep) = (deep(126), deep(127));
    let own = machine.device_with(DeviceOptions::new("own").own(), Behavior::refuse());
    let named = DeviceOptions::new("named")
        .object_name(r"\Device\Named")
        .wants_file_object();
    let _named = machine.device_with(named, Behavior::respond(answer_with_file_object));

    let at = PassiveLevel::check().map_err(|error| error.to_string())?;
    let too_deep = vouch_for(&too_deep).err().ok_or("127 locations")?;
    let own_over_deep = pair(&own, &deep).err();
    let text = |error: IrpError| error.to_string();
    let over = |device| pair(&own, device).map_err(text);
    let own_over_inline = loaded(over(&inline)?);
    let own_over_pend = loaded(over(&pend)?);
    let registered_over_pend = over(&pend)?;
    let lock = remove_lock();
    let locked_over_slow = locked_pair(&own, &slow, lock).map_err(text)?;
    // SAFETY: a device of the model.
    let named = unsafe { OpenedDevice::open(&device_name(b"\\Device\\Named"), READ, &at) };
    let named = named.map_err(text)?;
    // SAFETY: there is none.
    let nowhere = unsafe { OpenedDevice::open(&device_name(b"\\Device\\Nowhere"), READ, &at) };
    let devices = Devices {
        inline: inline.passive_target(),
        inline_direct: inline_direct.passive_target(),
        busy: busy.passive_target(),
        pend: pend.passive_target(),
        pend_direct: pend_direct.passive_target(),
        slow: slow.passive_target(),
        until_cancelled: until_cancelled.passive_target(),
        forward: forward.passive_target(),
        record: record.passive_target(),
        mark_and_return_success: mark_and_return_success.passive_target(),
        return_success_and_complete: return_success_and_complete.passive_target(),
        deep: deep.passive_target(),
        too_deep,
        own_over_deep,
        own_over_inline: &own_over_inline,
        own_over_pend: &own_over_pend,
        registered_over_pend: &registered_over_pend,
        locked_over_slow: &locked_over_slow,
        lock,
        named: &named,
        not_opened: nowhere.err(),
    };
    let model = Model {
        machine: &machine,
        canceller: Mutex::new(None),
    };
    let result = run(case, &devices, &at, &model).map_err(|error| error.to_string());
    machine.join_drivers();
    drop((own_over_inline, own_over_pend, registered_over_pend));
    drop((locked_over_slow, named));
    machine.finish();
    result
}

/// Vouches for a device of the model.
fn vouch_for(device: &Device) -> Result<TargetDevice, IrpError> {
    let device = NonNull::new(device.as_ptr()).expect("a device has an object");
    // SAFETY: the model keeps device objects until its machine ends; its drivers treat requests as
    // documented.
    unsafe { TargetDevice::from_raw(device) }
}

/// Makes a pair of two devices of the model.
fn pair(own: &Device, lower: &Device) -> Result<DevicePair<Unlocked>, IrpError> {
    let [own, lower] =
        [own, lower].map(|device| NonNull::new(device.as_ptr()).expect("a device has an object"));
    // SAFETY: as for `vouch_for`; the machine ends after each request.
    unsafe { DevicePair::without_lock(own, lower) }
}

fn loaded<H: Hold>(pair: DevicePair<H>) -> DevicePair<H> {
    // SAFETY: a test is not unloaded.
    unsafe { pair.keeps_image_loaded() }
}

type Lock = InExtension<RemoveLock>;

/// Makes a remove lock of its own for a case, which removes the device.
fn remove_lock() -> &'static Lock {
    static LOCKS: Mutex<Vec<&'static Lock>> = Mutex::new(Vec::new());
    const TAG: AllocationTag = AllocationTag::new(*b"Pair").expect("not zero");

    let memory = Box::leak(Box::<Lock>::new_uninit()).as_mut_ptr();
    let at = PassiveLevel::check().expect("a test's thread");
    // SAFETY: the memory is new, and never freed.
    unsafe { InExtension::<RemoveLock>::initialize(memory, TAG, &at) };
    // SAFETY: initialized in the line above, and only shared from now on.
    let lock = unsafe { &*memory };
    // Where leak checkers find it.
    LOCKS.lock().expect("no panic").push(lock);
    lock
}

/// Makes a pair whose requests hold the lock.
fn locked_pair(
    own: &Device,
    lower: &Device,
    lock: &'static Lock,
) -> Result<DevicePair<Lock>, IrpError> {
    let [own, lower] =
        [own, lower].map(|device| NonNull::new(device.as_ptr()).expect("a device has an object"));
    // SAFETY: as for `vouch_for`; the lock is static.
    Ok(loaded(unsafe { DevicePair::new(own, lower, lock) }?))
}

/// Answers with the address of the file object that the request carries.
fn answer_with_file_object(irp: &LowerIrp) -> (NTSTATUS, usize) {
    // SAFETY: a `LowerIrp` is an IRP that a lower driver has, with a location in it.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp.as_ptr()) };
    // SAFETY: the location is this driver's, as the IRP is.
    let file = unsafe { StackLocation::new(location) }.file_object();
    (STATUS_SUCCESS, irp.write_output(&file.addr().to_le_bytes()))
}

/// Makes a device move data as the lower devices of the driver do.
fn transferring(when: When) -> Behavior {
    Behavior::respond(transfer).when(when)
}

fn transfer(irp: &LowerIrp) -> (NTSTATUS, usize) {
    match u32::from(irp.major()) {
        IRP_MJ_READ => (STATUS_SUCCESS, irp.write_output(&irp.read_pattern())),
        IRP_MJ_WRITE => {
            let data = irp.input();
            let start = location(irp)[24];
            let expected = (0_u8..=u8::MAX).cycle().skip(start.into());
            if data
                .iter()
                .copied()
                .zip(expected)
                .all(|(got, expected)| got == expected)
            {
                (STATUS_SUCCESS, data.len())
            } else {
                (STATUS_DATA_ERROR, 0)
            }
        }
        IRP_MJ_DEVICE_CONTROL => {
            let output: Vec<u8> = irp.input().iter().map(|byte| !byte).collect();
            (STATUS_SUCCESS, irp.write_output(&output))
        }
        _ => (STATUS_SUCCESS, 0),
    }
}

fn record_location(irp: &LowerIrp) -> (NTSTATUS, usize) {
    (STATUS_SUCCESS, irp.write_output(&location(irp)))
}

/// Returns the bytes of the current stack location up to the end of its parameters.
fn location(irp: &LowerIrp) -> [u8; 40] {
    // SAFETY: a `LowerIrp` is an IRP that a lower driver has, with a location in it.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp.as_ptr()) };
    // SAFETY: a location has 72 bytes, and all of them are initialized: the model zeroes new IRPs,
    // and arguments are written field by field.
    unsafe { location.cast::<[u8; 40]>().read() }
}
