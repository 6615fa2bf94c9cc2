//! Pixelate: reduced and enlarged again with Pillow's box filter.

/// Reduces the planes to the share `factor` of both sides and enlarges them again.
pub(super) fn pixelate(image: &[u8], (height, width): (usize, usize), factor: f64) -> Vec<u8> {
    let small = |n: usize| (n as f64 * factor) as usize;
    let reduced = resize(image, (height, width), (small(height), small(width)));
    resize(&reduced, (small(height), small(width)), (height, width))
}

/// Every plane by boxes from one size (height, width) to another, rows first, with bytes between the passes.
fn resize(planes: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    let (columns, rows) = (boxes(from.1, to.1), boxes(from.0, to.0));
    let mut out = Vec::new();
    for plane in planes.chunks_exact(from.0 * from.1) {
        let mut narrow = Vec::with_capacity(from.0 * to.1);
        for row in plane.chunks_exact(from.1) {
            narrow.extend(columns.iter().map(|b| mean(row[b.clone()].iter())));
        }
        for b in &rows {
            let inside = &narrow[b.start * to.1..b.end * to.1];
            out.extend((0..to.1).map(|x| mean(inside[x..].iter().step_by(to.1))));
        }
    }
    out
}

/// For each of `to` output places the source indices whose centres lie in its box; all of them count the same.
fn boxes(from: usize, to: usize) -> Vec<std::ops::Range<usize>> {
    let scale = from as f64 / to as f64;
    let width = scale.max(1.0);
    let one = |i: usize| {
        let centre = (i as f64 + 0.5) * scale;
        let inside = |j: &usize| {
            let off = (*j as f64 + 0.5 - centre) / width;
            off > -0.5 && off <= 0.5
        };
        let first = (0..from).find(inside).unwrap_or(0);
        first..(first..from).take_while(inside).last().unwrap_or(first) + 1
    };
    (0..to).map(one).collect()
}

/// Rounded mean, halves up.
fn mean<'a>(bytes: impl ExactSizeIterator<Item = &'a u8>) -> u8 {
    let n = bytes.len() as u32;
    ((bytes.map(|b| u32::from(*b)).sum::<u32>() * 2 + n) / (2 * n)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_size_makes_blocks_of_means() {
        let image: Vec<u8> = (0..3 * 16).map(|i| (i * 11) as u8).collect();
        let coarse = pixelate(&image, (4, 4), 0.5);
        for c in 0..3 {
            let at = |planes: &[u8], y: usize, x: usize| planes[c * 16 + y * 4 + x];
            for y in [0, 2] {
                for x in [0, 2] {
                    let pair =
                        |y| (u32::from(at(&image, y, x)) + u32::from(at(&image, y, x + 1))).div_ceil(2);
                    let wanted = (pair(y) + pair(y + 1)).div_ceil(2) as u8;
                    for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                        assert_eq!(at(&coarse, y + dy, x + dx), wanted);
                    }
                }
            }
        }
    }

    #[test]
    fn the_levels_leave_that_many_different_rows_and_columns() {
        let image: Vec<u8> = (0..3 * 1024).map(|i| (i % 1024 * 97 % 251) as u8).collect();
        for (factor, side) in [(0.95, 30), (0.65, 20)] {
            let coarse = pixelate(&image, (32, 32), factor);
            let rows: Vec<&[u8]> = coarse[..1024].chunks(32).collect();
            let changes = rows.windows(2).filter(|w| w[0] != w[1]).count();
            assert_eq!(changes + 1, side);
            let same = |x: usize| (0..32).all(|y| coarse[y * 32 + x] == coarse[y * 32 + x + 1]);
            assert_eq!((0..31).filter(|x| !same(*x)).count() + 1, side);
        }
    }

    #[test]
    fn enlarging_picks_the_nearest() {
        assert_eq!(boxes(2, 4), [0..1, 0..1, 1..2, 1..2]);
        assert_eq!(boxes(4, 2), [0..2, 2..4]);
    }
}
