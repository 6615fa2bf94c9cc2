//! Fog: a plasma fractal added to the image.

use super::picture::Picture;
use crate::dice::Dice;

/// Adds `weight` times a fractal of that `decay` and scales back to the brightest value of the image.
pub(super) fn fog(image: &Picture, (weight, decay): (f64, f64), dice: &mut Dice) -> Vec<u8> {
    let side = image.height.max(image.width).next_power_of_two();
    let mist = plasma(side, decay, dice);
    let brightest = image.values.iter().copied().fold(0.0, f64::max);
    let foggy = image.values.iter().enumerate().map(|(i, v)| {
        let (y, x) = (i / image.width % image.height, i % image.width);
        (v + weight * mist[y * side + x]) * brightest / (brightest + weight)
    });
    image.with(foggy).bytes()
}

/// A height map of `side`×`side` values from 0 to 1 by the diamond-square algorithm; `side` is a power of two.
///
/// The map wraps around. Each halving of the step divides the wobble by `decay`, and the wobble counts squared, as
/// in the benchmark.
pub(super) fn plasma(side: usize, decay: f64, dice: &mut Dice) -> Vec<f64> {
    let mut map = vec![0.0; side * side];
    let (mut step, mut wobble) = (side, 100.0);
    while step >= 2 {
        let half = step / 2;
        let mut mean = |map: &[f64], around: [(usize, usize); 4]| {
            let sum: f64 = around.iter().map(|(y, x)| map[y % side * side + x % side]).sum();
            sum / 4.0 + wobble * dice.uniform(-wobble, wobble)
        };
        let corners = || (0..side).step_by(step).flat_map(|y| (0..side).step_by(step).map(move |x| (y, x)));
        for (y, x) in corners() {
            let around = [(y, x), (y + step, x), (y, x + step), (y + step, x + step)];
            map[(y + half) * side + x + half] = mean(&map, around);
        }
        for (y, x) in corners() {
            let (up, left) = (y + side - half, x + side - half);
            let above = mean(&map, [(y, x), (y, x + step), (y + half, x + half), (up, x + half)]);
            let beside = mean(&map, [(y, x), (y + step, x), (y + half, x + half), (y + half, left)]);
            map[y * side + x + half] = above;
            map[(y + half) * side + x] = beside;
        }
        step = half;
        wobble /= decay;
    }
    let low = map.iter().copied().fold(f64::INFINITY, f64::min);
    let high = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    map.iter_mut().for_each(|v| *v = (*v - low) / (high - low));
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_image_shows_the_whole_range_of_the_fractal() {
        for (weight, decay) in [(0.2, 3.0), (1.5, 1.75)] {
            let flat = Picture::of(&[100; 3 * 1024], 32, 32);
            let foggy = fog(&flat, (weight, decay), &mut Dice::new(5, 0));
            let grey = 100.0 / 255.0;
            let (low, high) = (foggy.iter().min().copied(), foggy.iter().max().copied());
            // The fractal is 0 somewhere and 1 somewhere; where it is 1, the value is the old maximum.
            assert_eq!(low, Some((grey * grey / (grey + weight) * 255.0) as u8));
            assert!(high == Some(100) || high == Some(99), "{high:?}");
            assert_eq!(foggy[..1024], foggy[1024..2048]);
        }
    }

    #[test]
    fn slow_decay_is_rougher() {
        let roughness = |decay: f64| -> f64 {
            let total = (0..20).map(|s| {
                let map = plasma(32, decay, &mut Dice::new(s, 0));
                map.chunks(32).flat_map(|r| r.windows(2)).map(|w| (w[1] - w[0]).abs()).sum::<f64>()
            });
            total.sum::<f64>() / (20.0 * 32.0 * 31.0)
        };
        assert!(roughness(1.75) > 1.3 * roughness(3.0), "{} {}", roughness(1.75), roughness(3.0));
    }

    #[test]
    fn without_wobble_new_points_are_means_of_their_neighbours() {
        // Such a decay leaves the first round alone. Stretching to 0 to 1 keeps means.
        let map = plasma(8, 1e9, &mut Dice::new(1, 0));
        let at = |y: usize, x: usize| map[y % 8 * 8 + x % 8];
        for (y, x) in [(0, 0), (0, 4), (4, 0), (4, 4)] {
            let middle = (at(y, x) + at(y + 4, x) + at(y, x + 4) + at(y + 4, x + 4)) / 4.0;
            assert!((at(y + 2, x + 2) - middle).abs() < 1e-9);
            let edge = (at(y, x) + at(y, x + 4) + at(y + 2, x + 2) + at(y + 6, x + 2)) / 4.0;
            assert!((at(y, x + 2) - edge).abs() < 1e-9);
            let edge = (at(y, x) + at(y + 4, x) + at(y + 2, x + 2) + at(y + 2, x + 6)) / 4.0;
            assert!((at(y + 2, x) - edge).abs() < 1e-9);
        }
    }
}
