//! Brightness and contrast.

use super::picture::Picture;

/// Adds `amount` to the HSV value of every pixel; hue and saturation stay.
pub(super) fn brightness(image: &Picture, amount: f64) -> Vec<u8> {
    let size = image.height * image.width;
    let mut brighter = image.clone();
    if image.planes().count() == 1 {
        brighter.values.iter_mut().for_each(|v| *v = (*v + amount).clamp(0.0, 1.0));
        return brighter.bytes();
    }
    for i in 0..size {
        let rgb = [0, 1, 2].map(|c| image.values[c * size + i]);
        for (c, value) in brighten(rgb, amount).into_iter().enumerate() {
            brighter.values[c * size + i] = value;
        }
    }
    brighter.bytes()
}

/// RGB to HSV and back with another value, in the textbook's steps, so that whole numbers are met or missed as there.
fn brighten([r, g, b]: [f64; 3], amount: f64) -> [f64; 3] {
    let value = r.max(g).max(b);
    let spread = value - r.min(g).min(b);
    let lifted = (value + amount).clamp(0.0, 1.0);
    if spread == 0.0 {
        return [lifted; 3];
    }
    let sextant = if b == value {
        4.0 + (r - g) / spread
    } else if g == value {
        2.0 + (b - r) / spread
    } else {
        (g - b) / spread
    };
    let hue = (sextant / 6.0).rem_euclid(1.0) * 6.0;
    let (part, saturation) = (hue - hue.floor(), spread / value);
    let low = lifted * (1.0 - saturation);
    let falling = lifted * (1.0 - part * saturation);
    let rising = lifted * (1.0 - (1.0 - part) * saturation);
    match hue as u8 {
        0 => [lifted, rising, low],
        1 => [falling, lifted, low],
        2 => [low, lifted, rising],
        3 => [low, falling, lifted],
        4 => [rising, low, lifted],
        _ => [lifted, low, falling],
    }
}

/// Draws every value to the mean of its channel; the share `factor` of the distance remains.
pub(super) fn contrast(image: &Picture, factor: f64) -> Vec<u8> {
    let mut flatter = image.clone();
    let size = image.height * image.width;
    for plane in flatter.values.chunks_exact_mut(size) {
        let mean = plane.iter().sum::<f64>() / size as f64;
        plane.iter_mut().for_each(|v| *v = (*v - mean) * factor + mean);
    }
    flatter.bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> (Vec<u8>, Picture) {
        let bytes: Vec<u8> = (0..3 * 1024).map(|i| (i * i / 7 % 256) as u8).collect();
        let picture = Picture::of(&bytes, 32, 32);
        (bytes, picture)
    }

    #[test]
    fn brightness_scales_the_colour_to_its_new_value() {
        let (bytes, picture) = image();
        for amount in [0.05, 0.3] {
            let brighter = brightness(&picture, amount);
            for i in 0..1024 {
                let rgb = [0, 1, 2].map(|c| f64::from(bytes[c * 1024 + i]) / 255.0);
                let value = rgb.into_iter().fold(0.0, f64::max);
                let lifted = (value + amount).min(1.0);
                for c in 0..3 {
                    let wanted = if value > 0.0 { rgb[c] * lifted / value } else { lifted };
                    let found = f64::from(brighter[c * 1024 + i]);
                    assert!((found + 0.5 - wanted * 255.0).abs() <= 0.5 + 1e-9);
                }
            }
        }
    }

    #[test]
    fn black_becomes_grey() {
        assert_eq!(brighten([0.0; 3], 0.25), [0.25; 3]);
        assert_eq!(brighten([1.0, 0.0, 0.0], 0.3), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn contrast_keeps_the_mean_and_scales_the_rest() {
        let (bytes, picture) = image();
        for factor in [0.75, 0.15] {
            let flatter = contrast(&picture, factor);
            for c in 0..3 {
                let range = c * 1024..(c + 1) * 1024;
                let mean = bytes[range.clone()].iter().map(|b| f64::from(*b)).sum::<f64>() / 1024.0;
                let after = flatter[range.clone()].iter().map(|b| f64::from(*b) + 0.5).sum::<f64>() / 1024.0;
                assert!((after - mean).abs() < 0.2, "{after} {mean}");
                for i in range {
                    let wanted = mean + factor * (f64::from(bytes[i]) - mean);
                    assert!((f64::from(flatter[i]) + 0.5 - wanted).abs() <= 0.5 + 1e-9);
                }
            }
        }
    }
}
