//! Glass blur: pixels copied from near neighbours between two Gaussian blurs.

use super::picture::{Picture, nearest};
use super::smooth;
use crate::dice::Dice;

const TRUNCATE: f64 = 4.0;

/// The deviation `sigma` of both blurs (pixels), the `reach` of a copy and the `rounds` come from the severity.
///
/// The benchmark means to exchange two pixels, but its exchange through NumPy views copies the neighbour and leaves
/// it as it was. The published images were made so, and this does the same.
pub(super) fn blur(image: &Picture, (sigma, reach, rounds): (f64, usize, usize), dice: &mut Dice) -> Vec<u8> {
    let (height, width) = (image.height, image.width);
    let mut bytes = smooth::gaussian(image, sigma, TRUNCATE, nearest).bytes();
    for _ in 0..rounds {
        for y in (reach + 1..=height - reach).rev() {
            for x in (reach + 1..=width - reach).rev() {
                // Offsets run from -reach to reach - 1.
                let (dx, dy) = (dice.below(2 * reach), dice.below(2 * reach));
                let (from, to) = ((y + dy - reach) * width + x + dx - reach, y * width + x);
                for plane in bytes.chunks_exact_mut(height * width) {
                    plane[to] = plane[from];
                }
            }
        }
    }
    smooth::gaussian(&Picture::of(&bytes, height, width), sigma, TRUNCATE, nearest).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel names its place: row in the first plane, column in the second.
    fn places(side: usize) -> Vec<u8> {
        let at = |f: fn(usize, usize) -> usize| (0..side * side).map(move |i| f(i / side, i % side) as u8);
        at(|y, _| y).chain(at(|_, x| x)).chain(at(|_, _| 9)).collect()
    }

    #[test]
    fn pixels_come_whole_from_above_and_left() {
        let side = 32;
        // A deviation of 0.05 pixels blurs nothing, so what is seen are the copies alone.
        let shuffled = blur(&Picture::of(&places(side), side, side), (0.05, 1, 1), &mut Dice::new(3, 0));
        let mut moved = 0;
        for y in 0..side {
            for x in 0..side {
                let up = y as i32 - i32::from(shuffled[y * side + x]);
                let left = x as i32 - i32::from(shuffled[side * side + y * side + x]);
                if y < 2 || x < 2 {
                    assert_eq!((up, left), (0, 0), "the first two rows and columns stay");
                } else {
                    assert!((0..=1).contains(&up) && (0..=1).contains(&left), "offsets are -1 and 0");
                    moved += usize::from((up, left) != (0, 0));
                }
            }
        }
        let share = moved as f64 / 900.0;
        assert!((share - 0.75).abs() < 0.05, "{share}");
    }

    #[test]
    fn the_last_level_still_blurs() {
        let bytes: Vec<u8> = (0..3 * 1024).map(|i| if i % 2 == 0 { 200 } else { 40 }).collect();
        let blurred = blur(&Picture::of(&bytes, 32, 32), (0.4, 1, 2), &mut Dice::new(0, 0));
        let spread = |b: &[u8]| b.iter().map(|v| (f64::from(*v) - 120.0).powi(2)).sum::<f64>();
        assert!(spread(&blurred) < 0.9 * spread(&bytes));
    }
}
