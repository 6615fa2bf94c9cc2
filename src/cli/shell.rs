//! `relinc completions`, `relinc man`

use super::command;
use crate::error::{Result, input};
use clap_complete::Shell;
use relinc_runtime::nearest::did_you_mean;

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

/// Options of `relinc man`.
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// A command [default: relinc itself]
    command: Option<String>,
}

/// Prints a manual page.
pub fn man(a: ManArgs) -> Result<()> {
    let mut all = command();
    all.build();
    let page = match &a.command {
        None => all,
        Some(name) => {
            let known: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let found = all.get_subcommands().find(|c| c.get_name() == name).cloned();
            let found = found.ok_or_else(|| {
                input(format!("there is no command '{name}'{}", did_you_mean(name, &known)))
            })?;
            found.display_name(format!("relinc-{name}"))
        }
    };
    let mut out = vec![];
    clap_mangen::Man::new(page).render(&mut out).map_err(input)?;
    super::print(&String::from_utf8_lossy(&out))
}
