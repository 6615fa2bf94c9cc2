//! Windows and borders that are written as gathers; signals.

use crate::build::*;
use relinc_passes::ir::Op;
use relinc_passes::proto::{AttributeProto, TensorProto};

fn count(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32).collect()
}

fn padded(amounts: &[i64], mode: &str) -> (Vec<usize>, Vec<f32>) {
    let r = model(19, &[-1, 1, 1, 4])
        .init(longs("p", amounts))
        .node("Pad", &["x", "p"], &["y"], vec![word("mode", mode)])
        .import();
    r.run(&[1, 1, 1, 4], count(4))
}

#[test]
fn borders_that_repeat_the_map() {
    let amounts = [0, 0, 0, 2, 0, 0, 0, 3];
    assert_eq!(padded(&amounts, "reflect").1, [2., 1., 0., 1., 2., 3., 2., 1., 0.]);
    assert_eq!(padded(&amounts, "edge").1, [0., 0., 0., 1., 2., 3., 3., 3., 3.]);
    assert_eq!(padded(&amounts, "wrap").1, [2., 3., 0., 1., 2., 3., 0., 1., 2.]);
    assert_eq!(padded(&[0, 0, 0, -1, 0, 0, 0, 1], "edge").1, [1., 2., 3., 3.]);
    let m = model(13, &[-1, 1, 1, 4]).init(longs("p", &[0, 0, 0, 4, 0, 0, 0, 0]));
    m.node("Pad", &["x", "p"], &["y"], vec![word("mode", "reflect")])
        .refused(&["Pad 'y'", "nothing to repeat"]);
}

#[test]
fn negative_amounts_crop() {
    let (shape, y) = padded(&[0, 0, 1, -1, 0, 0, 0, 2], "constant");
    assert_eq!(shape, [1, 1, 2, 5]);
    assert_eq!(y, [0., 0., 0., 0., 0., 1., 2., 3., 0., 0.]);
    assert_eq!(padded(&[0, 0, 0, 0, 0, 0, 0, -2], "constant").1, [0., 1.]);
}

