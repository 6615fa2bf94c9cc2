//! A dealer beside a run of the artefact, which counts what it is asked.

use crate::error::{Result, input};
use relinc_dealer::{Event, Key, Limits, Settings, serve};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a dealer was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Requests that it answered.
    pub requests: u64,
    /// Bytes of the answers.
    pub bytes: u64,
}

/// Starts a dealer on this machine, runs something with the options that SPU's runner takes for it, and ends the dealer.
///
/// # Errors
/// There is no port, no key or no room for its file; and whatever is run.
pub fn beside<T>(run: impl FnOnce(&[&str]) -> Result<T>) -> Result<(T, Asked)> {
    let key = Key::generate().map_err(input)?;
    let folder = tempfile::tempdir().map_err(input)?;
    let public = folder.path().join("dealer.pub.pem");
    std::fs::write(&public, key.public_pem().map_err(input)?).map_err(input)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(input)?;
    let address = listener.local_addr().map_err(input)?.to_string();
    let (requests, bytes, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let counts = Arc::new((requests, bytes, stop));
    let counted = counts.clone();
    let log = move |e: Event| {
        if let Event::Answered { bytes, .. } = e {
            counted.0.fetch_add(1, Ordering::Relaxed);
            counted.1.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    };
    let settings = Settings { listener, key, tls: None, limits: Limits::default() };
    let asked = counts.clone();
    let dealer = std::thread::spawn(move || serve(settings, Arc::new(log), || asked.2.load(Ordering::Relaxed)));
    let done = run(&["--dealer", &address, "--dealer-key", &public.to_string_lossy()]);
    counts.2.store(true, Ordering::Relaxed);
    let served = dealer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    served.map_err(input)?;
    let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
    Ok((done?, Asked { requests: read(&counts.0), bytes: read(&counts.1) }))
}
