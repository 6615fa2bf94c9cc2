#![allow(clippy::unwrap_used)]
use super::*;
use relinc_passes::architecture::{Architecture, Kind};
use relinc_passes::interp::Interp;
use relinc_passes::ir::text::parse;
use relinc_passes::splitmix::SplitMix;

fn uniform(shape: &[usize], seed: u64) -> Tensor {
    let mut r = SplitMix::new(seed);
    Tensor::f32(shape, (0..shape.iter().product()).map(|_| 2.0 * r.uniform() - 1.0).collect::<Vec<_>>())
}

/// Largest difference from the interpreter, relative to its largest value; also with other batches.
fn apart(g: &Graph, batch: usize) -> f64 {
    let blocks = Blocks::new(g).unwrap();
    let mut shape = vec![batch];
    shape.extend(&blocks.input);
    let x = uniform(&shape, 1);
    let want = Interp::new(g).unwrap().run(vec![x.clone()]).unwrap().remove(0);
    let got = blocks.run(&x).unwrap();
    assert_eq!(got.shape(), want.shape());
    assert_eq!(blocks.run(&x).unwrap(), got, "buffers that were used before changed the result");
    let (got, want) = (got.as_f32().unwrap(), want.as_f32().unwrap());
    let top = want.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    f64::from(got.iter().zip(want).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / top)
}

fn built(kind: Kind, depth: usize, width: Option<usize>) -> Graph {
    Architecture { kind, depth, width, classes: 10, input: [3, 16, 16] }.build(3).unwrap()
}

#[test]
fn networks_agree_with_the_interpreter() {
    for g in
        [built(Kind::Resnet, 20, None), built(Kind::Resnet, 18, None), built(Kind::WideResnet, 10, Some(2))]
    {
        let error = apart(&g, 19);
        assert!(error < 2e-5, "{}: {error}", g.name);
    }
}

#[test]
fn masks_slopes_and_shared_values_agree_with_the_interpreter() {
    let g = parse(
        "graph g {
           %x = input f32[N,3,7,7]
           %w = const f32[8,3,3,3] rand(seed=1)
           %v = const f32[8,8,3,3] rand(seed=2)
           %b = const f32[8] rand(seed=3)
           %k = const f32[8,1,1] rand(seed=4)
           %mask = const u8[8] [0, 1, 2, 1, 0, 1, 2, 1]
           %slope = const f32[8] rand(seed=5)
           %f = const f32[4,8] rand(seed=6)
           %c = conv(%x, %w, %b) {pads=[1, 1, 1, 1]}
           %r = relu(%c)
           %d = conv(%r, %v, %b) {pads=[1, 1, 1, 1]}
           %s = add(%d, %r)
           %t = mul(%s, %k)
           %e = conv(%t, %v) {pads=[1, 1, 1, 1], strides=[2, 2]}
           %h = add(%e, %e)
           %p = max_pool(%h) {kernel=[2, 2], strides=[2, 2]}
           %q = conv(%p, %v) {pads=[1, 1, 1, 1]}
           %m = global_mean(%q) {keep=false}
           %a = masked_relu(%m, %mask, slope=%slope)
           %y = linear(%a, %f)
           output \"y\" = %y
         }",
    )
    .unwrap();
    assert!(apart(&g, 33) < 1e-5);
}

#[test]
fn masked_layers_lie_in_blocks() {
    let masks = "[0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 1, 1, 0, 0, 2, 2, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 1, 1, 0, 0, 2, 2]";
    let g = parse(&format!(
        "graph g {{
           %x = input f32[N,4,3,3]
           %w = const f32[4,4,3,3] rand(seed=1)
           %mask = const u8[4,3,3] {masks}
           %slope = const f32[4] rand(seed=5)
           %c = conv(%x, %w) {{pads=[1, 1, 1, 1]}}
           %a = masked_relu(%c, %mask, slope=%slope)
           %d = conv(%a, %w) {{pads=[1, 1, 1, 1]}}
           %e = masked_relu(%d, %mask)
           %f = conv(%e, %w) {{pads=[1, 1, 1, 1]}}
           %h = capped_relu(%f) {{cap=0.2}}
           %k = conv(%h, %w) {{pads=[1, 1, 1, 1]}}
           %caps = const u8[4,3,3] {}
           %y = masked_relu(%k, %caps, slope=%slope) {{cap=0.3}}
           output \"y\" = %y
         }}",
        masks.replace("2, 2", "4, 4")
    ))
    .unwrap();
    assert!(apart(&g, 5) < 1e-5);
    let blocks = Blocks::new(&g).unwrap();
    let kinds = blocks.steps.iter().map(|s| matches!(s.work, step::Work::Plain { .. }));
    assert_eq!(kinds.filter(|plain| *plain).count(), 0);
}

#[test]
fn squares_and_border_biases_lie_in_blocks() {
    let g = parse(
        "graph g {
           %x = input f32[N,4,3,3]
           %w = const f32[4,4,3,3] rand(seed=1)
           %b = const f32[4] rand(seed=2)
           %map = const f32[4,3,3] rand(seed=3)
           %c = conv(%x, %w, %b) {pads=[1, 1, 1, 1]}
           %s = mul(%c, %c)
           %d = conv(%s, %w) {pads=[1, 1, 1, 1]}
           %e = add(%d, %map)
           %t = add(%e, %x)
           %r = relu(%t)
           %y = mul(%r, %r)
           output \"y\" = %y
         }",
    )
    .unwrap();
    assert!(apart(&g, 5) < 1e-5);
    let blocks = Blocks::new(&g).unwrap();
    let kinds = blocks.steps.iter().map(|s| matches!(s.work, step::Work::Plain { .. }));
    assert_eq!(kinds.filter(|plain| *plain).count(), 0);
}

#[test]
fn images_that_are_mixed_are_left_to_the_interpreter() {
    for (input, body) in [
        ("N,4", "%y = softmax(%x) {axis=0}"),
        ("N,4", "%y = reduce(%x) {kind=mean, axes=[0], keep=true}"),
        ("2,4", "%y = relu(%x)"),
    ] {
        let g =
            parse(&format!("graph g {{ %x = input f32[{input}]\n {body}\n output \"y\" = %y\n}}")).unwrap();
        assert!(Blocks::new(&g).is_err(), "{body}");
    }
}
