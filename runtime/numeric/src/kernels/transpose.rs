//! Blocks of images: `[image][position]` to `[position][LANES images]` and back.
//!
//! Images are held in any numbers, blocks in f32. Two neighbouring bf16 of an image are turned together.

// 16 × 16 values or pairs are turned in vector registers, over ranges that were checked before.
#![allow(unsafe_code)]

use super::element::Element;
use super::micro::{LANES, Products};
use super::simd::Level;

/// Positions that are staged together: images lie at multiples of powers of two, and would push each other out of the cache
/// if they were read or written in turns.
const STAGED: usize = 128;

/// Working memory of [`gather`] or of [`scatter`], not to be shared by both: rows of some positions, one for each image, with
/// room so that no two start in the same set of a cache.
#[repr(align(64))]
pub(super) struct Stage([[f32; STAGED + LANES]; LANES]);

impl Stage {
    /// The rows of some numbers.
    fn rows<E: Element>(&self) -> impl Iterator<Item = &[E]> {
        self.0.iter().map(|row| bytemuck::cast_slice(row))
    }

    /// The same, to write.
    fn rows_mut<E: Element>(&mut self) -> impl Iterator<Item = &mut [E]> {
        self.0.iter_mut().map(|row| bytemuck::cast_slice_mut(row))
    }
}

/// Positions of a square: a lane holds as many as a packed one.
const fn side<E: Element>() -> usize {
    LANES * E::Packed::PACK
}

impl Default for Stage {
    fn default() -> Self {
        Stage([[0.0; STAGED + LANES]; LANES])
    }
}

/// `dst[at[p] + i] = src[i·stride + p]` for all positions `p` of `at` and `images` images; the other lanes become 0.
/// What lies `ahead` of the positions, and need not be there, is fetched into the cache meanwhile.
pub(super) fn gather<E: Element>(
    level: Level,
    (src, stride, images): (&[E], usize, usize),
    at: &[usize],
    ahead: usize,
    dst: &mut [f32],
    stage: &mut Stage,
) {
    let Some(last) = at.iter().max() else { return };
    assert!((1..=LANES).contains(&images) && (images - 1) * stride + at.len() <= src.len());
    assert!(last + LANES <= dst.len() && level.available());
    stage.0[images..].iter_mut().for_each(|row| row.fill(0.0));
    for (chunk, at) in at.chunks(STAGED).enumerate() {
        for (i, row) in stage.rows_mut::<E>().take(images).enumerate() {
            row[..at.len()].copy_from_slice(&src[i * stride + chunk * STAGED..][..at.len()]);
        }
        for (square, at) in at.chunks(side::<E>()).enumerate() {
            #[cfg(target_arch = "x86_64")]
            if level == Level::Avx512 {
                let next = chunk * STAGED + square * side::<E>() + ahead;
                for i in 0..images {
                    prefetch(src, i * stride + next);
                }
                if E::Packed::PACK == 1 {
                    // SAFETY: the square lies in the stage and the targets in `dst`, as asserted; AVX-512F was detected.
                    unsafe { wide::gather(stage, square * LANES, at, dst) };
                } else {
                    // SAFETY: the same.
                    unsafe { wide::gather_pairs(stage, square * LANES, at, dst) };
                }
                continue;
            }
            let _ = ahead;
            for (p, &at) in at.iter().enumerate() {
                for (lane, row) in dst[at..at + LANES].iter_mut().zip(stage.rows::<E>()) {
                    *lane = row[square * side::<E>() + p].value();
                }
            }
        }
    }
}

