//! The corruptions by name.

relinc_passes::words! {
    /// One of the fifteen test corruptions of ImageNet-C and CIFAR-10-C (Hendrycks and Dietterich 2019).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Corruption {
        /// Normal noise on every value.
        GaussianNoise = "gaussian_noise",
        /// Poisson noise: photon counts.
        ShotNoise = "shot_noise",
        /// Values replaced by black or white.
        ImpulseNoise = "impulse_noise",
        /// Blur by a disc: out of focus.
        DefocusBlur = "defocus_blur",
        /// Neighbours copied over each other between two Gaussian blurs.
        GlassBlur = "glass_blur",
        /// One-sided blur along a random direction.
        MotionBlur = "motion_blur",
        /// Mean of several enlargements about the centre.
        ZoomBlur = "zoom_blur",
        /// Whitened image with blown flakes.
        Snow = "snow",
        /// Crystals laid over the image.
        Frost = "frost",
        /// A plasma fractal added.
        Fog = "fog",
        /// More HSV value.
        Brightness = "brightness",
        /// Values drawn to their mean.
        Contrast = "contrast",
        /// A random affine map and a smooth random displacement.
        ElasticTransform = "elastic_transform",
        /// Reduced and enlarged again without smoothing.
        Pixelate = "pixelate",
        /// Encoded and decoded as JPEG.
        JpegCompression = "jpeg_compression",
    }
}
