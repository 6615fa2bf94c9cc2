//! Does a card compute? A small product, checked, with a time limit.

use super::Adapter;
use burn::tensor::{Device, Tensor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// A driver that compiles its first kernels takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Multiplies two small matrices on a card.
///
/// # Errors
/// What went wrong, to be read after the card's name.
pub fn works(a: &Adapter) -> Result<(), String> {
    let (send, receive) = channel();
    let device = a.device.clone();
    std::thread::spawn(move || {
        let _ = send.send(catch_unwind(AssertUnwindSafe(|| product(&device))).map_err(said));
    });
    match receive.recv_timeout(PATIENCE) {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err("computes wrong products".into()),
        Ok(Err(why)) => Err(format!("failed: {why}")),
        Err(RecvTimeoutError::Timeout) => Err(format!("did not answer for {} s", PATIENCE.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err("failed without a word".into()),
    }
}

fn product(device: &Device) -> bool {
    const SIDE: usize = 24;
    let entry = |i: usize| ((i * 7 + 3) % 11) as f32 - 5.0;
    let v: Vec<f32> = (0..SIDE * SIDE).map(entry).collect();
    let t = Tensor::<1>::from_floats(&v[..], device).reshape([SIDE, SIDE]);
    let got = crate::exec::value::download(t.clone().matmul(t));
    let want = |i: usize| (0..SIDE).map(|k| v[i / SIDE * SIDE + k] * v[k * SIDE + i % SIDE]).sum::<f32>();
    got.len() == v.len() && got.iter().enumerate().all(|(i, g)| (g - want(i)).abs() < 0.5)
}

/// The words of a panic.
pub fn said(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = match panic.downcast::<String>() {
        Ok(s) => *s,
        Err(other) => other.downcast::<&str>().map_or_else(|_| "no reason given".into(), |s| s.to_string()),
    };
    text.lines().next().unwrap_or_default().into()
}
