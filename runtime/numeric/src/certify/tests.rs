//! Random networks: no point of a box leaves the bounds, in exact arithmetic, single precision or on a ring.
#![allow(clippy::unwrap_used)]

use super::backward::{Lines, lower};
use super::function::Side;
use super::program::{Program, Work};
use super::relaxed::{Inner, Relaxed};
use super::*;
use crate::dice::Dice;
use crate::fixed::Format;
use relinc_passes::interp::Interp;
use relinc_passes::ir::text::parse;
use relinc_passes::ir::{Graph, Tensor};

/// A network of two convolutions with a sum around the second, of the given gates and pool, strides and groups.
fn network(seed: u64, gates: [&str; 2], pool: &str) -> Graph {
    let mut d = Dice::new(seed, 0);
    let (stride, pad) = (1 + d.below(2), d.below(3));
    let group = [1, 2][d.below(2)];
    let side = (7 + 2 * pad - 3) / stride + 1;
    let plane = side * side;
    let (half, padded) = (side.div_ceil(2), side);
    let (pooled, out) = match pool {
        "max_pool" => (
            format!("max_pool(%s) {{kernel=[2,2], strides=[2,2], pads=[0,0,{0},{0}]}}", padded % 2),
            4 * half * half,
        ),
        "avg_pool" => (
            format!("avg_pool(%s) {{kernel=[2,2], strides=[2,2], pads=[0,0,{0},{0}]}}", padded % 2),
            4 * half * half,
        ),
        "global_mean" => ("global_mean(%s)".into(), 4),
        _ => ("identity(%s)".into(), 4 * plane),
    };
    let gate = |k: usize, x: &str| gates[k].replace("%x", x);
    let text = format!(
        "graph g {{
           %x = input f32[N,2,7,7]
           %w = const f32[4,{per},3,3] rand(seed={seed}, scale=0.5)
           %b = const f32[4] rand(seed={b})
           %v = const f32[4,4,3,3] rand(seed={v}, scale=0.3)
           %k = const f32[4,1,1] rand(seed={k})
           %q = const f32[4,3] rand(seed={q}, scale=0.4)
           %i = const f32[4] rand(seed={q})
           %m = const u8[4,{side},{side}] {mask}
           %l = const f32[5,{out}] rand(seed={l}, scale=0.3)
           %c = conv(%x, %w, %b) {{strides=[{stride},{stride}], pads=[{pad},{pad},{pad},{pad}], group={group}}}
           %g = {first}
           %e = conv(%g, %v) {{pads=[1,1,1,1]}}
           %t = mul(%e, %k)
           %r = add(%t, %g)
           %s = {second}
           %p = {pooled}
           %f = reshape(%p) {{dims=[N,{out}]}}
           %y = linear(%f, %l)
           output \"y\" = %y
         }}",
        per = 2 / group,
        b = seed + 100,
        v = seed + 200,
        k = seed + 300,
        q = seed + 400,
        l = seed + 500,
        mask = format_args!("[{}]", (0..4 * plane).map(|_| d.below(5).to_string()).collect::<Vec<_>>().join(",")),
        first = gate(0, "%c"),
        second = gate(1, "%r"),
    );
    parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

const MASKED: &str = "masked_relu(%x, %m, slope=%i, quadratic=%q)";
const CAPPED: &str = "masked_relu(%x, %m, slope=%i, quadratic=%q) {cap=1.5}";

fn networks() -> Vec<Graph> {
    let gates = [
        "relu(%x)",
        "capped_relu(%x) {cap=1.0}",
        MASKED,
        CAPPED,
        "mul(%x, %x)",
        "clip(%x) {min=-0.5, max=0.75}",
        "abs(%x)",
    ];
    let pools = ["max_pool", "avg_pool", "global_mean", "none"];
    let mut d = Dice::new(7, 7);
    (0..28)
        .map(|seed| {
            network(
                seed,
                [gates[seed as usize % gates.len()], gates[d.below(gates.len())]],
                pools[d.below(4)],
            )
        })
        .collect()
}

/// A box around a random point, and points of it: corners and others.
fn sample(n: usize, epsilon: f32, d: &mut Dice) -> (Sample, Vec<Vec<f32>>) {
    let middle: Vec<f32> = (0..n).map(|_| d.between(-1.0, 1.0)).collect();
    let s = Sample {
        low: middle.iter().map(|m| m - epsilon).collect(),
        high: middle.iter().map(|m| m + epsilon).collect(),
    };
    let points = (0..12).map(|k| {
        let at = |i: usize, d: &mut Dice| match k {
            0..6 => [s.low[i], s.high[i]][d.below(2)],
            _ => d.between(s.low[i], s.high[i]).clamp(s.low[i], s.high[i]),
        };
        (0..n).map(|i| at(i, d)).collect()
    });
    let points = points.collect();
    (s, points)
}

