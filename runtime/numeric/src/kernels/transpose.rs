//! Blocks of images: `[image][position]` to `[position][LANES images]` and back.
//!
//! Images are held in any numbers, blocks in f32. Two neighbouring bf16 of an image are turned together.

// 16 × 16 values or pairs are turned in vector registers, over ranges that were checked before.
#![allow(unsafe_code)]

use super::element::Element;
use super::micro::{LANES, Products};
use super::simd::Level;
use bytemuck::Pod;

/// Positions that are staged together: images lie at multiples of powers of two, and would push each other out of the cache
/// if they were read or written in turns.
const STAGED: usize = 128;

/// Where the second of two images stands beside the first in a row of a [`Stage`], in bf16.
const BESIDE: usize = STAGED + LANES;

/// Working memory of [`gather`], [`pack`] or [`scatter`], not to be shared by both: rows of some positions, one for each image, with
/// room so that no two start in the same set of a cache.
#[repr(align(64))]
pub(super) struct Stage([[f32; STAGED + LANES]; LANES]);

impl Stage {
    /// The rows of some numbers.
    fn rows<E: Pod>(&self) -> impl Iterator<Item = &[E]> {
        self.0.iter().map(|row| bytemuck::cast_slice(row))
    }

    /// The same, to write.
    fn rows_mut<E: Pod>(&mut self) -> impl Iterator<Item = &mut [E]> {
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

/// Some images, `[image][position]`: their numbers, the distance between them, and how many they are, at most [`LANES`].
pub(super) type Rows<'a, E> = (&'a [E], usize, usize);

/// [`gather`] of as many blocks of images as a lane of `dst` packs; one that is not there is zeros.
pub(super) fn pack<'a, E: Element>(
    level: Level,
    part: impl Fn(usize) -> Option<Rows<'a, E>>,
    at: &[usize],
    ahead: usize,
    dst: &mut [E::Packed],
    stage: &mut Stage,
) {
    if let Some(lanes) = E::Packed::singles(dst) {
        match part(0) {
            Some(rows) => gather(level, rows, at, ahead, lanes, stage),
            None => at.iter().for_each(|at| lanes[*at..at + LANES].fill(0.0)),
        }
        return;
    }
    let Some(last) = at.iter().max() else { return };
    assert!(last + LANES <= dst.len() && level.available());
    let parts = [part(0), part(1)];
    for (src, stride, images) in parts.iter().flatten() {
        assert!((1..=LANES).contains(images) && (images - 1) * stride + at.len() <= src.len());
    }
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 {
        let halves = parts.map(|rows| rows.map(|(src, s, images)| (bytemuck::cast_slice(src), s, images)));
        for (square, at) in at.chunks(2 * LANES).enumerate() {
            let first = square * 2 * LANES;
            for (src, stride, images) in parts.iter().flatten() {
                (0..*images).for_each(|i| prefetch(src, i * stride + first + ahead));
            }
            // SAFETY: both squares lie in the images and the targets in `dst`, as asserted; the instructions were detected.
            unsafe { wide::pack(halves, first, at, bytemuck::cast_slice_mut(dst)) };
        }
        return;
    }
    let _ = ahead;
    for (half, rows) in parts.iter().enumerate() {
        let images = rows.map_or(0, |(_, _, images)| images);
        stage
            .rows_mut::<E>()
            .skip(images)
            .for_each(|row| row[half * BESIDE..][..BESIDE].fill(E::nearest(0.0)));
    }
    for (chunk, at) in at.chunks(STAGED).enumerate() {
        for (half, (src, stride, images)) in parts.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))) {
            for (i, row) in stage.rows_mut::<E>().take(images).enumerate() {
                let from = &src[i * stride + chunk * STAGED..][..at.len()];
                row[half * BESIDE..][..at.len()].copy_from_slice(from);
            }
        }
        for (p, &at) in at.iter().enumerate() {
            let lanes: &mut [u32] = bytemuck::cast_slice_mut(&mut dst[at..at + LANES]);
            for (lane, row) in lanes.iter_mut().zip(stage.rows::<u16>()) {
                *lane = u32::from(row[p]) | u32::from(row[BESIDE + p]) << 16;
            }
        }
    }
}

/// `dst[i][start + p] = src[p·apart + i]` for `count` positions and as many images as `dst` has.
pub(super) fn scatter<E: Element>(
    level: Level,
    (src, apart): (&[f32], usize),
    (start, count): (usize, usize),
    dst: &mut [&mut [E]],
    stage: &mut Stage,
) {
    assert!(dst.len() <= LANES && level.available() && apart >= LANES);
    assert!(count == 0 || (count - 1) * apart + LANES <= src.len());
    #[cfg(target_arch = "x86_64")]
    if level.multiplies_bf16() && E::Packed::PACK == 2 {
        assert!(dst.iter().all(|image| start + count <= image.len()));
        for first in (0..count).step_by(2 * LANES) {
            let from = &src[first * apart..];
            let several = (2 * LANES).min(count - first);
            let rows = dst.iter_mut().map(|image| bytemuck::cast_slice_mut(&mut image[start + first..]));
            // SAFETY: so many vectors lie in `src`, and as many numbers in each image, as asserted; the instructions were detected.
            unsafe { wide::scatter_pairs((from, apart), several, rows) };
        }
        return;
    }
    for first in (0..count).step_by(STAGED) {
        let length = STAGED.min(count - first);
        for square in (0..length).step_by(side::<E>()) {
            let (src, several) = (&src[(first + square) * apart..], side::<E>().min(length - square));
            #[cfg(target_arch = "x86_64")]
            if level == Level::Avx512 && E::Packed::PACK == 1 {
                // SAFETY: the square lies in the stage, and so many vectors in `src`; AVX-512F was detected.
                unsafe { wide::scatter((src, apart), several, square, stage) };
                continue;
            }
            for p in 0..several {
                for (value, row) in src[p * apart..][..LANES].iter().zip(stage.rows_mut::<E>()) {
                    row[square + p] = E::nearest(*value);
                }
            }
        }
        for (image, row) in dst.iter_mut().zip(stage.rows::<E>()) {
            image[start + first..][..length].copy_from_slice(&row[..length]);
        }
    }
}

