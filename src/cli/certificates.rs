//! `relinc certificates`

use super::Global;
use crate::error::{Result, input};
use relinc_dealer::certificates::{File, make};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder to write, which must not be there yet
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// A further host name or address that the certificates hold for; may be repeated
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// How long they are valid; 0 makes some that have expired, to see what the parties say then
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(i64).range(0..=3650))]
    days: i64,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let place = || a.out.display();
    if a.out.symlink_metadata().is_ok() {
        return Err(input(format!(
            "{}: is there already; keys are not overwritten, name another folder",
            place()
        )));
    }
    let files = make(a.days, &a.names).map_err(input)?;
    let parent = a.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |e: std::io::Error| input(format!("{}: cannot be written: {e}", place()));
    std::fs::create_dir_all(parent).map_err(unwritable)?;
    let staging = tempfile::Builder::new().prefix(".certificates").tempdir_in(parent).map_err(unwritable)?;
    for f in &files {
        write(staging.path(), f).map_err(unwritable)?;
    }
    std::fs::rename(staging.path(), &a.out).map_err(unwritable)?;
    let _ = staging.keep();
    let list: Vec<_> = files.iter().map(|f| json!({"path": f.path, "secret": f.secret})).collect();
    let line = |f: &File| format!("  {}{}\n", f.path, if f.secret { "   keep it secret" } else { "" });
    let lines: String = files.iter().map(line).collect();
    g.show(
        &json!({"folder": a.out.display().to_string(), "days": a.days, "files": list}),
        format!(
            "{}: certificates for trials, valid for {} days; give each party its own folder only\n{lines}",
            place(),
            a.days
        ),
    )
}

fn write(folder: &Path, file: &File) -> std::io::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if file.secret { 0o600 } else { 0o644 });
    }
    let mut f = options.open(path)?;
    f.write_all(file.content.as_bytes())?;
    f.sync_all()
}
