//! How many fraction bits to take.

use super::format::Format;
use super::truncation::Truncation;

/// A number of fraction bits and what it leaves.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Proposal {
    /// Fraction bits.
    pub fraction: u32,
    /// Bits between the largest number seen and the first that the runtime cannot treat.
    pub headroom_bits: f64,
    /// The head-room that was asked for.
    pub asked_bits: f64,
}

/// Head-room in bits at `fraction` fraction bits: products of two numbers hold twice as many until they are truncated.
/// The magnitudes are the largest product and the largest number, in real units.
fn headroom(f: Format, truncation: Truncation, [product, value]: [f64; 2]) -> f64 {
    let left = |bits: u32, points: u32, v: f64| {
        f64::from(bits) - f64::from(points * f.fraction) - v.max(f64::MIN_POSITIVE).log2()
    };
    left(truncation.safe_bits(f), 2, product).min(left(truncation.value_bits(f.ring), 1, value))
}

/// The most fraction bits, and so the least error, that leave `asked` bits of head-room (see [`Analysis::largest_float`](super::Analysis)); `None` when one bit leaves less.
pub fn propose(ring: u32, truncation: Truncation, largest: [f64; 2], asked: f64) -> Option<Proposal> {
    (1..ring / 2).rev().find_map(|fraction| {
        let headroom_bits = headroom(Format { ring, fraction }, truncation, largest);
        (headroom_bits >= asked).then_some(Proposal { fraction, headroom_bits, asked_bits: asked })
    })
}
