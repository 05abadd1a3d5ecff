//! What the C run-time library gives to a driver built with it, and this one does without.

use core::panic::PanicInfo;

use super::ntoskrnl::{KeBugCheckEx, MANUALLY_INITIATED_CRASH1};

/// The compiler refers to this symbol from code that uses floating point.
#[unsafe(export_name = "_fltused")]
static FLTUSED: i32 = 0;

/// The personality routine which the precompiled `core` names in its unwind tables.
///
/// The image is built with `panic = "abort"`, so there is no Rust frame to unwind; `ExceptionContinueSearch` leaves
/// a structured exception to the frames above.
#[unsafe(export_name = "__CxxFrameHandler3")]
extern "C" fn frame_handler() -> i32 {
    const EXCEPTION_CONTINUE_SEARCH: i32 = 1;
    EXCEPTION_CONTINUE_SEARCH
}

/// A broken invariant in kernel mode: stop the system before it spreads.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, bytes, line) = info.location().map_or((0, 0, 0), |at| {
        (
            at.file().as_ptr().addr(),
            at.file().len(),
            at.line() as usize,
        )
    });
    // SAFETY: may be called at any IRQL, with any parameters.
    unsafe { KeBugCheckEx(MANUALLY_INITIATED_CRASH1, file, bytes, line, 0) }
}
