//! Activations with one slope for each sign, given for every element of an image: `pos·max(x, 0) + neg·min(x, 0)`.
//!
//! ReLU is `(1, 0)`, the identity `(1, 1)`, zero `(0, 0)`, a line `(s, s)`, a soft mask `m` between ReLU and the identity
//! `(1, 1 - m)`. At 0 the derivative is `neg`.

use super::element::Element;
use super::pool::Buffer;
use super::simd::wide;
use crate::kernels::parallel::{piece, pieces, pieces_of_two};

/// Elements of an image that one task sums over the batch.
pub(super) const CHUNK: usize = 2048;

/// Slopes of an image's elements, both `[c·h·w]`, the same for all images.
#[derive(Debug, Clone, Copy)]
pub struct Slopes<'a> {
    /// Slopes for positive inputs.
    pub pos: &'a [f32],
    /// Slopes for the others.
    pub neg: &'a [f32],
}

/// [`super::Computed::gate`].
pub(crate) fn forward<E: Element>(x: &[E], slopes: Slopes<'_>) -> Buffer<E> {
    let mut y = Buffer::<E>::result(x.len());
    let image = slopes.len();
    pieces(&mut y, image, &|i, y| forward_run(piece(x, image, i), slopes, y));
    y
}

/// [`super::Computed::gate_data_grad`].
pub(crate) fn input_grad<E: Element>(x: &[E], g: &[E], slopes: Slopes<'_>) -> Buffer<E> {
    assert_eq!(x.len(), g.len());
    let mut gx = Buffer::<E>::result(x.len());
    let image = slopes.len();
    pieces(&mut gx, image, &|i, gx| input_run(piece(x, image, i), piece(g, image, i), slopes, gx));
    gx
}

/// [`super::Computed::gate_slope_grads`].
pub(crate) fn slope_grads<E: Element>(x: &[E], g: &[E], image: usize) -> [Buffer; 2] {
    over_images(x, g, image, slopes_run)
}

/// Two sums over images for each of `image` elements; `add` adds what an image's part of `x` and `g` gives to both.
pub(super) fn over_images<E: Element>(
    x: &[E],
    g: &[E],
    image: usize,
    add: impl Fn(&[E], &[E], &mut [f32], &mut [f32]) + Sync,
) -> [Buffer; 2] {
    assert!(x.len() == g.len() && x.len().is_multiple_of(image.max(1)));
    let mut sums = [Buffer::zeros(image), Buffer::zeros(image)];
    let [above, below] = &mut sums;
    pieces_of_two(above, below, CHUNK, &|chunk, above, below| {
        let at = chunk * CHUNK..chunk * CHUNK + above.len();
        for (x, g) in x.chunks_exact(image).zip(g.chunks_exact(image)) {
            add(&x[at.clone()], &g[at.clone()], above, below);
        }
    });
    sums
}

/// [`super::Computed::ceiling`].
pub(crate) fn ceiling<E: Element>(y: &[E], ceiling: &[f32]) -> Buffer<E> {
    let mut z = Buffer::<E>::result(y.len());
    let image = ceiling.len().max(1);
    pieces(&mut z, image, &|i, z| ceiling_run(piece(y, image, i), ceiling, z));
    z
}

/// [`super::Computed::ceiling_grad`].
pub(crate) fn ceiling_grad<E: Element>(y: &[E], g: &[E], ceiling: &[f32]) -> Buffer<E> {
    assert_eq!(y.len(), g.len());
    let mut gy = Buffer::<E>::result(y.len());
    let image = ceiling.len().max(1);
    pieces(&mut gy, image, &|i, gy| ceiling_grad_run(piece(y, image, i), piece(g, image, i), ceiling, gy));
    gy
}

impl Slopes<'_> {
    fn len(self) -> usize {
        assert_eq!(self.pos.len(), self.neg.len());
        self.pos.len().max(1)
    }
}

/// `pos` above 0 and `neg` elsewhere; by bits, because a choice between the two becomes a gather.
#[inline(always)]
pub(super) fn chosen(z: f32, pos: f32, neg: f32) -> f32 {
    let on = u32::from(z > 0.0).wrapping_neg();
    f32::from_bits(pos.to_bits() & on | neg.to_bits() & !on)
}