/// Every value of the program at a point, in double precision.
fn values(p: &Program, x: &[f32]) -> Vec<Vec<f64>> {
    let mut all: Vec<Vec<f64>> = vec![];
    for step in &p.steps {
        let v = match &step.work {
            Work::Input => x.iter().map(|&v| v.into()).collect(),
            Work::Conv { from, shape, weights, bias, .. } => {
                let mut y = vec![0.0; step.len];
                for (o, i, w) in taps(shape) {
                    y[o] += all[*from][i] * f64::from(weights[w]);
                }
                let plane = step.len / shape.c_out;
                let bias = |i: usize| bias.as_ref().map_or(0.0, |b| f64::from(b[i / plane]));
                y.iter_mut().enumerate().for_each(|(i, v)| *v += bias(i));
                y
            }
            Work::Scale { from, factor, offset } => {
                (0..step.len).map(|i| all[*from][i] * f64::from(factor[i]) + f64::from(offset[i])).collect()
            }
            Work::Sum(a, b) => all[*a].iter().zip(&all[*b]).map(|(a, b)| a + b).collect(),
            Work::Sparse { from, entries } => {
                let mut y = vec![0.0; step.len];
                entries
                    .iter()
                    .for_each(|e| y[e.to as usize] += f64::from(e.factor) * all[*from][e.from as usize]);
                y
            }
            Work::Gate { from, functions, of } => {
                all[*from].iter().zip(of).map(|(&x, &k)| functions[k as usize].value(x)).collect()
            }
        };
        all.push(v);
    }
    all
}

/// `(output, input, weight)` of every product of a convolution of one image.
fn taps(s: &crate::kernels::conv::ConvShape) -> Vec<(usize, usize, usize)> {
    let ([oh, ow], inner, per) = (s.output(), s.c_in / s.groups, s.c_out / s.groups);
    let mut out = vec![];
    for (o, r, c) in (0..s.c_out).flat_map(|o| (0..oh).flat_map(move |r| (0..ow).map(move |c| (o, r, c)))) {
        for (i, a, b) in (0..inner)
            .flat_map(|i| (0..s.kernel[0]).flat_map(move |a| (0..s.kernel[1]).map(move |b| (i, a, b))))
        {
            let row = (r * s.strides[0] + a * s.dilations[0]).wrapping_sub(s.pads[0]);
            let column = (c * s.strides[1] + b * s.dilations[1]).wrapping_sub(s.pads[1]);
            if row < s.h && column < s.w {
                let channel = o / per * inner + i;
                let weight = ((o * inner + i) * s.kernel[0] + a) * s.kernel[1] + b;
                out.push(((o * oh + r) * ow + c, (channel * s.h + row) * s.w + column, weight));
            }
        }
    }
    out
}

/// The pass of [`lower`] with the same lines, in double precision, of one row.
fn lower_in_double(r: &Relaxed<'_>, at: usize, row: &[f32]) -> f64 {
    let p = r.program;
    let mut reached: Vec<Vec<f64>> = p.steps.iter().map(|s| vec![0.0; s.len]).collect();
    reached[at] = row.iter().map(|&v| v.into()).collect();
    let mut bound = 0.0;
    for step in (0..=at).rev() {
        let g = std::mem::take(&mut reached[step]);
        match &p.steps[step].work {
            Work::Input => {
                let b = &r.bounds[step];
                bound += (0..g.len())
                    .map(|i| g[i] * f64::from(if g[i] >= 0.0 { b.low[i] } else { b.high[i] }))
                    .sum::<f64>();
            }
            Work::Conv { from, shape, weights, bias, .. } => {
                taps(shape)
                    .into_iter()
                    .for_each(|(o, i, w)| reached[*from][i] += g[o] * f64::from(weights[w]));
                let plane = g.len() / shape.c_out;
                bound += bias
                    .iter()
                    .flat_map(|b| (0..g.len()).map(|i| g[i] * f64::from(b[i / plane])))
                    .sum::<f64>();
            }
            Work::Scale { from, factor, offset } => {
                for i in 0..g.len() {
                    reached[*from][i] += g[i] * f64::from(factor[i]);
                    bound += g[i] * f64::from(offset[i]);
                }
            }
            Work::Sum(a, b) => {
                for i in 0..g.len() {
                    reached[*a][i] += g[i];
                    reached[*b][i] += g[i];
                }
            }
            Work::Sparse { from, entries } => {
                let mut add = |e: &super::program::Entry| {
                    reached[*from][e.from as usize] += f64::from(e.factor) * g[e.to as usize];
                };
                entries.iter().for_each(&mut add);
            }
            Work::Gate { from, .. } => {
                for i in 0..g.len() {
                    let side = if g[i] > 0.0 { Side::Below } else { Side::Above };
                    let (slope, intercept) = r.line(step, 0, i, side);
                    reached[*from][i] += g[i] * f64::from(slope);
                    bound += g[i] * intercept;
                }
            }
        }
    }
    bound
}

