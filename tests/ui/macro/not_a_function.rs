//! The attribute on other items.

use wdm_irp::completion_routine;

#[completion_routine]
struct ReadDone;

#[completion_routine]
impl ReadDone {}

#[completion_routine]
const READ_DONE: ReadDone = ReadDone;

fn main() {}
