//! Random networks under random masks: what is lowered computes what the masks say, and what is refused says why.
#![allow(clippy::unwrap_used)]

use crate::choice::Choice;
use crate::driver::weigh::Fold;
use crate::driver::{self, Options, Phase, valid};
use crate::interp::Interp;
use crate::ir::infer::infer;
use crate::ir::text::{Constants, parse, print};
use crate::ir::{Binary, Graph, Op, Tensor};
use crate::layers::name_layers;
use crate::masks::{self, LayerMask, Masks};
use crate::passes::{self, insert_masks::InsertMasks};
use crate::splitmix::SplitMix;
use std::collections::BTreeMap;
use std::fmt::Write;

struct Dice(SplitMix);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n as u64) as usize
    }
    fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.uniform()
    }
    fn constant(&mut self, shape: &str, n: usize, far: f32) -> String {
        let all: Vec<f32> = (0..n).map(|_| self.within(-far, far)).collect();
        format!("const f32[{shape}] {all:?}")
    }
}

/// Convolutions of three channels with ReLUs behind, of which some are added to an earlier value of their size, some are read several
/// times, some are outputs; a mean and a linear layer end it.
fn network(d: &mut Dice) -> String {
    let mut side = 6 + d.below(5);
    let mut s = format!("graph random {{\n  %x = input f32[N,3,{side},{side}]\n");
    let mut last = "x".to_string();
    let mut earlier: Vec<(String, usize)> = vec![];
    for i in 0..2 + d.below(3) {
        let (kernel, stride) = ([1, 3][d.below(2)], 1 + d.below(4) / 3);
        let pad = if kernel == 3 { d.below(2) } else { 0 };
        if side + 2 * pad < kernel + stride {
            break;
        }
        let far = 0.7 / kernel as f32;
        let weights = d.constant(&format!("3,3,{kernel},{kernel}"), 9 * kernel * kernel, far);
        let _ = writeln!(s, "  %w{i} = {weights}\n  %b{i} = {}", d.constant("3", 3, 0.5));
        let bias = if d.below(2) == 0 { format!(", %b{i}") } else { String::new() };
        let _ = writeln!(
            s,
            "  %c{i} = conv(%{last}, %w{i}{bias}) {{pads=[{pad}, {pad}, {pad}, {pad}], strides=[{stride}, {stride}]}}"
        );
        side = (side + 2 * pad - kernel) / stride + 1;
        last = format!("c{i}");
        let fits: Vec<&String> = earlier.iter().filter(|(_, n)| *n == side).map(|(e, _)| e).collect();
        if !fits.is_empty() && d.below(3) > 0 {
            let _ = writeln!(s, "  %s{i} = add(%{last}, %{})", fits[d.below(fits.len())]);
            last = format!("s{i}");
        }
        if d.below(4) > 0 {
            let _ = writeln!(s, "  %r{i} = relu(%{last})");
            last = format!("r{i}");
        }
        earlier.push((last.clone(), side));
    }
    let _ = writeln!(s, "  %m = global_mean(%{last}) {{keep=false}}\n  %v = {}", d.constant("4,3", 12, 0.7));
    s += "  %y = linear(%m, %v)\n  output \"y\" = %y\n";
    if d.below(8) == 0 {
        let _ = writeln!(s, "  output \"last\" = %{last}");
    }
    s + "}\n"
}

/// Most layers quadratic in all elements, of which some channels are lines and some have their vertex far off.
fn masks_of(g: &mut Graph, d: &mut Dice) -> Masks {
    let facts = infer(g).unwrap();
    let mut all = Masks::default();
    for l in name_layers(g, &facts) {
        let kind = d.below(10);
        let one = |d: &mut Dice| match kind {
            0..7 => Choice::Quadratic,
            7 => Choice::Identity,
            8 => Choice::Relu,
            _ => Choice::ALL[d.below(4)],
        };
        let values = (0..l.relus()).map(|_| one(d)).collect();
        let positive = d.below(2) == 0;
        let coefficients = (0..l.shape[0]).flat_map(|_| {
            let a = match d.below(24) {
                0 => 0.0,
                1 if d.below(8) == 0 => 1e-3,
                k if positive || k % 2 == 0 => d.within(0.1, 0.4),
                _ => d.within(-0.4, -0.1),
            };
            [a, d.within(-0.8, 0.8), d.within(-0.5, 0.5)]
        });
        let coefficients = coefficients.collect();
        all.layers.insert(l.name, LayerMask::new(l.shape, values).with_quadratics(coefficients));
    }
    all
}

fn outputs(g: &Graph, x: &Tensor) -> Vec<Tensor> {
    Interp::new(g).unwrap().run(vec![x.clone()]).unwrap()
}

/// The largest difference relative to the output's range.
fn difference(got: &[Tensor], want: &[Tensor]) -> f32 {
    let one = |(a, b): (&Tensor, &Tensor)| {
        let (a, b) = (a.as_f32().unwrap(), b.as_f32().unwrap());
        let (low, high) = b.iter().fold((0f32, 0f32), |(l, h), &v| (l.min(v), h.max(v)));
        a.iter().zip(b).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / (high - low).max(0.1)
    };
    got.iter().zip(want).map(one).fold(0.0, f32::max)
}

#[test]
fn random_networks_compute_what_their_masks_say() {
    let mut d = Dice(SplitMix::new(5));
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let (mut layers, mut bare) = (0, 0);
    for n in 0..500 {
        let mut g = parse(&network(&mut d)).unwrap();
        let masks = masks_of(&mut g, &mut d);
        let shape = g.only_input().unwrap().1.at(2);
        let x =
            Tensor::f32(shape.clone(), (0..shape.iter().product()).map(|_| d.within(-1.5, 1.5)).collect());
        let want = outputs(&masks::apply(&g, &masks).unwrap(), &x);
        let options = Options { fold: Fold::Always, ..Options::default() }.with(InsertMasks(masks.clone()));
        let mut lowered = g.clone();
        for p in passes::of(Phase::Lowering, &options).chain(passes::of(Phase::Cleanup, &options)) {
            let outcome = driver::run(p, &mut lowered, &options).unwrap();
            for r in outcome.refused {
                let words: Vec<&str> = r.why.split('\'').step_by(2).collect();
                let kind: String = words.concat().chars().filter(|c| !c.is_ascii_digit()).collect();
                assert!(r.why.len() > 20, "{}: {}", p.name(), r.why);
                *refusals.entry(format!("{}: {kind}", p.name())).or_default() += 1;
            }
        }
        assert!(valid::check(&lowered).is_ok(), "network {n}");
        let far = difference(&outputs(&lowered, &x), &want);
        assert!(far <= 1e-5, "network {n}: {far:e} {}", print(&lowered, Constants::Opaque));
        for (name, _) in masks.layers.iter().filter(|(_, m)| m.only(Choice::Quadratic)) {
            let of_layer = |id: &crate::ir::NodeId| lowered.node(*id).layer.as_ref() == Some(name);
            let left: Vec<&Op> = lowered.ids().filter(of_layer).map(|id| lowered.op(id)).collect();
            layers += 1;
            bare += usize::from(left == [&Op::Binary(Binary::Mul)]);
        }
    }
    // Most layers are one product; what else is left is told.
    assert!(bare * 2 > layers, "{bare} of {layers} layers are one product: {refusals:#?}");
    assert!(refusals.keys().any(|k| k.starts_with("complete-square: channel")), "{refusals:#?}");
    assert!(refusals.keys().any(|k| k.starts_with("push-constant")), "{refusals:#?}");
}
