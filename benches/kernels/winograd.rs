//! F(2×2, 3×3) against F(4×4, 3×3) in f32 at ResNet-18's shapes: transforms, products and inverses of one block of sixteen images, one
//! thread, with the layouts and the loops of runtime/numeric/src/kernels, and their errors against a direct sum in f64.
//!
//!     rustc --edition 2024 -O -C target-cpu=native benches/kernels/winograd.rs -o winograd && ./winograd
//!
//! Left out on both sides: transposing images into lanes and back, and weights, which are transformed once a call.
use std::arch::x86_64::*;
use std::time::Instant;

const LANES: usize = 16;
const CH: usize = 8;

/// F(M×M, 3×3) with points 0, ±1, (±2), ∞: its three matrices.
trait Tile {
    const M: usize;
    const N: usize;
    fn g() -> Vec<[f64; 3]>;
    unsafe fn b(d: [__m512; 6]) -> [__m512; 6];
    unsafe fn a(m: [__m512; 6]) -> [__m512; 4];
}
struct F2;
struct F4;

impl Tile for F2 {
    const M: usize = 2;
    const N: usize = 4;
    fn g() -> Vec<[f64; 3]> {
        vec![[1., 0., 0.], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0., 0., 1.]]
    }
    #[inline(always)]
    unsafe fn b(d: [__m512; 6]) -> [__m512; 6] {
        unsafe {
            [
                _mm512_sub_ps(d[0], d[2]),
                _mm512_add_ps(d[1], d[2]),
                _mm512_sub_ps(d[2], d[1]),
                _mm512_sub_ps(d[1], d[3]),
                d[4],
                d[5],
            ]
        }
    }
    #[inline(always)]
    unsafe fn a(m: [__m512; 6]) -> [__m512; 4] {
        unsafe {
            let z = m[4];
            [
                _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]),
                _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]),
                z,
                z,
            ]
        }
    }
}

impl Tile for F4 {
    const M: usize = 4;
    const N: usize = 6;
    fn g() -> Vec<[f64; 3]> {
        vec![
            [1. / 4., 0., 0.],
            [-1. / 6., -1. / 6., -1. / 6.],
            [-1. / 6., 1. / 6., -1. / 6.],
            [1. / 24., 1. / 12., 1. / 6.],
            [1. / 24., -1. / 12., 1. / 6.],
            [0., 0., 1.],
        ]
    }
    #[inline(always)]
    unsafe fn b(d: [__m512; 6]) -> [__m512; 6] {
        unsafe {
            let (two, four, five) = (_mm512_set1_ps(2.), _mm512_set1_ps(4.), _mm512_set1_ps(5.));
            let even = _mm512_fnmadd_ps(four, d[2], d[4]);
            let odd = _mm512_fnmadd_ps(four, d[1], d[3]);
            let (e2, o2) = (_mm512_sub_ps(d[4], d[2]), _mm512_mul_ps(two, _mm512_sub_ps(d[3], d[1])));
            [
                _mm512_fmadd_ps(four, d[0], _mm512_fnmadd_ps(five, d[2], d[4])),
                _mm512_add_ps(even, odd),
                _mm512_sub_ps(even, odd),
                _mm512_add_ps(e2, o2),
                _mm512_sub_ps(e2, o2),
                _mm512_fmadd_ps(four, d[1], _mm512_fnmadd_ps(five, d[3], d[5])),
            ]
        }
    }
    #[inline(always)]
    unsafe fn a(m: [__m512; 6]) -> [__m512; 4] {
        unsafe {
            let (two, four, eight) = (_mm512_set1_ps(2.), _mm512_set1_ps(4.), _mm512_set1_ps(8.));
            let (s, d) = (_mm512_add_ps(m[1], m[2]), _mm512_sub_ps(m[1], m[2]));
            let (t, e) = (_mm512_add_ps(m[3], m[4]), _mm512_sub_ps(m[3], m[4]));
            [
                _mm512_add_ps(_mm512_add_ps(m[0], s), t),
                _mm512_fmadd_ps(two, e, d),
                _mm512_fmadd_ps(four, t, s),
                _mm512_add_ps(_mm512_fmadd_ps(eight, e, d), m[5]),
            ]
        }
    }
}

