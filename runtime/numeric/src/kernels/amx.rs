//! Products of tiles of bf16 by the matrix unit of a CPU, AMX: 16 rows by 16 columns of sums at a time.
//!
//! A tile has up to 16 rows of 64 bytes. `sums[m][n] += Σ_k left[m][k]·right[k][n]`, where `left[m][k]` and `right[k][n]` are pairs of
//! bf16 and a product is that of both. Within a product the first and the second numbers of all pairs are summed apart, in f32,
//! before both sums are added to what was there: Intel, "Architecture Instruction Set Extensions", TDPBF16PS. Denormal numbers
//! count as zero.

// The instructions have no stable intrinsics; offsets are checked before the first load.
#![allow(unsafe_code)]

use super::micro::LANES;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Rows of a tile of sums, pairs in a row of a tile that is multiplied.
pub(super) const SIDE: usize = 16;
/// Numbers of a tile of sums, pairs of a tile of left factors.
pub(super) const TILE: usize = SIDE * LANES;

/// Whether the CPU has tiles of bf16 and the system lends them. Asked once.
pub(super) fn available() -> bool {
    static ASKED: OnceLock<bool> = OnceLock::new();
    *ASKED.get_or_init(|| {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        {
            lent()
        }
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        {
            false
        }
    })
}

/// The system keeps the tiles of a thread apart only for processes that have asked for them.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn lent() -> bool {
    use std::arch::x86_64::__cpuid_count;
    const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
    const REQUEST_PERMISSION: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    let there = __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & BF16_AND_TILES == BF16_AND_TILES;
    // SAFETY: the call takes two numbers and changes what the process may execute, nothing else.
    there && unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) } == 0
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
        assert!(!offsets.is_empty());
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

/// The tiles of this thread, ready for left factors of `depth` pairs a row and right factors of as many rows.
pub(super) struct Tiles {
    depth: usize,
    /// Tiles belong to a thread.
    of_thread: PhantomData<*const ()>,
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
impl Tiles {
    /// Where tiles are [`available`].
    pub(super) fn new(depth: usize) -> Tiles {
        assert!(available() && (1..=SIDE).contains(&depth));
        let mut config = [0u8; 64];
        config[0] = 1;
        let mut set = |tile: usize, rows: usize, pairs: usize| {
            config[16 + 2 * tile] = 4 * pairs as u8;
            config[48 + tile] = rows as u8;
        };
        (0..4).for_each(|tile| set(tile, SIDE, LANES));
        (4..6).for_each(|tile| set(tile, SIDE, depth));
        (6..8).for_each(|tile| set(tile, depth, LANES));
        // SAFETY: the system lends the tiles, and the configuration is one of the first palette.
        unsafe {
            std::arch::asm!("ldtilecfg [{}]", in(reg) config.as_ptr(), options(nostack, readonly));
        }
        Tiles { depth, of_thread: PhantomData }
    }

