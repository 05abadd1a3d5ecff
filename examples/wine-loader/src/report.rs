//! Every case by name, whatever the driver does.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::driver::Driver;
use crate::protocol::{LIST, RUN};

/// A case that takes longer hangs; the longest ones wait some tens of milliseconds.
const HANGS: Duration = Duration::from_secs(20);

/// How long Wine gets to tell the driver that its device was closed.
///
/// Wine does so on another thread than the one that unloads the driver, and lets the two race.
/// Windows does not unload a driver whose device is open.
const CLOSED: Duration = Duration::from_millis(200);

/// Runs every case and prints one line for each, then unloads the driver.
pub(crate) fn print(driver: Driver) -> Result<(), String> {
    let device = driver.open()?;
    let names = device.control(LIST, &[])?;
    let names = String::from_utf8(names).map_err(|error| error.to_string())?;

    // The requests are made by another thread: one that hangs in the driver cannot be called back.
    let (results, answers) = channel();
    let requests = names.lines().count();
    thread::spawn(move || {
        for case in 0..requests {
            let case = u32::try_from(case).unwrap_or(u32::MAX);
            let result = device.control(RUN, &case.to_le_bytes());
            if results.send(result).is_err() {
                return;
            }
        }
    });

    let mut hangs = false;
    for name in names.lines() {
        if hangs {
            println!("failed {name}: not run");
            continue;
        }
        match answers.recv_timeout(HANGS) {
            Ok(Ok(why)) if why.is_empty() => println!("passed {name}"),
            Ok(Ok(why)) => println!("failed {name}: {}", String::from_utf8_lossy(&why)),
            Ok(Err(error)) => println!("failed {name}: {error}"),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                hangs = true;
                println!(
                    "failed {name}: no answer within {} seconds",
                    HANGS.as_secs()
                );
            }
        }
    }
    if hangs {
        println!("failed unload: not run");
        return Ok(());
    }
    // The thread has got the last answer, and has closed the device or is about to.
    thread::sleep(CLOSED);
    match driver.unload() {
        Ok(()) => println!("passed unload"),
        Err(error) => println!("failed unload: {error}"),
    }
    Ok(())
}
