//! Products of tiles of bf16 by the matrix unit of a CPU, AMX: 16 rows by 16 columns of sums at a time.
//!
//! A tile has up to 16 rows of 64 bytes. `sums[m][n] += Σ_k left[m][k]·right[k][n]`, where `left[m][k]` and `right[k][n]` are pairs of
//! bf16 and a product is that of both. Within a product the first and the second numbers of all pairs are summed apart, in f32,
//! before both sums are added to what was there: Intel, "Architecture Instruction Set Extensions", TDPBF16PS. Without the unit the
//! same sums are taken in the same order, slowly; only denormal numbers differ, which the unit takes for zero.

// Offsets are checked before the unit's first load.
#![allow(unsafe_code)]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod unit;

use super::micro::LANES;
use super::simd::Level;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

/// Rows of a tile of sums, pairs in a row of a tile that is multiplied.
pub(super) const SIDE: usize = 16;
/// Numbers of a tile of sums, pairs of a tile of left factors.
pub(super) const TILE: usize = SIDE * LANES;

/// Whether the CPU has a matrix unit for bf16 and the system lends it. Asked once.
pub(super) fn available() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        unit::available()
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    {
        false
    }
}

/// One or two rows of tiles of sums by so many columns of them: where they are in memory.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    /// Offset of a tile's first row, one for each.
    pub at: [usize; 4],
    /// Numbers from a row of a tile to the next.
    pub stride: usize,
}

/// Offset of each step's right tiles, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a> {
    offsets: &'a [usize],
    furthest: usize,
}

impl<'a> Steps<'a> {
    /// One or more steps.
    pub(super) fn new(offsets: &'a [usize]) -> Steps<'a> {
        assert!(!offsets.is_empty() && offsets.iter().all(|offset| offset.is_multiple_of(4)));
        Steps { offsets, furthest: offsets.iter().max().copied().unwrap_or(0) }
    }
}

/// What is multiplied, step by step.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a> {
    /// Pairs of left factors.
    pub left: &'a [u32],
    /// Offset of each row of tiles.
    pub left_at: [usize; 2],
    /// Pairs from a row of a left tile to the next.
    pub left_stride: usize,
    /// Pairs from a step's left tile to the next step's.
    pub left_step: usize,
    /// Pairs of right factors.
    pub right: &'a [u32],
    /// Offset of each column of tiles.
    pub right_at: [usize; 4],
    /// Pairs from a row of a right tile to the next.
    pub right_stride: usize,
    /// Where each step's right tiles are.
    pub steps: Steps<'a>,
}

