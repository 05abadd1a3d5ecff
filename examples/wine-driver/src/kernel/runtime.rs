//! What the C run-time library gives to a driver built with it, and this one does without.

use core::panic::PanicInfo;

use super::ntoskrnl::{KeBugCheckEx, MANUALLY_INITIATED_CRASH1};

/// Says that there is floating point: the compiler refers to this symbol from code that uses it.
#[unsafe(export_name = "_fltused")]
static FLTUSED: i32 = 0;

/// Handles no exception: the precompiled `core` names this routine in its unwind tables.
///
/// The image is built with `panic = "abort"`, so there is no Rust frame to unwind;
/// `ExceptionContinueSearch` leaves a structured exception to the frames above.
#[unsafe(export_name = "__CxxFrameHandler3")]
extern "C" fn frame_handler() -> i32 {
    const EXCEPTION_CONTINUE_SEARCH: i32 = 1;
    EXCEPTION_CONTINUE_SEARCH
}

/// Stops the system: an invariant is broken, and it is kernel mode.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, bytes, line) = info.location().map_or((0, 0, 0), |at| {
        (
            at.file().as_ptr().addr(),
            at.file().len(),
            at.line() as usize,
        )
    });
    // SAFETY: this may be called at any IRQL, and its parameters are shown and not interpreted.
    unsafe { KeBugCheckEx(MANUALLY_INITIATED_CRASH1, file, bytes, line, 0) }
}
