//! AugMix's operations on places: affine maps, read bilinearly as Pillow's `Image.transform` does.

/// The place `(a·x + b·y + c, d·x + e·y + f)` of the source is what an output place (x, y) shows. Places are measured
/// from the upper left corner, so that pixel centres lie at halves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine(pub(super) [f64; 6]);

impl Affine {
    /// The turn by `degrees` against the clock about the middle of an image.
    pub(super) fn turn(degrees: f64, height: usize, width: usize) -> Self {
        let (sin, cos) = (-degrees.to_radians()).sin_cos();
        let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
        Affine([cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y])
    }
}

/// Every plane of `shape` (channels, height, width) through the map; what lies outside is black.
///
/// Between pixels values are cut off to whole numbers, not rounded. A place within half a pixel of the border takes
/// the border's pixel for its missing neighbours.
pub(super) fn transform(image: &[u8], shape: [usize; 3], map: Affine) -> Vec<u8> {
    let [_, height, width] = shape;
    let size = height * width;
    let mut out = vec![0u8; image.len()];
    let Affine([a, b, c, d, e, f]) = map;
    for y in 0..height {
        for x in 0..width {
            let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
            let (u, v) = (a * px + b * py + c, d * px + e * py + f);
            if !(0.0..width as f64).contains(&u) || !(0.0..height as f64).contains(&v) {
                continue;
            }
            let corners = Corners::new(u - 0.5, v - 0.5, height, width);
            for (source, target) in image.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
                target[y * width + x] = corners.read(source);
            }
        }
    }
    out
}

/// The four pixels around a place, and its distances from the first.
struct Corners {
    pixels: [usize; 4],
    right: f64,
    down: f64,
}

impl Corners {
    fn new(u: f64, v: f64, height: usize, width: usize) -> Self {
        let (left, top) = (floor(u), floor(v));
        let inside = |i: i32, n: usize| (i.max(0) as usize).min(n - 1);
        let (x0, x1) = (inside(left, width), inside(left + 1, width));
        let (y0, y1) = (inside(top, height) * width, inside(top + 1, height) * width);
        let (right, down) = (u - f64::from(left), v - f64::from(top));
        Corners { pixels: [y0 + x0, y0 + x1, y1 + x0, y1 + x1], right, down }
    }

    fn read(&self, plane: &[u8]) -> u8 {
        let [a, b, c, d] = self.pixels.map(|i| f64::from(plane[i]));
        let upper = a + (b - a) * self.right;
        let lower = c + (d - c) * self.right;
        (upper + (lower - upper) * self.down) as u8
    }
}

/// Rounds down; several times as fast as `f64::floor` on processors that are not known to have an instruction for it.
fn floor(x: f64) -> i32 {
    let cut = x as i32;
    cut - i32::from(x < f64::from(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: [u8; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

    fn mapped(map: [f64; 6]) -> Vec<u8> {
        transform(&IMAGE, [1, 3, 3], Affine(map))
    }

    #[test]
    fn whole_shifts_leave_black_behind() {
        assert_eq!(mapped([1.0, 0.0, 1.0, 0.0, 1.0, 0.0]), [20, 30, 0, 50, 60, 0, 80, 90, 0]);
        assert_eq!(mapped([1.0, 0.0, 0.0, 0.0, 1.0, -2.0]), [0, 0, 0, 0, 0, 0, 10, 20, 30]);
    }

    #[test]
    fn a_shear_by_hand() {
        // Row centres 0.5, 1.5, 2.5 shift by 0.1, 0.3, 0.5 pixels. In the last column the first two places lie within
        // the border pixel; 2.5 + 0.5 = 3 is outside.
        assert_eq!(mapped([1.0, 0.2, 0.0, 0.0, 1.0, 0.0]), [11, 21, 30, 43, 53, 60, 75, 85, 0]);
    }

    #[test]
    fn turns_by_hand() {
        let turn = |degrees| transform(&IMAGE, [1, 3, 3], Affine::turn(degrees, 3, 3));
        assert_eq!(turn(0.0), IMAGE);
        // A turn against the clock brings the right column up. Values are cut off, so one may be missing.
        for (found, wanted) in turn(90.0).into_iter().zip([30, 60, 90, 20, 50, 80, 10, 40, 70]) {
            assert!(wanted - found <= 1, "{found} {wanted}");
        }
        assert_eq!(turn(8.0)[4], 50);
    }

    #[test]
    fn channels_move_together() {
        let two = [IMAGE.as_slice(), IMAGE.as_slice()].concat();
        let moved = transform(&two, [2, 3, 3], Affine([1.0, 0.0, 0.4, 0.0, 1.0, 0.0]));
        assert_eq!(moved[..9], moved[9..]);
        assert_eq!(moved[..3], [14, 24, 30]);
    }
}
