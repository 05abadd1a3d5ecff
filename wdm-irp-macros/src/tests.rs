//! `expand` outside of the compiler: what it reports, what it declares, and that any input gives an expansion.

mod arguments;
mod attributes;
mod expand;
mod fuzz;
mod item;
mod raw;
mod reports;
mod tokens;
mod typed;
