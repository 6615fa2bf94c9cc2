//! The names of the ReLU layers depend on the network alone: not on the order in which a file lists its nodes, not on
//! what they are called, not on which side of an addition stands where.
#![allow(clippy::unwrap_used)]

use relinc_passes::ir::infer::infer;
use relinc_passes::ir::text::parse;
use relinc_passes::ir::{Binary, Graph, NodeId, Op};
use relinc_passes::layers::{canonical_order, mask_shape, name_layers};
use std::collections::HashMap;

/// Two residual blocks, the second with a convolution in its shortcut that has a ReLU of its own.
const RESIDUAL: &str = "graph residual {
  %x = input f32[N,3,8,8]
  %w0 = const f32[4,3,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %r0 = relu(%c0)
  %w1 = const f32[4,4,3,3] rand(seed=2)
  %c1 = conv(%r0, %w1) {pads=[1,1,1,1]}
  %r1 = relu(%c1)
  %w2 = const f32[4,4,3,3] rand(seed=3)
  %c2 = conv(%r1, %w2) {pads=[1,1,1,1]}
  %a0 = add(%c2, %r0)
  %r2 = relu(%a0)
  %w3 = const f32[8,4,3,3] rand(seed=4)
  %c3 = conv(%r2, %w3) {strides=[2,2], pads=[1,1,1,1]}
  %r3 = relu(%c3)
  %w4 = const f32[8,4,1,1] rand(seed=5)
  %c4 = conv(%r2, %w4) {strides=[2,2]}
  %r4 = relu(%c4)
  %w5 = const f32[8,8,3,3] rand(seed=6)
  %c5 = conv(%r3, %w5) {pads=[1,1,1,1]}
  %a1 = add(%r4, %c5)
  %r5 = relu(%a1)
  %m = global_mean(%r5) {keep=false}
  %w6 = const f32[10,8] rand(seed=7)
  %y = linear(%m, %w6)
  output \"y\" = %y
}";

/// Branches of one depth: two differ in their kernels, two only in their weights, one in what lies above it.
const BRANCHES: &str = "graph branches {
  %x = input f32[N,3,8,8]
  %w0 = const f32[4,3,3,3] rand(seed=1)
  %c0 = conv(%x, %w0) {pads=[1,1,1,1]}
  %r0 = relu(%c0)
  %w1 = const f32[4,3,1,1] rand(seed=2)
  %c1 = conv(%x, %w1)
  %r1 = relu(%c1)
  %w2 = const f32[4,3,1,1] rand(seed=3)
  %c2 = conv(%x, %w2)
  %r2 = relu(%c2)
  %p = max_pool(%x) {kernel=[3,3], pads=[1,1,1,1]}
  %r3 = relu(%p)
  %k = concat(%r0, %r1, %r2, %r3) {axis=1}
  %r4 = relu(%k)
  %s = add(%r1, %r2)
  %r5 = relu(%s)
  output \"k\" = %r4
  output \"s\" = %r5
}";

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// The same network with its nodes added in another order, under other names, with operands of additions swapped.
fn shuffled(g: &Graph, dice: &mut Dice) -> (Graph, HashMap<NodeId, NodeId>) {
    let mut new = Graph::new("shuffled");
    let mut map = HashMap::new();
    let mut left: Vec<NodeId> = g.ids().collect();
    while !left.is_empty() {
        let ready: Vec<usize> =
            (0..left.len()).filter(|&i| g.operands(left[i]).iter().all(|o| map.contains_key(o))).collect();
        let id = left.swap_remove(ready[dice.below(ready.len())]);
        let mut operands: Vec<NodeId> = g.operands(id).iter().map(|o| map[o]).collect();
        if matches!(g.op(id), Op::Binary(Binary::Add)) && dice.below(2) == 0 {
            operands.reverse();
        }
        let name = format!("v{}", dice.below(1_000_000));
        map.insert(id, new.add(name, g.op(id).clone(), &operands));
    }
    for o in g.outputs() {
        new.add_output(&o.name, map[&o.node]);
    }
    (new, map)
}

fn order(g: &Graph) -> Vec<NodeId> {
    canonical_order(g, &infer(g).unwrap())
}

fn names(g: &Graph, order: &[NodeId]) -> Vec<String> {
    order.iter().map(|&id| g.node(id).name.clone()).collect()
}

fn survives_shuffling(text: &str) {
    let g = parse(text).unwrap();
    let original = order(&g);
    for seed in 0..200 {
        let (other, map) = shuffled(&g, &mut Dice(seed));
        let back: HashMap<NodeId, NodeId> = map.into_iter().map(|(old, new)| (new, old)).collect();
        let found: Vec<NodeId> = order(&other).iter().map(|id| back[id]).collect();
        assert_eq!(names(&g, &found), names(&g, &original), "seed {seed}");
    }
}

