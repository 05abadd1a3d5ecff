//! What an image without C run-time library lacks.

use core::ffi::c_void;
use core::panic::PanicInfo;

/// The compiler refers to this symbol from code that uses floating point.
#[unsafe(export_name = "_fltused")]
static FLTUSED: i32 = 0;

/// Handles no exception: the precompiled `core` names this routine in its unwind tables.
#[unsafe(export_name = "__CxxFrameHandler3")]
extern "C" fn frame_handler() -> i32 {
    const EXCEPTION_CONTINUE_SEARCH: i32 = 1;
    EXCEPTION_CONTINUE_SEARCH
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: may be called at any IRQL, with any parameter.
    unsafe { KeBugCheck(0xDEAD_DEAD) }
}

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn KeBugCheck(code: u32) -> !;
}

// Declaring them makes rustc write the imports that the compiler's own calls need.
#[expect(dead_code, reason = "nobody calls them by name")]
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn memcpy(destination: *mut c_void, source: *const c_void, bytes: usize) -> *mut c_void;
    fn memmove(destination: *mut c_void, source: *const c_void, bytes: usize) -> *mut c_void;
    fn memset(destination: *mut c_void, value: i32, bytes: usize) -> *mut c_void;
    fn memcmp(left: *const c_void, right: *const c_void, bytes: usize) -> i32;
    fn __chkstk();
}
