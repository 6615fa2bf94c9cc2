//! Which training images are kept aside for validation.

use crate::dice::Dice;

/// The validation size when none is asked for: 2,000, or a fifth of the training images when that is less.
pub(super) fn default_val(total: usize) -> usize {
    2000.min(total / 5)
}

/// Draws `val` of the training images by `seed`, ascending. `sizes` are the images in each training file.
///
/// They come from the last files only, as few as hold twice `val`, so that opening a validation split does
/// not unpack every file. `val` must not exceed the sum of `sizes`.
pub(super) fn carve(sizes: &[usize], val: usize, seed: u64) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let mut window = 0;
    for size in sizes.iter().rev() {
        if window >= val.saturating_mul(2) {
            break;
        }
        window += size;
    }
    let mut pool: Vec<usize> = (total - window..total).collect();
    let mut dice = Dice::new(seed, u64::MAX);
    let val = val.min(pool.len());
    for i in 0..val {
        let j = i + dice.below(pool.len() - i);
        pool.swap(i, j);
    }
    pool.truncate(val);
    pool.sort_unstable();
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_distinct_images_of_the_last_file() {
        let val = carve(&[10_000; 5], 2000, 0);
        assert_eq!(val.len(), 2000);
        assert!(val.windows(2).all(|w| w[0] < w[1]));
        assert!(val[0] >= 40_000);
    }

    #[test]
    fn widens_when_the_last_file_is_small() {
        assert!(carve(&[100, 100, 10], 40, 0)[0] < 200);
        assert_eq!(carve(&[3], 3, 0), [0, 1, 2]);
        assert!(carve(&[], 0, 0).is_empty());
    }

    #[test]
    fn seed_decides() {
        assert_eq!(carve(&[1000], 10, 5), carve(&[1000], 10, 5));
        assert_ne!(carve(&[1000], 10, 5), carve(&[1000], 10, 6));
    }
}
