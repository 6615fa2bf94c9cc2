//! Images of one channel from three, and of three from one.

/// The weights of R, G and B in luma, ITU-R BT.601, in parts of 2¹⁶. They sum to 2¹⁶, so grey stays what it is.
const LUMA: [u32; 3] = [19_595, 38_470, 7_471];

/// N×`from`×`plane` values as N×`to`×`plane`: three channels become their luma, one becomes three equal ones; anything else
/// stays.
pub(super) fn convert(pixels: Vec<u8>, from: usize, to: usize, plane: usize) -> Vec<u8> {
    match (from, to) {
        (3, 1) => pixels.chunks_exact((3 * plane).max(1)).flat_map(|image| luma(image, plane)).collect(),
        (1, 3) => pixels.chunks_exact(plane.max(1)).flat_map(|image| image.repeat(3)).collect(),
        _ => pixels,
    }
}

/// The luma of planes R, G and B, rounded.
fn luma(image: &[u8], plane: usize) -> impl Iterator<Item = u8> + '_ {
    let value = move |i: usize| (0..3).map(|c| LUMA[c] * u32::from(image[c * plane + i])).sum::<u32>();
    (0..plane).map(move |i| ((value(i) + (1 << 15)) >> 16) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_by_hand() {
        // 0.299·255 = 76.2, 0.587·255 = 149.7, 0.114·255 = 29.1; the second image is grey.
        let colours = vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 254, 1, 2, 254, 1, 2, 254];
        assert_eq!(convert(colours, 3, 1, 3), [76, 150, 29, 1, 2, 254]);
    }

    #[test]
    fn grey_stays_grey_both_ways() {
        let grey: Vec<u8> = (0..=255).collect();
        assert_eq!(convert(convert(grey.clone(), 1, 3, 16), 3, 1, 16), grey);
        assert_eq!(convert(grey.clone(), 1, 1, 16), grey);
    }
}
