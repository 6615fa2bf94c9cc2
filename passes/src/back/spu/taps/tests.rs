#![allow(clippy::unwrap_used)]

use super::*;
use crate::interp::eval_const;
use crate::ir::{Op, Tensor};

/// Small integers, so that sums of products are exact in f32.
fn numbers(shape: &[usize], salt: usize) -> Tensor {
    let n = shape.iter().product();
    Tensor::f32(shape, (0..n).map(|i| ((i * 7 + salt) * 31 % 19) as f32 - 9.0).collect())
}

/// What the emitted program computes: the product over all taps, shifted and added.
fn shift_add(t: &Taps, x: &Tensor, k: &Tensor, width: [usize; 2]) -> Vec<f32> {
    let (xv, kv) = (x.as_f32().unwrap(), k.as_f32().unwrap());
    let ([cin, cout], [v, h]) = (t.channels, t.axes);
    let product = |tap: usize, o: usize, i: usize, j: usize| -> f32 {
        let (y, z) = (v.grid.start + i * v.grid.step, h.grid.start + j * h.grid.step);
        (0..cin)
            .map(|c| xv[(c * width[0] + y) * width[1] + z] * kv[(o * cin + c) * v.kernel * h.kernel + tap])
            .sum()
    };
    // A padded position's index among those read.
    let inside = |a: &Axis, p: usize| p.checked_sub(a.pads[0]).filter(|&i| i < a.grid.len);
    let mut out = vec![];
    for o in 0..cout {
        for oy in 0..v.out {
            for ox in 0..h.out {
                let mut sum = 0.0;
                for tap in 0..v.kernel * h.kernel {
                    let p = oy * v.stride + tap / h.kernel * v.dilation;
                    let q = ox * h.stride + tap % h.kernel * h.dilation;
                    assert!(p < v.grid.len + v.pads[0] + v.pads[1] && q < h.grid.len + h.pads[0] + h.pads[1]);
                    if let (Some(i), Some(j)) = (inside(&v, p), inside(&h, q)) {
                        sum += product(tap, o, i, j);
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

#[test]
fn every_geometry_is_the_convolution() {
    let mut tried = 0;
    for kernel in [[1, 1], [2, 2], [3, 3], [3, 1], [2, 5], [4, 3]] {
        for strides in [[1, 1], [2, 2], [3, 2], [1, 3]] {
            for dilations in [[1, 1], [2, 2], [1, 3]] {
                for pads in [[0, 0, 0, 0], [1, 1, 1, 1], [0, 2, 1, 0], [3, 0, 2, 4]] {
                    let c = Conv { strides, pads, dilations, group: 1 };
                    let (x, k) = (numbers(&[1, 2, 7, 8], 3), numbers(&[3, 2, kernel[0], kernel[1]], 5));
                    let Ok(y) = eval_const(&Op::Conv(c.clone()), &[&x, &k]) else { continue };
                    let t = Taps::new(&c, x.shape(), k.shape(), y.shape()).unwrap();
                    assert_eq!(shift_add(&t, &x, &k, [7, 8]), y.as_f32().unwrap(), "{c:?} {kernel:?}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

fn layout(c: Conv, x: [usize; 4], k: [usize; 4], out: [usize; 4]) -> Option<Taps> {
    Taps::new(&c, &x, &k, &out)
}

fn conv(stride: usize, pad: usize, group: usize) -> Conv {
    Conv { strides: [stride; 2], pads: [pad; 4], dilations: [1; 2], group }
}

#[test]
fn a_single_tap_reads_only_what_its_stride_meets() {
    let t = layout(conv(2, 0, 1), [1, 16, 32, 32], [32, 16, 1, 1], [1, 32, 16, 16]).unwrap();
    assert_eq!((t.inputs(), t.products()), (16 * 256, 32 * 256));
}

#[test]
fn several_taps_read_every_position_once() {
    let t = layout(conv(1, 1, 1), [1, 16, 32, 32], [16, 16, 3, 3], [1, 16, 32, 32]).unwrap();
    assert_eq!((t.inputs(), t.products()), (16_384, 9 * 16_384));
    let t = layout(conv(2, 1, 1), [1, 16, 32, 32], [32, 16, 3, 3], [1, 32, 16, 16]).unwrap();
    assert_eq!((t.inputs(), t.products()), (16_384, 9 * 32 * 1024));
}

#[test]
fn no_taps_of_groups() {
    assert_eq!(layout(conv(1, 1, 16), [1, 16, 8, 8], [16, 1, 3, 3], [1, 16, 8, 8]), None);
}

#[test]
fn no_taps_of_padding_alone() {
    assert_eq!(layout(conv(4, 3, 1), [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 2, 2]), None);
}

#[test]
fn a_hull_holds_its_grids() {
    let mut grids = vec![];
    for start in [0, 1, 4, 7] {
        for step in [1, 2, 3] {
            grids.extend([1, 2, 5].map(|len| Grid { start, step, len }));
        }
    }
    let at = |g: &Grid, i: usize| g.start + i * g.step;
    for a in &grids {
        for b in &grids {
            let all = a.hull(b);
            for g in [a, b] {
                let mine = g.among(&all);
                for i in 0..g.len {
                    assert!(at(&mine, i) < all.len, "{a:?} {b:?} {all:?}");
                    assert_eq!(at(&all, at(&mine, i)), at(g, i), "{a:?} {b:?} {all:?}");
                }
            }
        }
    }
    assert_eq!(grids[0].hull(&Grid::whole(6)), Grid::whole(6));
}
