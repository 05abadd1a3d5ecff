//! The commands, one file each.

pub(crate) mod bench;
pub(crate) mod bless;
pub(crate) mod bugs;
pub(crate) mod check;
pub(crate) mod ci;
pub(crate) mod delays;
pub(crate) mod deps;
pub(crate) mod fuzz;
pub(crate) mod loom;
pub(crate) mod miri;
pub(crate) mod mutants;
pub(crate) mod ui;
pub(crate) mod windows_tests;
pub(crate) mod wine;
