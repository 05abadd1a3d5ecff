//! Sorts the other attributes of the function: which are a defect, and where the others go.

mod defects;
mod destinations;
mod leaf;

pub(crate) use self::defects::check_within;
pub(crate) use self::destinations::{RawAttributes, TypedAttributes};