/// Turns squares of sixteen vectors, `[square][row][LANES]` to `[square][column][LANES]`.
pub(super) fn turn<P: Products>(level: Level, squares: &mut [P]) {
    assert!(squares.len().is_multiple_of(LANES * LANES) && level.available());
    for square in squares.chunks_exact_mut(LANES * LANES) {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Avx512 {
            // SAFETY: the square has sixteen vectors; AVX-512F was detected.
            unsafe { wide::turn(bytemuck::cast_slice_mut(square)) };
            continue;
        }
        for row in 0..LANES {
            for column in 0..row {
                square.swap(row * LANES + column, column * LANES + row);
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
    use crate::kernels::vectors::zmm_pairs::packed;
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
    /// `start + LANES` is at most the length of a row; `src` has `several` vectors, `apart` numbers apart, at most sixteen.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn scatter(
        (src, apart): (&[f32], usize),
        several: usize,
        start: usize,
        stage: &mut Stage,
    ) {
        let mut columns = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            if several == LANES {
                for (p, column) in columns.iter_mut().enumerate() {
                    *column = _mm512_loadu_ps(src.as_ptr().add(p * apart));
                }
            } else {
                for (p, column) in columns.iter_mut().enumerate().take(several) {
                    *column = _mm512_loadu_ps(src.as_ptr().add(p * apart));
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
    /// As many numbers as `at` has, 1 to 32, lie from `from` on in each image of both parts, and `LANES` values follow each `at` in
    /// `dst`.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn pack(
        parts: [Option<(&[i16], usize, usize)>; 2],
        from: usize,
        at: &[usize],
        dst: &mut [u32],
    ) {
        let mut halves = [[_mm512_setzero_ps(); LANES]; 2];
        // SAFETY: the caller's contract.
        unsafe {
            for (rows, part) in halves.iter_mut().zip(parts) {
                let Some((src, stride, images)) = part else { continue };
                for (i, row) in rows.iter_mut().enumerate().take(images) {
                    let at_image = src.as_ptr().add(i * stride + from);
                    *row = _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(first(at.len()), at_image));
                }
                *rows = turned(*rows);
            }
            let upper = _mm512_set1_epi32(-0x1_0000);
            for ((low, high), at) in halves[0].into_iter().zip(halves[1]).zip(at.chunks(2)) {
                let (low, high) = (_mm512_castps_si512(low), _mm512_castps_si512(high));
                // The upper halves of lanes from the second part, the lower ones from the first.
                let even = _mm512_ternarylogic_epi32::<0xca>(upper, _mm512_slli_epi32::<16>(high), low);
                _mm512_storeu_epi32(dst.as_mut_ptr().add(at[0]).cast(), even);
                if let Some(&at) = at.get(1) {
                    let odd = _mm512_ternarylogic_epi32::<0xca>(upper, high, _mm512_srli_epi32::<16>(low));
                    _mm512_storeu_epi32(dst.as_mut_ptr().add(at).cast(), odd);
                }
            }
        }
    }

    /// # Safety
    /// `src` has `several` vectors, `apart` numbers apart, 1 to 32, and so many numbers have room in each row, of which there are
    /// at most sixteen.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512bf16,avx2,fma")]
    pub(super) unsafe fn scatter_pairs<'a>(
        (src, apart): (&[f32], usize),
        several: usize,
        rows: impl Iterator<Item = &'a mut [i16]>,
    ) {
        let mut columns = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            let load = |p: usize| _mm512_loadu_ps(src.as_ptr().add(p * apart));
            for (k, column) in columns.iter_mut().enumerate().take(several.div_ceil(2)) {
                let second = if 2 * k + 1 < several { load(2 * k + 1) } else { _mm512_setzero_ps() };
                *column = _mm512_castsi512_ps(packed([load(2 * k), second]));
            }
            for (row, to) in turned(columns).into_iter().zip(rows) {
                _mm512_mask_storeu_epi16(to.as_mut_ptr(), first(several), _mm512_castps_si512(row));
            }
        }
    }

    /// The first half-lanes, 1 to 32.
    fn first(several: usize) -> __mmask32 {
        u32::MAX >> (2 * LANES - several)
    }

    /// # Safety
    /// `square` has sixteen vectors.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn turn(square: &mut [f32]) {
        let mut rows = [_mm512_setzero_ps(); LANES];
        // SAFETY: the caller's contract.
        unsafe {
            for (k, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(square.as_ptr().add(k * LANES));
            }
            for (k, row) in turned(rows).into_iter().enumerate() {
                _mm512_storeu_ps(square.as_mut_ptr().add(k * LANES), row);
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