fn certifier(g: &Graph, method: Method) -> Certifier {
    Certifier { program: Program::of(g).unwrap(), method, arithmetic: Arithmetic::Single }
}

#[test]
fn a_program_computes_what_its_graph_does() {
    let mut d = Dice::new(1, 1);
    for g in networks() {
        let p = Program::of(&g).unwrap();
        let (_, points) = sample(98, 0.3, &mut d);
        for x in points {
            let y = Interp::new(&g).unwrap().run(vec![Tensor::f32(vec![1, 2, 7, 7], x.clone())]).unwrap();
            let mine = values(&p, &x).pop().unwrap();
            for (a, b) in y[0].as_f32().unwrap().iter().zip(&mine) {
                assert!((f64::from(*a) - b).abs() < 1e-3 * (1.0 + b.abs()), "{a} and {b}");
            }
        }
    }
}

#[test]
fn no_point_leaves_the_bounds() {
    let mut d = Dice::new(2, 2);
    for (k, g) in networks().into_iter().enumerate() {
        let p = Program::of(&g).unwrap();
        let (sample, points) = sample(98, [0.01, 0.1, 0.6][k % 3], &mut d);
        for inner in [Inner::Interval, Inner::Crown, Inner::Alpha(3)] {
            let r = Relaxed::new(&p, &sample, Arithmetic::Single, inner);
            for x in &points {
                for (at, v) in values(&p, x).iter().enumerate() {
                    let b = &r.bounds[at];
                    for (i, v) in v.iter().enumerate() {
                        let inside = f64::from(b.low[i]) <= *v && *v <= f64::from(b.high[i]);
                        assert!(
                            inside,
                            "network {k}, {inner:?}, step {at}: {v} not in {}…{}",
                            b.low[i], b.high[i]
                        );
                    }
                }
            }
        }
        for method in Method::ALL {
            let label = d.below(5);
            let found = certifier(&g, method).margins(&sample, label).unwrap();
            for x in &points {
                let y = values(&p, x).pop().unwrap();
                for (other, m) in &found.of {
                    let margin = y[label] - y[*other];
                    assert!(m.proven() <= margin, "network {k}, {method}: {margin} below {m:?}");
                }
            }
        }
    }
}

#[test]
fn a_dearer_method_is_at_least_as_tight() {
    let mut d = Dice::new(3, 3);
    let mut better = [0, 0];
    for (k, g) in networks().into_iter().enumerate() {
        let (sample, _) = sample(98, [0.01, 0.1, 0.3][k % 3], &mut d);
        let all = Method::ALL.map(|m| certifier(&g, m).margins(&sample, 0).unwrap());
        for step in 0..2 {
            for ((_, loose), (_, tight)) in all[step].of.iter().zip(&all[step + 1].of) {
                // Lines need not be tighter than the interval of the gate that they replace; slopes begin with the usual ones.
                assert!(
                    step == 0 || tight.proven() >= loose.proven() - 1e-5 * (1.0 + loose.proven().abs()),
                    "network {k}: {loose:?}, then {tight:?}"
                );
                better[step] += usize::from(tight.proven() > loose.proven());
            }
        }
    }
    assert!(better[0] > 100 && better[1] > 60, "{better:?} of {}", 28 * 4);
}

#[test]
fn real_numbers_leave_next_to_no_slack() {
    let mut d = Dice::new(6, 6);
    for (k, g) in networks().into_iter().enumerate() {
        let (sample, _) = sample(98, 0.1, &mut d);
        let with = |arithmetic| {
            let c = Certifier { program: Program::of(&g).unwrap(), method: Method::Crown, arithmetic };
            c.margins(&sample, 0).unwrap().of
        };
        for ((_, real), (_, single)) in with(Arithmetic::Real).into_iter().zip(with(Arithmetic::Single)) {
            assert!(real.slack == 0.0 && single.slack > 0.0, "network {k}: {real:?} and {single:?}");
        }
    }
}

#[test]
fn rounding_stays_within_what_is_granted() {
    let mut d = Dice::new(4, 4);
    for (k, g) in networks().into_iter().enumerate() {
        let p = Program::of(&g).unwrap();
        let (sample, _) = sample(98, [0.01, 0.1, 0.6][k % 3], &mut d);
        let r = Relaxed::new(&p, &sample, Arithmetic::Single, Inner::Crown);
        let (last, n) = (p.steps.len() - 1, p.outputs());
        let rows: Vec<f32> = (0..3 * n).map(|_| d.between(-1.0, 1.0)).collect();
        let found = lower(&p, &r.bounds, last, rows.clone(), Some(&r), None);
        for (row, found) in rows.chunks(n).zip(found) {
            let exact = lower_in_double(&r, last, row);
            let off = (found.bound - exact).abs();
            assert!(off <= found.slack, "network {k}: {found:?} for {exact}");
        }
    }
}

