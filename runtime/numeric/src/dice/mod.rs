//! Reproducible chance: the same numbers on every machine and with every version of every library.

mod laws;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A ChaCha8 stream turned into numbers by our own arithmetic, which no library update can change.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice that a generator of its own seeding makes.
    pub fn of(rng: ChaCha8Rng) -> Self {
        Dice(rng)
    }

    /// The dice number `stream` of `seed`; different streams are independent.
    pub fn new(seed: u64, stream: u64) -> Self {
        Dice::tagged(seed, [0, 0], stream)
    }

    /// The dice number `stream` of `seed` and a tag that names their purpose; different tags are independent too.
    pub fn tagged(seed: u64, tag: [u64; 2], stream: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..14].copy_from_slice(b"relinc");
        key[16..24].copy_from_slice(&tag[0].to_le_bytes());
        key[24..].copy_from_slice(&tag[1].to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Dice(rng)
    }

    /// Uniform in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// The order of `n` things, all as likely.
    pub fn order(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// `count` of `n` things, at most all, in a random order.
    pub fn some(&mut self, count: usize, n: usize) -> Vec<usize> {
        let mut drawn: Vec<usize> = (0..n).collect();
        for i in 0..count.min(n) {
            drawn.swap(i, i + self.below(n - i));
        }
        drawn.truncate(count);
        drawn
    }

    /// Uniform in `[low, high)`, in steps of 2⁻²⁴ of the span.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32;
        low + (high - low) * unit
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.between(0.0, 1.0) < p
    }

    /// About normal with mean 0 and standard deviation 1: the sum of four bytes, centred.
    pub fn bell(&mut self) -> f32 {
        let sum: u32 = self.0.next_u32().to_le_bytes().iter().map(|b| u32::from(*b)).sum();
        (sum as f32 - 510.0) / 147.8
    }

    /// A point of the unit circle, by its half-angle tangent: no `sin`, whose last bit differs between machines.
    /// All directions occur, those near the axes a little less often.
    pub fn direction(&mut self) -> (f32, f32) {
        let (c, s) = tilt(self.between(-1.0, 1.0) * 0.414_213_57);
        match self.below(4) {
            0 => (c, s),
            1 => (-s, c),
            2 => (-c, -s),
            _ => (s, -c),
        }
    }
}

/// `(cos, sin)` of the angle whose half has the tangent `t`.
pub fn tilt(t: f32) -> (f32, f32) {
    let n = 1.0 + t * t;
    ((1.0 - t * t) / n, 2.0 * t / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_numbers() {
        let mut dice = Dice::new(7, 3);
        let drawn: Vec<usize> = (0..4).map(|_| dice.below(1_000_000)).collect();
        assert_eq!(drawn, [262_214, 299_817, 478_494, 362_712]);
        let mut other = Dice::new(7, 4);
        assert_ne!(drawn[0], other.below(1_000_000));
        let mut tagged = Dice::tagged(7, [1, 0], 3);
        assert_ne!(drawn[0], tagged.below(1_000_000));
    }

    #[test]
    fn bell_has_unit_variance() {
        let mut dice = Dice::new(0, 0);
        let n = 20_000;
        let (mut sum, mut squares) = (0.0f64, 0.0f64);
        for _ in 0..n {
            let x = f64::from(dice.bell());
            sum += x;
            squares += x * x;
        }
        let mean = sum / f64::from(n);
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((squares / f64::from(n) - 1.0).abs() < 0.05);
    }

    #[test]
    fn directions_are_unit_vectors() {
        let mut dice = Dice::new(1, 0);
        for _ in 0..100 {
            let (c, s) = dice.direction();
            assert!((c * c + s * s - 1.0).abs() < 1e-5);
        }
    }
}
