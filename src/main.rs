//! The `relinc` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    relinc::cli::main()
}
