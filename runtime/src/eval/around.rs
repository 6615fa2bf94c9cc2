//! The box of inputs that stands for an image and all that is near it.

use super::Layout;
use crate::certify::{Arithmetic, Sample, UNIT};
use crate::data::{Dataset, Normalize};
use crate::picture::interleaved;

/// All images whose pixels are within `epsilon` of image `i`'s and in 0…1, a full pixel being 1, as the network takes them.
/// Where rounding counts, the box is wider by what single precision may add on the way from pixels to inputs.
pub fn around(ds: &Dataset, i: usize, epsilon: f64, layout: Layout, a: Arithmetic) -> Sample {
    let [c, h, w] = ds.image_shape();
    let n = ds.normalize();
    let bound = |up: bool| -> Vec<f32> {
        let pixel =
            |(k, &p): (usize, &u8)| near(&n, k / (h * w).max(1), p, if up { epsilon } else { -epsilon }, a);
        let v: Vec<f32> = ds.pixels(i).iter().enumerate().map(pixel).collect();
        match layout {
            Layout::Nchw | Layout::Nhw | Layout::Flat => v,
            Layout::Nhwc => interleaved(&v, [c, h, w]),
        }
    };
    Sample { low: bound(false), high: bound(true) }
}

/// The input of a pixel moved by `by`.
fn near(n: &Normalize, channel: usize, pixel: u8, by: f64, a: Arithmetic) -> f32 {
    let p = (f64::from(pixel) / 255.0 + by).clamp(0.0, 1.0);
    let (scale, mean, std) =
        (f64::from(n.scale), f64::from(n.mean[channel % 3]), f64::from(n.std[channel % 3]));
    let off = match a {
        Arithmetic::Real => 0.0,
        Arithmetic::Single | Arithmetic::Fixed(_) => 8.0 * UNIT * (scale * p + mean.abs()) / std,
    };
    ((scale * p - mean) / std + off.copysign(by)) as f32
}
