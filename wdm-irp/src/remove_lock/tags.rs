//! The two tags that Driver Verifier reports.

use core::ffi::c_void;
use core::num::NonZeroU32;
use core::ptr;

/// Says whose a lock is, in Driver Verifier's reports: four characters, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationTag(NonZeroU32);

impl AllocationTag {
    /// Creates a tag of four characters, or returns `None` if they are all zero. Any IRQL.
    #[must_use]
    pub const fn new(characters: [u8; 4]) -> Option<Self> {
        match NonZeroU32::new(u32::from_le_bytes(characters)) {
            Some(tag) => Some(Self(tag)),
            None => None,
        }
    }

    pub(super) const fn get(self) -> u32 {
        self.0.get()
    }
}

/// Tells one acquisition from another in Driver Verifier's reports.
///
/// It does not have to be unique; an IRP's address is usual. The guard keeps it for the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(usize);

impl Tag {
    /// Creates a tag from a number. Any IRQL.
    #[must_use]
    pub const fn new(number: usize) -> Self {
        Self(number)
    }

    /// Creates a tag from the address of something, such as an IRP, which is not accessed. Any
    /// IRQL.
    #[must_use]
    pub fn of<T>(address: *const T) -> Self {
        Self(address.addr())
    }

    pub(super) const fn as_ptr(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0)
    }
}
