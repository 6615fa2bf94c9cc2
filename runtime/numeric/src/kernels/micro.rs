//! The register-blocked inner loops of the convolutions, and their choice at run time.
//!
//! A *vector* is one value of [`LANES`] images. All offsets are in lanes and point at the first lane of a vector. What is multiplied
//! is f32, or *packed*: pairs of bf16 whose products are summed in f32.

// The loops run on vector registers of a level that was detected, over offsets that were checked before the first load.
#![allow(unsafe_code)]

use bytemuck::Pod;

use super::simd::{Level, at_level, at_pair_level};
use super::vectors::plain_pairs::pair;

/// Images side by side in a block: the lanes of the widest vector.
pub const LANES: usize = 16;
/// Output channels of one tile of [`correlate`].
pub const CHANNELS: usize = 8;
/// Gradient channels of one tile of [`outer_sums`].
pub const GRADS: usize = 4;
/// Input vectors of one tile of [`outer_sums`].
pub const INPUTS: usize = 6;

/// Rows and columns of one tile of [`products`].
pub const SIDE: usize = 4;

/// Where one output position is written and where its window starts.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Offset within an output channel.
    pub out: usize,
    /// Offset within an input channel.
    pub base: usize,
}

/// [`CHANNELS`] output channels as a sum over input channels and taps.
#[derive(Clone, Copy)]
pub struct Panel<'a, P = f32> {
    /// Input, `[channels][plane]`.
    pub x: &'a [P],
    /// Lanes from one input channel to the next.
    pub plane: usize,
    /// Input channels, or pairs of them.
    pub channels: usize,
    /// Offset of each tap from a position's base.
    pub taps: &'a [usize],
    /// Weights, `[channels][taps][CHANNELS]`.
    pub weights: &'a [P],
    /// What the sums start from.
    pub init: [f32; CHANNELS],
    /// Lanes from one output channel to the next.
    pub out_plane: usize,
}

/// `out[m][p.out] = init[m] + Σ x[c][p.base + tap] · weights[c][tap][m]`, for all lanes.
pub(super) fn correlate<P: Products>(
    level: Level,
    panel: &Panel<'_, P>,
    positions: &[Position],
    out: &mut [f32],
) {
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
    unsafe { P::correlate(level, panel, positions, out) }
}

/// `sums[m][j] += Σ_p Σ_lane g[g_at[m] + p·LANES] · x[bases[p] + x_at[j]]`.
pub(super) fn outer_sums<P: Products>(
    level: Level,
    (g, g_at): (&[P], [usize; GRADS]),
    (x, x_at): (&[P], [usize; INPUTS]),
    bases: &[usize],
    sums: &mut [f32; GRADS * INPUTS],
) {
    let Some(base) = bases.iter().max() else { return };
    assert!(g_at.iter().all(|at| at + bases.len() * LANES <= g.len()));
    assert!(x_at.iter().all(|at| at + base + LANES <= x.len()));
    assert!(level.available());
    // SAFETY: every load lies below the ends asserted above, and the machine has the level's instructions.
    unsafe { P::outer_sums(level, (g, g_at), (x, x_at), bases, sums) }
}

/// `sums[m][j] += Σ_p Σ_lane g[g_at[m] + p·LANES] · x[x_at[j] + p·LANES]` over `count` vectors.
pub(super) fn products<P: Products>(
    level: Level,
    (g, g_at): (&[P], [usize; SIDE]),
    (x, x_at): (&[P], [usize; SIDE]),
    count: usize,
    sums: &mut [f32; SIDE * SIDE],
) {
    assert!(g_at.iter().all(|at| at + count * LANES <= g.len()));
    assert!(x_at.iter().all(|at| at + count * LANES <= x.len()));
    assert!(level.available());
    // SAFETY: every load lies below the ends asserted above, and the machine has the level's instructions.
    unsafe { P::products(level, (g, g_at), (x, x_at), count, sums) }
}

