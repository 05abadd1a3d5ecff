//! Whose an object is that a function is called with.

use crate::kernel::{Kernel, objects, this_thread};
use crate::sync::Arc;

/// Returns the instance that the object belongs to, or else the thread's.
pub(super) fn kernel_of<T>(object: *mut T) -> Arc<Kernel> {
    objects::kernel_of(object.addr()).unwrap_or_else(this_thread::kernel)
}
