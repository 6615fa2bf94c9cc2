//! The published severity constants: `make_cifar_c.py` and `make_tinyimagenet_c.py` of the robustness benchmark's
//! release (Hendrycks and Dietterich 2019).

/// Constants of severities 1 to 5. Lengths are pixels unless said otherwise; intensities are shares of the full range.
pub(super) struct Levels {
    /// Standard deviation.
    pub(super) gaussian_noise: [f64; 5],
    /// Photons of a full value.
    pub(super) shot_noise: [f64; 5],
    /// Share of the values that are replaced.
    pub(super) impulse_noise: [f64; 5],
    /// Radius of the disc, standard deviation of its smoothing.
    pub(super) defocus_blur: [(f64, f64); 5],
    /// Standard deviation, reach of the copies, rounds.
    pub(super) glass_blur: [(f64, usize, usize); 5],
    /// Radius, standard deviation.
    pub(super) motion_blur: [(usize, f64); 5],
    /// How many enlargements, 1.00, 1.01, 1.02 and so on, are averaged.
    pub(super) zoom_blur: [usize; 5],
    pub(super) snow: [SnowLevel; 5],
    /// Weights of image and frost.
    pub(super) frost: [(f64, f64); 5],
    /// How much the benchmark shrinks its frost photographs.
    pub(super) frost_scale: f64,
    /// Weight of the fog, decay of the fractal.
    pub(super) fog: [(f64, f64); 5],
    /// Added to the HSV value.
    pub(super) brightness: [f64; 5],
    /// What remains of the distance to the mean.
    pub(super) contrast: [f64; 5],
    /// Amplitude and smoothing of the displacement, reach of the affine map; all in sides of the image.
    pub(super) elastic: [(f64, f64, f64); 5],
    /// Share of the side that the reduced image has.
    pub(super) pixelate: [f64; 5],
    /// Quality of libjpeg's scale.
    pub(super) jpeg: [u32; 5],
}

/// Constants of snow.
pub(super) struct SnowLevel {
    /// Mean and standard deviation of the noise that becomes flakes.
    pub(super) noise: (f64, f64),
    /// Enlargement of the flakes.
    pub(super) zoom: f64,
    /// Below this a flake is nothing.
    pub(super) threshold: f64,
    /// Radius and standard deviation of the motion blur.
    pub(super) blur: (usize, f64),
    /// Share of the image that is not whitened.
    pub(super) keep: f64,
}

impl Levels {
    /// Those of Tiny-ImageNet-C when both sides have 64 pixels or more, those of CIFAR-10-C otherwise.
    pub(super) fn of(height: usize, width: usize) -> &'static Levels {
        if height.min(width) >= 64 { &TINY_IMAGENET } else { &CIFAR }
    }
}

const fn snow(keep: [f64; 5]) -> [SnowLevel; 5] {
    [
        SnowLevel { noise: (0.1, 0.2), zoom: 1.0, threshold: 0.6, blur: (8, 3.0), keep: keep[0] },
        SnowLevel { noise: (0.1, 0.2), zoom: 1.0, threshold: 0.5, blur: (10, 4.0), keep: keep[1] },
        SnowLevel { noise: (0.15, 0.3), zoom: 1.75, threshold: 0.55, blur: (10, 4.0), keep: keep[2] },
        SnowLevel { noise: (0.25, 0.3), zoom: 2.25, threshold: 0.6, blur: (12, 6.0), keep: keep[3] },
        SnowLevel { noise: (0.3, 0.3), zoom: 1.25, threshold: 0.65, blur: (14, 12.0), keep: keep[4] },
    ]
}

/// The benchmark writes `arange(1, 1.06, 0.01)` and so on; rounding makes the first two longer by one than they look.
const ZOOMS: [usize; 5] = [7, 12, 16, 21, 26];

static CIFAR: Levels = Levels {
    gaussian_noise: [0.04, 0.06, 0.08, 0.09, 0.10],
    shot_noise: [500.0, 250.0, 100.0, 75.0, 50.0],
    impulse_noise: [0.01, 0.02, 0.03, 0.05, 0.07],
    defocus_blur: [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)],
    glass_blur: [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
    motion_blur: [(6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)],
    zoom_blur: ZOOMS,
    snow: snow([0.95, 0.9, 0.9, 0.85, 0.8]),
    frost: [(1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)],
    frost_scale: 0.2,
    fog: [(0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)],
    brightness: [0.05, 0.1, 0.15, 0.2, 0.3],
    contrast: [0.75, 0.5, 0.4, 0.3, 0.15],
    elastic: [(0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)],
    pixelate: [0.95, 0.9, 0.85, 0.75, 0.65],
    jpeg: [80, 65, 58, 50, 40],
};

static TINY_IMAGENET: Levels = Levels {
    gaussian_noise: [0.04, 0.08, 0.12, 0.15, 0.18],
    shot_noise: [250.0, 100.0, 50.0, 30.0, 15.0],
    impulse_noise: [0.01, 0.02, 0.05, 0.08, 0.14],
    defocus_blur: [(0.5, 0.6), (1.0, 0.1), (1.5, 0.1), (2.5, 0.01), (3.0, 0.1)],
    glass_blur: [(0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)],
    motion_blur: [(10, 1.0), (10, 1.5), (10, 2.0), (10, 2.5), (12, 3.0)],
    zoom_blur: ZOOMS,
    snow: snow([0.8, 0.8, 0.7, 0.65, 0.6]),
    frost: [(1.0, 0.3), (0.9, 0.4), (0.8, 0.45), (0.75, 0.5), (0.7, 0.55)],
    frost_scale: 0.3,
    fog: [(0.4, 3.0), (0.7, 3.0), (1.0, 2.5), (1.5, 2.0), (2.0, 1.75)],
    brightness: [0.1, 0.2, 0.3, 0.4, 0.5],
    contrast: [0.4, 0.3, 0.2, 0.1, 0.05],
    elastic: [(0.0, 0.0, 0.08), (0.05, 0.3, 0.06), (0.1, 0.08, 0.06), (0.1, 0.03, 0.03), (0.16, 0.03, 0.02)],
    pixelate: [0.9, 0.8, 0.7, 0.6, 0.5],
    jpeg: [65, 58, 50, 40, 25],
};
