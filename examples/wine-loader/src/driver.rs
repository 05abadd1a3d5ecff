//! A kernel driver as a service that lives as long as this process wants it.

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::absolute;
use std::ptr::{null, null_mut};
use std::thread::sleep;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::ERROR_SERVICE_DATABASE_LOCKED;
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ControlService, CreateServiceW, DeleteService, OpenSCManagerW,
    SC_MANAGER_ALL_ACCESS, SERVICE_ALL_ACCESS, SERVICE_CONTROL_STOP, SERVICE_DEMAND_START,
    SERVICE_ERROR_NORMAL, SERVICE_KERNEL_DRIVER, SERVICE_STATUS, StartServiceW,
};

/// How long the service control manager of a system that was just started may be busy.
const STARTING_UP: Duration = Duration::from_secs(60);

/// More than any answer of the driver needs.
const OUTPUT_BYTES: u32 = 16 * 1024;

/// A handle of the service control manager.
///
/// # Invariants
/// 1. The handle is open.
/// 2. Nobody else closes it.
struct ServiceHandle(*mut c_void);

impl ServiceHandle {
    /// Takes ownership of a handle that a function has just returned.
    ///
    /// # Safety
    /// `handle` is null or an open handle of the service control manager which nobody else closes.
    unsafe fn own(handle: *mut c_void, call: &str) -> Result<Self, String> {
        if handle.is_null() {
            return Err(last_error(call));
        }
        // INVARIANT: 1 and 2 by contract.
        Ok(Self(handle))
    }
}

impl Drop for ServiceHandle {
    fn drop(&mut self) {
        // SAFETY: open, and nobody else closes it (invariants 1 and 2 of `ServiceHandle`); this is
        // its last use.
        unsafe { CloseServiceHandle(self.0) };
    }
}

/// A driver that is loaded; dropping it unloads it.
pub(crate) struct Driver {
    service: ServiceHandle,
    /// The control device, under its Win32 name.
    device: String,
}

impl Driver {
    /// Registers the image as a driver service and starts it.
    pub(crate) fn load(name: &str, image: &str) -> Result<Self, String> {
        let path = absolute(image).map_err(|error| format!("{image}: {error}"))?;
        let path = wide(&path.to_string_lossy());
        let service_name = wide(name);

        // SAFETY: null names the local machine and its active database.
        let manager = unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_ALL_ACCESS) };
        // SAFETY: null, or just opened and known to nobody else.
        let manager = unsafe { ServiceHandle::own(manager, "OpenSCManager") }?;
        // SAFETY: the handle is open (invariant 1 of `ServiceHandle`). The strings are those of
        // `wide`, which ends them with a zero, and outlive the call; null says that the rest is not
        // given.
        let service = unsafe {
            CreateServiceW(
                manager.0,
                service_name.as_ptr(),
                service_name.as_ptr(),
                SERVICE_ALL_ACCESS,
                SERVICE_KERNEL_DRIVER,
                SERVICE_DEMAND_START,
                SERVICE_ERROR_NORMAL,
                path.as_ptr(),
                null(),
                null_mut(),
                null(),
                null(),
                null(),
            )
        };
        // SAFETY: null, or just opened and known to nobody else.
        let service = unsafe { ServiceHandle::own(service, "CreateService") }?;
        let driver = Self {
            service,
            device: format!(r"\\.\{name}"),
        };
        let deadline = Instant::now() + STARTING_UP;
        // SAFETY: the handle is open (invariant 1 of `ServiceHandle`); null says that there are no
        // arguments.
        while unsafe { StartServiceW(driver.service.0, 0, null()) } == 0 {
            let locked = io::Error::last_os_error().raw_os_error()
                == Some(ERROR_SERVICE_DATABASE_LOCKED.cast_signed());
            if !locked || Instant::now() > deadline {
                return Err(last_error("StartService"));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(driver)
    }

    /// Opens the control device.
    pub(crate) fn open(&self) -> Result<Device, String> {
        match OpenOptions::new().read(true).write(true).open(&self.device) {
            Ok(file) => Ok(Device(file)),
            Err(error) => Err(format!("{}: {error}", self.device)),
        }
    }

    /// Stops the driver and removes its service.
    pub(crate) fn unload(self) -> Result<(), String> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the handle is open (invariant 1 of `ServiceHandle`), and `status` is a local
        // variable.
        let stopped =
            unsafe { ControlService(self.service.0, SERVICE_CONTROL_STOP, &raw mut status) };
        if stopped == 0 {
            return Err(last_error("ControlService"));
        }
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the handle is open (invariant 1 of `ServiceHandle`), and `status` is a local
        // variable. A driver that is stopped already refuses.
        unsafe { ControlService(self.service.0, SERVICE_CONTROL_STOP, &raw mut status) };
        // SAFETY: the handle is open (invariant 1 of `ServiceHandle`).
        unsafe { DeleteService(self.service.0) };
    }
}

/// The control device of a driver, open.
pub(crate) struct Device(File);

impl Device {
    /// Sends a device control request, waits, and returns its output.
    pub(crate) fn control(&self, code: u32, input: &[u8]) -> Result<Vec<u8>, String> {
        let input_bytes = u32::try_from(input.len()).map_err(|error| error.to_string())?;
        let mut output = vec![0; OUTPUT_BYTES as usize];
        let mut returned = 0;
        // SAFETY: `File` keeps the handle open. Both buffers have the lengths that are said;
        // without an OVERLAPPED the call is over when it returns, so nobody uses them afterwards.
        let done = unsafe {
            DeviceIoControl(
                self.0.as_raw_handle(),
                code,
                input.as_ptr().cast(),
                input_bytes,
                output.as_mut_ptr().cast(),
                OUTPUT_BYTES,
                &raw mut returned,
                null_mut(),
            )
        };
        if done == 0 {
            return Err(last_error("DeviceIoControl"));
        }
        output.truncate(returned as usize);
        Ok(output)
    }
}

/// Returns the zero-terminated UTF-16 of `text`.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Says which call has failed, and why.
fn last_error(call: &str) -> String {
    format!("{call}: {}", io::Error::last_os_error())
}
