use super::ways::{self, How, Pass, Way};
use super::*;
use crate::kernels::noise;
use crate::kernels::simd::{Cpu, Level};
use half::bf16;

const LEVELS: [Level; 4] = [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512];

struct Naive {
    y: Vec<f64>,
    gx: Vec<f64>,
    gw: Vec<f64>,
}

/// All three directions by their definition, in f64.
fn naive(x: &[f32], w: &[f32], bias: &[f32], g: &[f32], s: &ConvShape) -> Naive {
    let [oh, ow] = s.output();
    let (inner, per_group) = (s.c_in / s.groups, s.c_out / s.groups);
    let mut all =
        Naive { y: vec![0.0; s.output_len()], gx: vec![0.0; s.input_len()], gw: vec![0.0; s.weight_len()] };
    for n in 0..s.n {
        for (co, bias) in bias.iter().enumerate() {
            for (r, c) in (0..oh).flat_map(|r| (0..ow).map(move |c| (r, c))) {
                let o = ((n * s.c_out + co) * oh + r) * ow + c;
                all.y[o] += f64::from(*bias);
                for ci in 0..inner {
                    for (kr, kc) in (0..s.kernel[0]).flat_map(|a| (0..s.kernel[1]).map(move |b| (a, b))) {
                        let row = (r * s.strides[0] + kr * s.dilations[0]).wrapping_sub(s.pads[0]);
                        let column = (c * s.strides[1] + kc * s.dilations[1]).wrapping_sub(s.pads[1]);
                        if row >= s.h || column >= s.w {
                            continue;
                        }
                        let i = ((n * s.c_in + co / per_group * inner + ci) * s.h + row) * s.w + column;
                        let k = ((co * inner + ci) * s.kernel[0] + kr) * s.kernel[1] + kc;
                        all.y[o] += f64::from(x[i]) * f64::from(w[k]);
                        all.gx[i] += f64::from(g[o]) * f64::from(w[k]);
                        all.gw[k] += f64::from(g[o]) * f64::from(x[i]);
                    }
                }
            }
        }
    }
    all
}

fn assert_close(what: &str, s: &ConvShape, got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what} of {s:?}");
    let scale = want.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
    for (i, (&got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs() / scale;
        assert!(error < 1e-5, "{what}[{i}] of {s:?}: {got} instead of {want}");
    }
}

fn square(n: usize, c_in: usize, size: [usize; 2], c_out: usize, kernel: usize, stride: usize) -> ConvShape {
    ConvShape {
        n,
        c_in,
        h: size[0],
        w: size[1],
        c_out,
        kernel: [kernel; 2],
        strides: [stride; 2],
        pads: [kernel / 2; 4],
        dilations: [1; 2],
        groups: 1,
    }
}

