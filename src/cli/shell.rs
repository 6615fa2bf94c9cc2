//! `relinc completions`, `relinc man`

use super::command;
use crate::error::{Result, input};
use clap_complete::Shell;

/// Options of `relinc completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

/// Prints a completion script.
pub fn completions(a: Args) -> Result<()> {
    let mut out = vec![];
    clap_complete::generate(a.shell, &mut command(), "relinc", &mut out);
    super::print(&String::from_utf8_lossy(&out))
}

/// Prints the manual page.
pub fn man() -> Result<()> {
    let mut out = vec![];
    clap_mangen::Man::new(command()).render(&mut out).map_err(input)?;
    super::print(&String::from_utf8_lossy(&out))
}
