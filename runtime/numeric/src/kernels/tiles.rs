//! The transforms of Winograd's F(2×2, 3×3) on tiles of vectors.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016), section 4.1.

// The loops run on vector registers of a level that was detected, over offsets that were checked before the first load.
#![allow(unsafe_code)]

use super::micro::{LANES, Products};
use super::simd::{Level, at_level, at_pair_level};

/// Rows and columns of an input tile; neighbours overlap by two.
pub(super) const SIDE: usize = 4;
/// Values of a transformed tile.
pub(super) const POINTS: usize = SIDE * SIDE;

/// Planes of vectors with `width` columns, one for each number of a packed lane.
#[derive(Clone, Copy)]
pub struct Planes<'a> {
    /// The planes, one after the other.
    pub x: &'a [f32],
    /// Floats from one plane to the next.
    pub each: usize,
    /// Vectors of a row.
    pub width: usize,
}

/// `Bᵀ·d·B` of each 4×4 tile `d` of the planes: tiles start at every second row and column of `base`. Point `p` of tile `t` goes to
/// `out[p·stride + t·LANES]`.
pub(super) fn transform<P: Transforms>(
    level: Level,
    (planes, base): (Planes<'_>, usize),
    (down, across): (usize, usize),
    out: &mut [P],
    stride: usize,
) {
    if down * across == 0 {
        return;
    }
    let last = (2 * down + 1) * planes.width + 2 * across + 2;
    assert!((P::PACK - 1) * planes.each + base + last * LANES <= planes.x.len());
    assert!((POINTS - 1) * stride + down * across * LANES <= out.len());
    assert!(level.available());
    // SAFETY: every tile lies in `x` and every point in `out`, as asserted, and the machine has the level's instructions.
    unsafe { P::transform(level, (planes, base), (down, across), out, stride) }
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
    unsafe { back::inverse(level, (m, stride), bias, (rows, columns), out) }
}

/// `A·g·Aᵀ` of each 2×2 tile `g` of the planes, from their start on, to `out` as [`transform`] lays tiles out: the transpose of
/// [`inverse`].
pub(super) fn spread<P: Transforms>(
    level: Level,
    planes: Planes<'_>,
    (down, across): (usize, usize),
    out: &mut [P],
    stride: usize,
) {
    if down * across == 0 {
        return;
    }
    let last = ((2 * down - 1) * planes.width + 2 * across) * LANES;
    assert!(planes.width >= 2 * across && (P::PACK - 1) * planes.each + last <= planes.x.len());
    assert!((POINTS - 1) * stride + down * across * LANES <= out.len());
    assert!(level.available());
    // SAFETY: every tile lies in `g` and every point in `out`, as asserted, and the machine has the level's instructions.
    unsafe { P::spread(level, planes, (down, across), out, stride) }
}

/// What a lane of a packed vector holds, and what packs it.
pub trait Transforms: Products {
    /// # Safety
    /// As asserted by [`transform`].
    #[doc(hidden)]
    unsafe fn transform(
        level: Level,
        from: (Planes<'_>, usize),
        tiles: (usize, usize),
        out: &mut [Self],
        stride: usize,
    );
    /// # Safety
    /// As asserted by [`spread`].
    #[doc(hidden)]
    unsafe fn spread(
        level: Level,
        planes: Planes<'_>,
        tiles: (usize, usize),
        out: &mut [Self],
        stride: usize,
    );
}

/// The loops of a packing, at the level that is asked for.
macro_rules! transforms {
    ($at:ident) => {
        unsafe fn transform(
            level: Level,
            from: (Planes<'_>, usize),
            tiles: (usize, usize),
            out: &mut [Self],
            stride: usize,
        ) {
            // SAFETY: handed through; the level was asserted.
            unsafe { $at!(level, transform(from, tiles, out, stride)) }
        }
        unsafe fn spread(
            level: Level,
            planes: Planes<'_>,
            tiles: (usize, usize),
            out: &mut [Self],
            stride: usize,
        ) {
            // SAFETY: handed through; the level was asserted.
            unsafe { $at!(level, spread(planes, tiles, out, stride)) }
        }
    };
}

impl Transforms for f32 {
    transforms!(at_level);
}

impl Transforms for u32 {
    transforms!(at_pair_level);
}

macro_rules! loops {
    ($name:ident, $packed:ty, $width:literal, $prelude:path $(, $feature:literal)?) => {
        mod $name {
            use super::{LANES, POINTS, Planes, Products, SIDE};
            use $prelude::*;

            const PACK: usize = <$packed>::PACK;

            /// # Safety
            /// As asserted by [`super::transform`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn transform(
                (planes, base): (Planes<'_>, usize),
                (down, across): (usize, usize),
                out: &mut [$packed],
                stride: usize,
            ) {
                let width = planes.width;
                for at in (0..down * LANES).step_by($width) {
                    let (row, lane) = (at / LANES, at % LANES);
                    for column in 0..across {
                        // SAFETY: the caller's contract.
                        unsafe {
                            let x = planes.x.as_ptr().add(base + (2 * row * width + 2 * column) * LANES + lane);
                            let mut halves = [[splat(0.0); POINTS]; PACK];
                            for (plane, half) in halves.iter_mut().enumerate() {
                                let x = x.add(plane * planes.each);
                                for c in 0..SIDE {
                                    let d: [_; SIDE] = std::array::from_fn(|r| load(x.add((r * width + c) * LANES)));
                                    half[c] = sub(d[0], d[2]);
                                    half[SIDE + c] = add(d[1], d[2]);
                                    half[2 * SIDE + c] = sub(d[2], d[1]);
                                    half[3 * SIDE + c] = sub(d[1], d[3]);
                                }
                            }
                            let out = out.as_mut_ptr().add((row * across + column) * LANES + lane);
                            for r in 0..SIDE {
                                let mut row = [[splat(0.0); SIDE]; PACK];
                                for (row, half) in row.iter_mut().zip(&halves) {
                                    let d = [half[SIDE * r], half[SIDE * r + 1], half[SIDE * r + 2], half[SIDE * r + 3]];
                                    *row = [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3])];
                                }
                                for c in 0..SIDE {
                                    let mut lanes = [splat(0.0); PACK];
                                    for (lanes, row) in lanes.iter_mut().zip(&row) {
                                        *lanes = row[c];
                                    }
                                    put(out.add((SIDE * r + c) * stride), lanes);
                                }
                            }
                        }
                    }
                }
            }

            /// # Safety
            /// As asserted by [`super::spread`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn spread(
                planes: Planes<'_>,
                (down, across): (usize, usize),
                out: &mut [$packed],
                stride: usize,
            ) {
                let (zero, width) = (splat(0.0), planes.width);
                for at in (0..down * LANES).step_by($width) {
                    let (row, lane) = (at / LANES, at % LANES);
                    for column in 0..across {
                        // SAFETY: the caller's contract.
                        unsafe {
                            let g = planes.x.as_ptr().add((2 * row * width + 2 * column) * LANES + lane);
                            let mut halves = [[zero; 2 * SIDE]; PACK];
                            for (plane, half) in halves.iter_mut().enumerate() {
                                let g = g.add(plane * planes.each);
                                for c in 0..2 {
                                    let d = [load(g.add(c * LANES)), load(g.add((width + c) * LANES))];
                                    half[c] = d[0];
                                    half[2 + c] = add(d[0], d[1]);
                                    half[4 + c] = sub(d[0], d[1]);
                                    half[6 + c] = sub(zero, d[1]);
                                }
                            }
                            let out = out.as_mut_ptr().add((row * across + column) * LANES + lane);
                            for r in 0..SIDE {
                                let mut row = [[zero; SIDE]; PACK];
                                for (row, half) in row.iter_mut().zip(&halves) {
                                    let d = [half[2 * r], half[2 * r + 1]];
                                    *row = [d[0], add(d[0], d[1]), sub(d[0], d[1]), sub(zero, d[1])];
                                }
                                for c in 0..SIDE {
                                    let mut lanes = [splat(0.0); PACK];
                                    for (lanes, row) in lanes.iter_mut().zip(&row) {
                                        *lanes = row[c];
                                    }
                                    put(out.add((SIDE * r + c) * stride), lanes);
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
loops!(avx512, f32, 16, crate::kernels::vectors::zmm, "avx512f,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
loops!(avx2, f32, 8, crate::kernels::vectors::ymm, "avx2,fma");
#[cfg(target_arch = "aarch64")]
loops!(neon, f32, 4, crate::kernels::vectors::neon, "neon");
loops!(scalar, f32, 4, crate::kernels::vectors::plain);

#[cfg(target_arch = "x86_64")]
loops!(
    avx512_pairs,
    u32,
    16,
    crate::kernels::vectors::zmm_pairs,
    "avx512f,avx512vl,avx512bw,avx512bf16,avx2,fma"
);
#[cfg(target_arch = "x86_64")]
loops!(avx2_pairs, u32, 8, crate::kernels::vectors::ymm_pairs, "avx2,fma");
loops!(scalar_pairs, u32, 4, crate::kernels::vectors::plain_pairs);

/// The loops of [`inverse`].
mod back {
    use super::{LANES, SIDE};
    use crate::kernels::simd::{Level, at_level};

    macro_rules! inverse_loops {
        ($name:ident, $width:literal, $prelude:path $(, $feature:literal)?) => {
            mod $name {
                use super::{LANES, SIDE};
                use $prelude::*;

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
                    for at in (0..rows.div_ceil(2) * LANES).step_by($width) {
                        let (row, lane) = (at / LANES * 2, at % LANES);
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
    inverse_loops!(avx512, 16, crate::kernels::vectors::zmm, "avx512f,avx512vl,avx2,fma");
    #[cfg(target_arch = "x86_64")]
    inverse_loops!(avx2, 8, crate::kernels::vectors::ymm, "avx2,fma");
    #[cfg(target_arch = "aarch64")]
    inverse_loops!(neon, 4, crate::kernels::vectors::neon, "neon");
    inverse_loops!(scalar, 4, crate::kernels::vectors::plain);

    /// # Safety
    /// As asserted by [`super::inverse`].
    pub(super) unsafe fn inverse(
        level: Level,
        (m, stride): (&[f32], usize),
        bias: f32,
        (rows, columns): (usize, usize),
        out: &mut [f32],
    ) {
        // SAFETY: handed through; the level was asserted.
        unsafe { at_level!(level, inverse((m, stride), bias, (rows, columns), out)) }
    }
}
