use super::*;
use crate::kernels::conv::ConvShape;
use crate::kernels::noise;

/// A convolution, its residual and its activation by their definition, in f64, for images `[n, c, h, w]`.
fn naive(x: &[f32], w: &[f32], bias: &[f32], residual: &[f32], a: &Activation, s: &ConvShape) -> Vec<f64> {
    let [oh, ow] = s.output();
    let (inner, per_group) = (s.c_in / s.groups, s.c_out / s.groups);
    let mut y = vec![];
    for n in 0..s.n {
        for (co, bias) in bias.iter().enumerate() {
            for (r, c) in (0..oh).flat_map(|r| (0..ow).map(move |c| (r, c))) {
                let mut sum = f64::from(*bias) + f64::from(residual[y.len()]);
                for (ci, k) in (0..inner).flat_map(|ci| (0..s.taps()).map(move |k| (ci, k))) {
                    let (kr, kc) = (k / s.kernel[1], k % s.kernel[1]);
                    let row = (r * s.strides[0] + kr * s.dilations[0]).wrapping_sub(s.pads[0]);
                    let column = (c * s.strides[1] + kc * s.dilations[1]).wrapping_sub(s.pads[1]);
                    if row < s.h && column < s.w {
                        let i = ((n * s.c_in + co / per_group * inner + ci) * s.h + row) * s.w + column;
                        sum += f64::from(x[i]) * f64::from(w[(co * inner + ci) * s.taps() + k]);
                    }
                }
                let element = (co * oh + r) * ow + c;
                let sloped = |neg: &[f32], pos: &[f32]| {
                    sum * f64::from(if sum < 0.0 { neg[element] } else { pos[element] })
                };
                y.push(match a {
                    Activation::Identity => sum,
                    Activation::Relu => sum.max(0.0),
                    Activation::Slopes(neg, pos) => sloped(neg, pos),
                    Activation::Square => sum * sum,
                    Activation::Lifted(map) => sum + f64::from(map[element]),
                    Activation::Capped(cap) => sum.max(0.0).min((*cap).into()),
                    Activation::Limited(neg, pos, c) => sloped(neg, pos).min(c[element].into()),
                });
            }
        }
    }
    y
}

fn shape(c_in: usize, size: [usize; 2], c_out: usize, kernel: usize, stride: usize, pad: usize) -> ConvShape {
    ConvShape {
        n: 13,
        c_in,
        h: size[0],
        w: size[1],
        c_out,
        kernel: [kernel; 2],
        strides: [stride; 2],
        pads: [pad; 4],
        dilations: [1; 2],
        groups: 1,
    }
}

