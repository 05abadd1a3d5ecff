//! The object manager: the functions that begin with `Ob`.

#![expect(non_snake_case, reason = "DDIs keep their names")]

mod reference;
