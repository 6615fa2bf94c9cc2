//! An update of stochastic gradient descent with momentum, in one pass.

use super::elementwise::CHUNK;
use super::simd::wide;
use crate::kernels::parallel::{piece, pieces_of_two};

/// What a step does to weights `w` with gradient `g` and velocity `v`: `g ← factor·g + decay·w`, `v ← momentum·v + g`,
/// `w ← w − rate·v`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    /// Of the gradient, from clipping.
    pub factor: f32,
    /// Weight decay.
    pub decay: f32,
    /// Momentum.
    pub momentum: f32,
    /// Learning rate.
    pub rate: f32,
}

/// One update, in place.
pub fn update(w: &mut [f32], g: &[f32], v: &mut [f32], u: Update) {
    assert_eq!((w.len(), v.len()), (g.len(), g.len()));
    pieces_of_two(w, v, CHUNK, &|i, w, v| update_run(w, piece(g, CHUNK, i), v, u));
}

wide! {
    fn update_run(w: &mut [f32], g: &[f32], v: &mut [f32], u: Update) {
        for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
            let g = g * u.factor + *w * u.decay;
            *v = *v * u.momentum + g;
            *w -= *v * u.rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn an_update_is_that_of_the_definition() {
        let n = 70_001;
        let (w, g, v) = (noise(n, 1), noise(n, 2), noise(n, 3));
        let (mut new_w, mut new_v) = (w.clone(), v.clone());
        update(&mut new_w, &g, &mut new_v, Update { factor: 0.5, decay: 0.01, momentum: 0.9, rate: 0.1 });
        for i in 0..n {
            let [w, g, v] = [w[i], g[i], v[i]].map(f64::from);
            let velocity = 0.9 * v + 0.5 * g + 0.01 * w;
            assert!((f64::from(new_v[i]) - velocity).abs() < 1e-6);
            assert!((f64::from(new_w[i]) - (w - 0.1 * velocity)).abs() < 1e-6);
        }
    }
}
