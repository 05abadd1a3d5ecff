//! What the library costs, one measurement a file.

pub(crate) mod build_cost;
pub(crate) mod code_size;
pub(crate) mod instructions;
pub(crate) mod update;
pub(crate) mod wine;
