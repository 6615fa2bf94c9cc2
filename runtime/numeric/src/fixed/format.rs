//! Ring and fraction bits, and the way between real numbers and ring elements.

use super::lane::Word;
use super::truncation::Truncation;

/// A ring of integers modulo 2^`ring` in which a real number x is the integer nearest to x·2^`fraction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Bits of the ring: 32, 64 or 128.
    pub ring: u32,
    /// Bits after the binary point.
    pub fraction: u32,
}

impl Format {
    /// Checks the pair: a product of two numbers has twice the fraction bits and must leave room for its integer part.
    pub fn new(ring: u32, fraction: u32) -> Result<Format, String> {
        if ![32, 64, 128].contains(&ring) {
            return Err(format!("a ring of {ring} bits is not known; choose 32, 64 or 128"));
        }
        if fraction == 0 || fraction >= ring / 2 {
            let most = ring / 2 - 1;
            return Err(format!("{fraction} fraction bits do not fit a ring of {ring}; choose 1 to {most}"));
        }
        Ok(Format { ring, fraction })
    }
    /// The real value of one unit in the last place.
    pub fn ulp(self) -> f64 {
        (-f64::from(self.fraction)).exp2()
    }
}

impl std::str::FromStr for Format {
    type Err = String;
    /// `64,18`: ring, fraction bits.
    fn from_str(s: &str) -> Result<Format, String> {
        let parts =
            s.split_once(',').and_then(|(r, f)| Some((r.trim().parse().ok()?, f.trim().parse().ok()?)));
        let (ring, fraction) =
            parts.ok_or_else(|| format!("'{s}' is not RING,FRACTION; write 64,18 for instance"))?;
        Format::new(ring, fraction)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.ring, self.fraction)
    }
}

/// The ring element of a real number, not-a-number as 0: the nearest one, which SPU 0.9.5 holds within ±2^(k−2)
/// (`docs/fixed-point.md`). SPU and CrypTen round towards zero; their runners give them numbers that are on the grid.
pub fn encode<W: Word>(v: f32, fraction: u32, how: Truncation) -> W {
    let nearest = (f64::from(v) * f64::from(fraction).exp2()).round_ties_even();
    match how {
        Truncation::Probabilistic | Truncation::Cheetah | Truncation::Local | Truncation::Exact => {
            let limit = f64::from(W::BITS - 2).exp2();
            W::from_f64(nearest.clamp(-limit, limit))
        }
        Truncation::Crypten | Truncation::Crypten3 | Truncation::MpSpdz => W::from_f64(nearest),
    }
}

/// The real number of a ring element.
pub fn decode<W: Word>(v: W, fraction: u32) -> f64 {
    v.to_f64() * (-f64::from(fraction)).exp2()
}
