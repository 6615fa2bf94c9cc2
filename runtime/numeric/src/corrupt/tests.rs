//! What holds for all corruptions alike. Each one's definition is tested in its own file.

#![allow(clippy::unwrap_used)]

use super::*;

const SHAPE: [usize; 3] = [3, 32, 32];

/// A coloured wave with an edge, a disc and a little texture, different for each `index`.
fn picture(side: usize, index: usize) -> Vec<u8> {
    let value = |c: usize, y: usize, x: usize| {
        let (v, u) = (y as f64 * 32.0 / side as f64, x as f64 * 32.0 / side as f64);
        let phase = index as f64 * 1.7;
        let wave = (u / (4.0 + c as f64) + phase).sin() * (v / 6.0 - phase).cos();
        let disc = if (u - 14.0).powi(2) + (v - 18.0).powi(2) < 60.0 { 60.0 } else { -20.0 };
        let texture = ((x * 7 + y * 13 + index + x * y * 5) % 23) as f64 * 0.3;
        (100.0 + 20.0 * c as f64 + 45.0 * wave + disc + texture).clamp(0.0, 255.0) as u8
    };
    (0..3 * side * side).map(|i| value(i / (side * side), i / side % side, i % side)).collect()
}

/// Root mean square difference over eight pictures, in steps of 255.
fn distortion(corruption: Corruption, severity: u8, side: usize) -> f64 {
    let mut sum = 0.0;
    for index in 0..8 {
        let image = picture(side, index);
        let worse =
            corrupt(&image, [3, side, side], Damage { corruption, severity, seed: 1 }, index as u64).unwrap();
        assert_eq!(worse.len(), image.len());
        sum += image.iter().zip(&worse).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum::<f64>();
    }
    (sum / (8 * 3 * side * side) as f64).sqrt()
}

#[test]
fn severity_increases_distortion() {
    for side in [32, 64] {
        for corruption in Corruption::ALL {
            let found = [1, 2, 3, 4, 5].map(|s| distortion(corruption, s, side));
            // Not every published constant of these grows with the severity, frost also dims the image, and what
            // pixelating costs depends on how its blocks fall on the texture.
            let uneven = [
                Corruption::GlassBlur,
                Corruption::MotionBlur,
                Corruption::ElasticTransform,
                Corruption::Frost,
                Corruption::Pixelate,
            ];
            if !uneven.contains(&corruption) {
                assert!(found.windows(2).all(|w| w[0] < w[1]), "{corruption} {side} {found:?}");
            } else if corruption != Corruption::ElasticTransform {
                assert!(found[0] < found[4], "{corruption} {side} {found:?}");
            }
            assert!(found[0] > 0.5 && found[4] < 130.0, "{corruption} {side} {found:?}");
        }
    }
}

#[test]
fn the_same_request_gives_the_same_image() {
    let image = picture(32, 0);
    for corruption in Corruption::ALL {
        let made = |severity, seed, index| {
            corrupt(&image, SHAPE, Damage { corruption, severity, seed }, index).unwrap()
        };
        assert_eq!(made(3, 5, 9), made(3, 5, 9), "{corruption}");
        let fixed = [
            Corruption::DefocusBlur,
            Corruption::ZoomBlur,
            Corruption::Brightness,
            Corruption::Contrast,
            Corruption::Pixelate,
            Corruption::JpegCompression,
        ];
        let drawn = !fixed.contains(&corruption);
        assert_eq!(made(3, 5, 9) != made(3, 6, 9), drawn, "{corruption}");
        assert_eq!(made(3, 5, 9) != made(3, 5, 10), drawn, "{corruption}");
    }
}

