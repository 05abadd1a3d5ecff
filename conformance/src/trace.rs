//! Where the trace goes: a buffer of the caller's, since a driver has no heap to spare.

use core::fmt::{self, Write};
use core::slice;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Lines of text in a buffer.
///
/// Threads take turns in writing: the script lets one wait while another one acts.
///
/// # Invariants
/// `buffer` is a borrowed `[u8]` that nobody else accesses for `'b`. Its first `used` bytes are valid UTF-8.
#[derive(Debug)]
pub struct Trace<'b> {
    buffer: &'b [AtomicU8],
    used: AtomicUsize,
}

impl<'b> Trace<'b> {
    /// An empty trace.
    #[must_use]
    pub fn new(buffer: &'b mut [u8]) -> Self {
        let length = buffer.len();
        let first = buffer.as_mut_ptr().cast::<AtomicU8>();
        // SAFETY: `AtomicU8` has the layout of `u8`, and the borrow is exclusive.
        let buffer = unsafe { slice::from_raw_parts(first, length) };
        // INVARIANT: the borrow is exclusive, and no bytes are used.
        Self {
            buffer,
            used: AtomicUsize::new(0),
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
        let bytes = self.buffer.as_ptr().cast::<u8>();
        // SAFETY: in bounds of the borrowed bytes. The last user of their atomic view is gone: it was taken by value.
        let bytes = unsafe { slice::from_raw_parts(bytes, used) };
        // Checked although it cannot fail: another thread that broke the turns would show here.
        core::str::from_utf8(bytes).unwrap_or("the trace is damaged\n")
    }
}

impl Write for &Trace<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let used = self.used.load(Ordering::Relaxed);
        let rest = self.buffer.get(used..).ok_or(fmt::Error)?;
        let rest = rest.get(..text.len()).ok_or(fmt::Error)?;
        for (to, from) in rest.iter().zip(text.bytes()) {
            to.store(from, Ordering::Relaxed);
        }
        // INVARIANT: whole strings only.
        self.used.store(used + text.len(), Ordering::Relaxed);
        Ok(())
    }
}
