//! AugMix's operations on values, as Pillow's `ImageOps` defines them. All of them replace values by a table.

/// Applies `table(histogram)` to every plane.
fn per_plane(image: &mut [u8], plane: usize, table: impl Fn(&[u32; 256]) -> Option<[u8; 256]>) {
    for values in image.chunks_exact_mut(plane) {
        let mut histogram = [0u32; 256];
        values.iter().for_each(|v| histogram[usize::from(*v)] += 1);
        if let Some(table) = table(&histogram) {
            values.iter_mut().for_each(|v| *v = table[usize::from(*v)]);
        }
    }
}

/// Spreads every plane of `plane` values over the whole range.
pub(super) fn autocontrast(image: &mut [u8], plane: usize) {
    per_plane(image, plane, |histogram| {
        let low = histogram.iter().position(|n| *n > 0)?;
        let high = histogram.iter().rposition(|n| *n > 0)?;
        let scale = if high > low { 255.0 / (high - low) as f64 } else { return None };
        let offset = -(low as f64) * scale;
        Some(std::array::from_fn(|v| (v as f64 * scale + offset) as u8))
    });
}

/// Makes all values of every plane of `plane` values equally frequent, as far as a table can.
pub(super) fn equalize(image: &mut [u8], plane: usize) {
    per_plane(image, plane, |histogram| {
        let last = histogram.iter().rfind(|n| **n > 0)?;
        let step = (plane as u32 - last) / 255;
        if step == 0 {
            return None;
        }
        let mut below = step / 2;
        Some(std::array::from_fn(|v| {
            let value = (below / step).min(255) as u8;
            below += histogram[v];
            value
        }))
    });
}

/// Keeps the upper `bits` (0 to 8) of every value.
pub(super) fn posterize(image: &mut [u8], bits: u32) {
    let mask = !(0xffu32 >> bits.min(8)) as u8;
    image.iter_mut().for_each(|v| *v &= mask);
}

/// Inverts the values from `threshold` on.
pub(super) fn solarize(image: &mut [u8], threshold: u32) {
    image.iter_mut().filter(|v| u32::from(**v) >= threshold).for_each(|v| *v = 255 - *v);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autocontrast_by_hand() {
        let mut image = [50, 100, 150, 60, 7, 7, 7, 7];
        autocontrast(&mut image, 4);
        // 255/100 · (v - 50) = 0, 127.5, 255, 25.5, cut off; a flat plane stays.
        assert_eq!(image, [0, 127, 255, 25, 7, 7, 7, 7]);
    }

    #[test]
    fn equalize_by_hand() {
        // 512 values, the highest of them once: step (512 - 1)/255 = 2, start 1. 100: 1/2 = 0, 101: 301/2 = 150,
        // 200: (1 + 511)/2 = 256, held at 255.
        let mut image = [vec![100u8; 300], vec![101; 211], vec![200; 1]].concat();
        equalize(&mut image, 512);
        assert_eq!((image[0], image[300], image[511]), (0, 150, 255));
        let mut few = [3u8, 90, 200, 200];
        equalize(&mut few, 4);
        assert_eq!(few, [3, 90, 200, 200]);
    }

    #[test]
    fn posterize_and_solarize_by_hand() {
        let mut image = [0, 15, 16, 129, 255];
        posterize(&mut image, 4);
        assert_eq!(image, [0, 0, 16, 128, 240]);
        let mut image = [0, 199, 200, 255];
        solarize(&mut image, 200);
        assert_eq!(image, [0, 199, 55, 0]);
        let mut image = [0, 255];
        solarize(&mut image, 256);
        posterize(&mut image, 8);
        assert_eq!(image, [0, 255]);
    }
}
