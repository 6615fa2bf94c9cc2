//! `relinc serve`, `query` and `help-party`: they start the runner that compile wrote, and become it.

use super::Global;
use crate::error::{Result, input};
use crate::python;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Below the options.
pub const HELP: &str = "What stands behind DIR goes to the runner: relinc serve DIR -- --help lists what it takes. \
    It is started with $RELINC_PYTHON, else python3, which needs numpy and spu.";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder spu/ of a compilation, or what was handed over of it: public/ and this party's folder
    dir: PathBuf,
    /// What the runner takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
    options: Vec<String>,
}

/// Whose runner.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// Has the weights.
    Server,
    /// Has the images.
    Client,
    /// Has neither.
    Helper,
}

impl Role {
    fn script(self) -> &'static str {
        match self {
            Role::Server => "server/serve.py",
            Role::Client => "client/query.py",
            Role::Helper => "helper/help_party.py",
        }
    }
}

/// Runs the command: until the runner ends, with its exit code.
pub fn run(role: Role, a: Args, g: &Global) -> Result<()> {
    let folder = if a.dir.join("spu/public").is_dir() { a.dir.join("spu") } else { a.dir.clone() };
    for needed in ["public/manifest.json", role.script()] {
        let path = folder.join(needed);
        if !path.is_file() {
            return Err(input(format!(
                "{}: missing; name the folder spu/ that `relinc compile --target spu` wrote{}",
                path.display(),
                if matches!(role, Role::Helper) { " for aby3" } else { "" }
            )));
        }
    }
    let json = (g.json && matches!(role, Role::Client)).then_some("--json");
    become_runner(&folder.join(role.script()), json.into_iter().chain(a.options.iter().map(String::as_str)))
}

/// Replaces this process, so that signals and the exit code are the runner's.
fn become_runner<'a>(script: &Path, options: impl Iterator<Item = &'a str>) -> Result<()> {
    let program = python::program(None);
    let mut command = Command::new(&program);
    command.arg(script).args(options);
    let failed = |e: std::io::Error| {
        input(format!("{program}: cannot be started: {e}; name a Python with RELINC_PYTHON"))
    };
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(failed(command.exec()))
    }
    #[cfg(not(unix))]
    {
        let ended = command.status().map_err(failed)?;
        std::process::exit(ended.code().unwrap_or(1))
    }
}
