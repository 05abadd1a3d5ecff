//! A device that was opened by its name.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use super::device::check_stack_size;
use super::reference::Reference;
use super::shared::{OwnedTarget, Target, sealed};
use crate::error::IrpError;
use crate::irql::{AtPassive, PassiveOnly, SendIrql, UpToDispatch};
use crate::sys::{self, DEVICE_OBJECT, FILE_OBJECT, IRP, NT_SUCCESS, UNICODE_STRING};

/// Makes the name of a device from ASCII text, for [`OpenedDevice::open`]. Any IRQL.
///
/// ```
/// use wdm_irp::target::device_name;
///
/// const DISK: [u16; 15] = device_name(b"\\Device\\Harddi0");
/// assert_eq!(DISK[0], u16::from(b'\\'));
/// ```
///
/// # Panics
/// If a character is not ASCII; in a `const`, as is usual, that is a compile error.
#[must_use]
pub const fn device_name<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut name = [0; N];
    let mut index = 0;
    while index < N {
        assert!(text[index].is_ascii(), "the name is not ASCII");
        name[index] = text[index] as u16;
        index += 1;
    }
    name
}

/// What a device is opened for: an `ACCESS_MASK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesiredAccess(pub u32);

impl DesiredAccess {
    /// `FILE_READ_DATA`.
    pub const READ: Self = Self(sys::FILE_READ_DATA);
    /// `FILE_READ_DATA | FILE_WRITE_DATA`.
    pub const READ_WRITE: Self = Self(sys::FILE_READ_DATA | sys::FILE_WRITE_DATA);
}

/// A device that was opened by its name, with the file object that its requests carry (hazard
/// [H41]).
///
/// It keeps a counted reference to the file object, and through it the device; dropping the last
/// closes the file at `PASSIVE_LEVEL`, on a worker thread. Until then the file is open, also while
/// no request is in flight, and a device with open files may refuse to be removed. `L` is as for
/// [`TargetDevice`](super::TargetDevice).
///
/// ```no_run
/// use wdm_irp::target::{DesiredAccess, OpenedDevice, device_name};
/// use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, Timeout};
///
/// fn first_sector(at: &PassiveLevel) -> Result<usize, IrpError> {
///     let name = device_name(b"\\Device\\Harddisk0\\Partition0");
///     // SAFETY: a disk of Windows' own.
///     let disk = unsafe { OpenedDevice::open(&name, DesiredAccess::READ, at) }?;
///     let read = Irp::allocate(&disk)?.read([0; 512], ByteOffset(0));
///     Ok(read.send_and_wait(at, Timeout::seconds(5))?.information())
/// }
/// ```
///
/// # Invariants
/// 1. `device` is that of `file`, stays as long as `file` is referenced, and fulfils the contract
///    of [`TargetDevice::from_raw`](super::TargetDevice::from_raw).
/// 2. An IRP for it needs `stack_size` locations.
///
/// [H41]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h41
#[derive(Debug)]
pub struct OpenedDevice<L = PassiveOnly> {
    file: Reference<FILE_OBJECT>,
    device: Reference<DEVICE_OBJECT>,
    stack_size: i8,
    _irql: PhantomData<fn() -> L>,
}

impl OpenedDevice {
    /// Opens a device by its name (`IoGetDeviceObjectPointer`). IRQL = `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::Open`] with the status of the function; [`IrpError::InvalidParameter`] if the
    /// name is longer than a `UNICODE_STRING`, or the device's stack deeper than an IRP can be.
    ///
    /// # Safety
    /// What is found under the name fulfils the contract of
    /// [`TargetDevice::from_raw`](super::TargetDevice::from_raw).
    pub unsafe fn open(
        name: &[u16],
        access: DesiredAccess,
        _at: impl AtPassive,
    ) -> Result<Self, IrpError> {
        let bytes = u16::try_from(size_of_val(name)).map_err(|_| IrpError::InvalidParameter)?;
        let mut name = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: name.as_ptr().cast_mut(),
        };
        let mut file = ptr::null_mut();
        let mut device = ptr::null_mut();
        // SAFETY: the string is valid and only read; the results are locals; the IRQL was proven.
        let status = unsafe {
            sys::IoGetDeviceObjectPointer(&raw mut name, access.0, &raw mut file, &raw mut device)
        };
        if !NT_SUCCESS(status) {
            return Err(IrpError::Open(status));
        }
        let (Some(file), Some(device)) = (NonNull::new(file), NonNull::new(device)) else {
            return Err(IrpError::Open(sys::STATUS_UNSUCCESSFUL));
        };
        // SAFETY: the function has succeeded, so a reference of the file object is the caller's.
        let file = unsafe { Reference::adopt(file) };
        // SAFETY: the device exists as long as the file object is open.
        let device = unsafe { Reference::new(device) };
        // SAFETY: referenced in the line above.
        let stack_size = unsafe { check_stack_size(device.get()) }?;
        // INVARIANT: 1 by contract, 2 by the line above.
        Ok(Self {
            file,
            device,
            stack_size,
            _irql: PhantomData,
        })
    }

    /// Vouches for the IRQL at which the drivers of the stack take requests.
    ///
    /// # Safety
    /// As for [`TargetDevice::takes_dispatch_level`](super::TargetDevice::takes_dispatch_level).
    #[must_use]
    pub unsafe fn takes_dispatch_level(self) -> OpenedDevice<UpToDispatch> {
        OpenedDevice {
            file: self.file,
            device: self.device,
            stack_size: self.stack_size,
            _irql: PhantomData,
        }
    }
}

impl<L> OpenedDevice<L> {
    /// Returns the device object. Any IRQL.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.device.get().as_ptr()
    }

    /// Returns the file object. Any IRQL.
    #[must_use]
    pub const fn file_object(&self) -> *mut FILE_OBJECT {
        self.file.get().as_ptr()
    }
}

impl<L> Clone for OpenedDevice<L> {
    /// Takes another reference (`ObReferenceObject`). IRQL <= `DISPATCH_LEVEL`.
    fn clone(&self) -> Self {
        Self {
            file: self.file.clone(),
            device: self.device.clone(),
            stack_size: self.stack_size,
            _irql: PhantomData,
        }
    }
}

impl<L> sealed::Sealed for OpenedDevice<L> {}
impl<L: SendIrql + 'static> OwnedTarget for OpenedDevice<L> {}

// SAFETY: by invariants 1 and 2. Nothing is held: the contract of the constructor covers removal.
unsafe impl<L: SendIrql> Target for OpenedDevice<L> {
    type Irql = L;
    type Held = ();

    #[inline]
    fn hold(&self, _: *const IRP) -> Result<(), IrpError> {
        Ok(())
    }

    #[inline]
    fn device(&self) -> *mut DEVICE_OBJECT {
        self.as_ptr()
    }

    #[inline]
    fn stack_size(&self) -> i8 {
        self.stack_size
    }

    #[inline]
    fn file_object(&self) -> Option<NonNull<FILE_OBJECT>> {
        Some(self.file.get())
    }
}
