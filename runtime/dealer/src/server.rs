//! The server: HTTP/1.1, one POST a triple.

use crate::answer::answer;
use crate::frames;
use crate::key::Key;
use crate::limits::Limits;
use crate::prg::{Prg, Shared};
use crate::request::{Refusal, Request};
use crate::seeds::Seeds;
use crate::tls::Tls;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

/// What a dealer is started with.
pub struct Settings {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its private key.
    pub key: Key,
    /// Certificates on both sides, or none at all.
    pub tls: Option<Tls>,
    /// What it does at most.
    pub limits: Limits,
}

/// What happened, for a log. Nothing of it says what was dealt.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A request was answered.
    Answered {
        /// Who asked.
        peer: SocketAddr,
        /// SPU's name of the operation.
        operation: &'static str,
        /// Of the result, all frames together.
        bytes: usize,
        /// From the whole request to the last byte.
        seconds: f64,
    },
    /// A request was not answered.
    Refused(SocketAddr, String),
    /// A connection came to nothing.
    Broken(SocketAddr, String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Answered { peer, operation, bytes, seconds } => {
                write!(f, "{peer}: {operation}, {bytes} bytes in {:.1} ms", seconds * 1e3)
            }
            Event::Refused(peer, why) => write!(f, "{peer}: refused: {why}"),
            Event::Broken(peer, why) => write!(f, "{peer}: {why}"),
        }
    }
}

/// Takes events; called from several threads.
pub type Log = Arc<dyn Fn(Event) + Send + Sync>;

/// What all connections share.
struct Dealer {
    seeds: Seeds,
    limits: Limits,
    /// A permit is a MiB.
    memory: Arc<Semaphore>,
    log: Log,
}

type Body = BoxBody<Bytes, Infallible>;

/// How often a dealer looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);
/// How long connections may go on after that.
const LAST: Duration = Duration::from_secs(3);
const MIB: u64 = 1 << 20;
/// Frames that are computed ahead of what the peer has read.
const AHEAD: usize = 4;

/// Serves until `stop` says so.
///
/// # Errors
/// The listener cannot be used, or there are no threads.
pub fn serve(settings: Settings, log: Log, stop: impl Fn() -> bool) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(accept(settings, log, stop));
    runtime.shutdown_timeout(LAST);
    served
}

async fn accept(settings: Settings, log: Log, stop: impl Fn() -> bool) -> std::io::Result<()> {
    let Settings { listener, key, tls, limits } = settings;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let permits =
        (limits.memory / MIB).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize) as u64) as usize;
    let connections = Arc::new(Semaphore::new(limits.connections));
    let memory = Arc::new(Semaphore::new(permits));
    let dealer = Arc::new(Dealer { seeds: Seeds::new(key, limits.seeds), limits, memory, log });
    while !stop() {
        let Ok(accepted) = timeout(LOOK, listener.accept()).await else { continue };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                // Out of files, say: others end meanwhile.
                tokio::time::sleep(LOOK).await;
                continue;
            }
        };
        let Ok(place) = connections.clone().try_acquire_owned() else {
            (dealer.log)(Event::Broken(peer, format!("more than {} connections", dealer.limits.connections)));
            continue;
        };
        tokio::spawn(connection(dealer.clone(), tls.clone(), stream, peer, place));
    }
    Ok(())
}

async fn connection(
    dealer: Arc<Dealer>,
    tls: Option<Tls>,
    stream: TcpStream,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    let broken = |why: String| (dealer.log)(Event::Broken(peer, why));
    match tls {
        None => http(dealer.clone(), stream, peer).await,
        Some(Tls(acceptor)) => match timeout(dealer.limits.wait, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => http(dealer.clone(), stream, peer).await,
            Ok(Err(e)) => broken(format!("no TLS: {e}")),
            Err(_) => broken("no TLS in time".into()),
        },
    }
}