/// Rounds to a grid, down or at random.
fn truncated(v: f64, f: Format, d: &mut Dice) -> f64 {
    let scaled = v / f.ulp();
    (scaled.floor() + if d.chance((scaled - scaled.floor()) as f32) { 1.0 } else { 0.0 }) * f.ulp()
}

#[test]
fn a_ring_stays_within_what_is_granted() {
    let (mut d, f) = (Dice::new(5, 5), Format::new(64, 8).unwrap());
    let near = |v: f64| (v / f.ulp()).round() * f.ulp();
    for (k, g) in networks().into_iter().enumerate() {
        let p = Program::of(&g).unwrap();
        let (sample, points) = sample(98, 0.05, &mut d);
        let c = Certifier { program: p.clone(), method: Method::Crown, arithmetic: Arithmetic::Fixed(f) };
        let found = c.margins(&sample, 1).unwrap();
        for x in &points {
            let mut all: Vec<Vec<f64>> = vec![];
            for step in &p.steps {
                let mut cut = |v: f64| truncated(v, f, &mut d);
                let v: Vec<f64> = match &step.work {
                    Work::Input => x.iter().map(|&v| near(v.into())).collect(),
                    Work::Conv { from, shape, weights, bias, .. } => {
                        let mut y = vec![0.0; step.len];
                        for (o, i, w) in taps(shape) {
                            y[o] += all[*from][i] * near(weights[w].into());
                        }
                        let plane = step.len / shape.c_out;
                        let bias = |i: usize| bias.as_ref().map_or(0.0, |b| near(b[i / plane].into()));
                        y.into_iter().enumerate().map(|(i, v)| cut(v) + bias(i)).collect()
                    }
                    Work::Scale { from, factor, offset } => (0..step.len)
                        .map(|i| cut(all[*from][i] * near(factor[i].into())) + near(offset[i].into()))
                        .collect(),
                    Work::Sum(a, b) => all[*a].iter().zip(&all[*b]).map(|(a, b)| a + b).collect(),
                    Work::Sparse { from, entries } => {
                        let mut y = vec![0.0; step.len];
                        for e in entries {
                            y[e.to as usize] += near(e.factor.into()) * all[*from][e.from as usize];
                        }
                        y.into_iter().map(cut).collect()
                    }
                    Work::Gate { from, functions, of } => {
                        use super::function::Function;
                        let value = |(&x, &k): (&f64, &u32)| match functions[k as usize] {
                            Function::Bent { below, .. } if x < 0.0 => cut(near(below) * x),
                            Function::Bent { above, beyond, cap, .. } if x > near(cap) => {
                                cut(near(above) * near(cap)) + cut(near(beyond) * (x - near(cap)))
                            }
                            Function::Bent { above, .. } => cut(near(above) * x),
                            Function::Parabola { square, slope, constant } => {
                                let squared = cut(x * x);
                                cut(near(square) * squared) + cut(near(slope) * x) + near(constant)
                            }
                        };
                        all[*from].iter().zip(of).map(value).collect()
                    }
                };
                all.push(v);
            }
            let y = all.pop().unwrap();
            for (other, m) in &found.of {
                assert!(m.proven() <= y[1] - y[*other], "network {k}: {} below {m:?}", y[1] - y[*other]);
            }
        }
    }
}

#[test]
fn what_has_no_lines_is_named() {
    for (body, says) in [
        ("%s = sigmoid(%x)", "sigmoid 's' cannot be bounded: only ReLUs"),
        ("%a = softmax(%x) {axis=1}\n %s = relu(%a)", "softmax 'a'"),
        ("%a = relu(%x)\n %s = mul(%a, %x)", "mul 's'"),
    ] {
        let g = parse(&format!(
            "graph g {{\n %x = input f32[N,4]\n {body}\n %z = abs(%s)\n output \"y\" = %z\n}}"
        ))
        .unwrap();
        let said = Program::of(&g).unwrap_err();
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_property_has_its_box_and_its_classes() {
    let sample = Sample { low: vec![-0.5, 1e-9], high: vec![0.5, 2.0] };
    let text = vnnlib::property(&sample, 1, 3, "an image\nof two pixels");
    assert!(text.starts_with("; an image\n; of two pixels\n(declare-const X_0 Real)"));
    for line in [
        "(assert (<= X_0 0.5))",
        "(assert (>= X_1 0.000000001))",
        "(declare-const Y_2 Real)",
        "    (and (>= Y_0 Y_1))",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("(>= Y_1 Y_1)") && text.ends_with("))\n"));
}