wide! {
    fn forward_run<E: Element>(x: &[E], slopes: Slopes<'_>, y: &mut [E]) {
        for (((y, x), pos), neg) in y.iter_mut().zip(x).zip(slopes.pos).zip(slopes.neg) {
            let x = x.value();
            *y = E::nearest(pos * x.max(0.0) + neg * x.min(0.0));
        }
    }
}

wide! {
    fn input_run<E: Element>(x: &[E], g: &[E], slopes: Slopes<'_>, gx: &mut [E]) {
        for ((((gx, x), g), pos), neg) in gx.iter_mut().zip(x).zip(g).zip(slopes.pos).zip(slopes.neg) {
            *gx = E::nearest(g.value() * chosen(x.value(), *pos, *neg));
        }
    }
}

wide! {
    fn slopes_run<E: Element>(x: &[E], g: &[E], pos: &mut [f32], neg: &mut [f32]) {
        for (((x, g), pos), neg) in x.iter().zip(g).zip(pos).zip(neg) {
            let (x, g) = (x.value(), g.value());
            *pos += g * x.max(0.0);
            *neg += g * x.min(0.0);
        }
    }
}

wide! {
    fn ceiling_run<E: Element>(y: &[E], ceiling: &[f32], z: &mut [E]) {
        for ((z, y), c) in z.iter_mut().zip(y).zip(ceiling) {
            *z = if y.value() > *c { E::nearest(*c) } else { *y };
        }
    }
}

wide! {
    fn ceiling_grad_run<E: Element>(y: &[E], g: &[E], ceiling: &[f32], gy: &mut [E]) {
        for (((gy, y), g), c) in gy.iter_mut().zip(y).zip(g).zip(ceiling) {
            *gy = if y.value() > *c { E::nearest(0.0) } else { *g };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn known_slopes_are_known_functions() {
        let x = [-2.0, 3.0, 0.0, -4.0, 5.0, -6.0];
        let of = |pos: f32, neg: f32| forward(&x, Slopes { pos: &[pos; 3], neg: &[neg; 3] }).to_vec();
        assert_eq!(of(1.0, 0.0), [0.0, 3.0, 0.0, 0.0, 5.0, 0.0]);
        assert_eq!(of(1.0, 1.0), x);
        assert_eq!(of(0.0, 0.0), [0.0; 6]);
        assert_eq!(of(0.5, 0.5), [-1.0, 1.5, 0.0, -2.0, 2.5, -3.0]);
    }

    #[test]
    fn ceilings_limit_values_and_stop_gradients() {
        let y = [-2.0, 3.0, 7.0, 4.0, 6.0, 6.5];
        let c = [1.0, f32::INFINITY, 6.0];
        assert_eq!(ceiling(&y, &c).to_vec(), [-2.0, 3.0, 6.0, 1.0, 6.0, 6.0]);
        assert_eq!(ceiling_grad(&y, &[2.0; 6], &c).to_vec(), [2.0, 2.0, 0.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn gradients_agree_with_the_definition() {
        let (n, image) = (7, 5000);
        let (x, g) = (noise(n * image, 1), noise(n * image, 2));
        let (pos, neg) = (noise(image, 3), noise(image, 4));
        let gx = input_grad(&x, &g, Slopes { pos: &pos, neg: &neg });
        for (i, (x, g)) in x.iter().zip(&g).enumerate() {
            assert_eq!(gx[i], if *x > 0.0 { g * pos[i % image] } else { g * neg[i % image] });
        }
        let [above, below] = slope_grads(&x, &g, image);
        for i in 0..image {
            let at = (i..n * image).step_by(image);
            let sum =
                |f: &dyn Fn(f64) -> f64| at.clone().map(|j| f64::from(g[j]) * f(x[j].into())).sum::<f64>();
            assert!((f64::from(above[i]) - sum(&|x| x.max(0.0))).abs() < 1e-5);
            assert!((f64::from(below[i]) - sum(&|x| x.min(0.0))).abs() < 1e-5);
        }
    }
}
