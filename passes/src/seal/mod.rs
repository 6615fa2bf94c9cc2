//! Files that say what they should be: each holds the sha256 of itself, its own 64 digits taken as zeros.
//!
//! So a flipped bit is seen wherever it is, in numbers, names, shapes or the digits. Programs that do not know the key read
//! such files as any other.

pub mod json;
pub mod tensors;

use sha2::{Digest, Sha256};
use std::ops::Range;

/// The key whose value the digits are.
pub const KEY: &str = "relinc_sha256";
/// What stands there before they are known.
const OPEN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How a seal is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// There are no digits after the key, or there is no key.
    #[error("its checksum is missing")]
    Missing,
    /// They are those of another content.
    #[error("its content is not what its checksum was taken of")]
    Differs,
}

/// Puts the digits of `head` and `tail` into `head`, which holds the key and [`OPEN`].
fn close(head: &mut [u8], tail: &[u8]) -> Result<(), Broken> {
    let at = digits(head).ok_or(Broken::Missing)?;
    let sum = sum(head, &at, tail);
    head[at].copy_from_slice(sum.as_bytes());
    Ok(())
}

/// Are `head`, which holds the key, and `tail` what they were?
fn check(head: &[u8], tail: &[u8]) -> Result<(), Broken> {
    let at = digits(head).ok_or(Broken::Missing)?;
    match head[at.clone()] == *sum(head, &at, tail).as_bytes() {
        true => Ok(()),
        false => Err(Broken::Differs),
    }
}

fn sum(head: &[u8], at: &Range<usize>, tail: &[u8]) -> String {
    let parts = [&head[..at.start], OPEN.as_bytes(), &head[at.end..], tail];
    let hash = parts.into_iter().fold(Sha256::new(), |h, part| h.chain_update(part)).finalize();
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

/// Where the digits stand in JSON.
fn digits(head: &[u8]) -> Option<Range<usize>> {
    let key = format!("\"{KEY}\"");
    let mut at = head.windows(key.len()).position(|w| w == key.as_bytes())? + key.len();
    for mark in [b':', b'"'] {
        at += head[at..].iter().position(|b| !b.is_ascii_whitespace())?;
        if head[at] != mark {
            return None;
        }
        at += 1;
    }
    let end = at + OPEN.len();
    (head.get(end) == Some(&b'"')).then_some(at..end)
}

/// Every file that differs from `bytes` in one bit, every `step`-th of them.
#[cfg(test)]
pub(crate) fn flipped(bytes: &[u8], step: usize) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..8 * bytes.len()).step_by(step).map(|bit| {
        let mut other = bytes.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        (bit, other)
    })
}
