//! What a machine tells: the timeline as text and as a diagram, and what it found wrong.

pub(crate) mod kind;
pub(crate) mod names;
pub(crate) mod summary;
mod svg;
pub mod timeline;
pub(crate) mod violation;