/// `dst[i][start + p] = src[p·LANES + i]` for `count` positions and as many images as `dst` has.
pub(super) fn scatter<E: Element>(
    level: Level,
    src: &[f32],
    (start, count): (usize, usize),
    dst: &mut [&mut [E]],
    stage: &mut Stage,
) {
    assert!(dst.len() <= LANES && level.available());
    for (chunk, src) in src[..count * LANES].chunks(STAGED * LANES).enumerate() {
        for (square, src) in src.chunks(side::<E>() * LANES).enumerate() {
            #[cfg(target_arch = "x86_64")]
            if level == Level::Avx512 && E::Packed::PACK == 1 {
                // SAFETY: the square lies in the stage, and `src` is read in vectors that it has; AVX-512F was detected.
                unsafe { wide::scatter(src, square * LANES, stage) };
                continue;
            } else if level.multiplies_bf16() && E::Packed::PACK == 2 {
                // SAFETY: the same, and the instructions for bf16 were detected.
                unsafe { wide::scatter_pairs(src, square * LANES, stage) };
                continue;
            }
            for (p, vector) in src.chunks_exact(LANES).enumerate() {
                for (value, row) in vector.iter().zip(stage.rows_mut::<E>()) {
                    row[square * side::<E>() + p] = E::nearest(*value);
                }
            }
        }
        let length = src.len() / LANES;
        for (image, row) in dst.iter_mut().zip(stage.rows::<E>()) {
            image[start + chunk * STAGED..][..length].copy_from_slice(&row[..length]);
        }
    }
}

