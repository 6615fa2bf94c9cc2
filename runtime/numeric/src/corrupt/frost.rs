//! Frost: ice crystals laid over the image.
//!
//! The benchmark lays random cuttings of five photographs of frosted windows over the image. The photographs are not
//! part of relinc, so crystals are drawn here: ferns of bright needles with side branches over a bluish haze, in the
//! photographs' scale, one pixel being 1/0.2 (or 1/0.3) of theirs. The weights of image and frost are the published
//! ones. The drawn frost has a mean of about 130 and a standard deviation of about 50 of 255, which are chosen to look
//! right and not measured on the photographs. Numbers of this corruption can be compared with each other, not with those of the published files.

use super::picture::{Picture, luma};
use super::{fog, levels::Levels};
use crate::dice::Dice;

/// Haze where there is no crystal, and crystals: R, G, B.
const HAZE: [f64; 3] = [0.12, 0.18, 0.27];
const ICE: [f64; 3] = [0.92, 0.97, 1.0];
/// The scale at which the lengths below are pixels.
const SCALE: f64 = 0.2;

/// `image_weight·x + frost_weight·frost`, both weights from the severity.
pub(super) fn frost(image: &Picture, levels: &Levels, severity: usize, dice: &mut Dice) -> Vec<u8> {
    let (keep, weight) = levels.frost[severity];
    let crystals = crystals(image.height, image.width, levels.frost_scale / SCALE, dice);
    let size = image.height * image.width;
    let grey = image.planes().count() == 1;
    let [haze, ice] = [HAZE, ICE].map(|colour| if grey { [luma(colour); 3] } else { colour });
    let values = image.values.iter().enumerate().map(|(i, x)| {
        let (haze, ice) = (haze[i / size], ice[i / size]);
        keep * x + weight * (haze + (ice - haze) * crystals[i % size])
    });
    image.with(values).bytes()
}

/// How much ice covers each pixel, 0 to 1.
fn crystals(height: usize, width: usize, scale: f64, dice: &mut Dice) -> Vec<f64> {
    let side = height.max(width).next_power_of_two();
    let cover = fog::plasma(side, 2.0, dice);
    let needles = ferns(height as f64, width as f64, scale, dice);
    let mut ice = Vec::with_capacity(height * width);
    for y in 0..height {
        for x in 0..width {
            let clear = needles.iter().fold(1.0, |clear, n| clear * (1.0 - n.cover(y as f64, x as f64)));
            let grain = 1.0 + 0.15 * dice.normal();
            let film = 0.8 * cover[y * side + x].powi(2);
            ice.push((1.0 - clear * (1.0 - film * grain)).clamp(0.0, 1.0));
        }
    }
    ice
}

/// A straight crystal that grows thinner and fainter towards its tip. Lengths are pixels.
struct Needle {
    y: f64,
    x: f64,
    /// Row and column of the unit vector to the tip.
    along: (f64, f64),
    length: f64,
    thickness: f64,
    brightness: f64,
}

impl Needle {
    fn cover(&self, y: f64, x: f64) -> f64 {
        let (dy, dx) = (y - self.y, x - self.x);
        let along = dy * self.along.0 + dx * self.along.1;
        let across = dx * self.along.0 - dy * self.along.1;
        let beyond = (along - along.clamp(0.0, self.length)).powi(2);
        let square = (beyond + across * across) / (self.thickness * self.thickness);
        if square > 9.0 {
            return 0.0;
        }
        let taper = 1.0 - 0.6 * (along / self.length).clamp(0.0, 1.0);
        self.brightness * taper * (-square).exp()
    }

    fn branch(&self, at: f64, turn: f64, length: f64, faintness: f64) -> Needle {
        let (sin, cos) = turn.sin_cos();
        let (row, column) = self.along;
        Needle {
            y: self.y + at * row,
            x: self.x + at * column,
            along: (row * cos + column * sin, column * cos - row * sin),
            length,
            thickness: 0.75 * self.thickness,
            brightness: self.brightness * faintness,
        }
    }
}

/// Some stems from anywhere in or just outside the image, with branches on both sides at about 60°.
fn ferns(height: f64, width: f64, scale: f64, dice: &mut Dice) -> Vec<Needle> {
    let mut needles = Vec::new();
    let area = height * width / (32.0 * 32.0 * scale * scale);
    let stems = ((5.0 + dice.uniform(0.0, 8.0)) * area).round() as usize;
    let margin = 6.0 * scale;
    for _ in 0..stems {
        let (sin, cos) = dice.uniform(0.0, std::f64::consts::TAU).sin_cos();
        let stem = Needle {
            y: dice.uniform(-margin, height + margin),
            x: dice.uniform(-margin, width + margin),
            along: (sin, cos),
            length: dice.uniform(8.0, 30.0) * scale,
            thickness: dice.uniform(0.7, 1.5) * scale,
            brightness: dice.uniform(0.6, 1.0),
        };
        let mut at = dice.uniform(1.0, 3.0) * scale;
        while at < stem.length {
            let reach = 0.45 * (stem.length - at);
            for side in [-1.0, 1.0] {
                let turn = side * dice.uniform(0.85, 1.2);
                needles.push(stem.branch(at, turn, reach * dice.uniform(0.5, 1.0) + scale, 0.75));
            }
            at += dice.uniform(2.0, 4.5) * scale;
        }
        needles.push(stem);
    }
    needles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_are_exact() {
        // Same dice, same crystals: what black and grey images become differs by the image's weighted share alone.
        let levels = Levels::of(32, 32);
        for severity in [0, 4] {
            let laid = |grey: u8| {
                let image = Picture::of(&vec![grey; 3 * 1024], 32, 32);
                frost(&image, levels, severity, &mut Dice::new(6, 0))
            };
            let (dark, light) = (laid(0), laid(100));
            for (d, l) in dark.iter().zip(&light) {
                let wanted = (f64::from(*d) + levels.frost[severity].0 * 100.0).min(255.0);
                assert!((f64::from(*l) - wanted).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn crystals_are_bright_streaks_on_dark_haze() {
        let (mut mean, mut square, n) = (0.0, 0.0, 200.0 * 1024.0);
        for seed in 0..200 {
            for v in crystals(32, 32, 1.0, &mut Dice::new(seed, 0)) {
                assert!((0.0..=1.0).contains(&v));
                mean += v / n;
                square += v * v / n;
            }
        }
        let deviation = (square - mean * mean).sqrt();
        assert!((0.2..0.5).contains(&mean), "{mean}");
        assert!((0.2..0.35).contains(&deviation), "{deviation}");
    }
}
