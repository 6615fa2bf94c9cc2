//! A convolution after a ReLU layer in which whole channels are linear could be split, so that the linear channels merge with the
//! convolution before: one more convolution from the block's input for fewer channels in between. No judge of folding would take
//! it: it costs more bytes or more seconds everywhere, which is why there is no such pass (docs/folding.md).
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use super::protocol::protocols;
use super::*;
use relinc_passes::ir::Graph;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::text::parse;

/// Two 3×3 convolutions of `c` channels on `s`×`s`; `a` of the channels between them have ReLUs.
fn whole(c: usize, s: usize, a: usize) -> Graph {
    parse(&format!(
        "graph whole {{ %x = input f32[N,{c},{s},{s}]
         %w1 = const f32[{c},{c},3,3] rand(seed=1)
         %w2 = const f32[{c},{c},3,3] rand(seed=2)
         %c1 = conv(%x, %w1) {{pads=[1,1,1,1]}}
         %p = slice(%c1) {{axes=[1], starts=[0], ends=[{a}]}}
         %q = slice(%c1) {{axes=[1], starts=[{a}], ends=[{c}]}}
         %r = relu(%p)
         %j = concat(%r, %q) {{axis=1}}
         %y = conv(%j, %w2) {{pads=[1,1,1,1]}}
         output y = %y }}"
    ))
    .unwrap()
}

/// The same, the linear channels in one 5×5 convolution of their own; the border is left out, which only flatters it.
fn split(c: usize, s: usize, a: usize) -> Graph {
    parse(&format!(
        "graph split {{ %x = input f32[N,{c},{s},{s}]
         %w1 = const f32[{a},{c},3,3] rand(seed=1)
         %w2 = const f32[{c},{a},3,3] rand(seed=2)
         %w3 = const f32[{c},{c},5,5] rand(seed=3)
         %c1 = conv(%x, %w1) {{pads=[1,1,1,1]}}
         %r = relu(%c1)
         %c2 = conv(%r, %w2) {{pads=[1,1,1,1]}}
         %c3 = conv(%x, %w3) {{pads=[2,2,2,2]}}
         %y = add(%c2, %c3)
         output y = %y }}"
    ))
    .unwrap()
}

#[test]
fn splitting_linear_channels_off_pays_nowhere() {
    // In the ring of 32 bits it does, by a few percent, for some shapes: nothing is built on that.
    let all = protocols().iter().filter(|p| !p.name.ends_with("ring32"));
    let all = all.filter(|p| p.law("conv", p.default_weights).is_some());
    for (p, network) in all.flat_map(|p| [(p, "lan"), (p, "wan")]) {
        let n: Network = network.parse().unwrap();
        for (c, s) in [(16, 32), (32, 16), (64, 8)] {
            for a in [1, c / 4] {
                let spent = |g: &Graph| {
                    let facts = infer(g).unwrap();
                    let forms = match p.on_spu() {
                        Some(_) => Forms::choose(g, &facts, p, p.default_weights, &n, ConvForm::Auto, 1),
                        None => Forms::default(),
                    };
                    let priced = price_as(g, &facts, p, p.default_weights, &forms);
                    (priced.total.sent + priced.total.recv, latency(&priced, &n))
                };
                let (before, after) = (spent(&whole(c, s, a)), spent(&split(c, s, a)));
                println!(
                    "{} {network} {c} channels on {s}×{s}, {a} with ReLUs: {before:?} -> {after:?}",
                    p.name
                );
                assert!(after.0 > before.0 || after.1 > before.1, "{}: {before:?} -> {after:?}", p.name);
            }
        }
    }
}