/// What a lane of a packed vector holds, and the loops over such vectors.
pub trait Products: Pod + Default + Send + Sync {
    /// How many numbers it holds.
    const PACK: usize;

    /// Packs as many numbers.
    fn packed(numbers: [f32; 2]) -> Self;
    /// The lanes as f32, where they are.
    fn singles(lanes: &mut [Self]) -> Option<&mut [f32]>;

    /// # Safety
    /// As asserted by [`correlate`].
    #[doc(hidden)]
    unsafe fn correlate(level: Level, panel: &Panel<'_, Self>, positions: &[Position], out: &mut [f32]);
    /// # Safety
    /// As asserted by [`outer_sums`].
    #[doc(hidden)]
    unsafe fn outer_sums(
        level: Level,
        g: (&[Self], [usize; GRADS]),
        x: (&[Self], [usize; INPUTS]),
        bases: &[usize],
        sums: &mut [f32; GRADS * INPUTS],
    );
    /// # Safety
    /// As asserted by [`products`].
    #[doc(hidden)]
    unsafe fn products(
        level: Level,
        g: (&[Self], [usize; SIDE]),
        x: (&[Self], [usize; SIDE]),
        count: usize,
        sums: &mut [f32; SIDE * SIDE],
    );
}

/// The loops of a packing, at the level that is asked for.
macro_rules! products {
    ($at:ident) => {
        unsafe fn correlate(level: Level, panel: &Panel<'_, Self>, positions: &[Position], out: &mut [f32]) {
            // SAFETY: handed through; the level was asserted.
            unsafe { $at!(level, correlate(panel, positions, out)) }
        }
        unsafe fn outer_sums(
            level: Level,
            g: (&[Self], [usize; GRADS]),
            x: (&[Self], [usize; INPUTS]),
            bases: &[usize],
            sums: &mut [f32; GRADS * INPUTS],
        ) {
            // SAFETY: handed through; the level was asserted.
            unsafe { $at!(level, outer_sums(g, x, bases, sums)) }
        }
        unsafe fn products(
            level: Level,
            g: (&[Self], [usize; SIDE]),
            x: (&[Self], [usize; SIDE]),
            count: usize,
            sums: &mut [f32; SIDE * SIDE],
        ) {
            // SAFETY: handed through; the level was asserted.
            unsafe { $at!(level, products(g, x, count, sums)) }
        }
    };
}

impl Products for f32 {
    const PACK: usize = 1;
    fn packed([number, _]: [f32; 2]) -> f32 {
        number
    }
    fn singles(lanes: &mut [f32]) -> Option<&mut [f32]> {
        Some(lanes)
    }
    products!(at_level);
}

/// A pair of bf16.
impl Products for u32 {
    const PACK: usize = 2;
    fn packed(numbers: [f32; 2]) -> u32 {
        pair(numbers)
    }
    fn singles(_: &mut [u32]) -> Option<&mut [f32]> {
        None
    }
    products!(at_pair_level);
}

/// Loops for vectors of `$width` lanes. The registers of a level hold a tile of `$m` channels at `$p` positions of a correlation, and
/// so many rows of the other two.
macro_rules! loops {
    ($name:ident, $packed:ty, $width:literal, [$m:expr, $p:literal], [$grads:expr, $rows:expr], $prelude:path $(, $feature:literal)?) => {
        mod $name {
            use super::{CHANNELS, GRADS, INPUTS, LANES, Panel, Position, SIDE};
            use $prelude::*;

            /// # Safety
            /// As asserted by [`super::correlate`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn correlate(
                panel: &Panel<'_, $packed>,
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
                panel: &Panel<'_, $packed>,
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
                            let mut values = [splat_packed(<$packed>::default()); P];
                            for p in 0..P {
                                values[p] = load_packed(x.add(positions[p].base + tap));
                            }
                            for m in 0..M {
                                let weight = splat_packed(*weights.add(m));
                                for p in 0..P {
                                    sums[m][p] = multiply(weight, values[p], sums[m][p]);
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
                (g, g_at): (&[$packed], [usize; GRADS]),
                (x, x_at): (&[$packed], [usize; INPUTS]),
                bases: &[usize],
                totals: &mut [f32; GRADS * INPUTS],
            ) {
                const M: usize = $grads;
                for m0 in (0..GRADS).step_by(M) {
                    let mut sums = [[splat(0.0); INPUTS]; M];
                    for lane in (0..LANES).step_by($width) {
                        // SAFETY: the offsets stay inside `g` and `x`: the caller's contract.
                        unsafe {
                            let g: [*const $packed; M] = std::array::from_fn(|m| g.as_ptr().add(g_at[m0 + m] + lane));
                            let x: [*const $packed; INPUTS] = std::array::from_fn(|j| x.as_ptr().add(x_at[j] + lane));
                            for (p, &base) in bases.iter().enumerate() {
                                let mut grads = [splat_packed(<$packed>::default()); M];
                                for m in 0..M {
                                    grads[m] = load_packed(g[m].add(p * LANES));
                                }
                                for j in 0..INPUTS {
                                    let value = load_packed(x[j].add(base));
                                    for m in 0..M {
                                        sums[m][j] = multiply(grads[m], value, sums[m][j]);
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
                (g, g_at): (&[$packed], [usize; SIDE]),
                (x, x_at): (&[$packed], [usize; SIDE]),
                count: usize,
                sums: &mut [f32; SIDE * SIDE],
            ) {
                const M: usize = $rows;
                for m0 in (0..SIDE).step_by(M) {
                    let mut rows = [[splat(0.0); SIDE]; M];
                    for lane in (0..LANES).step_by($width) {
                        // SAFETY: the offsets stay inside `g` and `x`: the caller's contract.
                        unsafe {
                            let g: [*const $packed; M] = std::array::from_fn(|m| g.as_ptr().add(g_at[m0 + m] + lane));
                            let x: [*const $packed; SIDE] = std::array::from_fn(|j| x.as_ptr().add(x_at[j] + lane));
                            for p in 0..count {
                                let mut values = [splat_packed(<$packed>::default()); SIDE];
                                for j in 0..SIDE {
                                    values[j] = load_packed(x[j].add(p * LANES));
                                }
                                for m in 0..M {
                                    let grad = load_packed(g[m].add(p * LANES));
                                    for j in 0..SIDE {
                                        rows[m][j] = multiply(grad, values[j], rows[m][j]);
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
loops!(
    avx512,
    f32,
    16,
    [CHANNELS, 3],
    [GRADS, SIDE],
    crate::kernels::vectors::zmm,
    "avx512f,avx512vl,avx2,fma"
);
#[cfg(target_arch = "x86_64")]
loops!(avx2, f32, 8, [4, 3], [2, 2], crate::kernels::vectors::ymm, "avx2,fma");
#[cfg(target_arch = "aarch64")]
loops!(neon, f32, 4, [CHANNELS, 3], [GRADS, SIDE], crate::kernels::vectors::neon, "neon");
loops!(scalar, f32, 4, [CHANNELS, 1], [1, 1], crate::kernels::vectors::plain);

#[cfg(target_arch = "x86_64")]
loops!(
    avx512_pairs,
    u32,
    16,
    [CHANNELS, 3],
    [GRADS, SIDE],
    crate::kernels::vectors::zmm_pairs,
    "avx512f,avx512vl,avx512bw,avx512bf16,avx2,fma"
);
#[cfg(target_arch = "x86_64")]
loops!(avx2_pairs, u32, 8, [4, 2], [2, 2], crate::kernels::vectors::ymm_pairs, "avx2,fma");
loops!(scalar_pairs, u32, 4, [CHANNELS, 1], [1, 1], crate::kernels::vectors::plain_pairs);
