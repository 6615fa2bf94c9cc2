//! How many fraction bits to take.

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
/// `product` and `value` are the largest magnitudes, in real units.
pub fn headroom(ring: u32, truncation: Truncation, fraction: u32, product: f64, value: f64) -> f64 {
    let left = |bits: u32, points: u32, v: f64| {
        f64::from(bits) - f64::from(points * fraction) - v.max(f64::MIN_POSITIVE).log2()
    };
    left(truncation.safe_bits(ring), 2, product).min(left(ring - 1, 1, value))
}

/// The most fraction bits, and so the least error, that leave `asked` bits of head-room; `None` when one bit leaves less.
pub fn propose(ring: u32, truncation: Truncation, product: f64, value: f64, asked: f64) -> Option<Proposal> {
    (1..ring / 2).rev().find_map(|fraction| {
        let headroom_bits = headroom(ring, truncation, fraction, product, value);
        (headroom_bits >= asked).then_some(Proposal { fraction, headroom_bits, asked_bits: asked })
    })
}