fn shapes() -> Vec<ConvShape> {
    let plain = [
        square(2, 3, [5, 7], 16, 3, 1),
        square(17, 3, [5, 7], 10, 3, 2),
        square(33, 5, [8, 8], 7, 3, 1),
        square(16, 16, [8, 8], 32, 3, 2),
        square(16, 8, [9, 9], 8, 3, 2),
        square(3, 16, [32, 32], 16, 3, 1),
        square(1, 64, [32, 32], 8, 3, 1),
        square(5, 6, [4, 4], 12, 1, 1),
        square(18, 6, [7, 8], 12, 1, 2),
        square(4, 4, [11, 6], 9, 5, 1),
        square(4, 4, [11, 6], 9, 5, 3),
        square(2, 2, [16, 17], 3, 7, 2),
        square(50, 48, [4, 4], 160, 3, 1),
        square(18, 9, [7, 5], 11, 3, 1),
        square(2, 65, [5, 6], 66, 3, 1),
        square(2, 17, [35, 30], 9, 3, 1),
        square(1, 1, [1, 1], 1, 1, 1),
        square(3, 2, [1, 1], 4, 3, 1),
    ];
    let mut shapes = plain.to_vec();
    shapes.extend([
        ConvShape { pads: [0, 2, 1, 0], ..square(3, 3, [6, 5], 4, 3, 1) },
        ConvShape { pads: [2, 0, 1, 3], strides: [2, 1], ..square(3, 3, [6, 5], 4, 3, 1) },
        ConvShape { pads: [0; 4], ..square(3, 3, [6, 5], 4, 3, 1) },
        ConvShape { dilations: [2, 1], ..square(3, 3, [9, 8], 4, 3, 1) },
        ConvShape { dilations: [2, 3], strides: [3, 2], pads: [2; 4], ..square(3, 3, [12, 13], 4, 3, 1) },
        ConvShape { groups: 2, ..square(3, 6, [6, 6], 10, 3, 1) },
        ConvShape { groups: 2, ..square(3, 18, [6, 9], 22, 3, 1) },
        ConvShape { pads: [0, 2, 1, 0], ..square(3, 8, [6, 5], 16, 3, 1) },
        ConvShape { pads: [2, 3, 4, 2], ..square(3, 8, [9, 4], 16, 3, 1) },
        ConvShape { groups: 6, ..square(3, 6, [6, 6], 6, 3, 2) },
        ConvShape { groups: 3, ..square(3, 6, [6, 6], 30, 1, 1) },
        ConvShape { kernel: [1, 4], pads: [0, 1, 0, 2], ..square(3, 2, [6, 6], 5, 3, 1) },
        ConvShape { kernel: [2, 2], pads: [0; 4], strides: [2; 2], ..square(20, 2, [7, 6], 5, 3, 1) },
        ConvShape { pads: [4; 4], ..square(2, 2, [3, 3], 5, 3, 1) },
        ConvShape { pads: [0; 4], ..square(2, 2, [2, 2], 5, 3, 1) },
        ConvShape { n: 0, ..square(2, 2, [4, 4], 5, 3, 1) },
    ]);
    shapes
}

/// Every way of a pass, by every kind of vectors this machine has; matrix units and what stands for them only once.
fn hows<E: Element>(pass: Pass, s: &ConvShape) -> Vec<How> {
    let ways = Way::ALL.into_iter().filter(|way| ways::computes::<E>(*way, pass, s));
    let levels = LEVELS.into_iter().filter(|l| l.available());
    let all = ways.flat_map(|way| levels.clone().map(move |level| How { level, way }));
    all.filter(|h| h.way != Way::Matrix || matches!(h.level, Level::Scalar | Level::Avx512)).collect()
}

#[test]
fn all_directions_agree_with_the_definition() {
    for s in shapes() {
        let (x, w) = (noise(s.input_len(), 1), noise(s.weight_len(), 2));
        let (bias, g) = (noise(s.c_out, 3), noise(s.output_len(), 4));
        let want = naive(&x, &w, &bias, &g, &s);
        for how in hows::<f32>(Pass::Forward, &s) {
            assert_close("y", &s, &forward_by(how, &x, &w, Some(&bias), &s), &want.y);
        }
        for how in hows::<f32>(Pass::Data, &s) {
            assert_close("gx", &s, &data_grad_by(how, &g, &w, &s), &want.gx);
        }
        for how in hows::<f32>(Pass::Weights, &s) {
            assert_close("gw", &s, &weight_grad_by(how, &x, &g, &s), &want.gw);
        }
    }
}

/// What the table says is what runs, and it says nothing that cannot be computed.
#[test]
fn every_kind_of_cpu_has_a_way_that_computes() {
    for (s, cpu, pass) in shapes().into_iter().flat_map(|s| {
        Cpu::ALL.into_iter().flat_map(move |cpu| Pass::ALL.into_iter().map(move |pass| (s, cpu, pass)))
    }) {
        for how in [How::on::<f32>(cpu, pass, &s), How::on::<bf16>(cpu, pass, &s)] {
            assert_eq!(how.level, cpu.level());
            assert!(how.way != Way::Winograd || ways::tiled(pass, &s), "{cpu}, {pass}, {s}");
        }
        assert_ne!(How::on::<bf16>(cpu, Pass::Forward, &s).way, Way::Winograd);
        assert!(cpu == Cpu::AmxBf16 || How::on::<bf16>(cpu, pass, &s).way != Way::Matrix);
    }
}