    /// `out = start + Σ left·right` over the steps, for `ROWS` × `COLUMNS` tiles, row by row: 2 × 2, 2 × 1, 1 × 4 or 1 × 1. `start` is `out` itself
    /// where none is given.
    pub(super) fn multiply<const ROWS: usize, const COLUMNS: usize>(
        &self,
        f: &Factors<'_>,
        start: Option<(&[f32], Sums)>,
        (out, sums): (&mut [f32], Sums),
    ) {
        let count = ROWS * COLUMNS;
        let fits = |len: usize, s: &Sums| s.at[..count].iter().all(|at| at + (SIDE - 1) * s.stride + LANES <= len);
        assert!(fits(out.len(), &sums) && start.as_ref().is_none_or(|(from, s)| fits(from.len(), s)));
        let left = (f.steps.offsets.len() - 1) * f.left_step + (SIDE - 1) * f.left_stride + self.depth;
        assert!(f.left_at[..ROWS].iter().all(|at| at + left <= f.left.len()));
        let right = f.steps.furthest.div_ceil(4) + (self.depth - 1) * f.right_stride + LANES;
        assert!(f.right_at[..COLUMNS].iter().all(|at| at + right <= f.right.len()));
        let to = out.as_mut_ptr();
        let (from, of_start) = start.map_or((to.cast_const(), sums), |(from, s)| (from.as_ptr(), s));
        // SAFETY: all rows of all tiles lie in their slices, as asserted; addresses of tiles that are not used are not read.
        unsafe {
            let job = Job {
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

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: whoever could read the tiles is gone.
        unsafe { std::arch::asm!("tilerelease", options(nostack, nomem)) }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
impl Tiles {
    /// Where tiles are [`available`].
    pub(super) fn new(depth: usize) -> Tiles {
        unreachable!("no tiles of {depth} rows on this machine")
    }

    /// Nowhere.
    pub(super) fn multiply<const ROWS: usize, const COLUMNS: usize>(
        &self,
        _: &Factors<'_>,
        _: Option<(&[f32], Sums)>,
        _: (&mut [f32], Sums),
    ) {
        unreachable!("no tiles of {} rows on this machine", self.depth)
    }
}

/// Addresses, and distances in bytes.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[repr(C)]
struct Job {
    from: [*const f32; 4],
    to: [*mut f32; 4],
    from_stride: usize,
    to_stride: usize,
    left: [*const u32; 2],
    left_stride: usize,
    left_step: usize,
    right: [*const u32; 4],
    right_stride: usize,
    steps: *const usize,
    count: usize,
}

/// Loads the tiles of sums, adds the products of all steps, stores them. `$sum` are the numbers and registers of the tiles of sums,
/// `$body` the products of a step.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
macro_rules! job_loop {
    ($(#[$doc:meta])* $name:ident, [$($sum:literal $tile:literal),+], [$($body:literal),+ $(,)?]) => {
        $(#[$doc])*
        unsafe fn $name(&self) {
            // SAFETY: the caller's contract; the tiles of this thread are configured, and nothing else uses them.
            unsafe {
                std::arch::asm!(
                    "mov {t}, [{j} + 64]",
                    $(concat!("mov {o}, [{j} + ", $sum, "]"), concat!("tileloadd ", $tile, ", [{o} + {t}*1]"),)+
                    "mov {l0}, [{j} + 80]",
                    "mov {l1}, [{j} + 88]",
                    "mov {ls}, [{j} + 96]",
                    "mov {lp}, [{j} + 104]",
                    "mov {r0}, [{j} + 112]",
                    "mov {r1}, [{j} + 120]",
                    "mov {rs}, [{j} + 144]",
                    "mov {o}, [{j} + 152]",
                    "mov {n}, [{j} + 160]",
                    "2:",
                    $($body,)+
                    "add {l0}, {lp}",
                    "add {l1}, {lp}",
                    "add {o}, 8",
                    "dec {n}",
                    "jnz 2b",
                    "mov {t}, [{j} + 72]",
                    $(concat!("mov {o}, [{j} + ", $sum, " + 32]"), concat!("tilestored [{o} + {t}*1], ", $tile),)+
                    j = in(reg) std::ptr::from_ref(self),
                    t = out(reg) _,
                    l0 = out(reg) _,
                    l1 = out(reg) _,
                    ls = out(reg) _,
                    lp = out(reg) _,
                    r0 = out(reg) _,
                    r1 = out(reg) _,
                    rs = out(reg) _,
                    o = out(reg) _,
                    n = out(reg) _,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
impl Job {
    job_loop! {
        /// # Safety
        /// All addresses of two rows and two columns of tiles are good for all steps.
        two_by_two, ["0" "tmm0", "8" "tmm1", "16" "tmm2", "24" "tmm3"], [
            "mov {t}, [{o}]",
            "add {t}, {r0}",
            "tileloadd tmm4, [{l0} + {ls}*1]",
            "tileloadd tmm6, [{t} + {rs}*1]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "mov {t}, [{o}]",
            "add {t}, {r1}",
            "tileloadd tmm7, [{t} + {rs}*1]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{l1} + {ls}*1]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
        ]
    }
    job_loop! {
        /// # Safety
        /// The same of one column.
        two_by_one, ["0" "tmm0", "8" "tmm1"], [
            "mov {t}, [{o}]",
            "add {t}, {r0}",
            "tileloadd tmm4, [{l0} + {ls}*1]",
            "tileloadd tmm6, [{t} + {rs}*1]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{l1} + {ls}*1]",
            "tdpbf16ps tmm1, tmm5, tmm6",
        ]
    }
    job_loop! {
        /// # Safety
        /// The same of one row and four columns.
        one_by_four, ["0" "tmm0", "8" "tmm1", "16" "tmm2", "24" "tmm3"], [
            "tileloadd tmm4, [{l0} + {ls}*1]",
            "mov {t}, [{o}]",
            "add {t}, {r0}",
            "tileloadd tmm6, [{t} + {rs}*1]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "mov {t}, [{o}]",
            "add {t}, {r1}",
            "tileloadd tmm7, [{t} + {rs}*1]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "mov {t}, [{o}]",
            "add {t}, [{j} + 128]",
            "tileloadd tmm6, [{t} + {rs}*1]",
            "tdpbf16ps tmm2, tmm4, tmm6",
            "mov {t}, [{o}]",
            "add {t}, [{j} + 136]",
            "tileloadd tmm7, [{t} + {rs}*1]",
            "tdpbf16ps tmm3, tmm4, tmm7",
        ]
    }
    job_loop! {
        /// # Safety
        /// The same of one row and one column.
        one_by_one, ["0" "tmm0"], [
            "mov {t}, [{o}]",
            "add {t}, {r0}",
            "tileloadd tmm4, [{l0} + {ls}*1]",
            "tileloadd tmm6, [{t} + {rs}*1]",
            "tdpbf16ps tmm0, tmm4, tmm6",
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::element::{Element, bf16};
    use crate::kernels::noise;
    use crate::kernels::vectors::plain_pairs::pair;

    fn pairs(len: usize, seed: u32) -> Vec<u32> {
        noise(2 * len, seed).chunks_exact(2).map(|v| pair([v[0], v[1]])).collect()
    }

    fn halves(pair: u32) -> [f32; 2] {
        [pair as u16, (pair >> 16) as u16].map(|bits| bf16::from_bits(bits).value())
    }

    /// Sums as the instruction takes them, to the bit.
    fn model(f: &Factors<'_>, depth: usize, (row, column): (usize, usize), sums: &mut [[f32; LANES]; SIDE]) {
        for (step, offset) in f.steps.offsets.iter().enumerate() {
            for (m, sums) in sums.iter_mut().enumerate() {
                for (n, sum) in sums.iter_mut().enumerate() {
                    let mut parts = [0.0f32; 2];
                    for k in 0..depth {
                        let l = halves(f.left[f.left_at[row] + step * f.left_step + m * f.left_stride + k]);
                        let r = halves(f.right[f.right_at[column] + offset / 4 + k * f.right_stride + n]);
                        (0..2).for_each(|i| parts[i] = l[i].mul_add(r[i], parts[i]));
                    }
                    *sum += parts[0] + parts[1];
                }
            }
        }
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
        let at = Sums { at: [0, 16, 2048, 2064], stride: 48 };
        let mut out = noise(4096, 3);
        let mut want = vec![];
        for tile in 0..ROWS * COLUMNS {
            let mut sums = std::array::from_fn(|m| std::array::from_fn(|n| out[at.at[tile] + m * at.stride + n]));
            model(&f, depth, (tile / COLUMNS, tile % COLUMNS), &mut sums);
            want.push(sums);
        }
        Tiles::new(depth).multiply::<ROWS, COLUMNS>(&f, None, (&mut out, at));
        for (tile, want) in want.iter().enumerate() {
            for (m, want) in want.iter().enumerate() {
                let got = &out[at.at[tile] + m * at.stride..][..LANES];
                assert_eq!(got, want, "row {m} of tile {tile} of {ROWS} by {COLUMNS}, {depth} deep");
            }
        }
    }

    #[test]
    fn tiles_are_multiplied_as_the_manual_has_it() {
        if !available() {
            return;
        }
        for depth in [1, 2, 8, 11, 16] {
            check::<2, 2>(depth);
            check::<2, 1>(depth);
            check::<1, 4>(depth);
            check::<1, 1>(depth);
        }
    }
}
