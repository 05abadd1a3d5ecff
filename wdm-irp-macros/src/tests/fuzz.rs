//! Tests generated input: token soup, and mutations of valid functions and arguments.
//!
//! Each input gives a valid expansion, or errors that are located in the input.
//!
//! `WDM_IRP_FUZZ_INPUTS` is the number of inputs. `WDM_IRP_FUZZ_SEED` is the seed of the first one,
//! and each next one has the next seed. A failure prints the seed of its input, which with
//! `WDM_IRP_FUZZ_INPUTS=1` repeats it alone.

mod findings;
mod function;
mod generate;
mod input;
mod judge;
mod material;
mod mutate;
mod random;
mod runs;
mod texts;
