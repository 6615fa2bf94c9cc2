//! Radii and other sizes as users write them, in units of a full pixel.

use std::fmt;
use std::str::FromStr;

/// The radius of an L∞ ball, in units of a full pixel: above 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Radius(f64);

impl Radius {
    /// The radius.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Radius {
    type Err = String;

    /// A number, `a/b` or decimal.
    fn from_str(text: &str) -> Result<Radius, String> {
        let one = |s: &str| s.trim().parse::<f64>().ok().filter(|x| x.is_finite() && *x > 0.0);
        let value = match text.split_once('/') {
            Some((a, b)) => one(a).zip(one(b)).map(|(a, b)| a / b),
            None => one(text),
        };
        match value {
            Some(v) if v <= 1.0 => Ok(Radius(v)),
            Some(v) => {
                Err(format!("{v} is more than a full pixel, which is 1; write {v}/255 for {v} of 255 levels"))
            }
            None => Err(format!("'{text}' is no number above 0, such as 2/255 or 0.03")),
        }
    }
}

impl fmt::Display for Radius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&levels(self.0 as f32))
    }
}

/// A size in 255 levels where it is a quarter of one, else as a share of a full pixel.
pub(super) fn levels(v: f32) -> String {
    let k = v * 255.0;
    if (k - k.round()).abs() < 1e-4 || (k * 4.0 - (k * 4.0).round()).abs() < 1e-4 {
        format!("{}/255", (k * 4.0).round() / 4.0)
    } else {
        format!("{v}")
    }
}

/// A number, `a/b` or decimal.
pub(super) fn number(key: &str, v: &str) -> Result<f32, String> {
    let one = |s: &str| s.trim().parse::<f32>().ok().filter(|x| x.is_finite() && *x >= 0.0);
    let value = match v.split_once('/') {
        Some((a, b)) => one(a).zip(one(b)).filter(|(_, b)| *b > 0.0).map(|(a, b)| a / b),
        None => one(v),
    };
    value.ok_or_else(|| format!("{key}={v} is not a number such as 8/255 or 0.03"))
}

pub(super) fn count(key: &str, v: &str) -> Result<usize, String> {
    v.parse().ok().filter(|&n| n > 0).ok_or_else(|| format!("{key}={v} is not a whole number above 0"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_radius_is_a_share_of_a_pixel() {
        let r: Radius = "2/255".parse().unwrap();
        assert_eq!((r.get(), r.to_string()), (2.0 / 255.0, "2/255".to_owned()));
        for (bad, says) in [
            ("2", "write 2/255"),
            ("0", "above 0"),
            ("-1/255", "above 0"),
            ("2/255/3", "above 0"),
            ("a", "above 0"),
        ] {
            let said = bad.parse::<Radius>().unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
        }
    }
}
