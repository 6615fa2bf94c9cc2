//! The box of a network's inputs that stands for an image and all that is near it.

use super::function::UNIT;
use crate::data::{Dataset, Normalize};
use crate::eval::Layout;
use relinc_passes::ir::movement;

/// A box of network inputs, element by element, in the network's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The least values.
    pub low: Vec<f32>,
    /// The largest.
    pub high: Vec<f32>,
}

impl Sample {
    /// All images whose pixels are within `epsilon` of image `i`'s and in 0…1, a full pixel being 1, as the network takes them.
    /// The box is wider by what single precision may add on the way from pixels to inputs.
    pub fn around(ds: &Dataset, i: usize, epsilon: f64, layout: Layout) -> Sample {
        let [c, h, w] = ds.image_shape();
        let n = ds.normalize();
        let bound = |up: bool| -> Vec<f32> {
            let pixel = |(k, &p): (usize, &u8)| near(&n, k / (h * w).max(1), p, epsilon, up);
            let v: Vec<f32> = ds.pixels(i).iter().enumerate().map(pixel).collect();
            match layout {
                Layout::Nchw | Layout::Nhw | Layout::Flat => v,
                Layout::Nhwc => movement::transpose(&v, &[c, h, w], &[1, 2, 0]).0,
            }
        };
        Sample { low: bound(false), high: bound(true) }
    }
}

/// The input of a pixel moved down or up by ε.
fn near(n: &Normalize, channel: usize, pixel: u8, epsilon: f64, up: bool) -> f32 {
    let p = f64::from(pixel) / 255.0;
    let p = if up { (p + epsilon).min(1.0) } else { (p - epsilon).max(0.0) };
    let (scale, mean, std) =
        (f64::from(n.scale), f64::from(n.mean[channel % 3]), f64::from(n.std[channel % 3]));
    let off = 8.0 * UNIT * (scale * p + mean.abs()) / std;
    let x = (scale * p - mean) / std;
    (if up { x + off } else { x - off }) as f32
}
