//! Tests `expand` outside of the compiler: what it reports and what it declares.
//!
//! Each room of the crate has a file. `fuzz` shows that any input gives an expansion; `reports` and
//! `tokens` are what the tests share.

mod arguments;
mod attributes;
mod expand;
mod fuzz;
mod item;
mod raw;
mod reports;
mod tokens;
mod typed;
