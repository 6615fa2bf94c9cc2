//! Sums and copies of arrays.

use super::element::Element;
use super::pool::Buffer;
use super::simd::wide;
use crate::kernels::parallel::{each, piece, pieces};

/// Elements of one task.
pub(super) const CHUNK: usize = 1 << 15;

/// [`super::Computed::add`].
pub(crate) fn add<E: Element>(a: &[E], b: &[E]) -> Buffer<E> {
    assert_eq!(a.len(), b.len());
    let mut sum = Buffer::<E>::result(a.len());
    pieces(&mut sum, CHUNK, &|i, sum| add_run(piece(a, CHUNK, i), piece(b, CHUNK, i), sum));
    sum
}

/// [`super::Computed::copy`].
pub(crate) fn copy<E: Element>(a: &[E]) -> Buffer<E> {
    let mut copy = Buffer::<E>::result(a.len());
    pieces(&mut copy, CHUNK, &|i, copy| copy.copy_from_slice(piece(a, CHUNK, i)));
    copy
}

/// `a += b`.
pub fn accumulate(a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    pieces(a, CHUNK, &|i, a| accumulate_run(a, piece(b, CHUNK, i)));
}

/// The sum of the squares. Runs of 4096 are summed in f64, and the runs in order.
pub fn sum_of_squares(a: &[f32]) -> f64 {
    const RUN: usize = 4096;
    each(a.len().div_ceil(RUN), &|i| squares_run(piece(a, RUN, i))).iter().sum()
}

wide! {
    fn add_run<E: Element>(a: &[E], b: &[E], sum: &mut [E]) {
        for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
            *sum = E::nearest(a.value() + b.value());
        }
    }
}

wide! {
    fn accumulate_run(a: &mut [f32], b: &[f32]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
    }
}

wide! {
    fn squares_run(a: &[f32]) -> f64 {
        const LANES: usize = 8;
        let (chunks, rest) = a.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(*v) * f64::from(*v);
            }
        }
        sums.iter().sum::<f64>() + rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn sums_are_exact() {
        let (a, b) = (noise(70_001, 1), noise(70_001, 2));
        let want: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        assert_eq!(add(&a, &b)[..], want[..]);
        let mut sum = a;
        accumulate(&mut sum, &b);
        assert_eq!(sum, want);
    }

    #[test]
    fn squares_are_summed_in_double_precision() {
        let a = noise(70_001, 1);
        let want: f64 = a.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        assert!((sum_of_squares(&a) / want - 1.0).abs() < 1e-12);
        assert_eq!(sum_of_squares(&[]), 0.0);
        assert_eq!(sum_of_squares(&[3.0, 4.0]), 25.0);
    }
}
