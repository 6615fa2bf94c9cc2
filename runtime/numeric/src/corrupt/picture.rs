//! The image as the corruptions compute on it.

/// Image planes in row order. For pictures the values are shares of the full range; displacements use the type too.
#[derive(Clone)]
pub(super) struct Picture {
    pub(super) height: usize,
    pub(super) width: usize,
    /// One plane after the other, `height · width` values each.
    pub(super) values: Vec<f64>,
}

impl Picture {
    /// Bytes as shares of 255.
    pub(super) fn of(bytes: &[u8], height: usize, width: usize) -> Self {
        Picture { height, width, values: bytes.iter().map(|b| f64::from(*b) / 255.0).collect() }
    }

    /// One plane with `value(row, column)`.
    pub(super) fn plane(height: usize, width: usize, mut value: impl FnMut(usize, usize) -> f64) -> Self {
        let at = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        Picture { height, width, values: at.map(|(y, x)| value(y, x)).collect() }
    }

    /// The planes, each `height · width` values.
    pub(super) fn planes(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.height * self.width)
    }

    /// The luma at a pixel, ITU-R BT.601; the value itself where there is one plane.
    pub(super) fn luma(&self, pixel: usize) -> f64 {
        let size = self.height * self.width;
        match self.values.len() / size {
            1 => self.values[pixel],
            _ => luma([0, 1, 2].map(|c| self.values[c * size + pixel])),
        }
    }

    /// The same planes with `value(plane, row, column)` at every place.
    pub(super) fn map(&self, value: impl Fn(&[f64], usize, usize) -> f64) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for plane in self.planes() {
            for y in 0..self.height {
                values.extend((0..self.width).map(|x| value(plane, y, x)));
            }
        }
        Picture { height: self.height, width: self.width, values }
    }

    /// Planes of the same size.
    pub(super) fn with(&self, values: impl Iterator<Item = f64>) -> Self {
        Picture { values: values.collect(), ..*self }
    }

    /// The planes correlated with a kernel: row offset, column offset and weight of each of its places. `border` brings indices
    /// home.
    pub(super) fn correlate(
        &self,
        kernel: &[(isize, isize, f64)],
        border: impl Fn(isize, usize) -> usize,
    ) -> Self {
        self.map(|plane, y, x| {
            let at = |dy: isize, dx: isize| {
                let row = border(y as isize + dy, self.height);
                plane[row * self.width + border(x as isize + dx, self.width)]
            };
            kernel.iter().map(|(dy, dx, w)| w * at(*dy, *dx)).sum()
        })
    }

    /// Bytes, clipped and cut off as NumPy's conversion to `uint8` does, not rounded.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0) as u8).collect()
    }

    /// As [`bytes`](Picture::bytes), through f32 where the benchmark computes in it: there a value a hair below a
    /// whole number is that number.
    pub(super) fn bytes_single(&self) -> Vec<u8> {
        self.values.iter().map(|v| ((*v as f32).clamp(0.0, 1.0) * 255.0) as u8).collect()
    }
}

/// The luma of a colour, ITU-R BT.601.
pub(super) fn luma([r, g, b]: [f64; 3]) -> f64 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Index of `i` in `0..n` when the border pixel is mirrored with the rest: `b a | a b c`.
pub(super) fn mirror(i: isize, n: usize) -> usize {
    let i = i.rem_euclid(2 * n as isize) as usize;
    if i < n { i } else { 2 * n - 1 - i }
}

/// Index of `i` in `0..n` when the border pixel is the mirror itself: `c b | a b c`.
pub(super) fn mirror_inside(i: isize, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let i = i.rem_euclid(2 * (n as isize - 1)) as usize;
    if i < n { i } else { 2 * (n - 1) - i }
}

/// Index of `i` in `0..n` when the border pixel goes on for ever.
pub(super) fn nearest(i: isize, n: usize) -> usize {
    i.clamp(0, n as isize - 1) as usize
}

/// The plane between its pixels at row `y`, column `x`, bilinearly; `border` brings indices home.
pub(super) fn bilinear(
    plane: &[f64],
    size: (usize, usize),
    (y, x): (f64, f64),
    border: impl Fn(isize, usize) -> usize,
) -> f64 {
    let (top, left) = (y.floor(), x.floor());
    let (down, right) = (y - top, x - left);
    let row = |i: isize| border(top as isize + i, size.0) * size.1;
    let column = |j: isize| border(left as isize + j, size.1);
    let (above, below) = (row(0), row(1));
    let (west, east) = (column(0), column(1));
    let upper = plane[above + west] * (1.0 - right) + plane[above + east] * right;
    let lower = plane[below + west] * (1.0 - right) + plane[below + east] * right;
    upper * (1.0 - down) + lower * down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        let read =
            |border: fn(isize, usize) -> usize| -> Vec<usize> { (-4..8).map(|i| border(i, 4)).collect() };
        assert_eq!(read(mirror), [3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]);
        assert_eq!(read(mirror_inside), [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(read(nearest), [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3]);
    }

    #[test]
    fn between_pixels() {
        let plane = [0.0, 1.0, 2.0, 4.0];
        assert_eq!(bilinear(&plane, (2, 2), (0.5, 0.5), nearest), 1.75);
        assert_eq!(bilinear(&plane, (2, 2), (-0.25, 0.25), mirror), 0.25);
        assert_eq!(bilinear(&plane, (2, 2), (1.0, 1.5), mirror_inside), 3.0);
    }

    #[test]
    fn every_byte_survives() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(Picture::of(&all, 16, 16).bytes(), all);
        assert_eq!(Picture::of(&all, 16, 16).bytes_single(), all);
    }
}
