//! Ctrl-C, and the other requests to end: TERM and HUP.
//!
//! What can be made again ends at once, and nothing half done stays on disk. While somebody [`wait`]s, as training does for the end
//! of a step, the first signal is only a wish, which [`asked`] and [`flag`] tell; the second ends the process like the first one
//! elsewhere. One that comes while it ends leaves everything as it is.

use crate::error::{Error, Result};
use relinc_passes::unfinished;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Exit code where no signal came: that of Ctrl-C.
const CTRL_C: u8 = 130;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static WAITING: AtomicUsize = AtomicUsize::new(0);
static RESUMES: AtomicBool = AtomicBool::new(false);

/// Set when somebody wants the process to end.
pub fn flag() -> Arc<AtomicBool> {
    FLAG.get_or_init(Arc::default).clone()
}

/// Does somebody want the process to end?
pub fn asked() -> bool {
    flag().load(Ordering::SeqCst)
}

/// While it lives, a first signal is only a wish.
#[derive(Debug)]
pub struct Waiting(());

/// Begins to wait.
pub fn wait() -> Waiting {
    WAITING.fetch_add(1, Ordering::SeqCst);
    Waiting(())
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// From here on, whoever ends the process is told that `--resume` goes on.
pub fn can_resume() {
    RESUMES.store(true, Ordering::SeqCst);
}

/// The error of what was stopped.
pub fn stopped(why: impl Into<String>) -> Error {
    let code = u8::try_from(SIGNAL.load(Ordering::SeqCst)).ok().filter(|&n| n > 0).map(|n| 128 + n);
    Error::Stopped(why.into(), code.unwrap_or(CTRL_C))
}

/// The error where somebody asked.
///
/// # Errors
/// Somebody did.
pub fn check(why: &str) -> Result<()> {
    if asked() { Err(stopped(why)) } else { Ok(()) }
}

/// Tidies up and ends the process.
fn end() -> ! {
    unfinished::abandon();
    let e = stopped(match RESUMES.load(Ordering::SeqCst) {
        true => "stopped; what was trained is kept, go on with --resume",
        false => "stopped",
    });
    let _ = writeln!(std::io::stderr(), "error: {e}");
    std::process::exit(e.code().into())
}

/// Catches signals from here on.
///
/// # Errors
/// The system does not let them be caught.
#[cfg(unix)]
pub fn install() -> Result<()> {
    use crate::error::input;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag::{register, register_conditional_shutdown};
    use signal_hook::iterator::Signals;

    let fail = |e: std::io::Error| input(format!("Ctrl-C cannot be caught: {e}"));
    let ending = Arc::new(AtomicBool::new(false));
    // What nohup and the like have switched off stays so.
    let caught = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&s| !ignored(s));
    for s in caught.clone() {
        register_conditional_shutdown(s, 128 + s, ending.clone()).map_err(fail)?;
    }
    // A write beyond the limit on file sizes is then an error like others, instead of the end.
    register(SIGXFSZ, Arc::default()).map_err(fail)?;
    let mut signals = Signals::new(caught).map_err(fail)?;
    std::thread::spawn(move || {
        for s in signals.forever() {
            SIGNAL.store(s, Ordering::SeqCst);
            let again = flag().swap(true, Ordering::SeqCst);
            if again || WAITING.load(Ordering::SeqCst) == 0 {
                ending.store(true, Ordering::SeqCst);
                end();
            }
        }
    });
    Ok(())
}

/// Was the signal switched off before the process began?
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// Signals are left to the system.
#[cfg(not(unix))]
pub fn install() -> Result<()> {
    Ok(())
}
