//! Ctrl-C: while networks train it waits for the end of a step; what comes after training can be made again and ends at once.

use crate::error::{Error, input};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static WAITS: AtomicBool = AtomicBool::new(false);

/// A flag that Ctrl-C, and any other request to end, sets from here on. A second one ends the process at once.
pub(super) fn catch() -> Result<Arc<AtomicBool>, Error> {
    WAITS.store(true, Ordering::SeqCst);
    let stop = ASKED.get_or_init(Default::default).clone();
    let flag = stop.clone();
    let set = ctrlc::set_handler(move || {
        let again = flag.swap(true, Ordering::SeqCst);
        if again || !WAITS.load(Ordering::SeqCst) {
            let e = Error::Stopped("stopped; what was trained is kept, go on with --resume".into());
            let _ = writeln!(std::io::stderr(), "error: {e}");
            std::process::exit(e.code().into());
        }
    });
    match set {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(stop),
        Err(e) => Err(input(format!("Ctrl-C cannot be caught: {e}"))),
    }
}

/// From here on Ctrl-C ends the process; it does so now where it came since the last step.
///
/// # Errors
/// It did.
pub(super) fn no_longer_waits(stop: &AtomicBool) -> Result<(), Error> {
    WAITS.store(false, Ordering::SeqCst);
    match stop.load(Ordering::SeqCst) {
        true => Err(Error::Stopped("stopped after the last stage; go on with --resume".into())),
        false => Ok(()),
    }
}
