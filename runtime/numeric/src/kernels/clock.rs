//! Where the time goes: sums over calls of a kernel, while someone wants to know.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

static RUNNING: AtomicBool = AtomicBool::new(false);
static SUMS: Mutex<BTreeMap<(&'static str, String), Spent>> = Mutex::new(BTreeMap::new());

/// What calls of one kind took together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Calls.
    pub calls: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Multiplications and additions of the definition, whatever the method computes.
    pub flops: f64,
}

/// Forgets all sums and starts to count.
pub fn start() {
    SUMS.lock().unwrap_or_else(PoisonError::into_inner).clear();
    RUNNING.store(true, Ordering::Relaxed);
}

/// Stops counting; returns the sums by kind and by what was computed.
pub fn stop() -> Vec<(&'static str, String, Spent)> {
    RUNNING.store(false, Ordering::Relaxed);
    let sums = std::mem::take(&mut *SUMS.lock().unwrap_or_else(PoisonError::into_inner));
    sums.into_iter().map(|((kind, what), spent)| (kind, what, spent)).collect()
}

/// Computes `f`, and counts it when someone wants to know. Calls within `f` must not be counted again.
pub fn timed<R>(
    kind: &'static str,
    what: impl FnOnce() -> String,
    flops: impl FnOnce() -> usize,
    f: impl FnOnce() -> R,
) -> R {
    timed_share(1.0, kind, what, flops, f)
}

/// As [`timed`]; a call counts for a share of its time, as where all threads work at once on parts of their own.
pub fn timed_share<R>(
    share: f64,
    kind: &'static str,
    what: impl FnOnce() -> String,
    flops: impl FnOnce() -> usize,
    f: impl FnOnce() -> R,
) -> R {
    if !RUNNING.load(Ordering::Relaxed) {
        return f();
    }
    let begin = Instant::now();
    let result = f();
    let seconds = share * begin.elapsed().as_secs_f64();
    let (what, flops) = (what(), flops() as f64);
    let mut sums = SUMS.lock().unwrap_or_else(PoisonError::into_inner);
    let spent = sums.entry((kind, what)).or_default();
    *spent = Spent { calls: spent.calls + 1, seconds: spent.seconds + seconds, flops: spent.flops + flops };
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ran_between_start_and_stop_is_counted() {
        let call = |kind| timed(kind, || "a test".into(), || 5, || 7);
        assert_eq!(call("before"), 7);
        start();
        assert_eq!((call("during"), call("during")), (7, 7));
        let sums = stop();
        call("after");
        // Other tests of this process may compute meanwhile.
        let mine: Vec<_> = sums.iter().filter(|(_, what, _)| what == "a test").collect();
        assert_eq!(mine.len(), 1);
        assert_eq!((mine[0].0, mine[0].2.calls, mine[0].2.flops), ("during", 2, 10.0));
    }
}