#[test]
fn residual_layers_keep_their_order() {
    survives_shuffling(RESIDUAL);
}

#[test]
fn parallel_layers_keep_their_order() {
    survives_shuffling(BRANCHES);
}

#[test]
fn layers_are_ordered_by_depth() {
    let g = parse(RESIDUAL).unwrap();
    let found = names(&g, &order(&g));
    assert_eq!(found[..3], ["r0", "r1", "r2"]);
    assert_eq!(found[5], "r5");
    let mut same_depth = found[3..5].to_vec();
    same_depth.sort();
    assert_eq!(same_depth, ["r3", "r4"]);
}

#[test]
fn what_only_some_exporters_write_does_not_count() {
    // The shortcut's ReLU comes through two reshapes and a multiplication by a constant and is no deeper for it.
    let plain = "%c = conv(%x, %w)\n %a = relu(%c)\n %b = relu(%x)\n %d = relu(%b)";
    let padded = "%c = conv(%x, %w)\n %a = relu(%c)\n %f = reshape(%x) {dims=[N,12]}\n
        %k = const f32[] [2.0]\n %m = mul(%f, %k)\n %h = reshape(%m) {dims=[N,3,2,2]}\n %b = relu(%h)\n %d = relu(%b)";
    let depths = |body: &str| {
        let g = parse(&format!(
            "graph g {{ %x = input f32[N,3,2,2]\n %w = const f32[3,3,1,1] rand(seed=1)\n {body}\n
             %s = add(%a, %d)\n output \"s\" = %s }}"
        ))
        .unwrap();
        let mut found = names(&g, &order(&g));
        assert_eq!(found.remove(0), "b");
        found.sort();
        found
    };
    assert_eq!(depths(plain), ["a", "d"]);
    assert_eq!(depths(padded), depths(plain));
}

#[test]
fn names_count_up_and_stay_as_wide_as_needed() {
    let chain = |n: usize| {
        let body: String = (1..=n).map(|i| format!("%v{i} = relu(%v{})\n", i - 1)).collect();
        parse(&format!("graph g {{ %v0 = input f32[N,4]\n {body} output \"y\" = %v{n} }}")).unwrap()
    };
    for (n, first, last) in [(1, "relu00", "relu00"), (100, "relu00", "relu99"), (101, "relu000", "relu100")]
    {
        let mut g = chain(n);
        let facts = infer(&g).unwrap();
        let layers = name_layers(&mut g, &facts);
        assert_eq!((layers.len(), &*layers[0].name, &*layers[n - 1].name), (n, first, last));
        assert!(layers.iter().all(|l| g.node(l.node).layer.as_ref() == Some(&l.name)));
        assert_eq!(g.node(layers[n - 1].node).name, format!("v{n}"));
    }
}

#[test]
fn masks_are_c_h_w_at_every_rank() {
    let shapes = [("N,5", [5, 1, 1]), ("N,5,7", [5, 7, 1]), ("N,5,7,2", [5, 7, 2]), ("N,2,3,5,7", [6, 5, 7])];
    for (dims, want) in shapes {
        let g = parse(&format!("graph g {{ %x = input f32[{dims}]\n %y = relu(%x)\n output \"y\" = %y }}"))
            .unwrap();
        let facts = infer(&g).unwrap();
        assert_eq!(mask_shape(&facts, g.by_name("y").unwrap()), want, "[{dims}]");
    }
}

#[test]
fn redundant_relus_come_last_and_change_no_other_name() {
    // The second ReLU does nothing after the first, nor the one after the pool.
    let without = "%b = conv(%a, %v)\n %d = relu(%b)\n %p = avg_pool(%d) {kernel=[2,2]}\n %y = neg(%p)";
    let with = "%t = relu(%a)\n %b = conv(%t, %v)\n %d = relu(%b)\n %p = avg_pool(%d) {kernel=[2,2]}\n %e = relu(%p)\n %y = neg(%e)";
    let layers = |body: &str| {
        let mut g = parse(&format!(
            "graph g {{ %x = input f32[N,3,4,4]\n %w = const f32[3,3,1,1] rand(seed=1)\n %v = const f32[3,3,1,1] rand(seed=2)\n
             %c = conv(%x, %w)\n %a = relu(%c)\n {body}\n output \"y\" = %y }}"
        ))
        .unwrap();
        let facts = infer(&g).unwrap();
        let named = name_layers(&mut g, &facts);
        named.into_iter().map(|l| (l.name, g.node(l.node).name.clone())).collect::<Vec<_>>()
    };
    let pair = |(a, b): (&str, &str)| (a.to_string(), b.to_string());
    assert_eq!(layers(without), [("relu00", "a"), ("relu01", "d")].map(pair));
    assert_eq!(layers(with), [("relu00", "a"), ("relu01", "d"), ("relu02", "t"), ("relu03", "e")].map(pair));
}
