//! Both journeys of a driver-created IRP, on the host model: completed inline, and pended and signaled.
//!
//! `cargo run --example quickstart` prints each as a timeline; `-- --svg FILE` also draws them.
#![forbid(unsafe_code)]

use std::time::Duration;

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    completion_routine,
};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, When};

/// What the completion routine keeps of a read.
#[derive(Debug, Default)]
struct Stats {
    pended: bool,
}

/// Called by the I/O manager when the disk is done, on any thread, at IRQL <= `DISPATCH_LEVEL`.
#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(mut irp) => {
            irp.context_mut().pended = true;
            irp.signal() // KeSetEvent on the event this IRP owns
        }
        Inline(irp) => irp.finish(), // nobody waits: nothing to signal
    }
}

/// Reads the first sector of a disk. This is driver code: it is the same in a kernel.
fn read_sector(
    disk: &TargetDevice,
    sector: &mut [u8; 512],
    at: &PassiveLevel,
) -> Result<Stats, IrpError> {
    let done = Irp::allocate(disk)?
        .read(sector, ByteOffset(0))
        .on_completion(read_done, Stats::default())
        .send_and_wait(at, Timeout::seconds(5))?;
    Ok(done.into_parts().1)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = Machine::new();
    let cache = machine.device_with(DeviceOptions::new("cache").buffered(), Behavior::transfer());
    let disk = machine.device_with(
        DeviceOptions::new("disk").buffered(),
        Behavior::transfer().when(When::after(Duration::from_millis(2))),
    );
    let at = PassiveLevel::check()?;
    let mut sector = [0; 512];

    let inline = read_sector(cache.passive_target(), &mut sector, &at)?;
    println!("Completed inline: the lower driver had the data at hand, and nobody waits.\n");
    println!("{}", machine.timeline().of_irp(1).to_text());

    sector.fill(0);
    let pended = read_sector(disk.passive_target(), &mut sector, &at)?;
    println!(
        "Pended: another thread completes the IRP, and the completion routine signals the waiter.\n"
    );
    machine.join_drivers(); // lets the disk's thread return from the routine
    println!("{}", machine.timeline().of_irp(2).to_text());

    assert!(!inline.pended && pended.pended);
    assert!(
        sector.iter().zip(0_u8..=255).all(|(read, n)| *read == n),
        "the disk counts up"
    );

    let mut arguments = std::env::args().skip(1);
    if let (Some("--svg"), Some(file)) = (arguments.next().as_deref(), arguments.next()) {
        std::fs::write(&file, machine.timeline().to_svg())?;
        println!("Drawn in {file}.");
    }
    machine.finish(); // panics if an IRP was leaked or misused
    Ok(())
}

#[test]
fn quickstart_runs() {
    main().expect("both reads succeed");
}
