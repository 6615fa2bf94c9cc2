//! The modules that hold `unsafe` and need nothing else of relinc; their unit tests come with them.

#![allow(dead_code, missing_docs)]

// The kernels name the sizes of an axis by their crate.
extern crate self as relinc_passes;

#[path = "../../passes/src/words.rs"]
pub mod words;

#[path = "../../passes/src/ir"]
pub mod ir {
    pub mod axis;
}
#[path = "../../runtime/numeric/src/kernels/mod.rs"]
pub mod kernels;
#[path = "../../runtime/src/exec/ops/flex/bytes.rs"]
mod bytes;
#[path = "../../passes/src/interp/sgemm.rs"]
mod sgemm;
#[cfg(not(target_arch = "aarch64"))]
#[path = "../../runtime/src/device/graphics"]
mod graphics {
    use wgpu;
    mod heaps;
}

/// Matrices that end where their allocation ends.
#[cfg(test)]
mod products {
    use super::kernels::noise;
    use super::sgemm::{Mat, sgemm};

    #[test]
    fn products_stay_within_their_slices() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (16, 16, 16), (17, 33, 65), (64, 1, 129), (1, 70, 3)] {
            let (a, b) = (noise(m * k, 1), noise(k * n, 2));
            for ldc in [n, n + 3] {
                let mut c = vec![0.0; (m - 1) * ldc + n];
                sgemm((m, n, k), 1.0, Mat::rows(&a, k), Mat::rows(&b, n), &mut c, ldc, false);
                let mut t = vec![0.0; (n - 1) * m + m];
                sgemm((n, m, k), 1.0, Mat::rows(&b, n).t(), Mat::rows(&a, k).t(), &mut t, m, true);
                for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    let want: f32 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                    for got in [c[i * ldc + j], t[j * m + i]] {
                        assert!((got - want).abs() < 1e-4, "{m}×{n}×{k} at {i}, {j}: {got}, not {want}");
                    }
                }
            }
        }
    }
}
