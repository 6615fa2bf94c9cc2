//! What commands print. Results go to stdout, and one that cannot be written is an error; where a reader has closed a pipe, it
//! wants no more, and that is none. Nothing that goes wrong with stderr ends a command.

use crate::error::{Error, Result, input};
use crate::explain::codes;
use crate::plain::{plain, plain_json};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// Prints a text and the end of its last line.
///
/// # Errors
/// It cannot be written.
pub fn print(text: &str) -> Result<()> {
    shown(&plain(text))
}

fn shown(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    written([text, end].iter().try_for_each(|t| out.write_all(t.as_bytes())).and_then(|()| out.flush()))
}

/// Prints one JSON document.
///
/// # Errors
/// As [`print`].
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    shown(&plain_json(&serde_json::to_string_pretty(value).map_err(input)?))
}

/// Prints a line for a person to stderr.
pub fn tell(line: &str) {
    // There is no other place to say so.
    let _ = writeln!(io::stderr().lock(), "{}", plain(line));
}

/// Prints what the parser of the command line says instead of a command: help, the version, or what is wrong.
pub fn instead(said: &clap::Error) -> ExitCode {
    let printed = said.print().and_then(|()| io::stdout().flush());
    match written(printed) {
        Err(e) if !said.use_stderr() => failed(&e),
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2)),
    }
}

/// Shows a page to a person, where the desktop knows how; a hint where it does not.
pub fn open(page: &Path) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(e) = command.spawn() {
        tell(&format!("{} was not opened: {opener}: {e}", page.display()));
    }
}

/// Says why a command failed, with the code that `relinc explain` knows.
pub fn failed(e: &Error) -> ExitCode {
    let said = e.to_string();
    let code = codes::of(&said).map(|c| format!(" [{}]", c.code)).unwrap_or_default();
    tell(&format!("error: {said}{code}"));
    ExitCode::from(e.code())
}

fn written(r: io::Result<()>) -> Result<()> {
    match r {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        r => r.map_err(|e| Error::Output(format!("standard output: cannot be written: {e}"))),
    }
}
