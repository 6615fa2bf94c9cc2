//! JFIF colours, and chroma at half size.

use super::cosine::BLOCK;

/// Fractional bits of the weights, as in libjpeg.
const BITS: u32 = 16;
const HALF: i32 = 1 << (BITS - 1);
/// 128, and halves are rounded down.
const CHROMA: i32 = (128 << BITS) + HALF - 1;

/// Planes Y, Cb, Cr of planes R, G, B: the weights 0.299, 0.587 and 0.114 of ITU-R BT.601 and what follows from them.
pub(super) fn split(rgb: &[u8]) -> [Vec<u8>; 3] {
    let size = rgb.len() / 3;
    let weigh = |weights: [i32; 3], offset: i32| {
        let value =
            |i: usize| (0..3).map(|c| weights[c] * i32::from(rgb[c * size + i])).sum::<i32>() + offset;
        (0..size).map(|i| (value(i) >> BITS) as u8).collect()
    };
    [
        weigh([19_595, 38_470, 7_471], HALF),
        weigh([-11_059, -21_709, 32_768], CHROMA),
        weigh([32_768, -27_439, -5_329], CHROMA),
    ]
}

/// Planes R, G, B of planes Y, Cb, Cr: the inverse, with 1.402, 0.34414, 0.71414 and 1.772.
pub(super) fn join(y: &[u8], cb: &[u8], cr: &[u8]) -> Vec<u8> {
    let plane = |blue: i32, red: i32| {
        let value = move |i: usize| {
            let chroma = blue * (i32::from(cb[i]) - 128) + red * (i32::from(cr[i]) - 128);
            (i32::from(y[i]) + ((chroma + HALF) >> BITS)).clamp(0, 255) as u8
        };
        (0..y.len()).map(value)
    };
    plane(0, 91_881).chain(plane(-22_554, -46_802)).chain(plane(116_130, 0)).collect()
}

/// Means of squares of four; halves are rounded down and up by turns along a row, as libjpeg does.
///
/// Rows are continued by the last pixel until whole blocks of 8 means are full, so they come out as long as
/// [`block_width`] says.
pub(super) fn halve(plane: &[u8], (height, width): (usize, usize)) -> Vec<u8> {
    let at = |y: usize, x: usize| u32::from(plane[y.min(height - 1) * width + x.min(width - 1)]);
    let mut out = Vec::with_capacity(height.div_ceil(2) * block_width(width));
    for y in (0..height).step_by(2) {
        for x in 0..block_width(width) {
            let sum = at(y, 2 * x) + at(y, 2 * x + 1) + at(y + 1, 2 * x) + at(y + 1, 2 * x + 1);
            out.push(((sum + 1 + x as u32 % 2) / 4) as u8);
        }
    }
    out
}

/// Columns of the halved plane of an image of that width.
pub(super) fn block_width(width: usize) -> usize {
    width.div_ceil(2 * BLOCK) * BLOCK
}

/// A plane that was halved, brought back to `full` size (height, width): every pixel is 9, 3, 3 and 1 sixteenths of the four
/// nearest ones.
pub(super) fn double(plane: &[u8], full: (usize, usize)) -> Vec<u8> {
    let (half, stride) = ((full.0.div_ceil(2), full.1.div_ceil(2)), block_width(full.1));
    // Neighbour on the side of the finer pixel; the border goes on.
    let other = |i: usize, n: usize| {
        if i.is_multiple_of(2) { (i / 2).saturating_sub(1) } else { (i / 2 + 1).min(n - 1) }
    };
    let mut out = Vec::with_capacity(full.0 * full.1);
    for y in 0..full.0 {
        let (near, far) = (y / 2 * stride, other(y, half.0) * stride);
        let column = |x: usize| 3 * u32::from(plane[near + x]) + u32::from(plane[far + x]);
        for x in 0..full.1 {
            let up = if x.is_multiple_of(2) { 8 } else { 7 };
            out.push(((3 * column(x / 2) + column(other(x, half.1)) + up) / 16) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        // Red is (76, 85, 255) in JFIF.
        let [y, cb, cr] = split(&[255, 0, 0]);
        assert_eq!((y[0], cb[0], cr[0]), (76, 85, 255));
        assert_eq!(join(&y, &cb, &cr), [254, 0, 0]);
        let greys: Vec<u8> = (0..=255).collect();
        let [y, cb, cr] = split(&[greys.clone(), greys.clone(), greys.clone()].concat());
        assert_eq!(y, greys);
        assert!(cb.iter().chain(&cr).all(|c| *c == 128));
    }

    #[test]
    fn halving_alternates_its_rounding() {
        assert_eq!(halve(&[0, 1, 0, 1, 0, 1, 0, 1], (2, 4)), [0, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(halve(&[8, 4, 6], (1, 3))[..3], [6, 6, 6]);
    }

    #[test]
    fn doubling_is_a_triangle_filter() {
        let wide = double(&[0, 160, 9, 9, 9, 9, 9, 9], (2, 4));
        assert_eq!(wide, [0, 40, 120, 160, 0, 40, 120, 160]);
    }
}
