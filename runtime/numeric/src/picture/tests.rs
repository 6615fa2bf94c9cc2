#![allow(clippy::unwrap_used)]
//! Decoding, against what libjpeg-turbo and libpng make of the same files.

use super::samples::{CMYK, FLAT, GREY, PROGRESSIVE, png};
use super::*;

fn pixel(p: &Picture, y: usize, x: usize) -> [u8; 3] {
    [0, 1, 2].map(|c| p.planes[(c * p.height + y) * p.width + x])
}

fn near(found: [u8; 3], expected: [u8; 3], by: u8) -> bool {
    found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= by)
}

#[test]
fn grey_jpeg_has_three_equal_planes() {
    let p = Picture::decode(&GREY).unwrap();
    assert_eq!((p.height, p.width), (8, 8));
    let (red, rest) = p.planes.split_at(64);
    assert!(rest == [red, red].concat());
    assert!(near(pixel(&p, 0, 7), [0; 3], 1) && near(pixel(&p, 7, 0), [210; 3], 1));
}

#[test]
fn colour_jpegs() {
    let p = Picture::decode(&FLAT).unwrap();
    assert_eq!((p.height, p.width), (9, 16));
    assert!((0..9).all(|y| (0..16).all(|x| near(pixel(&p, y, x), [201, 40, 90], 1))));
    let p = Picture::decode(&CMYK).unwrap();
    assert!(near(pixel(&p, 3, 3), [200, 40, 90], 2), "{:?}", pixel(&p, 3, 3));
}

#[test]
fn progressive_jpeg() {
    let p = Picture::decode(&PROGRESSIVE).unwrap();
    let corners = [pixel(&p, 0, 0), pixel(&p, 0, 15), pixel(&p, 15, 0), pixel(&p, 15, 15)];
    let expected = [[5, 0, 234], [211, 15, 0], [34, 225, 255], [238, 240, 33]];
    for (found, expected) in corners.into_iter().zip(expected) {
        assert!(near(found, expected, 3), "{found:?} {expected:?}");
    }
}

#[test]
fn pngs_of_every_colour_type() {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let planes = |colour, values: &[u8]| Picture::decode(&png(2, 1, colour, values).unwrap()).unwrap().planes;
    assert_eq!(planes(Rgb, &[1, 2, 3, 4, 5, 6]), [1, 4, 2, 5, 3, 6]);
    assert_eq!(planes(Rgba, &[1, 2, 3, 0, 4, 5, 6, 255]), [1, 4, 2, 5, 3, 6]);
    assert_eq!(planes(Grayscale, &[7, 9]), [7, 9, 7, 9, 7, 9]);
    assert_eq!(planes(GrayscaleAlpha, &[7, 0, 9, 0]), [7, 9, 7, 9, 7, 9]);
    assert_eq!(planes(Indexed, &[0, 1]), [1, 4, 2, 5, 3, 6]);
    let sixteen = [1, 99, 2, 99, 3, 99, 4, 99, 5, 99, 6, 99];
    assert_eq!(planes(Rgb, &sixteen), [1, 4, 2, 5, 3, 6]);
}

#[test]
fn no_cut_file() {
    let png = png(3, 3, png::ColorType::Grayscale, &[0, 50, 100, 3, 77, 1, 2, 9, 255]).unwrap();
    for whole in [&GREY[..], &FLAT, &PROGRESSIVE, &CMYK, &png] {
        for cut in 0..whole.len() {
            assert!(Picture::decode(&whole[..cut]).is_err(), "{} bytes of {}", cut, whole.len());
        }
    }
    assert!(Picture::decode(b"").unwrap_err().contains("empty"));
    assert!(Picture::decode(b"GIF89a").unwrap_err().contains("neither"));
}

#[test]
fn no_panic_on_any_changed_byte() {
    let png = png(3, 3, png::ColorType::Grayscale, &[0, 50, 100, 3, 77, 1, 2, 9, 255]).unwrap();
    for whole in [&GREY[..], &FLAT, &PROGRESSIVE, &CMYK, &png] {
        for at in 0..whole.len() {
            for value in [0, 1, 0x11, 0x7f, 0xd8, 0xff, whole[at] ^ 0x80, whole[at].wrapping_add(1)] {
                let mut damaged = whole.to_vec();
                damaged[at] = value;
                let _ = Picture::decode(&damaged);
            }
        }
    }
}

/// 40,000×40,000 in a few bytes.
#[test]
fn no_huge_size() {
    let mut jpeg = FLAT.to_vec();
    let at = jpeg.windows(4).position(|w| w == [0, 9, 0, 16]).unwrap();
    jpeg[at..at + 4].copy_from_slice(&[156, 64, 156, 64]);
    assert!(Picture::decode(&jpeg).is_err());
    let mut png = png(1, 1, png::ColorType::Grayscale, &[0]).unwrap();
    png[16..24].copy_from_slice(&[0, 0, 156, 64, 0, 0, 156, 64]);
    assert!(Picture::decode(&png).is_err());
}

#[test]
fn planes_of_each_image_become_pixels() {
    let planes = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 4.0, 5.0, 6.0, 40.0, 50.0, 60.0];
    let pixels = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0, 5.0, 50.0, 6.0, 60.0];
    assert_eq!(interleaved(&planes, [2, 1, 3]), pixels);
    assert_eq!(interleaved(&[], [3, 0, 0]), [0.0; 0]);
}
