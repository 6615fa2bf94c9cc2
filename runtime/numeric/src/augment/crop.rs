//! Random crop and flip.

use crate::dice::Dice;

/// A random cutting of the image's own size from the image with `pad` black pixels around it, mirrored left to right if `flip`.
/// `image` holds planes of `shape` (channels, height, width).
pub fn crop_flip(image: &[u8], shape: [usize; 3], pad: usize, flip: bool, rng: &mut Dice) -> Vec<u8> {
    let (top, left) = (rng.below(2 * pad + 1), rng.below(2 * pad + 1));
    cut(image, shape, [top as isize - pad as isize, left as isize - pad as isize], flip)
}

/// The cutting whose first pixel lies at row `top`, column `left` of the image, mirrored if `flip`.
fn cut(image: &[u8], [_, height, width]: [usize; 3], [top, left]: [isize; 2], flip: bool) -> Vec<u8> {
    let mut out = vec![0u8; image.len()];
    // Columns of the cutting that lie in the image.
    let first = (-left).clamp(0, width as isize) as usize;
    let last = (width as isize - left).clamp(0, width as isize) as usize;
    if first >= last {
        return out;
    }
    let start = (first as isize + left) as usize;
    for (i, row) in out.chunks_exact_mut(width).enumerate() {
        let (plane, y) = (i / height, (i % height) as isize + top);
        if (0..height as isize).contains(&y) {
            let from = (plane * height + y as usize) * width + start;
            row[first..last].copy_from_slice(&image[from..from + last - first]);
            if flip {
                row.reverse();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: [u8; 12] = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];

    #[test]
    fn cuttings() {
        let at = |place, flip| cut(&IMAGE, [2, 2, 3], place, flip);
        assert_eq!(at([0, 0], false), IMAGE);
        assert_eq!(at([0, 0], true), [3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14]);
        assert_eq!(at([1, -1], false), [0, 4, 5, 0, 0, 0, 0, 14, 15, 0, 0, 0]);
        assert_eq!(at([-1, 2], true), [0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 13]);
        assert_eq!(at([0, -3], false), [0; 12]);
        assert_eq!(at([0, 5], false), [0; 12]);
    }

    #[test]
    fn all_places_occur_equally_in_either_direction() {
        let mut counts = std::collections::HashMap::new();
        let image: Vec<u8> = (1..=64).collect();
        let mut dice = Dice::new(0, 0);
        for n in 0..20_000 {
            *counts.entry(crop_flip(&image, [1, 8, 8], 1, n % 2 == 1, &mut dice)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 18);
        assert!(counts.values().all(|n| (950..1270).contains(n)), "{:?}", counts.values());
    }
}
