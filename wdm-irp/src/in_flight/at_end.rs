//! What is done at the end of a block, however it ends.

/// Runs a closure when it is dropped, also by unwinding.
pub(crate) struct AtEnd<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
