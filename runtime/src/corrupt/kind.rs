//! The corruptions by name.

use super::CorruptError;
use std::fmt;
use std::str::FromStr;

/// One of the fifteen test corruptions of ImageNet-C and CIFAR-10-C (Hendrycks and Dietterich 2019).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Corruption {
    /// Normal noise on every value.
    GaussianNoise,
    /// Poisson noise: photon counts.
    ShotNoise,
    /// Values replaced by black or white.
    ImpulseNoise,
    /// Blur by a disc: out of focus.
    DefocusBlur,
    /// Neighbours copied over each other between two Gaussian blurs.
    GlassBlur,
    /// One-sided blur along a random direction.
    MotionBlur,
    /// Mean of several enlargements about the centre.
    ZoomBlur,
    /// Whitened image with blown flakes.
    Snow,
    /// Crystals laid over the image.
    Frost,
    /// A plasma fractal added.
    Fog,
    /// More HSV value.
    Brightness,
    /// Values drawn to their mean.
    Contrast,
    /// A random affine map and a smooth random displacement.
    ElasticTransform,
    /// Reduced and enlarged again without smoothing.
    Pixelate,
    /// Encoded and decoded as JPEG.
    JpegCompression,
}

impl Corruption {
    /// All, in the order of the benchmark: noise, blur, weather, digital.
    pub const ALL: [Corruption; 15] = [
        Corruption::GaussianNoise,
        Corruption::ShotNoise,
        Corruption::ImpulseNoise,
        Corruption::DefocusBlur,
        Corruption::GlassBlur,
        Corruption::MotionBlur,
        Corruption::ZoomBlur,
        Corruption::Snow,
        Corruption::Frost,
        Corruption::Fog,
        Corruption::Brightness,
        Corruption::Contrast,
        Corruption::ElasticTransform,
        Corruption::Pixelate,
        Corruption::JpegCompression,
    ];

    /// The name of the benchmark's file, `gaussian_noise` for instance.
    pub fn name(self) -> &'static str {
        match self {
            Corruption::GaussianNoise => "gaussian_noise",
            Corruption::ShotNoise => "shot_noise",
            Corruption::ImpulseNoise => "impulse_noise",
            Corruption::DefocusBlur => "defocus_blur",
            Corruption::GlassBlur => "glass_blur",
            Corruption::MotionBlur => "motion_blur",
            Corruption::ZoomBlur => "zoom_blur",
            Corruption::Snow => "snow",
            Corruption::Frost => "frost",
            Corruption::Fog => "fog",
            Corruption::Brightness => "brightness",
            Corruption::Contrast => "contrast",
            Corruption::ElasticTransform => "elastic_transform",
            Corruption::Pixelate => "pixelate",
            Corruption::JpegCompression => "jpeg_compression",
        }
    }

    /// The corruption of that [`name`](Corruption::name).
    ///
    /// # Errors
    /// [`CorruptError::Unknown`] when there is none.
    pub fn parse(name: &str) -> Result<Corruption, CorruptError> {
        let found = Corruption::ALL.into_iter().find(|c| c.name() == name);
        found.ok_or_else(|| CorruptError::Unknown { found: name.to_owned() })
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Corruption {
    type Err = CorruptError;

    fn from_str(name: &str) -> Result<Self, CorruptError> {
        Corruption::parse(name)
    }
}