/// One channel's tiles of the padded planes to `out[point·stride + tile·LANES]`.
#[target_feature(enable = "avx512f")]
unsafe fn transform<T: Tile>(
    x: *const f32,
    width: usize,
    (down, across): (usize, usize),
    out: *mut f32,
    stride: usize,
) {
    let z = _mm512_setzero_ps();
    for t in 0..down * across {
        let (r, c) = (t / across * T::M, t % across * T::M);
        let mut half = [[z; 6]; 6];
        for j in 0..T::N {
            let mut d = [z; 6];
            for i in 0..T::N {
                d[i] = unsafe { _mm512_loadu_ps(x.add(((r + i) * width + c + j) * LANES)) };
            }
            let d = unsafe { T::b(d) };
            for i in 0..T::N {
                half[i][j] = d[i];
            }
        }
        for i in 0..T::N {
            let d = unsafe { T::b(half[i]) };
            for j in 0..T::N {
                unsafe { _mm512_storeu_ps(out.add((i * T::N + j) * stride + t * LANES), d[j]) };
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn inverse<T: Tile>(
    m: *const f32,
    stride: usize,
    (down, across): (usize, usize),
    out: *mut f32,
    width: usize,
) {
    let z = _mm512_setzero_ps();
    for t in 0..down * across {
        let (r, c) = (t / across * T::M, t % across * T::M);
        let mut half = [[z; 6]; 4];
        for j in 0..T::N {
            let mut d = [z; 6];
            for i in 0..T::N {
                d[i] = unsafe { _mm512_loadu_ps(m.add((i * T::N + j) * stride + t * LANES)) };
            }
            let d = unsafe { T::a(d) };
            for i in 0..T::M {
                half[i][j] = d[i];
            }
        }
        for i in 0..T::M {
            let d = unsafe { T::a(half[i]) };
            for j in 0..T::M {
                unsafe { _mm512_storeu_ps(out.add(((r + i) * width + c + j) * LANES), d[j]) };
            }
        }
    }
}

/// `out[m][t] = Σ_c w[c][m]·x[c][t]` for eight channels and three tiles at a time, as the microkernel of the kernels.
#[target_feature(enable = "avx512f")]
unsafe fn products(x: *const f32, plane: usize, channels: usize, w: *const f32, tiles: usize, out: *mut f32) {
    unsafe fn some<const W: usize>(
        x: *const f32,
        plane: usize,
        channels: usize,
        w: *const f32,
        out: *mut f32,
    ) {
        unsafe {
            let mut s = [[_mm512_setzero_ps(); W]; CH];
            for c in 0..channels {
                let v: [__m512; W] = std::array::from_fn(|i| _mm512_loadu_ps(x.add(c * plane + i * LANES)));
                for m in 0..CH {
                    let k = _mm512_set1_ps(*w.add(c * CH + m));
                    for i in 0..W {
                        s[m][i] = _mm512_fmadd_ps(k, v[i], s[m][i]);
                    }
                }
            }
            for m in 0..CH {
                for i in 0..W {
                    _mm512_storeu_ps(out.add(m * plane + i * LANES), s[m][i]);
                }
            }
        }
    }
    unsafe {
        let mut t = 0;
        while t < tiles {
            let (x, out) = (x.add(t * LANES), out.add(t * LANES));
            match tiles - t {
                1 => some::<1>(x, plane, channels, w, out),
                2 | 4 => some::<2>(x, plane, channels, w, out),
                _ => some::<3>(x, plane, channels, w, out),
            }
            t += match tiles - t {
                1 => 1,
                2 | 4 => 2,
                _ => 3,
            };
        }
    }
}

fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut s = seed;
    (0..len)
        .map(|_| {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (s >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Seconds and error of a convolution of `blocks` blocks of images that are computed `together`, strips of `rows` rows of tiles.
fn run<T: Tile>(c: usize, side: usize, together: usize, strip: usize, reps: usize) -> (f64, f64) {
    let (points, padded) = (T::N * T::N, side + 2 + T::M);
    let across = side.div_ceil(T::M);
    let x = noise(together * c * side * side * LANES, 1);
    let w: Vec<f32> = noise(c * c * 9, 2).iter().map(|v| v / (9.0 * c as f32).sqrt()).collect();
    let mut planes = vec![0f32; together * c * padded * padded * LANES];
    for p in 0..together * c {
        for r in 0..side {
            let (from, to) = ((p * side + r) * side * LANES, ((p * padded + r + 1) * padded + 1) * LANES);
            planes[to..to + side * LANES].copy_from_slice(&x[from..from + side * LANES]);
        }
    }
    // [block of 8][point][channel][8]
    let g = T::g();
    let mut weights = vec![0f32; points * c * c];
    for o in 0..c {
        for i in 0..c {
            for a in 0..T::N {
                for b in 0..T::N {
                    let v: f64 =
                        (0..9).map(|k| g[a][k / 3] * g[b][k % 3] * f64::from(w[(o * c + i) * 9 + k])).sum();
                    weights[(((o / CH) * points + a * T::N + b) * c + i) * CH + o % CH] = v as f32;
                }
            }
        }
    }
    let rows = side.div_ceil(T::M);
    let tiles = strip * across * together;
    let plane = (tiles | 1) * LANES;
    let point = (c * plane / LANES | 1) * LANES;
    let (mut spectrum, mut product) = (vec![0f32; points * point], vec![0f32; points * point]);
    let width = across * T::M;
    let mut out = vec![0f32; together * c * rows * T::M * width * LANES];
    let mut best = f64::INFINITY;
    for _ in 0..reps {
        let begin = Instant::now();
        for first in (0..rows).step_by(strip) {
            let down = strip.min(rows - first);
            for b in 0..together {
                for i in 0..c {
                    let from = ((b * c + i) * padded + first * T::M) * padded * LANES;
                    unsafe {
                        transform::<T>(
                            planes.as_ptr().add(from),
                            padded,
                            (down, across),
                            spectrum.as_mut_ptr().add(i * plane + b * down * across * LANES),
                            point,
                        )
                    };
                }
            }
            for p in 0..points {
                for block in 0..c / CH {
                    unsafe {
                        products(
                            spectrum.as_ptr().add(p * point),
                            plane,
                            c,
                            weights.as_ptr().add((block * points + p) * c * CH),
                            down * across * together,
                            product.as_mut_ptr().add(p * point + block * CH * plane),
                        )
                    };
                }
            }
            for b in 0..together {
                for o in 0..c {
                    let to = ((b * c + o) * rows + first) * T::M * width * LANES;
                    unsafe {
                        inverse::<T>(
                            product.as_ptr().add(o * plane + b * down * across * LANES),
                            point,
                            (down, across),
                            out.as_mut_ptr().add(to),
                            width,
                        )
                    };
                }
            }
        }
        best = best.min(begin.elapsed().as_secs_f64());
    }
    let (mut off, mut size) = (0f64, 0f64);
    for k in 0..4000usize {
        let (o, r, q, l) = (k * 7 % c, k * 13 % side, k * 29 % side, k % LANES);
        let mut sum = 0f64;
        for i in 0..c {
            for t in 0..9 {
                let v = planes[((i * padded + r + t / 3) * padded + q + t % 3) * LANES + l];
                sum += f64::from(v) * f64::from(w[(o * c + i) * 9 + t]);
            }
        }
        let got = f64::from(out[((o * rows * T::M + r) * width + q) * LANES + l]);
        off += (got - sum) * (got - sum);
        size += sum * sum;
    }
    (best / together as f64, (off / size).sqrt())
}

fn main() {
    println!("| channels, map | F(2×2) ms | error | F(4×4) ms | error | times |");
    println!("|---|---|---|---|---|---|");
    for (c, side, strips) in [(64, 32, [1, 1]), (128, 16, [1, 1]), (256, 8, [1, 2]), (512, 4, [2, 1])] {
        let best = |v: Vec<(f64, f64)>| {
            v.into_iter().fold((f64::INFINITY, 0.0), |a, b| if b.0 < a.0 { b } else { a })
        };
        let together: &[usize] = if side < 8 { &[1, 2, 4] } else { &[1] };
        let mut two = vec![];
        let mut four = vec![];
        for _ in 0..3 {
            two.extend(together[..1].iter().map(|&t| run::<F2>(c, side, t, strips[0], 6)));
            four.extend(together.iter().map(|&t| run::<F4>(c, side, t, strips[1], 6)));
            if side >= 16 {
                four.push(run::<F4>(c, side, 1, 2, 6));
            }
        }
        let (two, four) = (best(two), best(four));
        println!(
            "| {c}, {side}×{side} | {:.2} | {:.1e} | {:.2} | {:.1e} | {:.2} × |",
            two.0 * 1e3,
            two.1,
            four.0 * 1e3,
            four.1,
            two.0 / four.0
        );
    }
}
