//! The lowered graph computes what the graph computes, and CrypTen's own rules hold in it.
#![allow(clippy::unwrap_used)]

use super::lowered;
use crate::back::EmitError;
use crate::driver::{self, Options, valid};
use crate::interp::Interp;
use crate::ir::text::parse;
use crate::ir::{Binary, Graph, Op, Tensor};
use crate::passes::canonicalise::Canonicalise;
use crate::splitmix::SplitMix;

fn random(shape: &[usize]) -> Tensor {
    let mut rng = SplitMix::new(7);
    Tensor::f32(shape, (0..shape.iter().product()).map(|_| rng.uniform() * 4.0 - 2.0).collect())
}

fn outputs(g: &Graph, x: &Tensor) -> Vec<f32> {
    let y = Interp::new(g).unwrap().run(vec![x.clone()]).unwrap();
    y[0].as_f32().unwrap().to_vec()
}

/// Lowers, compares the two graphs on random input of a shape, and returns the lowered one.
fn same(text: &str, shape: &[usize]) -> Graph {
    let g = parse(text).unwrap();
    let mut core = g.clone();
    driver::run(&Canonicalise, &mut core, &Options::default()).unwrap();
    let low = lowered(&valid::check(&core).unwrap()).unwrap();
    let x = random(shape);
    let (want, got) = (outputs(&g, &x), outputs(&low, &x));
    let worst = want.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert_eq!(want.len(), got.len());
    assert!(worst < 1e-5, "{text}: differs by {worst}");
    for id in low.ids() {
        let operands = low.operands(id);
        let twice = (1..operands.len()).any(|i| operands[..i].contains(&operands[i]));
        assert!(!twice, "'{}' reads a value twice", low.node(id).name);
        assert!(!matches!(low.op(id), Op::MaxPool(_) | Op::Pad { .. } | Op::Identity | Op::BatchNorm { .. }));
    }
    low
}

#[test]
fn elementwise_operations() {
    for body in [
        "%y = sub(%x, %x)",
        "%y = neg(%x)",
        "%y = abs(%x)",
        "%y = silu(%x)",
        "%y = hard_swish(%x)",
        "%y = leaky_relu(%x) {slope=0.1}",
        "%c = const f32[3,1,1] [0.5, -1.0, 1.0]\n %y = prelu(%x, %c)",
        "%c = const f32[3,1,1] [0.5, -1.0, 2.0]\n %y = sub(%c, %x)",
        "%c = const f32[3,1,1] [0.5, -1.0, 2.0]\n %y = div(%x, %c)",
        "%c = const f32[3,1,1] [0.5, -1.0, 2.0]\n %y = max(%c, %x)",
        "%c = const f32[3,1,1] [0.5, -1.0, 2.0]\n %y = min(%x, %c)",
        "%y = clip(%x) {min=-0.5, max=inf}",
        "%y = clip(%x) {min=-inf, max=0.5}",
        "%y = identity(%x)",
    ] {
        same(&format!("graph g {{ %x = input f32[N,3,4,4]\n {body}\n output y = %y }}"), &[2, 3, 4, 4]);
    }
}

#[test]
fn windows_and_borders() {
    for body in [
        "%y = max_pool(%x) {kernel=[2,2], strides=[2,2], pads=[0,0,0,0], ceil=false}",
        "%y = max_pool(%x) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1], ceil=false}",
        "%y = max_pool(%x) {kernel=[3,2], strides=[2,1], pads=[0,0,1,0], ceil=true}",
        "%y = avg_pool(%x) {kernel=[2,2], strides=[2,2], pads=[0,0,1,1], ceil=false, count_pad=true}",
        "%y = pad(%x) {before=[0,1,0,2], after=[0,0,3,0], value=0.25}",
        "%w = const f32[2,3,3,3] rand(seed=1)\n %y = conv(%x, %w) {strides=[2,2], pads=[0,0,1,1], dilations=[1,1], group=1}",
        "%y = slice(%x) {axes=[2,3], starts=[0,-1], ends=[9223372036854775807,-100], steps=[2,-3]}",
        "%y = reduce(%x) {kind=mean, axes=[2,3], keep=false}",
    ] {
        same(&format!("graph g {{ %x = input f32[N,3,7,7]\n {body}\n output y = %y }}"), &[2, 3, 7, 7]);
    }
}

#[test]
fn a_max_pool_compares_once_a_place_and_level() {
    let pool = "%y = max_pool(%x) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1], ceil=false}";
    let low = same(&format!("graph g {{ %x = input f32[N,3,7,7]\n {pool}\n output y = %y }}"), &[1, 3, 7, 7]);
    let facts = crate::ir::infer::infer(&low).unwrap();
    let relus: Vec<_> = low.ids().filter(|&id| matches!(low.op(id), Op::Relu)).collect();
    assert_eq!(relus.len(), 4);
    assert_eq!(relus.iter().map(|&id| facts.ty(id).elements()).sum::<usize>(), 8 * 3 * 4 * 4);
}

#[test]
fn constants_in_a_concat() {
    same(
        "graph g { %x = input f32[1,2]\n %c = const f32[1,3] [1.0, 2.0, 3.0]\n %y = concat(%x, %c) {axis=1}\n output y = %y }",
        &[1, 2],
    );
}

#[test]
fn what_crypten_lacks_is_listed_in_full() {
    let text = "graph g { %x = input f32[N,3]\n %a = floor(%x)\n %b = arg_max(%x) {axis=1, keep=true}\n \
                %t = tanh(%a)\n output y = %t\n output z = %b }";
    let g = parse(text).unwrap();
    let Err(EmitError::Unsupported { nodes, .. }) = lowered(&valid::check(&g).unwrap()) else {
        panic!("is refused")
    };
    assert_eq!(nodes.len(), 3, "{nodes:?}");
}

#[test]
fn sums_are_additions_of_halves() {
    for (h, w) in [(4, 4), (7, 5), (1, 6)] {
        for keep in [true, false] {
            let body = format!("%y = reduce(%x) {{kind=sum, axes=[2,3], keep={keep}}}");
            let low = same(
                &format!("graph g {{ %x = input f32[N,3,{h},{w}]\n {body}\n output y = %y }}"),
                &[2, 3, h, w],
            );
            assert!(!low.ids().any(|id| matches!(low.op(id), Op::Reduce { .. } | Op::Binary(Binary::Mul))));
        }
    }
}
