//! Where the trace goes: a buffer of the caller's, since a driver has no heap to spare.

use core::fmt::{self, Write};
use core::marker::PhantomData;
use core::slice;
use core::sync::atomic::{AtomicUsize, Ordering};

/// What `used` is while somebody writes.
const BUSY: usize = usize::MAX;

/// Lines of text in a buffer.
///
/// Threads take turns in writing: the script lets one wait while another one acts.
///
/// # Invariants
/// `buffer` has `length` bytes that are borrowed, so that nobody else accesses them for `'b`. Whoever takes `used` for `BUSY` alone writes to it; else
/// `used` bytes of it are valid UTF-8.
#[derive(Debug)]
pub struct Trace<'b> {
    buffer: *mut u8,
    length: usize,
    used: AtomicUsize,
    borrow: PhantomData<&'b mut [u8]>,
}

// SAFETY: one thread at a time accesses the buffer (invariant).
unsafe impl Sync for Trace<'_> {}

impl<'b> Trace<'b> {
    /// An empty trace.
    #[must_use]
    pub fn new(buffer: &'b mut [u8]) -> Self {
        // INVARIANT: the borrow is exclusive, and no bytes are used.
        Self {
            buffer: buffer.as_mut_ptr(),
            length: buffer.len(),
            used: AtomicUsize::new(0),
            borrow: PhantomData,
        }
    }

    /// Adds a line. What does not fit is left out, which no comparison survives.
    pub(crate) fn line(&self, line: fmt::Arguments<'_>) {
        let mut end = self;
        let _ = end.write_fmt(line).and_then(|()| end.write_char('\n'));
    }

    /// What was written.
    #[must_use]
    pub fn into_text(self) -> &'b str {
        let used = self.used.into_inner();
        // SAFETY: in bounds of the borrowed bytes, and the last writer is gone: this was taken by value.
        let bytes = unsafe { slice::from_raw_parts(self.buffer, used) };
        // Checked although it cannot fail: another thread that broke the turns would show here.
        core::str::from_utf8(bytes).unwrap_or("the trace is damaged\n")
    }
}

impl Write for &Trace<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let used = self.used.swap(BUSY, Ordering::Acquire);
        if used == BUSY {
            // Not this thread's turn.
            return Err(fmt::Error);
        }
        let fits = text.len() <= self.length - used;
        if fits {
            // SAFETY: in bounds, as `used` is.
            let end = unsafe { self.buffer.add(used) };
            // SAFETY: `used` was taken, so these bytes are this thread's (invariant).
            unsafe { end.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        }
        // INVARIANT: whole strings only.
        let written = if fits { text.len() } else { 0 };
        self.used.store(used + written, Ordering::Release);
        if fits { Ok(()) } else { Err(fmt::Error) }
    }
}
