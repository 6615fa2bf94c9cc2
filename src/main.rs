//! The `relinc` binary.

use std::process::ExitCode;

/// Training allocates and frees large tensors all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    relinc::cli::main()
}
