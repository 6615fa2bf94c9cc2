#![allow(clippy::unwrap_used)]
use super::PushScale;
use crate::architecture::{Architecture, Kind};
use crate::choice::Choice;
use crate::driver::{self, Options, Pass, Phase, valid};
use crate::interp::Interp;
use crate::ir::infer::infer;
use crate::ir::op::SliceAxis;
use crate::ir::{Binary, Conv, Dim, Graph, NodeId, Op, Tensor, Type, Window};
use crate::layers::{ReluLayer, name_layers};
use crate::masks::{LayerMask, Masks};
use crate::passes;
use crate::passes::drop_dead::DropDead;
use crate::passes::insert_masks::InsertMasks;
use crate::splitmix::SplitMix;
use std::sync::Arc;

struct Dice(SplitMix);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0.next_u64() as usize % n
    }
    fn tensor(&mut self, shape: &[usize], from: f32, to: f32) -> Tensor {
        let n = shape.iter().product();
        Tensor::f32(shape, (0..n).map(|_| from + (to - from) * self.0.uniform()).collect())
    }
}

fn outputs(g: &Graph, x: &Tensor) -> Vec<Vec<f32>> {
    let all = Interp::new(g).unwrap().run(vec![x.clone()]).unwrap();
    all.into_iter().map(|t| t.as_f32().unwrap().to_vec()).collect()
}

/// The largest difference, of the range of each output.
fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let of = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let range = a.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        a.iter().zip(b).map(|(a, b)| (a - b).abs() / range).fold(0.0, f32::max)
    };
    a.iter().zip(b).map(of).fold(0.0, f32::max)
}

fn count(g: &Graph, f: impl Fn(&Op) -> bool) -> usize {
    g.ids().filter(|&id| f(g.op(id))).count()
}

fn product(op: &Op) -> bool {
    matches!(op, Op::Binary(Binary::Mul | Binary::Div) | Op::GlobalMean { .. } | Op::BatchNorm { .. })
}

const SIDE: usize = 5;

/// A random network of maps of one size whose values are read several times.
fn network(seed: u64) -> Graph {
    let mut d = Dice(SplitMix::new(seed));
    let mut g = Graph::new("random");
    let dims = [Dim::Batch, Dim::Fixed(3), Dim::Fixed(SIDE), Dim::Fixed(SIDE)];
    let mut values: Vec<(NodeId, usize)> = vec![(g.add("x", Op::Input(Type::f32(dims)), &[]), 3)];
    for i in 0..10 + d.below(14) {
        // Late values are read more often, so that networks are deep.
        let late = values.len().saturating_sub(1 + d.below(3));
        let (x, c) = values[late];
        let name = format!("v{i}");
        let window = Window { kernel: [3; 2], strides: [1; 2], pads: [1; 4], ceil: false };
        let channel = |t: Tensor| Op::Const(Arc::new(t));
        let made = match d.below(10) {
            0 | 1 => {
                let out = 1 + d.below(4);
                let group = if c.is_multiple_of(2) && out.is_multiple_of(2) { 1 + d.below(2) } else { 1 };
                let w = g.constant("w", d.tensor(&[out, c / group, 3, 3], -0.5, 0.5));
                let b = g.constant("b", d.tensor(&[out], -1.0, 1.0));
                let conv = Conv { strides: [1; 2], pads: [1; 4], dilations: [1; 2], group };
                (g.add(&name, Op::Conv(conv), &[x, w, b]), out)
            }
            2 | 3 => {
                let mut s = d.tensor(&[c, 1, 1], 0.25, 4.0).as_f32().unwrap().to_vec();
                for v in &mut s {
                    *v *= [1.0, 1.0, 1.0, -1.0, 0.0][d.below(5)];
                }
                let s = g.add("s", channel(Tensor::f32([c, 1, 1], s)), &[]);
                (g.add(&name, Op::Binary(Binary::Mul), &[x, s]), c)
            }
            4 => {
                let t = g.add("t", channel(d.tensor(&[c, 1, 1], -1.0, 1.0)), &[]);
                (g.add(&name, Op::Binary(Binary::Add), &[x, t]), c)
            }
            5 => (g.add(&name, Op::Relu, &[x]), c),
            6 => (g.add(&name, Op::MaxPool(window), &[x]), c),
            7 => (g.add(&name, Op::AvgPool { window, count_pad: d.below(2) == 0 }, &[x]), c),
            8 => {
                let alike: Vec<NodeId> = values.iter().filter(|v| v.1 == c).map(|v| v.0).collect();
                let b = if d.below(2) == 0 { Binary::Add } else { Binary::Sub };
                (g.add(&name, Op::Binary(b), &[x, alike[d.below(alike.len())]]), c)
            }
            _ => {
                let (y, k) = values[d.below(values.len())];
                let joined = g.add(format!("{name}.joined"), Op::Concat { axis: 1 }, &[x, y]);
                let part = SliceAxis { axis: 1, start: d.below(c) as i64, end: (c + k) as i64, step: 1 };
                (g.add(&name, Op::Slice(vec![part]), &[joined]), c + k - part.start as usize)
            }
        };
        values.push(made);
    }
    let (last, c) = values[values.len() - 1];
    let mean = g.add("mean", Op::GlobalMean { keep: false }, &[last]);
    let w = g.constant("fc", d.tensor(&[4, c], -1.0, 1.0));
    let y = g.add("y", Op::Linear, &[mean, w]);
    g.add_output("y", y);
    if d.below(3) == 0 {
        g.add_output("inner", values[d.below(values.len())].0);
    }
    g
}

