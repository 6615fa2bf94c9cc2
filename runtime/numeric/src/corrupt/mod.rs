//! Image corruptions: the fifteen of ImageNet-C and CIFAR-10-C, each in five severities.
//!
//! Definitions and constants are those of the benchmark's release (Hendrycks and Dietterich 2019, "Benchmarking neural
//! network robustness to common corruptions and perturbations"): for images with both sides of 64 pixels or more those
//! of Tiny-ImageNet-C, for all others those of CIFAR-10-C. The random numbers are our own, so images equal the
//! published ones in kind and strength, not pixel by pixel. Frost is drawn instead of photographed: the benchmark's
//! photographs are not available here.
//!
//! ```
//! use relinc_numeric::corrupt::{Corruption, Damage, corrupt};
//! let image = vec![90u8; 3 * 32 * 32];
//! let fog = Damage { corruption: Corruption::Fog, severity: 5, seed: 0 };
//! let foggy = corrupt(&image, [3, 32, 32], fog, 0)?;
//! assert_eq!(foggy.len(), image.len());
//! # Ok::<(), relinc_numeric::corrupt::CorruptError>(())
//! ```

mod defocus;
mod elastic;
mod error;
mod fog;
mod font;
mod frost;
mod glass;
mod jpeg;
mod kind;
mod levels;
mod motion;
mod noise;
mod picture;
mod pixelate;
mod sheet;
mod smooth;
mod snow;
mod tone;
mod zoom;

#[cfg(test)]
mod tests;

pub use error::CorruptError;
pub use kind::Corruption;
pub use sheet::contact_sheet;

use crate::dice::Dice;
use levels::Levels;
use picture::Picture;
use rayon::prelude::*;

/// How many severities every corruption has; they count from 1.
pub const SEVERITIES: u8 = 5;

/// What the dice's tag begins with, so that no other purpose draws the same numbers.
const TAG: u64 = u64::from_le_bytes(*b"corrupt\0");

/// The smallest side for which all corruptions are defined.
const SMALLEST: usize = 8;

/// What images become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The corruption.
    pub corruption: Corruption,
    /// From 1 to 5.
    pub severity: u8,
    /// Of everything random in it.
    pub seed: u64,
}

/// Corrupts one image: planes R, G, B of `shape` (3, height, width), or one grey plane of (1, height, width), values 0 to 255.
///
/// The result depends on the image, on the damage and on `index`, the image's number in its data set, and on nothing else.
/// Values are cut off to whole numbers as in the benchmark, not rounded.
///
/// # Errors
/// When the shape is not 1 or 3 planes of at least 8×8, the bytes are not one such image, or the severity is not 1 to 5.
pub fn corrupt(image: &[u8], shape: [usize; 3], d: Damage, index: u64) -> Result<Vec<u8>, CorruptError> {
    check(image, shape, d.severity, 1)?;
    Ok(apply(image, shape, d, index))
}

/// Corrupts the images that follow each other in `images`, in parallel; `indices` are their numbers in the data set.
/// Every one becomes what [`corrupt`] makes of it.
///
/// # Errors
/// As [`corrupt`].
pub fn corrupt_batch(
    images: &[u8],
    shape: [usize; 3],
    d: Damage,
    indices: &[u64],
) -> Result<Vec<u8>, CorruptError> {
    check(images, shape, d.severity, indices.len())?;
    let size = shape.iter().product();
    let mut out = vec![0u8; images.len()];
    let each = out.par_chunks_exact_mut(size).zip(images.par_chunks_exact(size)).zip(indices);
    each.for_each(|((out, image), index)| {
        out.copy_from_slice(&apply(image, shape, d, *index));
    });
    Ok(out)
}

fn check(images: &[u8], shape: [usize; 3], severity: u8, count: usize) -> Result<(), CorruptError> {
    if !matches!(shape[0], 1 | 3) || shape[1].min(shape[2]) < SMALLEST {
        return Err(CorruptError::Shape { found: shape });
    }
    if !(1..=SEVERITIES).contains(&severity) {
        return Err(CorruptError::Severity { found: severity });
    }
    let wanted = shape.iter().fold(count, |product, side| product.saturating_mul(*side));
    if images.len() != wanted {
        return Err(CorruptError::Length { images: count, wanted, found: images.len() });
    }
    Ok(())
}

fn apply(image: &[u8], [_, height, width]: [usize; 3], d: Damage, index: u64) -> Vec<u8> {
    let levels = Levels::of(height, width);
    let picture = || Picture::of(image, height, width);
    let s = usize::from(d.severity) - 1;
    let purpose = d.corruption as u64 * 8 + u64::from(d.severity);
    let dice = &mut Dice::tagged(d.seed, [TAG, purpose], index);
    match d.corruption {
        Corruption::GaussianNoise => noise::gaussian(&picture(), levels.gaussian_noise[s], dice),
        Corruption::ShotNoise => noise::shot(&picture(), levels.shot_noise[s], dice),
        Corruption::ImpulseNoise => noise::impulse(&picture(), levels.impulse_noise[s], dice),
        Corruption::DefocusBlur => defocus::blur(&picture(), levels.defocus_blur[s]),
        Corruption::GlassBlur => glass::blur(&picture(), levels.glass_blur[s], dice),
        Corruption::MotionBlur => motion::blur(&picture(), levels.motion_blur[s], dice),
        Corruption::ZoomBlur => zoom::blur(&picture(), levels.zoom_blur[s]),
        Corruption::Snow => snow::snow(&picture(), &levels.snow[s], dice),
        Corruption::Frost => frost::frost(&picture(), levels, s, dice),
        Corruption::Fog => fog::fog(&picture(), levels.fog[s], dice),
        Corruption::Brightness => tone::brightness(&picture(), levels.brightness[s]),
        Corruption::Contrast => tone::contrast(&picture(), levels.contrast[s]),
        Corruption::ElasticTransform => elastic::transform(&picture(), levels.elastic[s], dice),
        Corruption::Pixelate => pixelate::pixelate(image, (height, width), levels.pixelate[s]),
        Corruption::JpegCompression => jpeg::compress(image, (height, width), levels.jpeg[s]),
    }
}
