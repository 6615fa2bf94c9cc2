//! Vectors of each level under the same names, for loops that are written once.
//!
//! What is multiplied is *packed*: a lane holds a number, or in the modules of pairs two bf16, the first in its low half. `multiply`
//! adds the products of a lane to its sum, the second one first, and `put` packs vectors, lane by lane.

// Loads and stores go through addresses; callers check them.
#![allow(unsafe_code)]

macro_rules! add_totals {
    ($vector:ty $(, $feature:literal)?) => {
        /// Adds the sum of each vector's lanes to `sums`, one for each vector.
        #[inline]
        $(#[target_feature(enable = $feature)])?
        pub(in crate::kernels) fn add_totals<const M: usize, const N: usize>(
            rows: &[[$vector; N]; M],
            sums: &mut [f32],
        ) {
            for (sum, v) in sums.iter_mut().zip(rows.as_flattened()) {
                *sum += total(*v);
            }
        }
    };
}

/// Of vectors whose lanes hold one number.
macro_rules! put {
    ($vector:ty $(, $feature:literal)?) => {
        /// # Safety
        /// A vector can be written at `at`.
        #[inline]
        $(#[target_feature(enable = $feature)])?
        pub(in crate::kernels) unsafe fn put(at: *mut f32, [v]: [$vector; 1]) {
            // SAFETY: the caller's contract.
            unsafe { store(at, v) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) mod zmm {
    use std::arch::x86_64::{
        __m512, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_unpackhi_ps,
        _mm512_unpacklo_ps,
    };
    pub(in crate::kernels) use std::arch::x86_64::{
        _mm512_add_ps as add, _mm512_fmadd_ps as multiply, _mm512_loadu_ps as load,
        _mm512_loadu_ps as load_packed, _mm512_reduce_add_ps as total, _mm512_set1_ps as splat,
        _mm512_set1_ps as splat_packed, _mm512_storeu_ps as store, _mm512_sub_ps as sub,
    };

    put!(__m512, "avx512f");

    /// Adds the sum of each vector's lanes to `sums`, one for each vector; all sixteen at a time.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in crate::kernels) fn add_totals<const M: usize>(rows: &[[__m512; 4]; M], sums: &mut [f32]) {
        // Of each row, a vector whose quarters hold four partial sums of its four vectors.
        let mut quarters = [_mm512_setzero_ps(); 4];
        for (q, [a, b, c, d]) in quarters.iter_mut().zip(rows) {
            let ab = add(_mm512_unpacklo_ps(*a, *b), _mm512_unpackhi_ps(*a, *b));
            let cd = add(_mm512_unpacklo_ps(*c, *d), _mm512_unpackhi_ps(*c, *d));
            *q = add(_mm512_shuffle_ps::<0x44>(ab, cd), _mm512_shuffle_ps::<0xee>(ab, cd));
        }
        let pair = |a, b| add(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
        let (first, second) = (pair(quarters[0], quarters[1]), pair(quarters[2], quarters[3]));
        let mut all = [0.0f32; 16];
        // SAFETY: sixteen floats can be written there.
        unsafe { store(all.as_mut_ptr(), pair(first, second)) };
        sums.iter_mut().zip(all).for_each(|(sum, v)| *sum += v);
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod ymm {
    use std::arch::x86_64::{
        __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_shuffle_ps, _mm256_castps256_ps128,
        _mm256_extractf128_ps,
    };
    pub(in crate::kernels) use std::arch::x86_64::{
        _mm256_add_ps as add, _mm256_fmadd_ps as multiply, _mm256_loadu_ps as load,
        _mm256_loadu_ps as load_packed, _mm256_set1_ps as splat, _mm256_set1_ps as splat_packed,
        _mm256_storeu_ps as store, _mm256_sub_ps as sub,
    };

    put!(__m256, "avx2,fma");

    add_totals!(__m256, "avx2,fma");

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::kernels) fn total(v: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

/// Four lanes, 32 registers.
#[cfg(target_arch = "aarch64")]
pub(super) mod neon {
    use std::arch::aarch64::{float32x4_t, vfmaq_f32};
    pub(in crate::kernels) use std::arch::aarch64::{
        vaddq_f32 as add, vaddvq_f32 as total, vdupq_n_f32 as splat, vdupq_n_f32 as splat_packed,
        vld1q_f32 as load, vld1q_f32 as load_packed, vst1q_f32 as store, vsubq_f32 as sub,
    };

    put!(float32x4_t, "neon");

    #[inline]
    #[target_feature(enable = "neon")]
    pub(in crate::kernels) fn multiply(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        vfmaq_f32(c, a, b)
    }

    add_totals!(float32x4_t, "neon");
}

/// Four lanes in an array: what any target's compiler can vectorise.
pub(super) mod plain {
    pub(in crate::kernels) type Vector = [f32; 4];
    pub(in crate::kernels) use {load as load_packed, splat as splat_packed};

    put!(Vector);

    #[inline]
    pub(in crate::kernels) fn splat(v: f32) -> Vector {
        [v; 4]
    }

    /// # Safety
    /// Four floats can be read at `at`.
    #[inline]
    pub(in crate::kernels) unsafe fn load(at: *const f32) -> Vector {
        // SAFETY: the caller's contract; arrays of floats may lie at any float.
        unsafe { *at.cast::<Vector>() }
    }

    /// # Safety
    /// Four floats can be written at `at`.
    #[inline]
    pub(in crate::kernels) unsafe fn store(at: *mut f32, v: Vector) {
        // SAFETY: the caller's contract; arrays of floats may lie at any float.
        unsafe { *at.cast::<Vector>() = v }
    }

    #[inline]
    pub(in crate::kernels) fn add(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline]
    pub(in crate::kernels) fn sub(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|i| a[i] - b[i])
    }

    #[inline]
    pub(in crate::kernels) fn multiply(a: Vector, b: Vector, c: Vector) -> Vector {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    add_totals!(Vector);

    #[inline]
    pub(in crate::kernels) fn total(v: Vector) -> f32 {
        (v[0] + v[2]) + (v[1] + v[3])
    }
}

/// Pairs of bf16, multiplied by instructions of their own.
#[cfg(target_arch = "x86_64")]
pub(super) mod zmm_pairs {
    pub(in crate::kernels) use super::zmm::{add, add_totals, load, splat, store, sub, total};
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_loadu_epi16,
        _mm512_loadu_epi32, _mm512_permutexvar_epi16, _mm512_set1_epi32, _mm512_storeu_epi32,
    };
    use std::mem::transmute;

    /// Which half-lane of a vector behind another goes to each half-lane of both packed.
    const ORDER: [i16; 32] = {
        let mut order = [0; 32];
        let mut i = 0;
        while i < 32 {
            order[i] = (i / 2 + i % 2 * 16) as i16;
            i += 1;
        }
        order
    };

    /// # Safety
    /// Sixteen pairs can be read at `at`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in crate::kernels) unsafe fn load_packed(at: *const u32) -> __m512i {
        // SAFETY: the caller's contract.
        unsafe { _mm512_loadu_epi32(at.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in crate::kernels) fn splat_packed(pair: u32) -> __m512i {
        _mm512_set1_epi32(pair.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(in crate::kernels) fn multiply(a: __m512i, b: __m512i, sum: __m512) -> __m512 {
        // SAFETY: vectors of as many bits, all of which mean something in both.
        let (a, b) = unsafe { (transmute::<__m512i, __m512bh>(a), transmute::<__m512i, __m512bh>(b)) };
        _mm512_dpbf16_ps(sum, a, b)
    }

    /// The nearest pairs, lane by lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(in crate::kernels) fn packed([low, high]: [__m512; 2]) -> __m512i {
        // SAFETY: as many half-lanes as a vector has; vectors of as many bits, all of which mean something in both.
        unsafe {
            let order = _mm512_loadu_epi16(ORDER.as_ptr());
            let both = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_permutexvar_epi16(order, both)
        }
    }

    /// # Safety
    /// Sixteen pairs can be written at `at`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(in crate::kernels) unsafe fn put(at: *mut u32, both: [__m512; 2]) {
        // SAFETY: the caller's contract.
        unsafe { _mm512_storeu_epi32(at.cast(), packed(both)) }
    }
}

/// Pairs of bf16 on a CPU that multiplies f32.
#[cfg(target_arch = "x86_64")]
pub(super) mod ymm_pairs {
    use super::plain_pairs::pair;
    use super::ymm;
    pub(in crate::kernels) use super::ymm::{add, add_totals, load, splat, store, sub, total};
    use std::arch::x86_64::{
        __m256, __m256i, _mm256_and_si256, _mm256_castsi256_ps, _mm256_loadu_si256, _mm256_set1_epi32,
        _mm256_slli_epi32,
    };

    /// # Safety
    /// Eight pairs can be read at `at`.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::kernels) unsafe fn load_packed(at: *const u32) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { _mm256_loadu_si256(at.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::kernels) fn splat_packed(pair: u32) -> __m256i {
        _mm256_set1_epi32(pair.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::kernels) fn multiply(a: __m256i, b: __m256i, sum: __m256) -> __m256 {
        let low = |v| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(v));
        let high = |v| _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32(-0x1_0000)));
        ymm::multiply(low(a), low(b), ymm::multiply(high(a), high(b), sum))
    }

    /// # Safety
    /// Eight pairs can be written at `at`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::kernels) unsafe fn put(at: *mut u32, both: [__m256; 2]) {
        let mut lanes = [[0.0; 8]; 2];
        // SAFETY: eight numbers can be written to each half of `lanes`; the caller's contract.
        unsafe {
            for (lanes, v) in lanes.iter_mut().zip(both) {
                store(lanes.as_mut_ptr(), v);
            }
            *at.cast::<[u32; 8]>() = std::array::from_fn(|i| pair([lanes[0][i], lanes[1][i]]));
        }
    }
}

/// Pairs of bf16 in arrays.
pub(super) mod plain_pairs {
    use super::plain::{self, Vector};
    pub(in crate::kernels) use super::plain::{add, add_totals, load, splat, store, sub, total};
    use crate::kernels::element::rounded;

    type Pairs = [u32; 4];

    /// The nearest bf16 of two numbers.
    #[inline(always)]
    pub(in crate::kernels) fn pair([low, high]: [f32; 2]) -> u32 {
        rounded(low.to_bits()) & 0xffff | rounded(high.to_bits()) << 16
    }

    /// # Safety
    /// Four pairs can be read at `at`.
    #[inline]
    pub(in crate::kernels) unsafe fn load_packed(at: *const u32) -> Pairs {
        // SAFETY: the caller's contract; arrays of numbers may lie at any number.
        unsafe { *at.cast::<Pairs>() }
    }

    #[inline]
    pub(in crate::kernels) fn splat_packed(pair: u32) -> Pairs {
        [pair; 4]
    }

    #[inline]
    pub(in crate::kernels) fn multiply(a: Pairs, b: Pairs, sum: Vector) -> Vector {
        let low = |v: Pairs| v.map(|v| f32::from_bits(v << 16));
        let high = |v: Pairs| v.map(|v| f32::from_bits(v & 0xffff_0000));
        plain::multiply(low(a), low(b), plain::multiply(high(a), high(b), sum))
    }

    /// # Safety
    /// Four pairs can be written at `at`.
    #[inline]
    pub(in crate::kernels) unsafe fn put(at: *mut u32, [low, high]: [Vector; 2]) {
        // SAFETY: the caller's contract; arrays of numbers may lie at any number.
        unsafe { *at.cast::<Pairs>() = std::array::from_fn(|i| pair([low[i], high[i]])) }
    }
}
