//! What activations are stored in, and what convolutions multiply: f32, or bf16 with sums in f32.
//!
//! bf16 is the upper half of an f32. Numbers are rounded to the nearest, ties to even, and what is below the normal range is zero, as
//! the instructions of CPUs have it, so results are the same with and without them.

use bytemuck::Pod;
use half::bf16;

use super::micro::Products;
use super::simd::wide;
use super::tiles::Transforms;

/// A stored number; all computing is in f32.
pub trait Element: Pod + Send + Sync + PartialEq + std::fmt::Debug {
    /// What a lane of a vector that is multiplied holds: as many of these numbers as 32 bits have.
    type Packed: Products + Transforms;

    /// Its value.
    fn value(self) -> f32;
    /// The nearest.
    fn nearest(v: f32) -> Self;
    /// The values of a run.
    fn widen(from: &[Self], to: &mut [f32]);
    /// The nearest to a run of values.
    fn narrow(from: &[f32], to: &mut [Self]);
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
    fn widen(from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
    fn narrow(from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
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
    fn widen(from: &[bf16], to: &mut [f32]) {
        assert_eq!(from.len(), to.len());
        widen_run(from, to);
    }
    fn narrow(from: &[f32], to: &mut [bf16]) {
        assert_eq!(from.len(), to.len());
        narrow_run(from, to);
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

wide! {
    fn widen_run(from: &[bf16], to: &mut [f32]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = from.value());
    }
}

wide! {
    fn narrow_run(from: &[f32], to: &mut [bf16]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = bf16::nearest(*from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn rounding_is_to_the_nearest_and_to_even() {
        let of = |v: f32| bf16::nearest(v).value();
        assert_eq!([1.0, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0].map(of), [1.0, 1.0, 1.0 + 1.0 / 64.0]);
        assert_eq!([f32::MAX, f32::NEG_INFINITY, -0.0, 1e-40].map(of), [f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0]);
        assert!(of(f32::NAN).is_nan());
        for v in noise(10_000, 1) {
            assert_eq!(bf16::nearest(v), bf16::from_f32(v));
        }
    }

    #[test]
    fn runs_are_rounded_as_single_numbers_are() {
        let v = noise(1003, 1);
        let (mut narrow, mut wide) = (vec![bf16::ZERO; v.len()], vec![0.0; v.len()]);
        bf16::narrow(&v, &mut narrow);
        bf16::widen(&narrow, &mut wide);
        assert!(v.iter().zip(narrow).zip(wide).all(|((v, n), w)| n == bf16::nearest(*v) && w == n.value()));
    }
}
