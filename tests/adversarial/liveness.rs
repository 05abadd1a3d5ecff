//! Programs that aim at liveness.
