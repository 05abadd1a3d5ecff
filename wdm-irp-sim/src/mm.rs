//! The memory manager: the functions that begin with `Mm`.

#![expect(non_snake_case, reason = "DDIs keep their names")]

mod pages;
