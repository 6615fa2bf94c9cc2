//! Starting Python, where the MPC runtimes live: which one, and never for longer than asked.

use crate::error::{Error, Result, input};
use crate::interrupt;
use std::io::{Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The Python to start: the one given, else `$RELINC_PYTHON`, else `python3`.
pub fn program(given: Option<&str>) -> String {
    let named = || std::env::var("RELINC_PYTHON").ok().filter(|p| !p.is_empty());
    given.map(str::to_string).or_else(named).unwrap_or_else(|| "python3".into())
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; none when it was killed at the limit.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// The last lines of standard error, for a message.
    pub fn complaint(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().filter(|l| !l.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// Temporary files cannot be made.
pub fn no_room(e: std::io::Error) -> Error {
    let folder = std::env::temp_dir();
    input(format!("{}: cannot hold temporary files: {e}; name another folder with TMPDIR", folder.display()))
}

/// Runs a command to its end or to the limit, when it is killed, as it is when the user wants to stop. Output goes through files, so that none can block it.
pub fn run(command: &mut Command, limit: Duration) -> Result<Ended> {
    let (mut out, mut err) = (tempfile::tempfile().map_err(no_room)?, tempfile::tempfile().map_err(no_room)?);
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone().map_err(input)?)
        .stderr(err.try_clone().map_err(input)?)
        .spawn()
        .map_err(|e| {
            input(format!("{name}: cannot be started: {e}; name a Python with --python or RELINC_PYTHON"))
        })?;
    let _waiting = interrupt::wait();
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(input)? {
            break Some(status);
        }
        let stop = interrupt::check("stopped");
        if stop.is_err() || Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            stop?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |f: &mut std::fs::File| -> Result<String> {
        let mut bytes = vec![];
        f.rewind().and_then(|()| f.read_to_end(&mut bytes)).map_err(input)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Ended { status, stdout: text(&mut out)?, stderr: text(&mut err)? })
}
