//! Folding a trained network of which all or half of the ReLU layers are gone.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

#[path = "../passes/tests/fold/hoist_padding.rs"]
mod hoist_padding;

use common::{cifar, model, shared};
use hoist_padding::HoistPadding;
use relinc_passes::choice::Choice;
use relinc_passes::driver::valid;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::driver::{self, Options};
use relinc_passes::driver::{Pass, Phase};
use relinc_passes::front::onnx::{ImportOptions, import};
use relinc_passes::interp::Interp;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Graph, Op, Tensor};
use relinc_passes::layers::name_layers;
use relinc_passes::masks::Masks;
use relinc_passes::passes::drop_dead::DropDead;
use relinc_passes::passes::drop_linearized_relu::DropLinearizedRelu;
use relinc_passes::passes::merge_hoisted::MergeHoisted;
use relinc_passes::passes::{of, run_all};
use relinc_runtime::data::{DataSpec, Split};
use std::path::Path;

const IMAGES: usize = 8;

fn count(g: &Graph, of: impl Fn(&Op) -> bool) -> usize {
    g.ids().filter(|&id| of(g.op(id))).count()
}

/// Convolutions, MACs of one image, and how many of the convolutions correct a border.
fn size(g: &Graph) -> (usize, usize, usize) {
    let facts = infer(g).unwrap();
    let macs = g.ids().filter(|&id| matches!(g.op(id), Op::Conv(_) | Op::Linear)).map(|id| {
        let w = g.const_operand(id, 1).unwrap().shape()[1..].iter().product::<usize>();
        facts.ty(id).elements() * w
    });
    let placed = g.ids().filter(|&id| g.node(id).name.contains(".placed")).count();
    (count(g, |o| matches!(o, Op::Conv(_))), macs.sum(), placed)
}

/// Which ReLU layers become the identity.
#[derive(Debug, Clone, Copy)]
enum Gone {
    All,
    /// Those between the two convolutions of a block.
    InsideBlocks,
    /// Both of every second block.
    EverySecondBlock,
}

impl Gone {
    /// Layer 0 stands before the blocks, which have two each.
    fn takes(self, layer: usize) -> bool {
        match self {
            Gone::All => true,
            Gone::InsideBlocks => layer % 2 == 1,
            Gone::EverySecondBlock => layer > 0 && ((layer - 1) / 2).is_multiple_of(2),
        }
    }
}

fn logits(g: &Graph, images: &Tensor) -> Tensor {
    Interp::new(g).unwrap().run(vec![images.clone()]).unwrap().remove(0)
}

/// The largest difference, and the range of what is wanted.
fn difference(got: &Tensor, want: &Tensor) -> (f32, f32) {
    let (got, want) = (got.as_f32().unwrap(), want.as_f32().unwrap());
    let far = got.iter().zip(want).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
    let range = want.iter().fold(0f32, |m, &v| m.max(v)) - want.iter().fold(0f32, |m, &v| m.min(v));
    (far, range)
}

/// Makes ReLU layers the identity, folds, and holds the logits to what they were.
fn fold(g: &mut Graph, gone: Gone, hoist: bool, images: &Tensor) {
    let facts = infer(g).unwrap();
    let layers = name_layers(g, &facts);
    let gone_layers: Vec<_> =
        layers.into_iter().enumerate().filter(|(i, _)| gone.takes(*i)).map(|(_, l)| l).collect();
    let masks = Masks::uniform(&gone_layers, Choice::Identity);
    let o = Options { fold: Fold::Always, ..Options::default() };
    let run = |p: &dyn Pass, g: &mut Graph| driver::run(p, g, &o).unwrap().applied;
    *g = relinc_passes::masks::apply(g, &masks).unwrap();
    run(&DropLinearizedRelu, g);
    let plain = g.clone();
    if hoist {
        run(&HoistPadding, g);
    }
    let want = logits(g, images);
    if let (true, Gone::InsideBlocks) = (hoist, gone) {
        let mut merged = plain;
        assert_eq!(run(&MergeHoisted, &mut merged), 9);
        let far = difference(&logits(&merged, images), &want);
        assert!(far.0 <= 1e-4 * far.1, "merge-hoisted is not hoist-padding and a merge: {far:?}");
    }
    let before = size(g);
    let mut applied = std::collections::BTreeMap::<&str, usize>::new();
    loop {
        let mut n = 0;
        for p in of(Phase::Folding, &o) {
            let rewrites = run(p, g);
            *applied.entry(p.name()).or_default() += rewrites;
            n += rewrites;
        }
        if n == 0 {
            break;
        }
    }
    run(&DropDead, g);
    valid::check(g).unwrap();
    let (far, range) = difference(&logits(g, images), &want);
    println!(
        "gone {gone:?}, hoisted {hoist}: convolutions, MACs, corrections {before:?} -> {:?}; {applied:?}; logits move by {:e} of \
         their range",
        size(g),
        far / range
    );
    assert!(far <= 1e-4 * range, "{far} of {range}");
    assert!(size(g).0 - size(g).2 < before.0, "nothing was merged");
}

#[test]
fn resnet20_without_relu_layers_keeps_its_logits() {
    let Some(s) = shared() else { return };
    let data: DataSpec = cifar(&s, "normalize=imagenet").parse().unwrap();
    let test = data.open(Split::Test, Some(IMAGES)).unwrap();
    let images = Tensor::f32([IMAGES, 3, 32, 32], test.batch(0..IMAGES).0);
    let file = model(&s, "resnet20_torch-legacy_bnfold_op13");
    let mut g = import(Path::new(&file), &ImportOptions::default()).unwrap().graph;
    run_all(Phase::Canonical, &mut g, &Options::default()).unwrap();
    for gone in [Gone::All, Gone::InsideBlocks, Gone::EverySecondBlock] {
        for hoist in [false, true] {
            fold(&mut g.clone(), gone, hoist, &images);
        }
    }
}
