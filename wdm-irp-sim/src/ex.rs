//! The executive: the functions that begin with `Ex`.

#![expect(non_snake_case, reason = "DDIs keep their names")]

mod pool;
mod rundown;
