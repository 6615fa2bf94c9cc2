//! The matrix unit itself: its configuration, and the loops over steps.

// The instructions have no stable intrinsics; addresses were checked by the caller.
#![allow(unsafe_code)]

use super::SIDE;
use crate::kernels::micro::LANES;
use std::arch::asm;
use std::sync::OnceLock;

// The loops below count on addresses of eight bytes.
const _: () = assert!(size_of::<usize>() == 8);

/// Whether the CPU has tiles of bf16 and the system lends them. Asked once.
pub(super) fn available() -> bool {
    static ASKED: OnceLock<bool> = OnceLock::new();
    *ASKED.get_or_init(lent)
}

/// Linux keeps tiles only for processes that have asked for them.
fn lent() -> bool {
    use std::arch::x86_64::__cpuid_count;
    const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
    const REQUEST_PERMISSION: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    let there = __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & BF16_AND_TILES == BF16_AND_TILES;
    // SAFETY: the call takes two numbers and changes what the process may execute, nothing else.
    there && unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) } == 0
}

/// Makes this thread's tiles ready for left factors of `depth` pairs a row and right factors of as many rows.
pub(super) fn configure(depth: usize) {
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
    unsafe { asm!("ldtilecfg [{}]", in(reg) config.as_ptr(), options(nostack, readonly)) }
}

/// Gives the tiles of this thread back.
pub(super) fn release() {
    assert!(available());
    // SAFETY: the system lends the tiles; nothing keeps what they hold.
    unsafe { asm!("tilerelease", options(nostack, nomem)) }
}

/// Addresses, and distances in bytes.
#[repr(C)]
pub(super) struct Job {
    pub from: [*const f32; 4],
    pub to: [*mut f32; 4],
    pub from_stride: usize,
    pub to_stride: usize,
    pub left: [*const u32; 2],
    pub left_stride: usize,
    pub left_step: usize,
    pub right: [*const u32; 4],
    pub right_stride: usize,
    pub steps: *const usize,
    pub count: usize,
}

/// Loads the tiles of sums, adds the products of all steps, stores them. `$sum` are the numbers and registers of the tiles of sums,
/// `$body` the products of a step.
macro_rules! job_loop {
    ($(#[$doc:meta])* $name:ident, [$($sum:literal $tile:literal),+], [$($body:literal),+ $(,)?]) => {
        $(#[$doc])*
        pub(super) unsafe fn $name(&self) {
            // SAFETY: the caller's contract; the tiles of this thread are configured, and nothing else uses them.
            unsafe {
                asm!(
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
