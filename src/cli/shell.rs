//! `relinc completions`, `relinc man`

use super::command;
use crate::error::{Result, input};
use crate::folder::unwritable;
use clap_complete::Shell;
use relinc_passes::files::write_atomically;
use relinc_runtime::nearest::did_you_mean;
use std::path::{Path, PathBuf};

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
    /// Write the pages of all commands into a folder instead: relinc.1, relinc-compile.1, …
    #[arg(short, long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

/// Prints a manual page, or writes all of them.
pub fn man(a: ManArgs) -> Result<()> {
    let mut all = command();
    all.build();
    if let Some(dir) = &a.out {
        return write_all(&all, dir);
    }
    let page = match &a.command {
        None => all,
        Some(name) => {
            let known: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let found = all.get_subcommands().find(|c| c.get_name() == name);
            page_of(found.ok_or_else(|| {
                input(format!("there is no command '{name}'{}", did_you_mean(name, &known)))
            })?)
        }
    };
    super::print(&String::from_utf8_lossy(&rendered(page)?))
}

/// A command as a page of its own, `relinc-compile`.
fn page_of(c: &clap::Command) -> clap::Command {
    c.clone().display_name(format!("relinc-{}", c.get_name()))
}

fn rendered(page: clap::Command) -> Result<Vec<u8>> {
    let mut out = vec![];
    clap_mangen::Man::new(page).render(&mut out).map_err(input)?;
    Ok(out)
}

fn write_all(all: &clap::Command, dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|e| unwritable(dir, &e))?;
    let of_commands = all.get_subcommands().filter(|c| c.get_name() != "help").map(page_of);
    for page in [all.clone()].into_iter().chain(of_commands) {
        let file = dir.join(format!("{}.1", page.get_display_name().unwrap_or("relinc")));
        write_atomically(&file, &rendered(page)?).map_err(|e| unwritable(&file, &e))?;
    }
    Ok(())
}
