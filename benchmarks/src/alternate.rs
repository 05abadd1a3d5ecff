//! Loads the drivers, alternates between them, and prints times and ratios.
//!
//! Nanoseconds of a request, and the ratios within an alternation. See `cargo xtask bench wine`.
//!
//! `alternate <alternations> <driver image>...`: the names of the images are those of the senders,
//! `ours.sys` first.

#[cfg(all(windows, target_arch = "x86_64"))]
#[path = "../../examples/wine-loader/src/driver.rs"]
mod driver;

#[cfg(all(windows, target_arch = "x86_64"))]
mod alternate {
    use core::arch::x86_64::_rdtsc;
    use std::path::Path;
    use std::time::{Duration, Instant};
    use std::{env, thread};

    use super::driver::{Device, Driver};

    /// See `c/driver.c`.
    const RUN: u32 = 0x0022_E000;

    /// How long Wine gets to tell a driver that its device was closed, before it is unloaded.
    const CLOSED: Duration = Duration::from_millis(300);

    struct Loaded {
        name: String,
        device: Device,
        driver: Driver,
    }

    /// A kind of request, and how many of them are timed at once: fewer than fit into a time slice.
    const KINDS: [(&str, u32, u32); 2] = [("inline", 0, 1_000), ("pended", 1, 20)];

    /// How often the drivers take turns in one alternation.
    ///
    /// A driver's time in it is its least: whatever else runs on the processor can only add to it.
    const TURNS: usize = 25;

    pub(super) fn run() -> Result<(), String> {
        let mut arguments = env::args().skip(1);
        let alternations: usize = arguments
            .next()
            .and_then(|count| count.parse().ok())
            .ok_or("how many alternations?")?;
        let mut drivers = Vec::new();
        for image in arguments {
            let name = Path::new(&image)
                .file_stem()
                .ok_or("which driver image?")?
                .to_string_lossy()
                .into_owned();
            let driver = Driver::load(&format!("WdmIrpBench{name}"), &image)?;
            let device = driver.open()?;
            drivers.push(Loaded {
                name,
                device,
                driver,
            });
        }
        let result = measure(&drivers, alternations);
        for Loaded { device, driver, .. } in drivers {
            drop(device);
            thread::sleep(CLOSED);
            driver.unload()?;
        }
        result
    }

    fn measure(drivers: &[Loaded], alternations: usize) -> Result<(), String> {
        println!(
            "{alternations} alternations; nanoseconds for one request, and ratios within an alternation:"
        );
        println!("median [lower quartile .. upper quartile] (minimum)\n");
        let nanoseconds = nanoseconds_per_tick();
        for (kind, pended, rounds) in KINDS {
            let mut times = vec![Vec::new(); drivers.len()];
            // The first one is for the caches.
            for alternation in 0..=alternations {
                let mut turns = vec![Vec::new(); drivers.len()];
                for turn in 0..TURNS * drivers.len() {
                    let driver = turn % drivers.len();
                    turns[driver]
                        .push(nanoseconds * ticks(&drivers[driver].device, pended, rounds)?);
                }
                if alternation > 0 {
                    for (times, turns) in times.iter_mut().zip(turns) {
                        times.push(turns.into_iter().fold(f64::INFINITY, f64::min));
                    }
                }
            }
            for (driver, times_of_driver) in drivers.iter().zip(&times) {
                let ratios = times[0]
                    .iter()
                    .zip(times_of_driver)
                    .map(|(ours, other)| ours / other);
                println!(
                    "{kind}  {:<5} {:>30}   ours / {:<5} {}",
                    driver.name,
                    spread(times_of_driver.iter().copied(), 1),
                    driver.name,
                    spread(ratios, 3)
                );
            }
        }
        Ok(())
    }

    /// Returns how many ticks of the processor a request takes.
    fn ticks(device: &Device, pended: u32, rounds: u32) -> Result<f64, String> {
        let input = [pended.to_le_bytes(), rounds.to_le_bytes()].concat();
        let output = device.control(RUN, &input)?;
        let ticks = output
            .first_chunk()
            .ok_or("the driver's answer is too short")?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer ticks")]
        let ticks = u64::from_le_bytes(*ticks) as f64;
        Ok(ticks / f64::from(rounds))
    }

    /// Measures the ticks of the processor by the clock.
    fn nanoseconds_per_tick() -> f64 {
        // SAFETY: `rdtsc` has no preconditions, and every x86_64 has it.
        let (start, begin) = (Instant::now(), unsafe { _rdtsc() });
        thread::sleep(CLOSED);
        // SAFETY: as above.
        let (time, end) = (start.elapsed(), unsafe { _rdtsc() });
        #[expect(clippy::cast_precision_loss, reason = "far fewer ticks")]
        let ticks = (end - begin) as f64;
        time.as_secs_f64() * 1e9 / ticks
    }

    /// Returns median, quartiles and minimum as text.
    fn spread(values: impl Iterator<Item = f64>, decimals: usize) -> String {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let quartile = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        let [minimum, lower, median, upper] = [0, 1, 2, 3].map(quartile);
        format!(
            "{median:.decimals$} [{lower:.decimals$} .. {upper:.decimals$}] ({minimum:.decimals$})"
        )
    }
}

#[cfg(all(windows, target_arch = "x86_64"))]
fn main() -> Result<(), String> {
    alternate::run()
}

#[cfg(not(all(windows, target_arch = "x86_64")))]
fn main() {
    eprintln!("a kernel driver is loaded on Windows, or in Wine: see ./wine");
}
