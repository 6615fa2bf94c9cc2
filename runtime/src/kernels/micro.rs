//! The register-blocked inner loops of the convolutions, and their choice at run time.
//!
//! A *vector* is one value of [`LANES`] images. All offsets are in floats and point at the first lane of a vector.

// The loops run on vector registers of a level that was detected, over offsets that were checked before the first load.
#![allow(unsafe_code)]

use super::simd::{Level, at_level};

/// Images side by side in a block: the lanes of the widest vector.
pub const LANES: usize = 16;
/// Output channels of one tile of [`correlate`].
pub(super) const CHANNELS: usize = 8;
/// Gradient channels of one tile of [`outer_sums`].
pub(super) const GRADS: usize = 4;
/// Input vectors of one tile of [`outer_sums`].
pub(super) const INPUTS: usize = 6;

/// Rows and columns of one tile of [`products`].
pub(super) const SIDE: usize = 4;

/// Where one output position is written and where its window starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// Offset within an output channel.
    pub out: usize,
    /// Offset within an input channel.
    pub base: usize,
}

/// [`CHANNELS`] output channels as a sum over input channels and taps.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// Input, `[channels][plane]`.
    pub x: &'a [f32],
    /// Floats from one input channel to the next.
    pub plane: usize,
    /// Input channels.
    pub channels: usize,
    /// Offset of each tap from a position's base.
    pub taps: &'a [usize],
    /// Weights, `[channels][taps][CHANNELS]`.
    pub weights: &'a [f32],
    /// What the sums start from.
    pub init: [f32; CHANNELS],
    /// Floats from one output channel to the next.
    pub out_plane: usize,
}

/// `out[m][p.out] = init[m] + Σ x[c][p.base + tap] · weights[c][tap][m]`, for all lanes.
pub(super) fn correlate(level: Level, panel: &Panel<'_>, positions: &[Position], out: &mut [f32]) {
    let (Some(base), Some(last)) =
        (positions.iter().map(|p| p.base).max(), positions.iter().map(|p| p.out).max())
    else {
        return;
    };
    let tap = panel.taps.iter().max().copied().unwrap_or(0);
    let used = panel.channels * panel.taps.len();
    assert!(used == 0 || (panel.channels - 1) * panel.plane + base + tap + LANES <= panel.x.len());
    assert!(used * CHANNELS <= panel.weights.len());
    assert!((CHANNELS - 1) * panel.out_plane + last + LANES <= out.len());
    assert!(level.available());
    // SAFETY: every load and store lies below the ends asserted above, and the machine has the level's instructions.
    unsafe { at_level!(level, correlate(panel, positions, out)) }
}

/// `sums[m][j] += Σ_p Σ_lane g[g_at[m] + p·LANES] · x[bases[p] + x_at[j]]`.
pub(super) fn outer_sums(
    level: Level,
    (g, g_at): (&[f32], [usize; GRADS]),
    (x, x_at): (&[f32], [usize; INPUTS]),
    bases: &[usize],
    sums: &mut [f32; GRADS * INPUTS],
) {
    let Some(base) = bases.iter().max() else { return };
    assert!(g_at.iter().all(|at| at + bases.len() * LANES <= g.len()));
    assert!(x_at.iter().all(|at| at + base + LANES <= x.len()));
    assert!(level.available());
    // SAFETY: every load lies below the ends asserted above, and the machine has the level's instructions.
    unsafe { at_level!(level, outer_sums((g, g_at), (x, x_at), bases, sums)) }
}

/// `sums[m][j] += Σ_p Σ_lane g[g_at[m] + p·LANES] · x[x_at[j] + p·LANES]` over `count` vectors.
pub(super) fn products(
    level: Level,
    (g, g_at): (&[f32], [usize; SIDE]),
    (x, x_at): (&[f32], [usize; SIDE]),
    count: usize,
    sums: &mut [f32; SIDE * SIDE],
) {
    assert!(g_at.iter().all(|at| at + count * LANES <= g.len()));
    assert!(x_at.iter().all(|at| at + count * LANES <= x.len()));
    assert!(level.available());
    // SAFETY: every load lies below the ends asserted above, and the machine has the level's instructions.
    unsafe { at_level!(level, products((g, g_at), (x, x_at), count, sums)) }
}

