//! What activations are stored in, and what convolutions multiply: f32, or bf16 with sums in f32.
//!
//! bf16 is the upper half of an f32. Numbers are rounded to the nearest, ties to even, and what is below the normal range is zero, as
//! the instructions of CPUs have it, so results are the same with and without them.

use bytemuck::Pod;
pub use half::bf16;

use super::micro::Products;
use super::tiles::Transforms;

/// A stored number; all computing is in f32.
pub trait Element: Pod + Send + Sync + PartialEq + std::fmt::Debug {
    /// What a lane of a vector that is multiplied holds: as many of these numbers as 32 bits have.
    type Packed: Products + Transforms;

    /// Its value.
    fn value(self) -> f32;
    /// The nearest.
    fn nearest(v: f32) -> Self;
}

impl Element for f32 {
    type Packed = f32;

    #[inline(always)]
    fn value(self) -> f32 {
        self
    }
    #[inline(always)]
    fn nearest(v: f32) -> f32 {
        v
    }
}

impl Element for bf16 {
    type Packed = u32;

    #[inline(always)]
    fn value(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline(always)]
    fn nearest(v: f32) -> bf16 {
        bf16::from_bits(rounded(v.to_bits()) as u16)
    }
}

/// The bits of the nearest bf16.
#[inline(always)]
pub(super) fn rounded(bits: u32) -> u32 {
    let magnitude = bits & 0x7fff_ffff;
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let small = if magnitude < 0x0080_0000 { (bits >> 31) << 15 } else { nearest };
    if magnitude > 0x7f80_0000 { bits >> 16 | 0x40 } else { small }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn rounding_is_to_the_nearest_and_to_even() {
        let of = |v: f32| bf16::nearest(v).value();
        assert_eq!([1.0, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0].map(of), [1.0, 1.0, 1.0 + 1.0 / 64.0]);
        assert_eq!(
            [f32::MAX, f32::NEG_INFINITY, -0.0, 1e-40].map(of),
            [f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0]
        );
        assert!(of(f32::NAN).is_nan());
        for v in noise(10_000, 1) {
            assert_eq!(bf16::nearest(v), bf16::from_f32(v));
        }
    }
}
