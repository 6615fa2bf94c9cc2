//! The one call into `gemm-f32`.
#![allow(unsafe_code)]

use gemm::Parallelism;
use gemm_f32::gemm::f32::get_gemm_fn;

/// A matrix in a slice: element (r, c) is at `r·row + c·col`.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub col: usize,
}

impl<'a> Mat<'a> {
    /// Row-major with `cols` columns.
    pub fn rows(data: &'a [f32], cols: usize) -> Mat<'a> {
        Mat { data, row: cols, col: 1 }
    }
    /// The transpose, without a copy.
    pub fn t(self) -> Mat<'a> {
        Mat { data: self.data, row: self.col, col: self.row }
    }
    fn covers(&self, rows: usize, cols: usize) -> bool {
        (rows - 1)
            .checked_mul(self.row)
            .zip((cols - 1).checked_mul(self.col))
            .and_then(|(r, c)| r.checked_add(c))
            .is_some_and(|last| last < self.data.len())
    }
}

/// `c += alpha · a(m×k) · b(k×n)`, where `c` is `m` rows of `n` elements, `ldc` apart. With `threads`, the
/// product itself is split over the thread pool. Panics when a slice is too short (callers size them by shape).
pub(crate) fn sgemm(
    (m, n, k): (usize, usize, usize),
    alpha: f32,
    a: Mat<'_>,
    b: Mat<'_>,
    c: &mut [f32],
    ldc: usize,
    threads: bool,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(a.covers(m, k) && b.covers(k, n), "a factor is shorter than its shape");
    assert!(ldc >= n && (m - 1) * ldc + n <= c.len(), "the result is shorter than its shape");
    let parallelism = if threads { Parallelism::Rayon(0) } else { Parallelism::None };
    // Its kernels write columns: a result whose rows are further apart than its columns is computed as its transpose.
    let (m, n, a, b, [columns, rows]) =
        if ldc > 1 { (n, m, b.t(), a.t(), [ldc, 1]) } else { (m, n, a, b, [1, ldc]) };
    // SAFETY: the asserts above put every element (r, c) of the three matrices inside its slice; `ldc >= n`
    // keeps the rows of `c` apart, and `c` is borrowed mutably, so it overlaps neither factor. All `f32` bit
    // patterns are initialised and valid. Strides are below isize::MAX, as they index slices.
    unsafe {
        get_gemm_fn()(
            m,
            n,
            k,
            c.as_mut_ptr(),
            columns as isize,
            rows as isize,
            true,
            a.data.as_ptr(),
            a.col as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.col as isize,
            b.row as isize,
            1.0,
            alpha,
            false,
            false,
            false,
            parallelism,
        );
    }
}
