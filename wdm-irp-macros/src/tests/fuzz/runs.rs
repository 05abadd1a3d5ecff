//! Runs the inputs.

use super::input::Input;
use super::judge::check;
use super::material::Material;
use crate::expand::expand;
use crate::tests::reports::messages;
use crate::tests::tokens::text;

/// Counts the inputs of a plain `cargo test`.
const INPUTS: u64 = 5000;

/// Seeds the first input, unless `WDM_IRP_FUZZ_SEED` is given.
const SEED: u64 = 0x5744_4d00_0000_0000;

/// Reads a number from the environment.
fn variable(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else {
        return default;
    };
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn generated_input() {
    let material = Material::new();
    let first = variable("WDM_IRP_FUZZ_SEED", SEED);
    for number in 0..variable("WDM_IRP_FUZZ_INPUTS", INPUTS) {
        let seed = first.wrapping_add(number);
        check(
            &material.input(seed),
            &format!("WDM_IRP_FUZZ_SEED={seed:#x} WDM_IRP_FUZZ_INPUTS=1"),
        );
    }
}

#[test]
fn what_is_mutated_is_valid() {
    let material = Material::new();
    for (all_args, functions) in [
        (&material.typed_args, &material.typed),
        (&material.raw_args, &material.raw),
    ] {
        for args in all_args {
            for item in functions {
                let input = Input::new(&material.places, args.clone(), item.clone());
                check(&input, "valid input");
                let expansion = expand(input.args.clone(), input.item.clone());
                assert_eq!(messages(&expansion), [""; 0], "{}", text(&input.item));
            }
        }
    }
}
