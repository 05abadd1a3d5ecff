//! The examples are programs: `cargo run --example quickstart`.

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
