//! `relinc completions`, `relinc man`

use super::Cli;
use crate::error::{Error, input};
use clap::CommandFactory;
use clap_complete::Shell;

/// Options of `relinc completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

/// Prints a completion script.
pub fn completions(a: Args) -> Result<(), Error> {
    let mut out = vec![];
    clap_complete::generate(a.shell, &mut Cli::command(), "relinc", &mut out);
    super::print(&String::from_utf8_lossy(&out))
}

/// Prints the manual page.
pub fn man() -> Result<(), Error> {
    let mut out = vec![];
    clap_mangen::Man::new(Cli::command()).render(&mut out).map_err(input)?;
    super::print(&String::from_utf8_lossy(&out))
}
