//! The transforms of Winograd's F(2×2, 3×3) on tiles of vectors.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016), section 4.1.

// The loops run on vector registers of a level that was detected, over offsets that were checked before the first load.
#![allow(unsafe_code)]

use super::micro::LANES;
use super::simd::{Level, at_level};

/// Rows and columns of an input tile; neighbours overlap by two.
pub(super) const SIDE: usize = 4;
/// Values of a transformed tile.
pub(super) const POINTS: usize = SIDE * SIDE;

/// `Bᵀ·d·B` of each 4×4 tile `d` of a plane of vectors with `width` columns: tiles start at every second row and column of
/// `base`. Point `p` of tile `t` goes to `out[p·stride + t·LANES]`.
pub(super) fn transform(
    level: Level,
    (x, base, width): (&[f32], usize, usize),
    (down, across): (usize, usize),
    out: &mut [f32],
    stride: usize,
) {
    if down * across == 0 {
        return;
    }
    let last = (2 * down + 1) * width + 2 * across + 2;
    assert!(base + last * LANES <= x.len());
    assert!((POINTS - 1) * stride + down * across * LANES <= out.len());
    assert!(level.available());
    // SAFETY: every tile lies in `x` and every point in `out`, as asserted, and the machine has the level's instructions.
    unsafe { at_level!(level, transform((x, base, width), (down, across), out, stride)) }
}

/// `Aᵀ·m·A + bias` of each tile `m` as [`transform`] lays them out, to `rows`×`columns` vectors; a last tile may stick out.
pub(super) fn inverse(
    level: Level,
    (m, stride): (&[f32], usize),
    bias: f32,
    (rows, columns): (usize, usize),
    out: &mut [f32],
) {
    let tiles = rows.div_ceil(2) * columns.div_ceil(2);
    if tiles == 0 {
        return;
    }
    assert!((POINTS - 1) * stride + tiles * LANES <= m.len());
    assert!(rows * columns * LANES <= out.len());
    assert!(level.available());
    // SAFETY: every point lies in `m` and every output in `out`, as asserted, and the machine has the level's instructions.
    unsafe { at_level!(level, inverse((m, stride), bias, (rows, columns), out)) }
}

/// `A·g·Aᵀ` of each 2×2 tile `g` of a plane of vectors with `width` columns, from its start on, to `out` as [`transform`] lays
/// tiles out: the transpose of [`inverse`].
pub(super) fn spread(
    level: Level,
    (g, width): (&[f32], usize),
    (down, across): (usize, usize),
    out: &mut [f32],
    stride: usize,
) {
    if down * across == 0 {
        return;
    }
    assert!(width >= 2 * across && ((2 * down - 1) * width + 2 * across) * LANES <= g.len());
    assert!((POINTS - 1) * stride + down * across * LANES <= out.len());
    assert!(level.available());
    // SAFETY: every tile lies in `g` and every point in `out`, as asserted, and the machine has the level's instructions.
    unsafe { at_level!(level, spread((g, width), (down, across), out, stride)) }
}

