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
/// 1. `buffer` has `length` bytes, which are borrowed exclusively for `'b`.
/// 2. Only the thread that has exchanged `used` for `BUSY` accesses the bytes, until it stores
///    `used` again.
/// 3. While `used` is not `BUSY`, it is at most `length`, and that many bytes are valid UTF-8.
#[derive(Debug)]
pub struct Trace<'b> {
    buffer: *mut u8,
    length: usize,
    used: AtomicUsize,
    borrow: PhantomData<&'b mut [u8]>,
}

// SAFETY: one thread at a time accesses the bytes (invariant 2), and `used` is atomic.
unsafe impl Sync for Trace<'_> {}

impl<'b> Trace<'b> {
    /// Creates an empty trace.
    #[must_use]
    pub fn new(buffer: &'b mut [u8]) -> Self {
        // INVARIANT: 1: the borrow is exclusive. 2 and 3: nobody writes, and no bytes are used.
        Self {
            buffer: buffer.as_mut_ptr(),
            length: buffer.len(),
            used: AtomicUsize::new(0),
            borrow: PhantomData,
        }
    }

    /// Adds a line.
    ///
    /// What does not fit is left out, which no comparison survives.
    pub(crate) fn line(&self, line: fmt::Arguments<'_>) {
        let mut end = self;
        let _ = end.write_fmt(line).and_then(|()| end.write_char('\n'));
    }

    /// Returns what was written.
    #[must_use]
    pub fn into_text(self) -> &'b str {
        let used = self.used.into_inner();
        // SAFETY: initialized bytes, as they were borrowed (invariant 1). `self` is the only handle
        // left, so nobody writes and `used` is not `BUSY`; then it is in bounds (invariant 3).
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
            // SAFETY: `used` is at most `length` (invariant 3).
            let end = unsafe { self.buffer.add(used) };
            // SAFETY: the text fits, and the bytes are this thread's, which has taken `used`
            // (invariant 2). The trace is borrowed exclusively, so the text is elsewhere.
            unsafe { end.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        }
        // INVARIANT: 3: whole strings only.
        let written = if fits { text.len() } else { 0 };
        self.used.store(used + written, Ordering::Release);
        if fits { Ok(()) } else { Err(fmt::Error) }
    }
}
