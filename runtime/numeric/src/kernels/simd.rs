//! Which vector instructions the machine has.

use super::amx;
use std::sync::OnceLock;

/// A set of vector instructions that the convolution kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust; whatever the target's baseline has.
    Scalar,
    /// NEON: 4 lanes, 32 registers.
    Neon,
    /// AVX2 with fused multiply-add: 8 lanes, 16 registers.
    Avx2,
    /// AVX-512F with its VL, DQ and BW extensions: 16 lanes, 32 registers.
    Avx512,
}

impl Level {
    /// The widest level that this machine executes. Asked once.
    pub fn best() -> Level {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            let widest = [Level::Avx512, Level::Avx2, Level::Neon];
            widest.into_iter().find(|l| l.available()).unwrap_or(Level::Scalar)
        })
    }

    /// Whether vectors of this level multiply bf16 by instructions of their own. Asked once.
    pub fn multiplies_bf16(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            static ASKED: OnceLock<bool> = OnceLock::new();
            let there = || is_x86_feature_detected!("avx512bf16");
            self == Level::Avx512 && self.available() && *ASKED.get_or_init(there)
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }

    /// Whether this machine executes the level.
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            match self {
                Level::Scalar => true,
                Level::Neon => false,
                Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
                Level::Avx512 => {
                    is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512vl")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512bw")
                        && Level::Avx2.available()
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Level::Scalar || (self == Level::Neon && cfg!(target_arch = "aarch64"))
        }
    }
}

relinc_passes::words! {
    /// Kinds of CPU, by those of their instructions that the kernels use.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    pub enum Cpu ("kind of CPU") {
        /// AVX-512 with products of bf16, and a matrix unit for them.
        #[serde(rename = "amx-bf16")]
        AmxBf16 = "amx-bf16",
        /// AVX-512 with products of bf16.
        #[serde(rename = "avx512-bf16")]
        Avx512Bf16 = "avx512-bf16",
        /// AVX-512F with its VL, DQ and BW extensions.
        #[serde(rename = "avx512")]
        Avx512 = "avx512",
        /// AVX2 with fused multiply-add.
        #[serde(rename = "avx2")]
        Avx2 = "avx2",
        /// 64-bit ARM.
        #[serde(rename = "neon")]
        Neon = "neon",
        /// Any other.
        #[serde(rename = "plain")]
        Plain = "plain",
    }
}

impl Cpu {
    /// That of this machine.
    pub fn here() -> Cpu {
        match Level::best() {
            Level::Avx512 if Level::Avx512.multiplies_bf16() && amx::available() => Cpu::AmxBf16,
            Level::Avx512 if Level::Avx512.multiplies_bf16() => Cpu::Avx512Bf16,
            Level::Avx512 => Cpu::Avx512,
            Level::Avx2 => Cpu::Avx2,
            Level::Neon => Cpu::Neon,
            Level::Scalar => Cpu::Plain,
        }
    }

    /// Whether this machine has all of its instructions.
    pub fn available(self) -> bool {
        self.level().available()
            && match self {
                Cpu::AmxBf16 => amx::available() && Level::Avx512.multiplies_bf16(),
                Cpu::Avx512Bf16 => Level::Avx512.multiplies_bf16(),
                Cpu::Avx512 | Cpu::Avx2 | Cpu::Neon | Cpu::Plain => true,
            }
    }

    /// Its widest vectors.
    pub fn level(self) -> Level {
        match self {
            Cpu::AmxBf16 | Cpu::Avx512Bf16 | Cpu::Avx512 => Level::Avx512,
            Cpu::Avx2 => Level::Avx2,
            Cpu::Neon => Level::Neon,
            Cpu::Plain => Level::Scalar,
        }
    }
}

/// Defines a loop that is compiled once for each [`Level`] and runs at the best one. Nothing is contracted to fused operations,
/// so results do not depend on the machine.
macro_rules! wide {
    ($(#[$doc:meta])* $visible:vis fn $name:ident$(<$of:ident: $bound:path>)?($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        $visible fn $name$(<$of: $bound>)?($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain$(<$of: $bound>)?($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
                fn avx512$(<$of: $bound>)?($($arg: $type),*) $(-> $result)? {
                    plain($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2$(<$of: $bound>)?($($arg: $type),*) $(-> $result)? {
                    plain($($arg),*)
                }
                match $crate::kernels::simd::Level::best() {
                    // SAFETY: the level was detected.
                    $crate::kernels::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: the level was detected.
                    $crate::kernels::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            plain($($arg),*)
        }
    };
}

pub(crate) use wide;

/// Calls a loop of the module that is compiled for a level. Such modules have the names that stand here.
macro_rules! at_level {
    ($level:expr, $name:ident($($arg:expr),*)) => {
        match $level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::$name($($arg),*),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::$name($($arg),*),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => neon::$name($($arg),*),
            _ => scalar::$name($($arg),*),
        }
    };
}

pub(super) use at_level;

/// The same for a loop over pairs of bf16.
macro_rules! at_pair_level {
    ($level:expr, $name:ident($($arg:expr),*)) => {
        match $level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if Level::Avx512.multiplies_bf16() => avx512_pairs::$name($($arg),*),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => avx2_pairs::$name($($arg),*),
            _ => scalar_pairs::$name($($arg),*),
        }
    };
}

pub(super) use at_pair_level;