/// Loops for vectors of `$width` lanes. The registers of a level hold a tile of `$m` channels at `$p` positions of a correlation, and
/// so many rows of the other two.
macro_rules! loops {
    ($name:ident, $width:literal, [$m:expr, $p:literal], [$grads:expr, $rows:expr], $prelude:path $(, $feature:literal)?) => {
        mod $name {
            use super::{CHANNELS, GRADS, INPUTS, LANES, Panel, Position, SIDE};
            use $prelude::*;

            /// # Safety
            /// As asserted by [`super::correlate`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn correlate(
                panel: &Panel<'_>,
                positions: &[Position],
                out: &mut [f32],
            ) {
                const M: usize = $m;
                let (tiles, rest) = positions.as_chunks::<$p>();
                for m in (0..CHANNELS).step_by(M) {
                    for lane in (0..LANES).step_by($width) {
                        for tile in tiles {
                            // SAFETY: handed through.
                            unsafe { positions_at::<M, $p>(panel, tile, (m, lane), out) };
                        }
                        let (pairs, rest) = rest.as_chunks::<2>();
                        for pair in pairs {
                            // SAFETY: handed through.
                            unsafe { positions_at::<M, 2>(panel, pair, (m, lane), out) };
                        }
                        for single in rest {
                            // SAFETY: handed through.
                            unsafe { positions_at::<M, 1>(panel, &[*single], (m, lane), out) };
                        }
                    }
                }
            }

            $(#[target_feature(enable = $feature)])?
            #[inline]
            unsafe fn positions_at<const M: usize, const P: usize>(
                panel: &Panel<'_>,
                positions: &[Position; P],
                (m0, lane): (usize, usize),
                out: &mut [f32],
            ) {
                // SAFETY: base + tap + channel offsets stay inside `x`, the weights hold `CHANNELS` values for every
                // channel and tap, and the output offsets stay inside `out`: the caller's contract.
                unsafe {
                    let mut sums = [[splat(0.0); P]; M];
                    for m in 0..M {
                        sums[m] = [splat(panel.init[m0 + m]); P];
                    }
                    let mut weights = panel.weights.as_ptr().add(m0);
                    for channel in 0..panel.channels {
                        let x = panel.x.as_ptr().add(channel * panel.plane + lane);
                        for &tap in panel.taps {
                            let mut values = [splat(0.0); P];
                            for p in 0..P {
                                values[p] = load(x.add(positions[p].base + tap));
                            }
                            for m in 0..M {
                                let weight = splat(*weights.add(m));
                                for p in 0..P {
                                    sums[m][p] = fma(weight, values[p], sums[m][p]);
                                }
                            }
                            weights = weights.add(CHANNELS);
                        }
                    }
                    let out = out.as_mut_ptr().add(lane);
                    for m in 0..M {
                        for p in 0..P {
                            store(out.add((m0 + m) * panel.out_plane + positions[p].out), sums[m][p]);
                        }
                    }
                }
            }

            /// # Safety
            /// As asserted by [`super::outer_sums`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn outer_sums(
                (g, g_at): (&[f32], [usize; GRADS]),
                (x, x_at): (&[f32], [usize; INPUTS]),
                bases: &[usize],
                totals: &mut [f32; GRADS * INPUTS],
            ) {
                const M: usize = $grads;
                for m0 in (0..GRADS).step_by(M) {
                    let mut sums = [[splat(0.0); INPUTS]; M];
                    for lane in (0..LANES).step_by($width) {
                        // SAFETY: the offsets stay inside `g` and `x`: the caller's contract.
                        unsafe {
                            let g: [*const f32; M] = std::array::from_fn(|m| g.as_ptr().add(g_at[m0 + m] + lane));
                            let x: [*const f32; INPUTS] = std::array::from_fn(|j| x.as_ptr().add(x_at[j] + lane));
                            for (p, &base) in bases.iter().enumerate() {
                                let mut grads = [splat(0.0); M];
                                for m in 0..M {
                                    grads[m] = load(g[m].add(p * LANES));
                                }
                                for j in 0..INPUTS {
                                    let value = load(x[j].add(base));
                                    for m in 0..M {
                                        sums[m][j] = fma(grads[m], value, sums[m][j]);
                                    }
                                }
                            }
                        }
                    }
                    for m in 0..M {
                        for j in 0..INPUTS {
                            totals[(m0 + m) * INPUTS + j] += total(sums[m][j]);
                        }
                    }
                }
            }

            /// # Safety
            /// As asserted by [`super::products`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn products(
                (g, g_at): (&[f32], [usize; SIDE]),
                (x, x_at): (&[f32], [usize; SIDE]),
                count: usize,
                sums: &mut [f32; SIDE * SIDE],
            ) {
                const M: usize = $rows;
                for m0 in (0..SIDE).step_by(M) {
                    let mut rows = [[splat(0.0); SIDE]; M];
                    for lane in (0..LANES).step_by($width) {
                        // SAFETY: the offsets stay inside `g` and `x`: the caller's contract.
                        unsafe {
                            let g: [*const f32; M] = std::array::from_fn(|m| g.as_ptr().add(g_at[m0 + m] + lane));
                            let x: [*const f32; SIDE] = std::array::from_fn(|j| x.as_ptr().add(x_at[j] + lane));
                            for p in 0..count {
                                let mut values = [splat(0.0); SIDE];
                                for j in 0..SIDE {
                                    values[j] = load(x[j].add(p * LANES));
                                }
                                for m in 0..M {
                                    let grad = load(g[m].add(p * LANES));
                                    for j in 0..SIDE {
                                        rows[m][j] = fma(grad, values[j], rows[m][j]);
                                    }
                                }
                            }
                        }
                    }
                    add_totals(&rows, &mut sums[m0 * SIDE..(m0 + M) * SIDE]);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
loops!(avx512, 16, [CHANNELS, 3], [GRADS, SIDE], crate::kernels::vectors::zmm, "avx512f,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
loops!(avx2, 8, [4, 3], [2, 2], crate::kernels::vectors::ymm, "avx2,fma");
#[cfg(target_arch = "aarch64")]
loops!(neon, 4, [CHANNELS, 3], [GRADS, SIDE], crate::kernels::vectors::neon, "neon");
loops!(scalar, 4, [CHANNELS, 1], [1, 1], crate::kernels::vectors::plain);
