//! The memory manager: the functions that begin with `Mm`.

mod pages;