macro_rules! loops {
    ($name:ident, $width:literal, $prelude:path $(, $feature:literal)?) => {
        mod $name {
            use super::{LANES, POINTS, SIDE};
            use $prelude::*;

            /// # Safety
            /// As asserted by [`super::transform`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn transform(
                (x, base, width): (&[f32], usize, usize),
                (down, across): (usize, usize),
                out: &mut [f32],
                stride: usize,
            ) {
                for (row, lane) in (0..down).flat_map(|r| (0..LANES).step_by($width).map(move |l| (r, l))) {
                    for column in 0..across {
                        // SAFETY: the caller's contract.
                        unsafe {
                            let x = x.as_ptr().add(base + (2 * row * width + 2 * column) * LANES + lane);
                            let mut half = [splat(0.0); POINTS];
                            for c in 0..SIDE {
                                let d: [_; SIDE] = std::array::from_fn(|r| load(x.add((r * width + c) * LANES)));
                                half[c] = sub(d[0], d[2]);
                                half[SIDE + c] = add(d[1], d[2]);
                                half[2 * SIDE + c] = sub(d[2], d[1]);
                                half[3 * SIDE + c] = sub(d[1], d[3]);
                            }
                            let out = out.as_mut_ptr().add((row * across + column) * LANES + lane);
                            for r in 0..SIDE {
                                let d = [half[SIDE * r], half[SIDE * r + 1], half[SIDE * r + 2], half[SIDE * r + 3]];
                                let out = out.add(SIDE * r * stride);
                                store(out, sub(d[0], d[2]));
                                store(out.add(stride), add(d[1], d[2]));
                                store(out.add(2 * stride), sub(d[2], d[1]));
                                store(out.add(3 * stride), sub(d[1], d[3]));
                            }
                        }
                    }
                }
            }

            /// # Safety
            /// As asserted by [`super::spread`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn spread(
                (g, width): (&[f32], usize),
                (down, across): (usize, usize),
                out: &mut [f32],
                stride: usize,
            ) {
                let zero = splat(0.0);
                for (row, lane) in (0..down).flat_map(|r| (0..LANES).step_by($width).map(move |l| (r, l))) {
                    for column in 0..across {
                        // SAFETY: the caller's contract.
                        unsafe {
                            let g = g.as_ptr().add((2 * row * width + 2 * column) * LANES + lane);
                            let mut half = [zero; 2 * SIDE];
                            for c in 0..2 {
                                let d = [load(g.add(c * LANES)), load(g.add((width + c) * LANES))];
                                half[c] = d[0];
                                half[2 + c] = add(d[0], d[1]);
                                half[4 + c] = sub(d[0], d[1]);
                                half[6 + c] = sub(zero, d[1]);
                            }
                            let out = out.as_mut_ptr().add((row * across + column) * LANES + lane);
                            for r in 0..SIDE {
                                let d = [half[2 * r], half[2 * r + 1]];
                                let out = out.add(SIDE * r * stride);
                                store(out, d[0]);
                                store(out.add(stride), add(d[0], d[1]));
                                store(out.add(2 * stride), sub(d[0], d[1]));
                                store(out.add(3 * stride), sub(zero, d[1]));
                            }
                        }
                    }
                }
            }

            /// # Safety
            /// As asserted by [`super::inverse`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn inverse(
                (m, stride): (&[f32], usize),
                bias: f32,
                (rows, columns): (usize, usize),
                out: &mut [f32],
            ) {
                let (bias, across) = (splat(bias), columns.div_ceil(2));
                for (row, lane) in (0..rows).step_by(2).flat_map(|r| (0..LANES).step_by($width).map(move |l| (r, l))) {
                    for column in (0..columns).step_by(2) {
                        // SAFETY: the caller's contract; rows and columns outside the output are not stored.
                        unsafe {
                            let m = m.as_ptr().add((row / 2 * across + column / 2) * LANES + lane);
                            let mut half = [splat(0.0); 2 * SIDE];
                            for c in 0..SIDE {
                                let d: [_; SIDE] = std::array::from_fn(|r| load(m.add((SIDE * r + c) * stride)));
                                half[c] = add(add(d[0], d[1]), d[2]);
                                half[SIDE + c] = sub(sub(d[1], d[2]), d[3]);
                            }
                            let out = out.as_mut_ptr().add((row * columns + column) * LANES + lane);
                            for r in 0..2.min(rows - row) {
                                let d = [half[SIDE * r], half[SIDE * r + 1], half[SIDE * r + 2], half[SIDE * r + 3]];
                                let out = out.add(r * columns * LANES);
                                store(out, add(add(add(d[0], d[1]), d[2]), bias));
                                if column + 1 < columns {
                                    store(out.add(LANES), add(sub(sub(d[1], d[2]), d[3]), bias));
                                }
                            }
                        }
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
loops!(avx512, 16, crate::kernels::vectors::zmm, "avx512f,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
loops!(avx2, 8, crate::kernels::vectors::ymm, "avx2,fma");
#[cfg(target_arch = "aarch64")]
loops!(neon, 4, crate::kernels::vectors::neon, "neon");
loops!(scalar, 4, crate::kernels::vectors::plain);
