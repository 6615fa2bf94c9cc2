//! From 8-bit pixels to network input.

use std::str::FromStr;

use super::DataError;
use crate::nearest::did_you_mean;

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

    /// The mean and standard deviation of CIFAR-100's training images.
    pub const CIFAR100: Normalize =
        Normalize { mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762], scale: 1.0 };
    /// The mean and standard deviation of MNIST's training images.
    pub const MNIST: Normalize = Normalize { mean: [0.1307; 3], std: [0.3081; 3], scale: 1.0 };
    /// The mean and standard deviation of Fashion-MNIST's training images.
    pub const FASHION_MNIST: Normalize = Normalize { mean: [0.2860; 3], std: [0.3530; 3], scale: 1.0 };

    /// What `normalize=` calls by name.
    const NAMED: [(&str, Normalize); 6] = [
        ("imagenet", Normalize::IMAGENET),
        ("cifar10", Normalize::CIFAR10),
        ("cifar100", Normalize::CIFAR100),
        ("mnist", Normalize::MNIST),
        ("fashion-mnist", Normalize::FASHION_MNIST),
        ("none", Normalize::NONE),
    ];

    /// Normalisations that networks are usually trained with, as options of a data spec, for images of so many channels.
    pub fn usual(channels: usize) -> Vec<(String, Normalize)> {
        let same = |mean: f32, std: f32, scale: f32| Normalize { mean: [mean; 3], std: [std; 3], scale };
        let named = Normalize::NAMED.map(|(name, n)| (format!("normalize={name}"), n));
        let written = [
            ("normalize=mean=.5;std=.5", same(0.5, 0.5, 1.0)),
            ("scale=255", same(0.0, 1.0, 255.0)),
            (
                "normalize=mean=.4914,.4822,.4465;std=.2023,.1994,.2010",
                Normalize { std: [0.2023, 0.1994, 0.2010], ..Normalize::CIFAR10 },
            ),
            (
                "scale=255&normalize=mean=123.68,116.779,103.939",
                Normalize { mean: [123.68, 116.779, 103.939], std: [1.0; 3], scale: 255.0 },
            ),
            ("scale=255&normalize=mean=128;std=128", same(128.0, 128.0, 255.0)),
        ];
        let written = written.map(|(text, n)| (text.to_owned(), n));
        let grey = |n: &Normalize| *n == Normalize::MNIST || *n == Normalize::FASHION_MNIST;
        let fits = |n: &Normalize| if channels == 1 { n.is_grey() } else { !grey(n) };
        named.into_iter().chain(written).filter(|(_, n)| fits(n)).collect()
    }

    /// Whether all channels are normalised alike, as the only one of a grey image has to be.
    pub fn is_grey(&self) -> bool {
        let alike = |v: [f32; 3]| v[0] == v[1] && v[1] == v[2];
        alike(self.mean) && alike(self.std)
    }

    /// Finds a mean or deviation that belongs to pixels of another scale.
    ///
    /// # Errors
    /// It says what scale that would be.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let most = self.scale.max(1.0);
        let far = |v: &f32| v.abs() > most;
        let scale = self.scale;
        for (key, values) in [("mean", self.mean), ("std", self.std)] {
            if let Some(v) = values.iter().find(|v| far(v)) {
                let expected = match scale {
                    s if s < 255.0 => format!(
                        "a {key} of at most {most}, for pixels are in 0…{s}; {v} is meant for 0…255: add scale=255, or divide mean and \
                         std by 255"
                    ),
                    s => format!("a {key} of at most {s}, for pixels are in 0…{s}"),
                };
                return Err(DataError::option("normalize", format!("{key}={v}"), expected));
            }
        }
        Ok(())
    }

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

    /// Parses `imagenet`, `cifar10`, `cifar100`, `mnist`, `fashion-mnist`, `none`, or `mean=R,G,B;std=R,G,B`, where one value
    /// may stand for all three and a missing mean is 0, a missing std 1.
    fn from_str(s: &str) -> Result<Self, DataError> {
        match Normalize::NAMED.iter().find(|(name, _)| *name == s) {
            Some((_, n)) => Ok(*n),
            None => explicit(s),
        }
    }
}

/// Parses `mean=…;std=…`.
fn explicit(s: &str) -> Result<Normalize, DataError> {
    let bad = |expected: &str| DataError::option("normalize", s, expected);
    let (mut mean, mut std) = (None, None);
    for part in s.split(';') {
        let Some((key, values)) = part.split_once('=') else {
            let names = Normalize::NAMED.map(|(name, _)| name);
            let hint = did_you_mean(s, &names);
            return Err(bad(&format!("{} or mean=R,G,B;std=R,G,B{hint}", names.join(", "))));
        };
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
    fn usual_ones_parse_and_are_what_they_say() {
        for channels in [1, 3] {
            for (text, n) in Normalize::usual(channels) {
                let spec: crate::data::DataSpec = format!("shapes?{text}").parse().unwrap();
                assert_eq!(spec.normalize(), n, "{text}");
                assert!(channels == 3 || n.is_grey(), "{text}");
            }
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
