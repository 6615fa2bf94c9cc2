//! What the removal of ReLUs costs to first order, squared and summed over images: one pass over inputs and gradients.

use super::pool::Buffer;
use super::simd::wide;
use rayon::prelude::*;

/// Elements of an image that one task sums over the batch.
const CHUNK: usize = 2048;

/// `Σ (g·(s·x − max(x,0)))²`, of the identity, and `Σ (g·max(x,0))²`, of zero; `x` and `g` are `[n, c·h·w]`, `slope` and both
/// sums `[c·h·w]`. Summed in single precision.
pub fn costs(x: &[f32], g: &[f32], slope: &[f32]) -> [Buffer; 2] {
    let image = slope.len().max(1);
    assert!(x.len() == g.len() && x.len().is_multiple_of(image));
    let mut sums = [Buffer::zeros(slope.len()), Buffer::zeros(slope.len())];
    let [identity, zero] = &mut sums;
    let chunks = identity.par_chunks_mut(CHUNK).zip(zero.par_chunks_mut(CHUNK)).zip(slope.par_chunks(CHUNK));
    chunks.enumerate().for_each(|(chunk, ((identity, zero), slope))| {
        let at = chunk * CHUNK..chunk * CHUNK + slope.len();
        for (x, g) in x.chunks_exact(image).zip(g.chunks_exact(image)) {
            add_image(&x[at.clone()], &g[at.clone()], slope, &mut *identity, &mut *zero);
        }
    });
    sums
}

wide! {
    fn add_image(x: &[f32], g: &[f32], slope: &[f32], identity: &mut [f32], zero: &mut [f32]) {
        let (inputs, sums) = (x.iter().zip(g).zip(slope), identity.iter_mut().zip(zero));
        for (((x, g), slope), (identity, zero)) in inputs.zip(sums) {
            let above = x.max(0.0);
            let (line, relu) = (g * (slope * x - above), g * above);
            *identity += line * line;
            *zero += relu * relu;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;

    #[test]
    fn costs_are_those_of_the_formula() {
        for image in [1, 7, CHUNK, 2 * CHUNK + 3] {
            let (x, g, slope) = (noise(3 * image, 1), noise(3 * image, 2), noise(image, 3));
            let [identity, zero] = costs(&x, &g, &slope);
            for e in 0..image {
                let each = (0..3).map(|n| (f64::from(x[n * image + e]), f64::from(g[n * image + e])));
                let square = |v: f64| v * v;
                let want: [f64; 2] = each.fold([0.0; 2], |[i, z], (x, g)| {
                    let s = f64::from(slope[e]);
                    [i + square(g * (s * x - x.max(0.0))), z + square(g * x.max(0.0))]
                });
                for (got, want) in [identity[e], zero[e]].into_iter().zip(want) {
                    let got = f64::from(got);
                    // Where a slope is almost 1 the line cancels.
                    assert!(
                        (got - want).abs() <= 1e-5 * want + 1e-8,
                        "element {e} of {image}: {got}, not {want}"
                    );
                }
            }
        }
    }
}
