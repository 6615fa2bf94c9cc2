//! A dealer beside a run of the artefact, which counts what it is asked.

use crate::error::{Result, input};
use relinc_dealer::{Event, Key, Limits, Settings, Tls, serve};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// What a dealer was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Requests that it answered.
    pub requests: u64,
    /// Bytes of the answers.
    pub bytes: u64,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    bytes: AtomicU64,
    stop: AtomicBool,
}

/// A dealer on this machine, which ends when it is dropped.
pub struct Dealer {
    /// Where it is.
    pub address: String,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Dealer {
    /// Starts one at a free port.
    ///
    /// # Errors
    /// There is none.
    pub fn start(key: Key, tls: Option<Tls>) -> Result<Dealer> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(input)?;
        let address = listener.local_addr().map_err(input)?.to_string();
        let counts = Arc::new(Counts::default());
        let (counted, asked) = (counts.clone(), counts.clone());
        let log = move |e: Event| {
            if let Event::Answered { bytes, .. } = e {
                counted.requests.fetch_add(1, Ordering::Relaxed);
                counted.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        };
        let settings = Settings { listener, key, tls, limits: Limits::default() };
        let stop = move || asked.stop.load(Ordering::Relaxed);
        let thread = std::thread::spawn(move || serve(settings, Arc::new(log), stop));
        Ok(Dealer { address, counts, thread: Some(thread) })
    }

    /// What it was asked until now.
    pub fn asked(&self) -> Asked {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Asked { requests: read(&self.counts.requests), bytes: read(&self.counts.bytes) }
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs something with the options that SPU's runner takes for a dealer on this machine.
///
/// # Errors
/// There is no port, no key or no room for its file; and whatever is run.
pub fn beside<T>(run: impl FnOnce(&[&str]) -> Result<T>) -> Result<(T, Asked)> {
    let key = Key::generate().map_err(input)?;
    let folder = tempfile::tempdir().map_err(crate::python::no_room)?;
    let public = folder.path().join("dealer.pub.pem");
    std::fs::write(&public, key.public_pem().map_err(input)?).map_err(crate::python::no_room)?;
    let dealer = Dealer::start(key, None)?;
    let done = run(&["--dealer", &dealer.address, "--dealer-key", &public.to_string_lossy()])?;
    Ok((done, dealer.asked()))
}
