//! What a card may do instead of computing: fail, or never answer.

use crate::error::{Result, input};
use burn::tensor::Device;
use relinc_runtime::device::{is_host, said};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// A step, or the validation after an epoch, that takes longer is taken for lost.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Exit code of a run whose card never answered.
const LOST: i32 = 1;

/// Runs what computes on a device. Where that is a card, panics become errors: burn has no other way to say that a driver failed.
pub fn guarded<T>(device: &Device, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if is_host(device) {
        return work();
    }
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let why = said(panic);
        let memory = ["memory", "alloc", "Memory", "Alloc"].iter().any(|w| why.contains(w));
        let hint = if memory { "; a smaller --batch takes less memory" } else { "" };
        Err(input(format!(
            "the graphics card failed: {why}{hint}; training goes on with --resume from the last checkpoint, --device cpu computes without it"
        )))
    })
}

/// Ends the process when steps stop coming.
pub struct Watchdog {
    steps: Arc<AtomicU64>,
    _alive: Sender<()>,
}

impl Watchdog {
    /// Watches over a card.
    pub fn start(card: &str) -> Watchdog {
        let steps = Arc::new(AtomicU64::new(0));
        let (alive, ended) = channel::<()>();
        let (seen, card) = (steps.clone(), card.to_string());
        std::thread::spawn(move || {
            let mut last = seen.load(Ordering::Relaxed);
            while ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let now = seen.load(Ordering::Relaxed);
                if now == last {
                    let waited = PATIENCE.as_secs() / 60;
                    let said = "has not finished a step for";
                    let _ = writeln!(std::io::stderr(), "error: {card} {said} {waited} minutes; giving up");
                    relinc_passes::unfinished::abandon();
                    std::process::exit(LOST);
                }
                last = now;
            }
        });
        Watchdog { steps, _alive: alive }
    }

    /// Something was finished.
    pub fn beat(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}