async fn http(dealer: Arc<Dealer>, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr) {
    let stalled = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let (dealer, stalled) = (dealer.clone(), stalled.clone());
        async move { Ok::<_, Infallible>(respond(dealer, request, peer, stalled).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(dealer.limits.wait)
        .max_buf_size(dealer.limits.body.max(16 << 10))
        .serve_connection(TokioIo::new(stream), service);
    let (mut served, mut left) = (pin!(served), pin!(stalled.notified()));
    let ended = std::future::poll_fn(|cx| match served.as_mut().poll(cx) {
        Poll::Ready(served) => Poll::Ready(served.map_err(|e| e.to_string())),
        Poll::Pending => left.as_mut().poll(cx).map(|()| Err("does not read its answer".into())),
    });
    if let Err(why) = ended.await {
        (dealer.log)(Event::Broken(peer, why));
    }
}

fn plain(status: StatusCode, words: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Full::from(words.into() + "\n").boxed());
    *response.status_mut() = status;
    response
}

/// A refusal in the form in which SPU's parties print it.
fn refused(dealer: &Dealer, peer: SocketAddr, why: &Refusal) -> Response<Body> {
    (dealer.log)(Event::Refused(peer, why.to_string()));
    framed(Full::from(frames::refusal(why)).boxed())
}

fn framed(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}

async fn respond(
    dealer: Arc<Dealer>,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    stalled: Arc<Notify>,
) -> Response<Body> {
    let path = request.uri().path().to_string();
    if request.method() == Method::GET && path == "/health" {
        return plain(StatusCode::OK, "well");
    }
    let Some(method) = method(&path) else {
        return plain(StatusCode::NOT_FOUND, "there is only SPU's BeaverService here");
    };
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "requests are posted");
    }
    let started = Instant::now();
    let body = Limited::new(request.into_body(), dealer.limits.body);
    let body = match timeout(dealer.limits.wait, body.collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is cut off, or too long"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    let request = match Request::parse(method, &body, &dealer.limits) {
        Ok(request) => request,
        Err(why) => return refused(&dealer, peer, &why),
    };
    let most = dealer.limits.memory / MIB;
    let held = (request.memory() / MIB + 8).min(most.max(1)) as u32;
    let wait = timeout(dealer.limits.wait, dealer.memory.clone().acquire_many_owned(held));
    let Ok(Ok(held)) = wait.await else {
        return refused(&dealer, peer, &Refusal::Request("the dealer has too much to do".into()));
    };
    let (to, from) = mpsc::channel(AHEAD);
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let send = |frame: Vec<u8>| match handle.block_on(timeout(dealer.limits.wait, to.send(frame))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(std::io::ErrorKind::BrokenPipe.into()),
            Err(_) => {
                stalled.notify_one();
                Err(std::io::ErrorKind::TimedOut.into())
            }
        };
        compute(&dealer, &request, peer, started, send);
        drop(held);
    });
    framed(Frames(from).boxed())
}

/// The method of SPU's service, whichever package it stands in.
fn method(path: &str) -> Option<&str> {
    let (service, method) = path.strip_prefix('/')?.rsplit_once('/')?;
    (service.rsplit('.').next() == Some("BeaverService")).then_some(method)
}

/// Computes an answer, or says why there is none.
fn compute(
    dealer: &Dealer,
    request: &Request,
    peer: SocketAddr,
    started: Instant,
    mut send: impl FnMut(Vec<u8>) -> std::io::Result<()>,
) {
    let mut sent = 0;
    let mut counted = |frame: Vec<u8>| {
        sent += frame.len() - frames::HEAD;
        send(frame)
    };
    let drawers = match dealer.seeds.of(request) {
        Ok(drawers) => drawers,
        Err(why) => {
            (dealer.log)(Event::Refused(peer, why.to_string()));
            let _ = send(frames::refusal(&why));
            return;
        }
    };
    let operands: Vec<Shared<'_>> = request
        .operands
        .iter()
        .zip(&drawers.operands)
        .map(|(o, parties)| Shared { parties: parties.iter().map(|p| &**p).collect(), count: o.count })
        .collect();
    let answered =
        answer(request, &operands, drawers.permuter.as_deref(), &Prg::new(&rand::random()), &mut counted);
    (dealer.log)(match answered {
        Ok(()) => {
            let operation = request.operation.name();
            Event::Answered { peer, operation, bytes: sent, seconds: started.elapsed().as_secs_f64() }
        }
        Err(_) => {
            Event::Broken(peer, format!("left after {sent} bytes of {}", request.bytes * request.results()))
        }
    });
}

/// Frames as the body of a response.
struct Frames(mpsc::Receiver<Vec<u8>>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|f| f.map(|f| Ok(Frame::data(f.into()))))
    }
}