/// The largest of dilated windows, tap by tap.
fn largest(
    x: &[f32],
    [h, w]: [usize; 2],
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
) -> Vec<f32> {
    let out = |n: usize| (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
    let at = |o: usize, k: usize, n: usize| (o * stride + k * dilation).checked_sub(pad).filter(|&i| i < n);
    let mut y = vec![];
    for oy in 0..out(h) {
        for ox in 0..out(w) {
            let taps = (0..kernel * kernel)
                .filter_map(|k| Some(x[at(oy, k / kernel, h)? * w + at(ox, k % kernel, w)?]));
            y.push(taps.fold(f32::NEG_INFINITY, f32::max));
        }
    }
    y
}

#[test]
fn dilated_max_pool() {
    let x: Vec<f32> = (0..56).map(|i| ((i * 37) % 53) as f32 - 26.0).collect();
    for (kernel, stride, dilation, pad) in [(3, 1, 2, 0), (3, 2, 2, 1), (2, 1, 3, 1), (2, 2, 2, 0)] {
        let all = |v: usize| ints("", &[v as i64, v as i64]).ints;
        let attributes: Vec<AttributeProto> = vec![
            ints("kernel_shape", &all(kernel)),
            ints("strides", &all(stride)),
            ints("dilations", &all(dilation)),
            ints("pads", &[pad as i64; 4]),
        ];
        let r = model(12, &[-1, 1, 7, 8]).node("MaxPool", &["x"], &["y"], attributes).import();
        let (_, y) = r.run(&[1, 1, 7, 8], x.clone());
        assert_eq!(
            y,
            largest(&x, [7, 8], kernel, stride, dilation, pad),
            "{kernel} {stride} {dilation} {pad}"
        );
    }
}

#[test]
fn nearest_pixels() {
    let r = model(13, &[-1, 1, 2, 2])
        .init(list("scales", &[4], &[1.0, 1.0, 2.0, 1.5]))
        .node(
            "Resize",
            &["x", "", "scales"],
            &["y"],
            vec![word("coordinate_transformation_mode", "asymmetric"), word("nearest_mode", "floor")],
        )
        .import();
    let (shape, y) = r.run(&[1, 1, 2, 2], count(4));
    assert_eq!(shape, [1, 1, 4, 3]);
    assert_eq!(y, [0., 0., 1., 0., 0., 1., 2., 2., 3., 2., 2., 3.]);
    let old = model(9, &[-1, 1, 2, 2])
        .init(list("scales", &[4], &[1.0, 1.0, 2.0, 2.0]))
        .node("Upsample", &["x", "scales"], &["y"], vec![])
        .import();
    assert_eq!(old.ty("y"), "f32[N,1,4,4]");
    model(13, &[-1, 1, 2, 2])
        .init(list("scales", &[4], &[1.0, 1.0, 2.0, 2.0]))
        .node("Resize", &["x", "", "scales"], &["y"], vec![word("mode", "linear")])
        .refused(&["Resize 'y'", "linear", "nearest"]);
}

#[test]
fn places_on_several_axes() {
    let places = TensorProto { dims: vec![3, 2], ..longs("i", &[0, 1, 1, 0, -1, -1]) };
    let r = model(13, &[-1, 2, 2])
        .init(places)
        .node("Transpose", &["x"], &["t"], vec![ints("perm", &[1, 2, 0])])
        .node("GatherND", &["t", "i"], &["g"], vec![])
        .node("Transpose", &["g"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,3]");
    assert_eq!(r.run(&[2, 2, 2], count(8)).1, [1., 2., 3., 5., 6., 7.]);
    let m = model(13, &[-1, 2]).init(TensorProto { dims: vec![1, 1], ..longs("i", &[0]) });
    m.node("GatherND", &["x", "i"], &["y"], vec![]).refused(&["GatherND 'y'", "batch"]);
}

#[test]
fn tiles_and_blocks() {
    let r = model(13, &[-1, 2]).init(longs("r", &[1, 2])).node("Tile", &["x", "r"], &["y"], vec![]).import();
    assert_eq!(r.run(&[1, 2], count(2)).1, [0., 1., 0., 1.]);
    let deep = model(13, &[-1, 1, 2, 4])
        .node("SpaceToDepth", &["x"], &["d"], vec![int("blocksize", 2)])
        .node("DepthToSpace", &["d"], &["y"], vec![int("blocksize", 2)]);
    let r = deep.import();
    assert_eq!(r.ty("d"), "f32[N,4,1,2]");
    assert_eq!(r.run(&[1, 1, 2, 4], count(8)).1, count(8));
    let r = model(13, &[-1, 8, 1, 1])
        .node("DepthToSpace", &["x"], &["y"], vec![int("blocksize", 2), word("mode", "CRD")])
        .import();
    assert_eq!(r.run(&[1, 8, 1, 1], count(8)).1, count(8));
    let r =
        model(13, &[-1, 8, 1, 1]).node("DepthToSpace", &["x"], &["y"], vec![int("blocksize", 2)]).import();
    assert_eq!(r.run(&[1, 8, 1, 1], count(8)).1, [0., 2., 4., 6., 1., 3., 5., 7.]);
}

#[test]
fn signals_are_maps_of_one_row() {
    let r = model(13, &[-1, 1, 5])
        .init(list("w", &[2, 1, 3], &[1.0, 0.0, 0.0, 0.0, 0.0, 2.0]))
        .init(list("one", &[2], &[1.0; 2]))
        .init(list("zero", &[2], &[0.0; 2]))
        .node("Conv", &["x", "w"], &["h"], vec![ints("pads", &[1, 1])])
        .node("BatchNormalization", &["h", "one", "zero", "zero", "one"], &["n"], vec![float("epsilon", 0.0)])
        .node("MaxPool", &["n"], &["m"], vec![ints("kernel_shape", &[2]), ints("strides", &[2])])
        .node("AveragePool", &["m"], &["a"], vec![ints("kernel_shape", &[2])])
        .node("GlobalAveragePool", &["a"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("h"), "f32[N,2,5]");
    assert_eq!(r.ty("y"), "f32[N,2,1]");
    // Channel 0 is the signal moved right, channel 1 twice the signal moved left.
    assert_eq!(r.run(&[1, 1, 5], vec![1., 2., 3., 4., 5.]).1, [2.0, 8.0]);
    assert!(r.m.graph.ids().any(|id| matches!(r.m.graph.op(id), Op::Conv(c) if c.pads == [0, 1, 0, 1])));
}