/// Sixteen planes of vectors, `[plane][position][LANES]`, to `[position][LANES][plane]`.
pub(super) fn turn<P: Products>(level: Level, planes: &[P], each: usize, turned: &mut [P]) {
    assert!(planes.len() == LANES * each && turned.len() == planes.len() && each.is_multiple_of(LANES));
    assert!(level.available());
    for (position, square) in turned.chunks_exact_mut(LANES * LANES).enumerate() {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Avx512 {
            let (from, to) = (bytemuck::cast_slice(planes), bytemuck::cast_slice_mut(square));
            // SAFETY: each plane has a vector at the position, and the square holds as many; AVX-512F was detected.
            unsafe { wide::turn(&from[position * LANES..], each, to) };
            continue;
        }
        for (lane, row) in square.chunks_exact_mut(LANES).enumerate() {
            for (k, to) in row.iter_mut().enumerate() {
                *to = planes[k * each + position * LANES + lane];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn prefetch<E>(src: &[E], at: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    if let Some(line) = src.get(at) {
        // SAFETY: SSE is part of the target's baseline, and the address is that of a number.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{LANES, Stage};
    use crate::kernels::vectors::zmm_pairs::put;
    use std::arch::x86_64::*;

    /// # Safety
    /// `start + LANES` is at most the length of a row, and `LANES` values follow each `at` in `dst`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn gather(stage: &Stage, start: usize, at: &[usize], dst: &mut [f32]) {
        let mut rows = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            for (row, values) in rows.iter_mut().zip(&stage.0) {
                *row = _mm512_loadu_ps(values.as_ptr().add(start));
            }
            let columns = turned(rows);
            if let Ok(at) = <&[usize; LANES]>::try_from(at) {
                for p in 0..LANES {
                    _mm512_storeu_ps(dst.as_mut_ptr().add(at[p]), columns[p]);
                }
                return;
            }
            for (column, &at) in columns.into_iter().zip(at) {
                _mm512_storeu_ps(dst.as_mut_ptr().add(at), column);
            }
        }
    }

    /// # Safety
    /// `start + LANES` is at most the length of a row; `src` holds whole vectors.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn scatter(src: &[f32], start: usize, stage: &mut Stage) {
        let mut columns = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            if src.len() >= LANES * LANES {
                for (p, column) in columns.iter_mut().enumerate() {
                    *column = _mm512_loadu_ps(src.as_ptr().add(p * LANES));
                }
            } else {
                for (column, vector) in columns.iter_mut().zip(src.chunks_exact(LANES)) {
                    *column = _mm512_loadu_ps(vector.as_ptr());
                }
            }
            for (row, values) in turned(columns).into_iter().zip(&mut stage.0) {
                _mm512_storeu_ps(values.as_mut_ptr().add(start), row);
            }
        }
    }

    /// # Safety
    /// As of [`gather`].
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn gather_pairs(stage: &Stage, start: usize, at: &[usize], dst: &mut [f32]) {
        let mut rows = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            for (row, values) in rows.iter_mut().zip(&stage.0) {
                *row = _mm512_loadu_ps(values.as_ptr().add(start));
            }
            let upper = _mm512_set1_epi32(-0x1_0000);
            for (column, at) in turned(rows).into_iter().zip(at.chunks(2)) {
                let pairs = _mm512_castps_si512(column);
                let first = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs));
                _mm512_storeu_ps(dst.as_mut_ptr().add(at[0]), first);
                if let Some(&at) = at.get(1) {
                    let second = _mm512_castsi512_ps(_mm512_and_si512(pairs, upper));
                    _mm512_storeu_ps(dst.as_mut_ptr().add(at), second);
                }
            }
        }
    }

    /// # Safety
    /// As of [`scatter`].
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512bf16,avx2,fma")]
    pub(super) unsafe fn scatter_pairs(src: &[f32], start: usize, stage: &mut Stage) {
        let mut columns = [[0u32; LANES]; LANES];
        let zero = _mm512_setzero_ps();
        // SAFETY: the caller's contract; a column has room for a vector.
        unsafe {
            for (column, pair) in columns.iter_mut().zip(src.chunks(2 * LANES)) {
                let second =
                    if pair.len() > LANES { _mm512_loadu_ps(pair.as_ptr().add(LANES)) } else { zero };
                put(column.as_mut_ptr(), [_mm512_loadu_ps(pair.as_ptr()), second]);
            }
            let columns = columns.map(|c| _mm512_loadu_ps(c.as_ptr().cast()));
            for (row, values) in turned(columns).into_iter().zip(&mut stage.0) {
                _mm512_storeu_ps(values.as_mut_ptr().add(start), row);
            }
        }
    }

    /// # Safety
    /// `from` has sixteen vectors, `each` numbers apart, and `to` room for as many.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn turn(from: &[f32], each: usize, to: &mut [f32]) {
        let mut rows = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            for (k, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(from.as_ptr().add(k * each));
            }
            for (k, row) in turned(rows).into_iter().enumerate() {
                _mm512_storeu_ps(to.as_mut_ptr().add(k * LANES), row);
            }
        }
    }

    /// The transpose of a 16 × 16 matrix, first within quarters of vectors, then of the quarters.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn turned(rows: [__m512; LANES]) -> [__m512; LANES] {
        let mut fours = [_mm512_setzero_ps(); LANES];
        for k in 0..4 {
            let [a, b, c, d] = [rows[4 * k], rows[4 * k + 1], rows[4 * k + 2], rows[4 * k + 3]];
            let low =
                [_mm512_castps_pd(_mm512_unpacklo_ps(a, b)), _mm512_castps_pd(_mm512_unpacklo_ps(c, d))];
            let high =
                [_mm512_castps_pd(_mm512_unpackhi_ps(a, b)), _mm512_castps_pd(_mm512_unpackhi_ps(c, d))];
            fours[4 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(low[0], low[1]));
            fours[4 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low[0], low[1]));
            fours[4 * k + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high[0], high[1]));
            fours[4 * k + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high[0], high[1]));
        }
        let mut columns = [_mm512_setzero_ps(); LANES];
        for q in 0..4 {
            let [a, b, c, d] = [fours[q], fours[4 + q], fours[8 + q], fours[12 + q]];
            let even = [_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d)];
            let odd = [_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d)];
            columns[q] = _mm512_shuffle_f32x4::<0x88>(even[0], even[1]);
            columns[4 + q] = _mm512_shuffle_f32x4::<0x88>(odd[0], odd[1]);
            columns[8 + q] = _mm512_shuffle_f32x4::<0xdd>(even[0], even[1]);
            columns[12 + q] = _mm512_shuffle_f32x4::<0xdd>(odd[0], odd[1]);
        }
        columns
    }
}
