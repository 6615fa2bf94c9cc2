//! JPEG as libjpeg's defaults do it: 4:2:0 chroma, the standard tables, triangle-filtered chroma on the way back.
//!
//! The entropy code of JPEG loses nothing, so it is left out: an image goes through colour transform, cosine
//! transform and quantisation, and back.

mod chroma;
mod cosine;

use cosine::BLOCK;

/// Luminance and chrominance steps of quality 50, in row order (ITU-T T.81, tables K.1 and K.2).
const LUMINANCE: [u32; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMINANCE: [u32; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// Planes R, G, B, or one grey plane, of `size` (height, width) after encoding at `quality` (1 to 100) and decoding.
pub(super) fn compress(image: &[u8], size: (usize, usize), quality: u32) -> Vec<u8> {
    if image.len() == size.0 * size.1 {
        return coded(image, size, &table(&LUMINANCE, quality));
    }
    let [y, cb, cr] = chroma::split(image);
    let y = coded(&y, size, &table(&LUMINANCE, quality));
    let half = (size.0.div_ceil(2), chroma::block_width(size.1));
    let coarse = table(&CHROMINANCE, quality);
    let coded_small = |plane: &[u8]| {
        let small = coded(&chroma::halve(plane, size), half, &coarse);
        chroma::double(&small, size)
    };
    let [cb, cr] = [cb, cr].map(|plane| coded_small(&plane));
    chroma::join(&y, &cb, &cr)
}

/// The steps of a quality on libjpeg's scale, held in 1 to 255 as baseline JPEG wants.
fn table(base: &[u32; 64], quality: u32) -> [i32; 64] {
    let percent = if quality < 50 { 5000 / quality.max(1) } else { 200 - 2 * quality.min(100) };
    base.map(|step| ((step * percent + 50) / 100).clamp(1, 255) as i32)
}

/// A plane after transform, rounding to multiples of the steps, and transform back. Sides that are no multiple of 8
/// are continued by their last pixel.
fn coded(plane: &[u8], (height, width): (usize, usize), steps: &[i32; 64]) -> Vec<u8> {
    let mut out = vec![0u8; plane.len()];
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            let mut block = [0; 64];
            for (i, value) in block.iter_mut().enumerate() {
                let (y, x) = ((top + i / BLOCK).min(height - 1), (left + i % BLOCK).min(width - 1));
                *value = i32::from(plane[y * width + x]) - 128;
            }
            let mut wave = cosine::forward(&block);
            wave.iter_mut().zip(steps).for_each(|(w, s)| *w = whole_steps(*w, *s) * s);
            let back = cosine::backward(&wave);
            for (i, value) in back.iter().enumerate() {
                let (y, x) = (top + i / BLOCK, left + i % BLOCK);
                if y < height && x < width {
                    out[y * width + x] = (value + 128).clamp(0, 255) as u8;
                }
            }
        }
    }
    out
}

/// How many steps a coefficient is, given eight times too large; halves are rounded away from 0.
fn whole_steps(enlarged: i32, step: i32) -> i32 {
    enlarged.signum() * ((enlarged.abs() + 4 * step) / (8 * step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Vec<u8> {
        let value = |c: usize, y: usize, x: usize| {
            let wave = ((x * (c + 2)) as f64 / 5.0).sin() * ((y + 3 * c) as f64 / 7.0).cos();
            let edge = if x + y > 30 + 4 * c { 40.0 } else { -30.0 };
            (128.0 + 70.0 * wave + edge).clamp(0.0, 255.0) as u8
        };
        (0..3 * 1024).map(|i| value(i / 1024, i / 32 % 32, i % 32)).collect()
    }

    fn psnr(a: &[u8], b: &[u8]) -> f64 {
        let square = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
        10.0 * (255.0f64.powi(2) * a.len() as f64 / square).log10()
    }

    #[test]
    fn quality_fifty_is_the_standard_table() {
        assert_eq!(table(&LUMINANCE, 50), LUMINANCE.map(|s| s as i32));
        assert_eq!(table(&LUMINANCE, 100), [1; 64]);
        // libjpeg's first step at quality 80 is (16·40 + 50)/100 = 6, at 40 (16·125 + 50)/100 = 20.
        assert_eq!(table(&LUMINANCE, 80)[0], 6);
        assert_eq!(table(&LUMINANCE, 40)[0], 20);
    }

    #[test]
    fn quality_costs_fidelity_in_order() {
        let image = picture();
        let found = [95, 80, 65, 58, 50, 40, 25].map(|q| psnr(&image, &compress(&image, (32, 32), q)));
        assert!(found.windows(2).all(|w| w[0] > w[1]), "{found:?}");
        assert!((26.0..40.0).contains(&found[1]) && (22.0..34.0).contains(&found[5]), "{found:?}");
    }

    #[test]
    fn grey_steps_survive_but_for_rounding() {
        let flat = [vec![200u8; 1024], vec![200; 1024], vec![200; 1024]].concat();
        let back = compress(&flat, (32, 32), 80);
        assert!(back.iter().all(|b| b.abs_diff(200) <= 1));
        let odd = vec![90u8; 3 * 13 * 19];
        assert!(compress(&odd, (13, 19), 80).iter().all(|b| b.abs_diff(90) <= 1));
    }

    #[test]
    fn rounded_waves_are_what_is_left() {
        // One block of one wave: amplitude 40 at (0, 1) with step 11 becomes 44.
        let mut wave = [0; 64];
        wave[1] = 40;
        let plane = cosine::backward(&wave).map(|v| (v + 128) as u8);
        let back = coded(&plane, (8, 8), &table(&LUMINANCE, 50));
        wave[1] = 44;
        let wanted = cosine::backward(&wave).map(|v| (v + 128) as u8);
        assert_eq!(back, wanted);
    }

    /// The pinned hashes are those of what libjpeg-turbo 3.2 makes of the images, encoded and decoded by Pillow with
    /// its defaults.
    #[test]
    fn bytes_are_those_of_libjpeg() {
        let hash = |(height, width): (usize, usize), quality: u32| {
            let value = |c: usize, y: usize, x: usize| x * y / 4 + 13 * c + x * x / 9 + 60 * c * (y / 7);
            let place = |i: usize| (i / (height * width), i / width % height, i % width);
            let image: Vec<u8> =
                (0..3 * height * width).map(place).map(|(c, y, x)| value(c, y, x) as u8).collect();
            crate::fnv::fingerprint(compress(&image, (height, width), quality).iter().map(|&b| b.into()))
        };
        assert_eq!(hash((32, 32), 40), 3_655_321_537_034_905_289);
        assert_eq!(hash((13, 19), 40), 12_761_795_715_729_876_371);
        assert_eq!(hash((64, 64), 25), 2_922_615_518_405_538_079);
        assert_eq!(hash((17, 40), 40), 15_730_943_836_157_138_977);
    }

    #[test]
    fn halves_go_outwards() {
        assert_eq!([23, 24, -24, -23, 72].map(|w| whole_steps(w, 6)), [0, 1, -1, 0, 2]);
    }
}
