//! A dealer to talk to, and a client of a few lines.

#![allow(dead_code, clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relinc_dealer::{Event, Key, Limits, Settings, serve};
use sm2::pke::EncryptingKey;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Dealer {
    pub address: SocketAddr,
    pub events: Arc<Mutex<Vec<Event>>>,
    public: EncryptingKey,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Dealer {
    pub fn start(limits: Limits) -> Dealer {
        let key = Key::generate().unwrap();
        let public = EncryptingKey::new(key.public());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, events) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<Event>>>::default());
        let (asked, kept) = (stop.clone(), events.clone());
        let settings = Settings { listener, key, tls: None, limits };
        let log = Arc::new(move |e| kept.lock().unwrap().push(e));
        let thread =
            std::thread::spawn(move || serve(settings, log, || asked.load(Ordering::SeqCst)).unwrap());
        Dealer { address, events, public, stop, thread: Some(thread) }
    }

    /// A seed as a party sends it.
    pub fn hide(&self, seed: &[u8; 16]) -> String {
        let mut rng = sm2::elliptic_curve::common::getrandom::SysRng;
        STANDARD.encode(self.public.encrypt_der(&mut rng, seed).unwrap())
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Posts a body; the status and the answer without its chunks, or what ended the connection.
pub fn post(stream: &mut TcpStream, method: &str, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
    let head = format!(
        "POST /spu.mpc.semi2k.beaver.ttp_server.BeaverService/{method} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    read_response(stream)
}

pub fn read_response(stream: &mut TcpStream) -> std::io::Result<(u16, Vec<u8>)> {
    let head = line_until(stream, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let status =
        head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
    let mut out = vec![];
    if let Some(length) = head.lines().find_map(|l| l.strip_prefix("content-length: ")) {
        out.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut out)?;
        return Ok((status, out));
    }
    loop {
        let size = line_until(stream, b"\r\n")?;
        let size = usize::from_str_radix(String::from_utf8_lossy(&size).trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        out.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return Ok((status, out));
        }
    }
}

fn line_until(stream: &mut TcpStream, end: &[u8]) -> std::io::Result<Vec<u8>> {
    let (mut out, mut byte) = (vec![], [0]);
    while !out.ends_with(end) {
        stream.read_exact(&mut byte)?;
        out.push(byte[0]);
    }
    Ok(out)
}

/// The data of an answer's frames, or the number and words of a refusal.
pub fn unframe(mut bytes: &[u8]) -> Result<Vec<u8>, (u8, String)> {
    let mut out = vec![];
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[1..9].try_into().unwrap()) as usize;
        let data = &bytes[9..9 + length];
        if bytes[0] != 0 {
            return Err((bytes[0], String::from_utf8_lossy(data).into_owned()));
        }
        out.extend_from_slice(data);
        bytes = &bytes[9 + length..];
    }
    Ok(out)
}
