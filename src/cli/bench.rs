//! `relinc bench`

use super::{Global, print, print_json};
use crate::bench;
use crate::error::Error;

/// Options of `relinc bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// compile (time and memory of compile), eval (images a second), train-step (announced)
    #[arg(value_parser = ["compile", "eval", "train-step"])]
    what: String,
    /// Print where the time goes (announced)
    #[arg(long)]
    profile: bool,
    /// Repetitions; the smallest time counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    if a.profile {
        return Err(Error::announced("--profile"));
    }
    let rows = match a.what.as_str() {
        "compile" => bench::compile(a.repeat as usize)?,
        "eval" => bench::eval(a.repeat as usize)?,
        other => return Err(Error::announced(&format!("bench {other}"))),
    };
    if g.json {
        return print_json(&rows);
    }
    for r in rows {
        print(&r.to_string());
    }
    Ok(())
}
