//! Crops an image to its central square and resamples it.

use super::Picture;

/// The central square of `picture`, as 3×`size`×`size`.
///
/// Each axis is resampled by a triangle as wide as two output pixels, and never narrower than two input pixels:
/// bilinear when it enlarges, an average of what an output pixel covers when it shrinks. Source: the convention of
/// Pillow's `BILINEAR` in `src/libImaging/Resample.c`, which rounds once more between the axes and so differs by one
/// level at most.
pub fn central_square(picture: &Picture, size: usize) -> Vec<u8> {
    let side = picture.height.min(picture.width);
    let (top, left) = ((picture.height - side) / 2, (picture.width - side) / 2);
    let spans = spans(side, size);
    let mut out = Vec::with_capacity(3 * size * size);
    for plane in picture.planes.chunks_exact(picture.height * picture.width) {
        let rows = plane.chunks_exact(picture.width).skip(top).take(side);
        let narrow: Vec<f32> =
            rows.flat_map(|row| spans.iter().map(|s| s.apply(|i| f32::from(row[left + i])))).collect();
        for span in &spans {
            out.extend((0..size).map(|x| span.apply(|i| narrow[i * size + x]).round() as u8));
        }
    }
    out
}

/// Which inputs make an output, and how much of each.
struct Span {
    first: usize,
    weights: Vec<f32>,
}

impl Span {
    fn apply(&self, value: impl Fn(usize) -> f32) -> f32 {
        self.weights.iter().enumerate().map(|(i, w)| w * value(self.first + i)).sum()
    }
}

/// The spans of every output of an axis that goes from `from` to `to` pixels.
fn spans(from: usize, to: usize) -> Vec<Span> {
    let scale = from as f64 / to as f64;
    let reach = scale.max(1.0);
    let span = |out: usize| {
        let centre = (out as f64 + 0.5) * scale;
        let first = (centre - reach).floor().max(0.0) as usize;
        let end = ((centre + reach).ceil() as usize).min(from);
        let raw: Vec<f64> =
            (first..end).map(|i| (1.0 - (i as f64 + 0.5 - centre).abs() / reach).max(0.0)).collect();
        let sum: f64 = raw.iter().sum();
        Span { first, weights: raw.iter().map(|w| (w / sum) as f32).collect() }
    };
    (0..to).map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(height: usize, width: usize, value: impl Fn(usize, usize) -> u8) -> Picture {
        let plane: Vec<u8> = (0..height * width).map(|i| value(i / width, i % width)).collect();
        Picture { height, width, planes: plane.repeat(3) }
    }

    #[test]
    fn same_size_changes_nothing() {
        let picture = grey(5, 5, |y, x| (y * 40 + x * 7) as u8);
        assert_eq!(central_square(&picture, 5), picture.planes);
    }

    #[test]
    fn crops_the_centre() {
        let wide = central_square(&grey(2, 6, |_, x| x as u8), 2);
        assert_eq!(wide[..4], [2, 3, 2, 3]);
        let high = central_square(&grey(5, 2, |y, _| y as u8), 2);
        assert_eq!(high[..4], [1, 1, 2, 2]);
    }

    #[test]
    fn constants_stay_constant() {
        for size in [1, 2, 3, 7, 64, 200] {
            assert!(central_square(&grey(64, 48, |_, _| 201), size).iter().all(|v| *v == 201), "{size}");
        }
    }

    /// By hand: reach 2, weights .125 .375 .375 .125 inside, .375 .375 .125 (sum .875) where the border cuts one off.
    #[test]
    fn halving_averages() {
        let out = central_square(&grey(4, 4, |_, x| [0, 0, 70, 140][x]), 2);
        assert_eq!(out[..2], [10, 90]);
    }

    /// By hand: centres at 0.25, 0.75, 1.25, 1.75.
    #[test]
    fn doubling_interpolates() {
        let out = central_square(&grey(2, 2, |_, x| [0, 100][x]), 4);
        assert_eq!(out[..4], [0, 25, 75, 100]);
    }
}
