//! The `relinc` binary.
fn main() {}