fn halves(v: &[f32]) -> (Vec<bf16>, Vec<f32>) {
    let halves: Vec<bf16> = v.iter().map(|v| bf16::nearest(*v)).collect();
    let values = halves.iter().map(|v| v.value()).collect();
    (halves, values)
}

/// Off by so much of the largest result.
fn assert_near(what: &str, s: &ConvShape, got: impl Iterator<Item = f32>, want: &[f64], by: f64) {
    let scale = want.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
    for (i, (got, want)) in got.zip(want).enumerate() {
        let error = (f64::from(got) - want).abs() / scale;
        assert!(error < by, "{what}[{i}] of {s:?}: {got} instead of {want}");
    }
}

#[test]
fn all_directions_of_bf16_are_near_the_definition_and_the_same_at_every_level() {
    for s in shapes() {
        let ((x, x32), w) = (halves(&noise(s.input_len(), 1)), noise(s.weight_len(), 2));
        let (bias, (g, g32)) = (noise(s.c_out, 3), halves(&noise(s.output_len(), 4)));
        // Weights as they are multiplied.
        let (_, w32) = halves(&w);
        let want = naive(&x32, &w32, &bias, &g32, &s);
        let values = |b: &[bf16]| b.iter().map(|v| v.value()).collect::<Vec<f32>>().into_iter();
        let error = |way| if way == Way::Winograd { 0.015 } else { 0.0041 };
        for (pass, want) in [(Pass::Forward, &want.y), (Pass::Data, &want.gx)] {
            let mut first = std::collections::HashMap::new();
            for how in hows::<bf16>(pass, &s) {
                let (got, what) = match pass {
                    Pass::Forward => (forward_by(how, &x, &w, Some(&bias), &s), "y"),
                    Pass::Data | Pass::Weights => (data_grad_by(how, &g, &w, &s), "gx"),
                };
                assert_near(what, &s, values(&got), want, error(how.way));
                let same = first.entry(how.way).or_insert_with(|| got.clone());
                assert!(*same == got, "{what} by {how:?} of {s:?}");
            }
        }
        for how in hows::<bf16>(Pass::Weights, &s) {
            let gw = weight_grad_by(how, &x, &g, &s);
            assert_near("gw", &s, gw.iter().copied(), &want.gw, 0.015);
        }
    }
}

#[test]
fn the_bias_gradient_sums_over_images_and_positions() {
    let s = square(2, 1, [2, 2], 2, 1, 1);
    let g: Vec<f32> = (0..16).map(|v| v as f32).collect();
    assert_eq!(bias_grad(&g, &s), vec![(6 + 38) as f32, (22 + 54) as f32]);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for s in [square(50, 16, [8, 8], 16, 3, 1), square(33, 32, [8, 8], 320, 3, 2)] {
        let (x, w, g) = (noise(s.input_len(), 1), noise(s.weight_len(), 2), noise(s.output_len(), 4));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
            pool.install(|| (forward(&x, &w, None, &s), data_grad(&g, &w, &s), weight_grad(&x, &g, &s)))
        };
        let one = run(1);
        assert!(one == run(1) && one == run(2) && one == run(3));
        let ((x, _), (g, _)) = (halves(&x), halves(&g));
        for way in [Way::Taps, Way::Matrix] {
            let how = How { level: Level::best(), way };
            let run = |threads: usize| {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
                let passes = || {
                    let results = (forward_by(how, &x, &w, None, &s), data_grad_by(how, &g, &w, &s));
                    (results, weight_grad_by(how, &x, &g, &s))
                };
                pool.install(passes)
            };
            let one = run(1);
            assert!(one == run(1) && one == run(2) && one == run(3));
        }
    }
}