thread_local! {
    /// Whether this thread's tiles are somebody's.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// The tiles of this thread, of which there is one set: nothing else on it may take them meanwhile, so whoever has them calls no rayon.
/// They are ready for left factors of `depth` pairs a row and right factors of as many rows.
pub(super) struct Tiles {
    depth: usize,
    /// Whether the unit multiplies.
    unit: bool,
    /// Tiles belong to a thread.
    of_thread: PhantomData<*const ()>,
}

impl Tiles {
    /// Those of the unit where there is one and the level is AVX-512.
    pub(super) fn new(level: Level, depth: usize) -> Tiles {
        assert!((1..=SIDE).contains(&depth) && !TAKEN.replace(true));
        let unit = level == Level::Avx512 && available();
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if unit {
            unit::configure(depth);
        }
        Tiles { depth, unit, of_thread: PhantomData }
    }

    /// `out = start + Σ left·right` over the steps, for `ROWS` × `COLUMNS` tiles, row by row: 2 × 2, 2 × 1, 1 × 4 or 1 × 1. `start` is `out` itself
    /// where none is given.
    fn multiply<const ROWS: usize, const COLUMNS: usize>(
        &self,
        f: &Factors<'_>,
        start: Option<(&[f32], Sums)>,
        (out, sums): (&mut [f32], Sums),
    ) {
        let count = ROWS * COLUMNS;
        let fits =
            |len: usize, s: &Sums| s.at[..count].iter().all(|at| at + (SIDE - 1) * s.stride + LANES <= len);
        assert!(fits(out.len(), &sums) && start.as_ref().is_none_or(|(from, s)| fits(from.len(), s)));
        let left = (f.steps.offsets.len() - 1) * f.left_step + (SIDE - 1) * f.left_stride + self.depth;
        assert!(f.left_at[..ROWS].iter().all(|at| at + left <= f.left.len()));
        let right = f.steps.furthest.div_ceil(4) + (self.depth - 1) * f.right_stride + LANES;
        assert!(f.right_at[..COLUMNS].iter().all(|at| at + right <= f.right.len()));
        if !self.unit {
            return self.plain(f, start, (out, sums), [ROWS, COLUMNS]);
        }
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        {
            let to = out.as_mut_ptr();
            let (from, of_start) = start.map_or((to.cast_const(), sums), |(from, s)| (from.as_ptr(), s));
            // SAFETY: all rows of all tiles lie in their slices, as asserted; addresses of tiles that are not used are not read.
            unsafe {
                let job = unit::Job {
                    from: of_start.at.map(|at| from.wrapping_add(at)),
                    to: sums.at.map(|at| to.wrapping_add(at)),
                    from_stride: 4 * of_start.stride,
                    to_stride: 4 * sums.stride,
                    left: f.left_at.map(|at| f.left.as_ptr().wrapping_add(at)),
                    left_stride: 4 * f.left_stride,
                    left_step: 4 * f.left_step,
                    right: f.right_at.map(|at| f.right.as_ptr().wrapping_add(at)),
                    right_stride: 4 * f.right_stride,
                    steps: f.steps.offsets.as_ptr(),
                    count: f.steps.offsets.len(),
                };
                match (ROWS, COLUMNS) {
                    (2, 2) => job.two_by_two(),
                    (2, 1) => job.two_by_one(),
                    (1, 4) => job.one_by_four(),
                    (1, 1) => job.one_by_one(),
                    _ => unreachable!("no loop for {ROWS} by {COLUMNS} tiles"),
                }
            }
        }
    }

    /// [`Tiles::multiply`] for one or two rows and any number of columns of tiles, as many at a time as the unit has tiles for. `of` says what
    /// a range of columns is made of.
    pub(super) fn multiply_all<'a>(
        &self,
        two_rows: bool,
        columns: usize,
        of: impl Fn(Range<usize>) -> (Factors<'a>, Option<(&'a [f32], Sums)>, Sums),
        out: &mut [f32],
    ) {
        let several = if two_rows { 2 } else { 4 };
        let whole = columns / several * several;
        for first in (0..whole).step_by(several) {
            let (factors, start, sums) = of(first..first + several);
            match two_rows {
                true => self.multiply::<2, 2>(&factors, start, (out, sums)),
                false => self.multiply::<1, 4>(&factors, start, (out, sums)),
            }
        }
        for first in whole..columns {
            let (factors, start, sums) = of(first..first + 1);
            match two_rows {
                true => self.multiply::<2, 1>(&factors, start, (out, sums)),
                false => self.multiply::<1, 1>(&factors, start, (out, sums)),
            }
        }
    }

    /// [`Tiles::multiply`] without the unit.
    fn plain(
        &self,
        f: &Factors<'_>,
        start: Option<(&[f32], Sums)>,
        (out, sums): (&mut [f32], Sums),
        [rows, columns]: [usize; 2],
    ) {
        for tile in 0..rows * columns {
            let mut totals = [[0.0; LANES]; SIDE];
            for (m, totals) in totals.iter_mut().enumerate() {
                let (from, of_start): (&[f32], &Sums) = start.as_ref().map_or((out, &sums), |(f, s)| (f, s));
                totals.copy_from_slice(&from[of_start.at[tile] + m * of_start.stride..][..LANES]);
            }
            self.add(f, (tile / columns, tile % columns), &mut totals);
            for (m, totals) in totals.iter().enumerate() {
                out[sums.at[tile] + m * sums.stride..][..LANES].copy_from_slice(totals);
            }
        }
    }

    /// Adds the products of a row and a column of tiles as the unit does, whose products are exact, as they are in f32.
    fn add(&self, f: &Factors<'_>, (row, column): (usize, usize), totals: &mut [[f32; LANES]; SIDE]) {
        let halves = |pair: u32| [pair << 16, pair & 0xffff_0000].map(f32::from_bits);
        for (step, offset) in f.steps.offsets.iter().enumerate() {
            let left = &f.left[f.left_at[row] + step * f.left_step..];
            let right = &f.right[f.right_at[column] + offset / 4..];
            for (m, totals) in totals.iter_mut().enumerate() {
                let mut parts = [[0.0f32; 2]; LANES];
                for k in 0..self.depth {
                    let l = halves(left[m * f.left_stride + k]);
                    for (part, r) in parts.iter_mut().zip(&right[k * f.right_stride..]) {
                        let r = halves(*r);
                        *part = [part[0] + l[0] * r[0], part[1] + l[1] * r[1]];
                    }
                }
                totals.iter_mut().zip(parts).for_each(|(total, [first, second])| *total += first + second);
            }
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        TAKEN.set(false);
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if self.unit {
            unit::release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;
    use crate::kernels::vectors::plain_pairs::pair;

    fn pairs(len: usize, seed: u32) -> Vec<u32> {
        noise(2 * len, seed).chunks_exact(2).map(|v| pair([v[0], v[1]])).collect()
    }

    fn check<const ROWS: usize, const COLUMNS: usize>(depth: usize) {
        let f = Factors {
            left: &pairs(4096, 1),
            left_at: [3, 700],
            left_stride: 17,
            left_step: 300,
            right: &pairs(4096, 2),
            right_at: [0, 16, 100, 513],
            right_stride: 33,
            steps: Steps::new(&[0, 40, 4096, 80]),
        };
        let (at, from) = (Sums { at: [0, 16, 2048, 2064], stride: 48 }, noise(4096, 3));
        let of_start = Sums { at: [5, 6, 7, 1000], stride: 20 };
        for start in [None, Some((&from[..], of_start))] {
            let [unit, plain] = [Level::Avx512, Level::Scalar].map(|level| {
                let mut out = noise(4096, 4);
                Tiles::new(level, depth).multiply::<ROWS, COLUMNS>(&f, start, (&mut out, at));
                out
            });
            assert!(unit == plain, "{ROWS} by {COLUMNS}, {depth} deep");
        }
    }

    #[test]
    fn the_unit_multiplies_as_its_manual_has_it() {
        for depth in [1, 2, 8, 11, 16] {
            check::<2, 2>(depth);
            check::<2, 1>(depth);
            check::<1, 4>(depth);
            check::<1, 1>(depth);
        }
    }

    #[test]
    fn products_are_sums_over_pairs_and_steps() {
        let (left, right) = (pairs(2 * TILE, 5), pairs(2 * TILE, 6));
        let f = Factors {
            left: &left,
            left_at: [0; 2],
            left_stride: SIDE,
            left_step: TILE,
            right: &right,
            right_at: [0; 4],
            right_stride: LANES,
            steps: Steps::new(&[0, 4 * TILE]),
        };
        let mut out = vec![1.0; TILE];
        Tiles::new(Level::best(), SIDE).multiply::<1, 1>(
            &f,
            None,
            (&mut out, Sums { at: [0; 4], stride: LANES }),
        );
        let halves = |p: u32| [p << 16, p & 0xffff_0000].map(|bits| f64::from(f32::from_bits(bits)));
        for (i, got) in out.iter().enumerate() {
            let (m, n) = (i / LANES, i % LANES);
            let terms = (0..2 * SIDE).map(|k| {
                let (step, k) = (k / SIDE * TILE, k % SIDE);
                let (l, r) = (halves(left[step + m * SIDE + k]), halves(right[step + k * LANES + n]));
                l[0] * r[0] + l[1] * r[1]
            });
            let want = 1.0 + terms.sum::<f64>();
            assert!((f64::from(*got) - want).abs() < 1e-5, "{m}, {n}: {got} instead of {want}");
        }
    }
}