#[test]
fn random_networks_keep_their_outputs() {
    let (mut had, mut left) = (0, 0);
    for seed in 0..300 {
        let mut before = network(seed);
        driver::run(&DropDead, &mut before, &Options::default()).unwrap();
        let mut after = before.clone();
        let outcome = driver::run(&PushScale, &mut after, &Options::default()).unwrap();
        assert!(valid::check(&after).is_ok(), "seed {seed}");
        let x = Dice(SplitMix::new(seed + 1)).tensor(&[2, 3, SIDE, SIDE], -2.0, 2.0);
        let d = difference(&outputs(&before, &x), &outputs(&after, &x));
        assert!(d < 1e-4, "seed {seed}: outputs differ by {d} after {} rewrites", outcome.applied);
        let relus = |g: &Graph| count(g, |op| *op == Op::Relu);
        assert_eq!(relus(&before), relus(&after), "seed {seed}");
        let products = [count(&before, product), count(&after, product)];
        assert_eq!(products[0] - products[1], outcome.applied, "seed {seed}");
        (had, left) = (had + products[0], left + products[1]);
    }
    // The rest lies between the input and an output, or beside an addition of its own operand.
    assert!(left * 2 < had, "{left} of {had} products are left");
}

/// WRN-16-4 with random statistics and scales, every sixteenth of them negative.
fn wide_resnet() -> Graph {
    let a =
        Architecture { kind: Kind::WideResnet, depth: 16, width: Some(4), classes: 10, input: [3, 16, 16] };
    let mut g = a.build(1).unwrap();
    let mut d = Dice(SplitMix::new(5));
    let norms: Vec<NodeId> = g.ids().filter(|&id| matches!(g.op(id), Op::BatchNorm { .. })).collect();
    for n in norms {
        for (slot, (from, to)) in [(1, (0.2, 2.0)), (2, (-0.5, 0.5)), (3, (-0.5, 0.5)), (4, (0.3, 3.0))] {
            let c = g.operand(n, slot).unwrap();
            let shape = g.const_of(c).unwrap().shape().to_vec();
            let mut v = d.tensor(&shape, from, to).as_f32().unwrap().to_vec();
            if slot == 1 {
                v.iter_mut().step_by(16).for_each(|s| *s = -*s);
            }
            g.set_op(c, Op::Const(Arc::new(Tensor::f32(shape, v))));
        }
    }
    g
}

#[test]
fn a_wide_resnet_keeps_no_batch_normalisation_and_its_masks_hold() {
    let imported = wide_resnet();
    let x = Dice(SplitMix::new(9)).tensor(&[1, 3, 16, 16], -2.0, 2.0);
    let run = |g: &mut Graph, p: &dyn Pass| {
        driver::run(p, g, &Options::default()).unwrap();
    };
    let mut plain = imported.clone();
    passes::run_all(Phase::Canonical, &mut plain, &Options::default()).unwrap();
    let facts = infer(&plain).unwrap();
    let layers = name_layers(&mut plain, &facts);
    assert!(count(&plain, product) > 6);
    let mut pushed = plain.clone();
    run(&mut pushed, &PushScale);
    assert_eq!(count(&pushed, product), 0);
    assert!(difference(&outputs(&imported, &x), &outputs(&pushed, &x)) < 1e-4);

    let mut d = Dice(SplitMix::new(11));
    let mut mask = |l: ReluLayer| {
        let values = (0..l.relus()).map(|_| Choice::ALL[d.below(3)]).collect();
        (l.name, LayerMask::new(l.shape, values).with_slopes(vec![0.5; l.shape[0]]))
    };
    let layers = layers.into_iter().map(&mut mask).collect();
    let masks = InsertMasks(Masks { layers, ..Masks::default() });
    for g in [&mut plain, &mut pushed] {
        run(g, &masks);
    }
    assert!(difference(&outputs(&plain, &x), &outputs(&pushed, &x)) < 1e-4);
}
