//! Who implements the kernel's functions: `ntoskrnl.exe`, or the host model.

/// `true` if this build calls the kernel (feature `kernel`), `false` if it calls the host model.
pub const KERNEL: bool = cfg!(feature = "kernel");

/// Declares kernel functions once, whoever implements them.
macro_rules! kernel_imports {
    ($(
        $(#[$doc:meta])*
        $model:literal fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?;
    )*) => {
        #[cfg(feature = "kernel")]
        #[cfg_attr(windows, link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim"))]
        unsafe extern "system" {
            $($(#[$doc])* pub fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
        #[cfg(not(feature = "kernel"))]
        unsafe extern "system" {
            $($(#[$doc])* #[link_name = $model] pub fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
    };
}