#[test]
fn a_batch_is_its_images() {
    let images: Vec<u8> = (0..5).flat_map(|i| picture(32, i)).collect();
    let indices = [4, 8, 15, 16, 23];
    for corruption in [Corruption::Snow, Corruption::GlassBlur] {
        let batch =
            corrupt_batch(&images, SHAPE, Damage { corruption, severity: 2, seed: 7 }, &indices).unwrap();
        for (i, index) in indices.into_iter().enumerate() {
            let one =
                corrupt(&picture(32, i), SHAPE, Damage { corruption, severity: 2, seed: 7 }, index).unwrap();
            assert_eq!(batch[i * 3072..(i + 1) * 3072], one[..]);
        }
    }
}

#[test]
fn oblong_and_odd_images() {
    for (height, width) in [(8, 8), (9, 31), (40, 17), (70, 65)] {
        let image: Vec<u8> = (0..3 * height * width).map(|i| (i * 31 % 256) as u8).collect();
        for corruption in Corruption::ALL {
            for severity in 1..=SEVERITIES {
                let worse =
                    corrupt(&image, [3, height, width], Damage { corruption, severity, seed: 0 }, 0).unwrap();
                assert_eq!(worse.len(), image.len(), "{corruption} {height}×{width}");
            }
        }
    }
}

#[test]
fn black_and_white_images() {
    for value in [0, 255] {
        let flat = vec![value; 3072];
        for corruption in Corruption::ALL {
            assert_eq!(
                corrupt(&flat, SHAPE, Damage { corruption, severity: 5, seed: 0 }, 0).unwrap().len(),
                3072
            );
        }
    }
}

/// A grey image in one plane becomes what each of three equal planes becomes; frost alone has a colour.
#[test]
fn one_grey_plane_is_like_three() {
    for side in [28, 64] {
        let plane = &picture(side, 3)[..side * side];
        let three = plane.repeat(3);
        for corruption in Corruption::ALL {
            for severity in 1..=SEVERITIES {
                let one =
                    corrupt(plane, [1, side, side], Damage { corruption, severity, seed: 2 }, 7).unwrap();
                let colours =
                    corrupt(&three, [3, side, side], Damage { corruption, severity, seed: 2 }, 7).unwrap();
                assert_eq!(one.len(), plane.len());
                if corruption != Corruption::Frost {
                    assert_eq!(one, colours[..plane.len()], "{corruption} {severity}");
                }
            }
        }
    }
}

#[test]
fn wrong_requests_are_refused() {
    let image = picture(32, 0);
    let ask = |image: &[u8], shape, severity| {
        corrupt(image, shape, Damage { corruption: Corruption::Fog, severity, seed: 0 }, 0)
    };
    assert!(matches!(ask(&image, SHAPE, 0), Err(CorruptError::Severity { found: 0 })));
    assert!(matches!(ask(&image, SHAPE, 6), Err(CorruptError::Severity { found: 6 })));
    assert!(matches!(
        ask(&image[1..], SHAPE, 1),
        Err(CorruptError::Length { wanted: 3072, found: 3071, .. })
    ));
    assert!(matches!(ask(&image[..2048], [2, 32, 32], 1), Err(CorruptError::Shape { .. })));
    assert!(matches!(ask(&image[..96], [3, 4, 8], 1), Err(CorruptError::Shape { .. })));
}

#[test]
fn the_contact_sheet_shows_its_images() {
    let images: Vec<u8> = (0..2).flat_map(|i| picture(32, i)).collect();
    let (width, height, pixels) = contact_sheet(&images, SHAPE, 3, 0).unwrap();
    assert_eq!(pixels.len(), width * height * 3);
    // The first original stands in the second of seven columns, behind the names.
    let left = width - 6 * (32 * 3 + 4);
    let top = height - 15 * (32 * 3 + 4);
    for (y, x) in [(0, 0), (10, 25), (31, 31)] {
        for c in 0..3 {
            let at = ((top + 3 * y + 1) * width + left + 3 * x + 1) * 3 + c;
            assert_eq!(pixels[at], images[c * 1024 + y * 32 + x]);
        }
    }
    assert!(contact_sheet(&[], SHAPE, 3, 0).is_err());
}
