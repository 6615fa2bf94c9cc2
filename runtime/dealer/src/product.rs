//! Products of matrices of ring elements, blocked.

use crate::number::Ring;
use rayon::prelude::*;

/// Rows and columns that the innermost loop keeps in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;
/// Length of the sums that it makes at a time.
const DEPTH: usize = 256;
/// Rows and columns of what one thread computes at a time.
const TILE_ROWS: usize = 64;
const TILE_COLUMNS: usize = 256;

/// A matrix that is read by columns in panels of [`COLUMNS`], each row by row; missing columns are zero.
pub struct Panels<T> {
    data: Vec<T>,
    depth: usize,
    columns: usize,
}

impl<T: Ring> Panels<T> {
    /// Of a matrix `[depth, columns]`, or of one that is stored `[columns, depth]`.
    pub fn new(matrix: &[T], depth: usize, columns: usize, transposed: bool) -> Panels<T> {
        let mut data = vec![T::default(); columns.div_ceil(COLUMNS) * COLUMNS * depth];
        data.par_chunks_mut(COLUMNS * depth).enumerate().for_each(|(panel, out)| {
            let first = panel * COLUMNS;
            for j in first..(first + COLUMNS).min(columns) {
                for k in 0..depth {
                    out[k * COLUMNS + j - first] =
                        matrix[if transposed { j * depth + k } else { k * columns + j }];
                }
            }
        });
        Panels { data, depth, columns }
    }

    fn panel(&self, panel: usize, depth: std::ops::Range<usize>) -> &[T] {
        let first = panel * COLUMNS * self.depth;
        &self.data[first + depth.start * COLUMNS..first + depth.end * COLUMNS]
    }
}

/// Rows of the left matrix: `[rows, depth]`, or stored `[depth, rows]`.
pub struct Left<'a, T> {
    /// The numbers.
    pub matrix: &'a [T],
    /// All rows.
    pub rows: usize,
    /// Is it stored with its rows as columns?
    pub transposed: bool,
}

/// Rows `first..first + n` of the product, row by row.
pub fn rows<T: Ring>(left: &Left<'_, T>, right: &Panels<T>, first: usize, n: usize) -> Vec<T> {
    let across = right.columns.div_ceil(TILE_COLUMNS);
    let tiles: Vec<(usize, usize)> =
        (0..n).step_by(TILE_ROWS).flat_map(|r| (0..across).map(move |c| (r, c * TILE_COLUMNS))).collect();
    let arch = pulp::Arch::new();
    let computed: Vec<Vec<T>> = tiles
        .par_iter()
        .map(|&(r, c)| {
            let (height, width) = (TILE_ROWS.min(n - r), TILE_COLUMNS.min(right.columns - c));
            arch.dispatch(|| tile(left, right, first + r, height, c / COLUMNS, width.div_ceil(COLUMNS)))
        })
        .collect();
    let mut out = vec![T::default(); n * right.columns];
    for (&(r, c), tile) in tiles.iter().zip(&computed) {
        let (height, width) = (TILE_ROWS.min(n - r), TILE_COLUMNS.min(right.columns - c));
        let stride = width.div_ceil(COLUMNS) * COLUMNS;
        for i in 0..height {
            let to = (r + i) * right.columns + c;
            out[to..to + width].copy_from_slice(&tile[i * stride..i * stride + width]);
        }
    }
    out
}

/// One tile, its width rounded up to whole panels.
#[inline(always)]
fn tile<T: Ring>(
    left: &Left<'_, T>,
    right: &Panels<T>,
    first: usize,
    height: usize,
    panel: usize,
    panels: usize,
) -> Vec<T> {
    let (depth, stride) = (right.depth, panels * COLUMNS);
    let mut out = vec![T::default(); height.div_ceil(ROWS) * ROWS * stride];
    let mut strip = vec![T::default(); ROWS * DEPTH];
    for start in (0..depth).step_by(DEPTH) {
        let end = depth.min(start + DEPTH);
        for r in (0..height).step_by(ROWS) {
            pack(left, depth, first + r, ROWS.min(height - r), start..end, &mut strip);
            for p in 0..panels {
                let sums = sums(&strip[..(end - start) * ROWS], right.panel(panel + p, start..end));
                for (i, row) in sums.iter().enumerate() {
                    let to = (r + i) * stride + p * COLUMNS;
                    for (x, s) in out[to..to + COLUMNS].iter_mut().zip(row) {
                        *x = x.plus(*s);
                    }
                }
            }
        }
    }
    out
}

/// Up to [`ROWS`] rows, column by column; missing rows are zero.
#[inline(always)]
fn pack<T: Ring>(
    left: &Left<'_, T>,
    depth: usize,
    first: usize,
    n: usize,
    range: std::ops::Range<usize>,
    strip: &mut [T],
) {
    for (column, k) in strip.chunks_exact_mut(ROWS).zip(range) {
        for (i, x) in column.iter_mut().enumerate() {
            let at = if left.transposed { k * left.rows + first + i } else { (first + i) * depth + k };
            *x = if i < n { left.matrix[at] } else { T::default() };
        }
    }
}

#[inline(always)]
fn sums<T: Ring>(strip: &[T], panel: &[T]) -> [[T; COLUMNS]; ROWS] {
    let mut sums = [[T::default(); COLUMNS]; ROWS];
    for (a, b) in strip.as_chunks::<ROWS>().0.iter().zip(panel.as_chunks::<COLUMNS>().0) {
        for i in 0..ROWS {
            for j in 0..COLUMNS {
                sums[i][j] = sums[i][j].plus(a[i].times(b[j]));
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<T: Ring>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state
        };
        (0..n).map(|_| T::draw(&[next().to_le_bytes(), next().to_le_bytes()].concat())).collect()
    }

    fn equals_plain<T: Ring + PartialEq + std::fmt::Debug>(m: usize, k: usize, n: usize) {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let (a, b): (Vec<T>, Vec<T>) = (numbers(m * k, 1), numbers(k * n, 2));
            let left = Left { matrix: &a, rows: m, transposed: ta };
            let got = rows(&left, &Panels::new(&b, k, n, tb), 0, m);
            for i in 0..m {
                for j in 0..n {
                    let want = (0..k).fold(T::default(), |s, l| {
                        let x = a[if ta { l * m + i } else { i * k + l }];
                        s.plus(x.times(b[if tb { j * k + l } else { l * n + j }]))
                    });
                    assert_eq!(got[i * n + j], want, "{m}x{k}x{n} at {i}, {j}");
                }
            }
        }
    }

    #[test]
    fn products_are_those_of_plain_loops() {
        for (m, k, n) in [(1, 1, 1), (3, 5, 7), (65, 300, 17), (70, 9, 260), (4, 513, 16)] {
            equals_plain::<u32>(m, k, n);
            equals_plain::<u64>(m, k, n);
            equals_plain::<u128>(m, k, n);
        }
    }
}
