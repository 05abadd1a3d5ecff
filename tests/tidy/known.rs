//! What the tree does not keep yet. A line that is no longer needed must go: the test says which.

/// Files that cite a hazard without a link.
pub(crate) const CITATIONS_WITHOUT_LINK: &[&str] = &["BENCHMARKS.md"];

/// Files from which the imports lead back to themselves.
pub(crate) const IN_A_CIRCLE: &[&str] = &[];

/// Imports of a room that is above the importing one.
pub(crate) const IMPORTS_UPWARDS: &[&str] = &[];

/// Files that are too long.
pub(crate) const LONG: &[&str] = &[];

/// Faces of folders that hold more than modules and exports.
pub(crate) const FACES_THAT_HOLD_MORE: &[&str] = &[];

/// Files with comments beyond column 100.
pub(crate) const WIDE_COMMENTS: &[&str] = &["wdm-irp/src/lib.rs"];

/// Files with words that are spelled in the British way.
pub(crate) const BRITISH_SPELLING: &[&str] = &[];