#[test]
fn convolutions_with_all_that_follows_agree_with_the_definition() {
    let base = shape(16, [8, 8], 16, 3, 1, 1);
    let shapes = [
        base,
        shape(9, [7, 5], 11, 3, 1, 1),
        shape(3, [9, 6], 10, 3, 1, 1),
        shape(16, [9, 9], 24, 3, 2, 1),
        shape(12, [8, 6], 7, 1, 2, 0),
        shape(8, [5, 5], 8, 3, 1, 0),
        shape(64, [16, 17], 8, 3, 1, 1),
        shape(8, [6, 6], 16, 5, 1, 2),
        ConvShape { pads: [0, 1, 2, 3], ..base },
        ConvShape { dilations: [2, 1], ..base },
        ConvShape { groups: 4, ..base },
        ConvShape { n: 16, ..base },
        ConvShape { n: 1, ..base },
    ];
    for s in shapes {
        let [oh, ow] = s.output();
        let (each, elements) = (s.n * s.c_out * oh * ow, s.c_out * oh * ow);
        let (x, w, bias) = (noise(s.input_len(), 1), noise(s.weight_len(), 2), noise(s.c_out, 3));
        let slopes = Activation::Slopes(noise(elements, 5), noise(elements, 6));
        let ceilings = noise(elements, 7).iter().map(|c| if *c > 0.5 { f32::INFINITY } else { *c }).collect();
        let limited = Activation::Limited(noise(elements, 5), noise(elements, 6), ceilings);
        for (activation, adds) in [
            (Activation::Identity, false),
            (Activation::Relu, true),
            (slopes.clone(), false),
            (slopes, true),
            (Activation::Square, false),
            (Activation::Square, true),
            (Activation::Lifted(noise(elements, 8)), false),
            (Activation::Lifted(noise(elements, 8)), true),
            (Activation::Capped(1.5), false),
            (Activation::Capped(1.5), true),
            (limited.clone(), false),
            (limited, true),
        ] {
            let residual = if adds { noise(each, 4) } else { vec![0.0; each] };
            // Borders larger than needed, and different ones.
            let mut from = Planes::new(s.c_in, s.h, s.w);
            from.border = Convolution::border(&s).map(|b| b + 1);
            let to = Planes { border: [1, 0, 2, 1], ..Planes::new(s.c_out, oh, ow) };
            let other = Planes { border: [0, 2, 0, 0], ..to };
            let (mut a, mut b, mut r) = (vec![0.0; from.len()], vec![0.0; to.len()], vec![0.0; other.len()]);
            load(&x, &from, &mut a);
            load(&residual, &other, &mut r);
            let finish = Finish { residual: adds.then_some((&r[..], &other)), activation: &activation };
            Convolution::new(&s, &w, Some(&bias), from, to).run(&a, finish, &mut b, &mut Scratch::default());
            let mut y = vec![0.0; each];
            store(&b, &to, &mut y);
            let want = naive(&x, &w, &bias, &residual, &activation, &s);
            // What a cap cuts off was computed, too.
            let scale = want.iter().fold(1f64, |m, v| m.max(v.abs()));
            for (i, (y, want)) in y.iter().zip(&want).enumerate() {
                let error = (f64::from(*y) - want).abs() / scale;
                assert!(error < 1e-5, "{s:?}, {activation:?}, element {i}: {y} instead of {want}");
            }
            let inside: usize = y.iter().filter(|v| **v != 0.0).count();
            assert!(b.iter().filter(|v| **v != 0.0).count() >= inside, "the border was written");
        }
    }
}

#[test]
fn images_come_out_as_they_went_in() {
    let p = Planes { border: [1, 2, 0, 1], ..Planes::new(3, 5, 4) };
    for n in [1, 7, 16] {
        let x = noise(n * p.image(), 1);
        let (mut block, mut back) = (vec![0.0; p.len()], vec![0.0; x.len()]);
        load(&x, &p, &mut block);
        store(&block, &p, &mut back);
        assert_eq!(back, x);
        let mut means = vec![0.0; n * 3];
        mean(&block, &p, &mut means);
        for (i, plane) in x.chunks_exact(20).enumerate() {
            let want = plane.iter().map(|&v| f64::from(v)).sum::<f64>() / 20.0;
            assert!((f64::from(means[i]) - want).abs() < 1e-6);
        }
    }
}

#[test]
fn pointwise_scales_adds_and_activates() {
    let p = Planes::new(2, 1, 1);
    let block = |v: [f32; 2]| [[v[0]; LANES], [v[1]; LANES]].concat();
    let (x, r, mut y) = (block([2.0, -3.0]), block([1.0, 1.0]), block([0.0; 2]));
    let factors = (&[3.0, 4.0][..], &[0.5, -1.0][..]);
    let finish = Finish { residual: Some((&r, &p)), activation: &Activation::Identity };
    pointwise((&x, &p), Some(factors), finish, (&mut y, &p));
    assert_eq!(y, block([7.5, -12.0]));
    pointwise((&x, &p), None, Finish { residual: None, activation: &Activation::Relu }, (&mut y, &p));
    assert_eq!(y, block([2.0, 0.0]));
}
