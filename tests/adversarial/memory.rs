//! Programs that aim at memory.
