//! Vectors of each level under the same names, for loops that are written once.

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

#[cfg(target_arch = "x86_64")]
pub(super) mod zmm {
    use std::arch::x86_64::{
        __m512, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_unpackhi_ps,
        _mm512_unpacklo_ps,
    };
    pub(in crate::kernels) use std::arch::x86_64::{
        _mm512_add_ps as add, _mm512_fmadd_ps as fma, _mm512_loadu_ps as load, _mm512_reduce_add_ps as total,
        _mm512_set1_ps as splat, _mm512_storeu_ps as store, _mm512_sub_ps as sub,
    };

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
        _mm256_add_ps as add, _mm256_fmadd_ps as fma, _mm256_loadu_ps as load, _mm256_set1_ps as splat,
        _mm256_storeu_ps as store, _mm256_sub_ps as sub,
    };

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
        vaddq_f32 as add, vaddvq_f32 as total, vdupq_n_f32 as splat, vld1q_f32 as load, vst1q_f32 as store,
        vsubq_f32 as sub,
    };

    #[inline]
    #[target_feature(enable = "neon")]
    pub(in crate::kernels) fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        vfmaq_f32(c, a, b)
    }

    add_totals!(float32x4_t, "neon");
}

/// Four lanes in an array: what any target's compiler can vectorise.
pub(super) mod plain {
    pub(in crate::kernels) type Vector = [f32; 4];

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
    pub(in crate::kernels) fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    add_totals!(Vector);

    #[inline]
    pub(in crate::kernels) fn total(v: Vector) -> f32 {
        (v[0] + v[2]) + (v[1] + v[3])
    }
}
