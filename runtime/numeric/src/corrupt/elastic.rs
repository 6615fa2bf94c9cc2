//! Elastic transform: a random affine map, then a smooth random displacement.

use super::picture::{Picture, bilinear, mirror, mirror_inside};
use super::smooth;
use crate::dice::Dice;

/// Amplitude and smoothing of the displacement and the reach of the affine map, all in image sides, come from the
/// severity.
pub(super) fn transform(
    image: &Picture,
    (amplitude, smoothing, reach): (f64, f64, f64),
    dice: &mut Dice,
) -> Vec<u8> {
    let side = image.height.min(image.width) as f64;
    let bent = affine(image, reach * side, dice);
    let rows = displacement(image, amplitude * side, smoothing * side, dice);
    let columns = displacement(image, amplitude * side, smoothing * side, dice);
    displaced(&bent, &rows, &columns).bytes_single()
}

/// Moves three points about the centre by up to `reach` pixels each way and the image with them. Borders are mirrored
/// at the border pixel.
fn affine(image: &Picture, reach: f64, dice: &mut Dice) -> Picture {
    let (middle_x, middle_y) = ((image.width / 2) as f64, (image.height / 2) as f64);
    let third = (image.height.min(image.width) / 3) as f64;
    let from = [
        [middle_x + third, middle_y + third],
        [middle_x + third, middle_y - third],
        [middle_x - third, middle_y - third],
    ];
    let to = from.map(|p| p.map(|v| v + dice.uniform(-reach, reach)));
    // The image is read backwards, so the map is the one that takes the moved points home.
    let back = through(to, from);
    let size = (image.height, image.width);
    image.map(|plane, y, x| {
        let at = back.map(|[a, b, c]| a * x as f64 + b * y as f64 + c);
        bilinear(plane, size, (at[1], at[0]), mirror_inside)
    })
}

/// The affine map, rows `[a, b, c]` for `a·x + b·y + c`, that takes the points `from` (x, y) to the points `to`.
fn through(from: [[f64; 2]; 3], to: [[f64; 2]; 3]) -> [[f64; 3]; 2] {
    let [p, q, r] = from;
    let (ux, uy, vx, vy) = (q[0] - p[0], q[1] - p[1], r[0] - p[0], r[1] - p[1]);
    let area = ux * vy - uy * vx;
    [0, 1].map(|k| {
        let (du, dv) = (to[1][k] - to[0][k], to[2][k] - to[0][k]);
        let a = (du * vy - dv * uy) / area;
        let b = (dv * ux - du * vx) / area;
        [a, b, to[0][k] - a * p[0] - b * p[1]]
    })
}

/// One plane of uniform noise in ±1, smoothed with deviation `sigma` and multiplied by `amplitude` (pixels).
fn displacement(image: &Picture, amplitude: f64, sigma: f64, dice: &mut Dice) -> Vec<f64> {
    if amplitude == 0.0 {
        return vec![0.0; image.height * image.width];
    }
    let noise = Picture::plane(image.height, image.width, |_, _| dice.uniform(-1.0, 1.0));
    let smooth = smooth::gaussian(&noise, sigma, 3.0, mirror);
    smooth.values.iter().map(|v| v * amplitude).collect()
}

/// Every pixel read `rows` lower and `columns` further right. Borders are mirrored behind the border pixel.
fn displaced(image: &Picture, rows: &[f64], columns: &[f64]) -> Picture {
    let size = (image.height, image.width);
    image.map(|plane, y, x| {
        let i = y * size.1 + x;
        bilinear(plane, size, (y as f64 + rows[i], x as f64 + columns[i]), mirror)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_takes_its_points_along() {
        let from = [[26.0, 26.0], [26.0, 6.0], [6.0, 6.0]];
        let to = [[27.0, 25.0], [25.5, 7.0], [4.0, 6.5]];
        let map = through(from, to);
        for (p, q) in from.iter().zip(&to) {
            for k in 0..2 {
                assert!((map[k][0] * p[0] + map[k][1] * p[1] + map[k][2] - q[k]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_plane_through_space_stays_a_plane() {
        // Bilinear reading of a linear function is exact, so away from the borders an affine map leaves no curvature.
        let slope = Picture::plane(32, 32, |y, x| 2.0 * y as f64 + 3.0 * x as f64);
        let bent = affine(&slope, 2.0, &mut Dice::new(9, 0));
        let at = |y: usize, x: usize| bent.values[y * 32 + x];
        for y in 12..20 {
            for x in 12..20 {
                assert!((at(y, x - 1) + at(y, x + 1) - 2.0 * at(y, x)).abs() < 1e-9);
            }
        }
        assert!((at(15, 16) - at(15, 15) - 3.0).abs() > 1e-3, "the map moved something");
        assert!((at(15, 16) - at(15, 15) - 3.0).abs() < 1.5);
    }

    #[test]
    fn displacements_have_the_deviation_of_smoothed_noise() {
        // Smoothing independent noise of variance 1/3 with deviation σ leaves 1/3 · 1/(4πσ²).
        let image = Picture::plane(128, 128, |_, _| 0.0);
        let sigma = 0.06 * 32.0;
        let found = displacement(&image, 0.08 * 32.0, sigma, &mut Dice::new(2, 0));
        let deviation = (found.iter().map(|v| v * v).sum::<f64>() / found.len() as f64).sqrt();
        let wanted = 0.08 * 32.0 / (3.0 * 4.0 * std::f64::consts::PI * sigma * sigma).sqrt();
        assert!((deviation / wanted - 1.0).abs() < 0.1, "{deviation} {wanted}");
    }

    #[test]
    fn whole_displacements_move_whole_pixels() {
        let image = Picture::plane(8, 8, |y, x| (8 * y + x) as f64);
        let moved = displaced(&image, &[1.0; 64], &[-2.0; 64]);
        assert_eq!(moved.values[3 * 8 + 4], (8 * 4 + 2) as f64);
        // Row 8 is row 7 again, column -2 is column 1.
        assert_eq!(moved.values[7 * 8], (8 * 7 + 1) as f64);
    }
}
