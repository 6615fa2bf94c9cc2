//! Stochastic gradient descent with momentum, in one pass over memory.

use rayon::prelude::*;

use super::simd::wide;

/// Elements of one task.
const CHUNK: usize = 1 << 14;

/// The constants of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Learning rate.
    pub rate: f32,
    /// What is kept of the last velocity.
    pub momentum: f32,
    /// Weight decay, added to the gradient.
    pub decay: f32,
    /// Factor of the gradient, for clipping by norm; 1 otherwise.
    pub scale: f32,
}

/// `v = momentum·v + scale·g + decay·w`, then `w -= rate·v`.
pub fn momentum(w: &mut [f32], v: &mut [f32], g: &[f32], step: Step) {
    assert_eq!((w.len(), v.len()), (g.len(), g.len()));
    w.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK)).zip(g.par_chunks(CHUNK)).for_each(|((w, v), g)| {
        run(w, v, g, step);
    });
}

wide! {
    fn run(w: &mut [f32], v: &mut [f32], g: &[f32], step: Step) {
        for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
            *v = step.momentum * *v + (step.scale * g + step.decay * *w);
            *w -= step.rate * *v;
        }
    }
}

/// The factor that shrinks gradients to norm `limit`, from the sum of their squares; 1 where they are shorter.
pub fn clip(sum_of_squares: f64, limit: f32) -> f32 {
    let norm = sum_of_squares.sqrt();
    if norm > f64::from(limit) { (f64::from(limit) / norm) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn two_steps_agree_with_the_formula() {
        let step = Step { rate: 0.1, momentum: 0.9, decay: 5e-4, scale: 0.5 };
        let (start, g) = (noise(40_001, 1), noise(40_001, 2));
        let (mut w, mut v) = (start.clone(), vec![0.0; g.len()]);
        momentum(&mut w, &mut v, &g, step);
        momentum(&mut w, &mut v, &g, step);
        for i in 0..g.len() {
            let (mut want, mut speed) = (f64::from(start[i]), 0.0);
            for _ in 0..2 {
                speed = 0.9 * speed + 0.5 * f64::from(g[i]) + 5e-4 * want;
                want -= 0.1 * speed;
            }
            assert!((f64::from(w[i]) - want).abs() < 1e-6);
        }
    }

    #[test]
    fn only_long_gradients_are_shrunk() {
        assert_eq!(clip(25.0, 10.0), 1.0);
        assert_eq!(clip(100.0, 5.0), 0.5);
    }
}
