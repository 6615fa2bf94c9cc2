//! From 8-bit pixels to network input.

use std::str::FromStr;

use super::DataError;

/// How a pixel becomes network input: `(pixel01 · scale − mean) / std`, with `pixel01` in 0…1 and one
/// mean and std for each of R, G, B. `scale = 255` makes the input raw 0…255 when nothing else is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalize {
    /// Subtracted from each channel, in units of the scaled pixel.
    pub mean: [f32; 3],
    /// Each channel is divided by it; never zero.
    pub std: [f32; 3],
    /// The value of a full pixel before the mean is subtracted: 1 (the default) or 255.
    pub scale: f32,
}

impl Normalize {
    /// No normalisation: pixels in 0…1.
    pub const NONE: Normalize = Normalize { mean: [0.0; 3], std: [1.0; 3], scale: 1.0 };
    /// The mean and standard deviation of ImageNet's training images.
    pub const IMAGENET: Normalize =
        Normalize { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: 1.0 };
    /// The mean and standard deviation of CIFAR-10's training images.
    pub const CIFAR10: Normalize =
        Normalize { mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616], scale: 1.0 };

    /// The network input of every pixel value: `table()[channel][pixel]`, rounded once from `f64`.
    pub fn table(&self) -> [[f32; 256]; 3] {
        std::array::from_fn(|c| {
            std::array::from_fn(|v| {
                let scaled = v as f64 * f64::from(self.scale) / 255.0;
                ((scaled - f64::from(self.mean[c])) / f64::from(self.std[c])) as f32
            })
        })
    }

    /// The network input that one unit of `pixel01` (black to white) spans, per channel: `scale / std`.
    /// An attack's ε in pixel space is multiplied by it.
    pub fn span(&self) -> [f32; 3] {
        self.std.map(|s| self.scale / s)
    }
}

impl Default for Normalize {
    fn default() -> Self {
        Normalize::NONE
    }
}

impl FromStr for Normalize {
    type Err = DataError;

    /// Parses `imagenet`, `cifar10`, `none`, or `mean=R,G,B;std=R,G,B`, where one value may stand for all three
    /// and a missing mean is 0, a missing std 1. Anything else is [`DataError::BadOption`].
    fn from_str(s: &str) -> Result<Self, DataError> {
        match s {
            "imagenet" => Ok(Normalize::IMAGENET),
            "cifar10" => Ok(Normalize::CIFAR10),
            "none" => Ok(Normalize::NONE),
            _ => explicit(s),
        }
    }
}

/// Parses `mean=…;std=…`.
fn explicit(s: &str) -> Result<Normalize, DataError> {
    let bad = |expected: &str| DataError::BadOption {
        option: "normalize".to_owned(),
        value: s.to_owned(),
        expected: expected.to_owned(),
    };
    let (mut mean, mut std) = (None, None);
    for part in s.split(';') {
        let (key, values) =
            part.split_once('=').ok_or_else(|| bad("imagenet, cifar10, none or mean=R,G,B;std=R,G,B"))?;
        let slot = match key.trim() {
            "mean" => &mut mean,
            "std" => &mut std,
            _ => return Err(bad("only mean=… and std=…, separated by a semicolon")),
        };
        let values = three(values).ok_or_else(|| bad("one number or three separated by commas"))?;
        if slot.replace(values).is_some() {
            return Err(bad("mean and std once each"));
        }
    }
    let std = std.unwrap_or([1.0; 3]);
    if std.iter().any(|s| *s <= 0.0) {
        return Err(bad("a std above zero"));
    }
    Ok(Normalize { mean: mean.unwrap_or([0.0; 3]), std, scale: 1.0 })
}

/// One finite number for all channels, or three.
fn three(s: &str) -> Option<[f32; 3]> {
    let values: Vec<f32> = s.split(',').map(|v| v.trim().parse().ok()).collect::<Option<_>>()?;
    if !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    match values[..] {
        [v] => Some([v; 3]),
        [r, g, b] => Some([r, g, b]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn explicit_means() {
        let n: Normalize = "mean=.485,.456,.406;std=.225".parse().unwrap();
        assert_eq!(n, Normalize { mean: [0.485, 0.456, 0.406], std: [0.225; 3], scale: 1.0 });
        let n: Normalize = "std=.229,.224,.225; mean=.485,.456,.406".parse().unwrap();
        assert_eq!(n, Normalize::IMAGENET);
    }

    #[test]
    fn no_nonsense() {
        for bad in
            ["imagenette", "", "mean=1,2;std=1", "mean=a", "std=0", "std=nan", "mean=1;mean=1", "std=-1"]
        {
            assert!(bad.parse::<Normalize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn table_follows_the_formula() {
        let raw = Normalize { scale: 255.0, ..Normalize::NONE }.table();
        assert!((0..256).all(|v| raw[1][v] == v as f32));
        let im = Normalize::IMAGENET.table();
        assert!((im[0][255] - (1.0 - 0.485) / 0.229).abs() < 1e-6);
        assert!((im[2][0] - -0.406 / 0.225).abs() < 1e-6);
    }

    #[test]
    fn span_is_scale_over_std() {
        let n = Normalize { mean: [0.0; 3], std: [0.5, 0.25, 1.0], scale: 1.0 };
        assert_eq!(n.span(), [2.0, 4.0, 1.0]);
    }
}
