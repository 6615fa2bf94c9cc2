//! What both sides of a ReLU's operand weigh under a gradient, squared and summed over images in one pass.

use super::pool::Buffer;
use super::simd::wide;
use super::two_slope::over_images;

/// `Σ (g·max(x, 0))²` and `Σ (g·min(x, 0))²` over images; `x` and `g` are `[n, each]`, both sums `[each]`. Summed in single
/// precision.
pub fn side_squares(x: &[f32], g: &[f32], each: usize) -> [Buffer; 2] {
    over_images(x, g, each, add_image)
}

wide! {
    fn add_image(x: &[f32], g: &[f32], above: &mut [f32], below: &mut [f32]) {
        for ((x, g), (above, below)) in x.iter().zip(g).zip(above.iter_mut().zip(below)) {
            let (up, down) = (g * x.max(0.0), g * x.min(0.0));
            *above += up * up;
            *below += down * down;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::super::two_slope::CHUNK;
    use super::*;

    #[test]
    fn sums_are_those_of_the_formula() {
        for image in [1, 7, CHUNK, 2 * CHUNK + 3] {
            let (x, g) = (noise(3 * image, 1), noise(3 * image, 2));
            let [above, below] = side_squares(&x, &g, image);
            for e in 0..image {
                let sum = |side: fn(f64) -> f64| -> f64 {
                    (0..3).map(|n| n * image + e).map(|i| (f64::from(g[i]) * side(x[i].into())).powi(2)).sum()
                };
                let sides: [(f32, f64); 2] =
                    [(above[e], sum(|x| x.max(0.0))), (below[e], sum(|x| x.min(0.0)))];
                for (got, want) in sides {
                    assert!(
                        (f64::from(got) - want).abs() <= 1e-6 * want,
                        "element {e} of {image}: {got}, not {want}"
                    );
                }
            }
        }
    }
}
