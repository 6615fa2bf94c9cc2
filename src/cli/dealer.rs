//! `relinc dealer`

use super::Global;
use crate::error::{Result, input};
use crate::interrupt;
use relinc_dealer::{Event, Key, Limits, Settings, Tls, serve};
use serde_json::json;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
    /// The dealer's private key: SM2 in PEM, as `relinc certificates` and OpenSSL write it
    #[arg(long, value_name = "KEY.pem")]
    key: PathBuf,
    /// cert.pem, key.pem and ca.pem: whoever asks must have a certificate that ca.pem signed
    #[arg(long, value_name = "DIR")]
    tls: Option<PathBuf>,
    /// GiB that one request may take at most
    #[arg(long, value_name = "GIB", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_request: u64,
    /// GiB that all requests together may hold in memory
    #[arg(long, value_name = "GIB", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_memory: u64,
    /// Open connections at most
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    max_connections: u64,
    /// Seconds that a peer may take for anything
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// What a dealer did.
#[derive(Default)]
struct Totals {
    answered: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
}

/// Runs the command: until somebody ends it.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let key = Key::read(&a.key).map_err(input)?;
    let tls = a.tls.as_deref().map(Tls::read).transpose().map_err(input)?;
    let listen = |e| input(format!("--listen {}: {e}; take another port, or end who has it", a.listen));
    let listener = TcpListener::bind(&a.listen).map_err(listen)?;
    let limits = Limits {
        request: a.max_request << 30,
        memory: a.max_memory << 30,
        connections: a.max_connections as usize,
        wait: Duration::from_secs(a.timeout),
        ..Limits::default()
    };
    let quiet = g.quiet;
    let say = move |words: String| {
        if !quiet {
            let _ = writeln!(std::io::stderr(), "{words}");
        }
    };
    say(format!("dealing at {}; it ends with Ctrl-C or TERM", listener.local_addr().map_err(listen)?));
    if tls.is_none() {
        say("without --tls anybody who reaches this port is answered; that is for trials".into());
    }
    let totals = Arc::new(Totals::default());
    let (counted, verbose) = (totals.clone(), g.verbose > 0);
    let log = move |e: Event| {
        let loud = match &e {
            Event::Answered { bytes, .. } => {
                counted.answered.fetch_add(1, Ordering::Relaxed);
                counted.bytes.fetch_add(*bytes as u64, Ordering::Relaxed);
                verbose
            }
            Event::Refused(..) => {
                counted.refused.fetch_add(1, Ordering::Relaxed);
                true
            }
            Event::Broken(..) => true,
        };
        if loud {
            say(e.to_string());
        }
    };
    let _waiting = interrupt::wait();
    serve(Settings { listener, key, tls, limits }, Arc::new(log), interrupt::asked).map_err(input)?;
    let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let (answered, bytes, refused) = (read(&totals.answered), read(&totals.bytes), read(&totals.refused));
    g.show(
        &json!({"answered": answered, "bytes": bytes, "refused": refused}),
        format!("answered {answered} requests with {bytes} bytes, refused {refused}\n"),
    )
}
