//! Loads the driver of `examples/wine-driver`, runs its cases, prints a report and unloads it.
//!
//! `wine-loader <path of the driver image>` prints one line for each case: `passed <case>` or
//! `failed <case>: <why>`. A driver that hangs or crashes fails the case it is at and all that
//! follow. The exit status says only whether the driver could be loaded.

#[cfg(windows)]
mod driver;
#[cfg(windows)]
#[path = "../../wine-driver/src/protocol.rs"]
mod protocol;
#[cfg(windows)]
mod report;

#[cfg(windows)]
fn main() -> Result<(), String> {
    let image = std::env::args().nth(1).ok_or("which driver image?")?;
    report::print(driver::Driver::load(protocol::NAME, &image)?)
}

#[cfg(not(windows))]
fn main() {
    eprintln!("a kernel driver is loaded on Windows, or in Wine: see `cargo xtask wine`");
}
