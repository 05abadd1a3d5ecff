//! Remove locks: what keeps a device from being removed while it is used ([H27]).
//!
//! A driver initializes a [`RemoveLock`] in its `AddDevice` routine, acquires it for each operation
//! and whenever it passes out a reference to its code, and waits in `IRP_MN_REMOVE_DEVICE` until
//! all have been released. Here an acquisition is a [`RemoveLockGuard`]: it is released once, with
//! the tag that it was acquired with, and the wait takes one along.
//!
//! ```
//! # use wdm_irp_sim as _;
//! use wdm_irp::PassiveLevel;
//! use wdm_irp::lock_storage::InStatic;
//! use wdm_irp::remove_lock::{AllocationTag, RemoveLock, RemoveLockError, Tag};
//!
//! const TAG: AllocationTag = AllocationTag::new(*b"Lock").unwrap();
//! static LOCK: InStatic<RemoveLock> = InStatic::new();
//!
//! let at = PassiveLevel::check()?;
//! let lock = LOCK.initialize(TAG, &at).expect("the first call");
//!
//! // For each operation:
//! let held = lock.acquire(Tag::new(1))?;
//! drop(held);
//!
//! // When the device is removed:
//! let held = lock.acquire(Tag::new(2))?;
//! held.release_and_wait(&at).expect("a device is removed once");
//! assert_eq!(lock.acquire(Tag::new(3)).err(), Some(RemoveLockError::DeletePending));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Windows documents the device extension as the place of a remove lock: see
//! [`InExtension`](crate::lock_storage::InExtension).
//!
//! # What it does not do
//!
//! - A guard that is leaked is never released, and
//!   [`release_and_wait`](RemoveLockGuard::release_and_wait) waits for it forever. So it does if
//!   the thread that calls it has another guard.
//! - It keeps the device, not the driver's image: a completion routine that drops a guard still has
//!   its last instructions to run.
//!
//! [H27]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h27

mod error;
mod explain;
mod guard;
mod lock;
mod tags;

pub use error::RemoveLockError;
#[doc(hidden)]
pub use explain::IsAcquired;
pub use guard::RemoveLockGuard;
pub use lock::RemoveLock;
pub use tags::{AllocationTag, Tag};
