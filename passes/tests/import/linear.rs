//! Convolutions, products, normalisation, padding.

use crate::build::*;
use relinc_passes::ir::op::ReduceKind;
use relinc_passes::ir::{Conv, Op};

fn bn(m: Model) -> Model {
    ["s", "b", "m", "v"].into_iter().fold(m, |m, n| m.init(floats(n, &[4])))
}

#[test]
fn batch_norm_keeps_epsilon() {
    let r = bn(model(9, &[-1, 4, 8, 8]))
        .node("BatchNormalization", &["x", "s", "b", "m", "v"], &["y"], vec![float("epsilon", 1e-3)])
        .import();
    assert_eq!(*r.op("y"), Op::BatchNorm { eps: 1e-3 });
    assert_eq!(r.ty("y"), "f32[N,4,8,8]");
}

#[test]
fn no_batch_norm_in_training() {
    let m = bn(model(15, &[-1, 4, 8, 8]));
    let names = ["x", "s", "b", "m", "v"];
    m.clone().node("BatchNormalization", &names, &["y"], vec![int("training_mode", 1)]).refused(&[
        "BatchNormalization 'y'",
        "training mode",
        "model.eval()",
    ]);
    m.node("BatchNormalization", &names, &["y", "rm", "rv"], vec![])
        .output("rm")
        .refused(&["statistics are read"]);
    bn(model(8, &[-1, 4, 8, 8]))
        .node("BatchNormalization", &names, &["y"], vec![int("spatial", 0)])
        .refused(&["spatial"]);
}

#[test]
fn batch_norm_with_statistics_that_nothing_reads() {
    let names = ["x", "s", "b", "m", "v"];
    let r = bn(model(9, &[-1, 4, 8, 8]))
        .node("BatchNormalization", &names, &["y", "rm", "rv", "sm", "sv"], vec![])
        .import();
    assert_eq!(*r.op("y"), Op::BatchNorm { eps: 1e-5 });
    assert!(r.notices().contains("statistics that nothing reads"));
}

#[test]
fn batch_norm_as_arithmetic() {
    let r = model(13, &[-1, 4, 8, 8])
        .init(floats("m", &[1, 4, 1, 1]))
        .init(floats("v", &[4, 1, 1]))
        .node("Sub", &["x", "m"], &["c"], vec![])
        .node("Sqrt", &["v"], &["d"], vec![])
        .node("Div", &["c", "d"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,4,8,8]");
}

#[test]
fn identity_on_weights_stays() {
    let r = model(13, &[-1, 4, 8, 8])
        .init(floats("w", &[2, 4, 1, 1]))
        .node("Identity", &["w"], &["w2"], vec![])
        .node("Conv", &["x", "w2"], &["y"], vec![])
        .import();
    assert_eq!(*r.op("w2"), Op::Identity);
    assert_eq!(r.ty("y"), "f32[N,2,8,8]");
}

#[test]
fn pad_attribute_operand_and_axes() {
    let want = Op::Pad { before: vec![0, 0, 1, 2], after: vec![0, 0, 3, 4], value: 0.0 };
    let x = &[-1, 4, 8, 8];
    let amounts = [0, 0, 1, 2, 0, 0, 3, 4];
    let old = model(9, x).node("Pad", &["x"], &["y"], vec![ints("pads", &amounts)]).import();
    assert_eq!(*old.op("y"), want);
    let new = model(13, x).init(longs("p", &amounts)).node("Pad", &["x", "p"], &["y"], vec![]).import();
    assert_eq!(new.resolved("y"), want);
    // Opset 18: axes given, value left out in the middle.
    let axes = model(18, x)
        .init(longs("p", &[1, 2, 3, 4]))
        .init(longs("a", &[2, -1]))
        .node("Pad", &["x", "p", "", "a"], &["y"], vec![])
        .import();
    assert_eq!(axes.resolved("y"), want);
}

fn conv_pads(attrs: Vec<relinc_passes::proto::AttributeProto>) -> [usize; 4] {
    let r = model(13, &[-1, 4, 8, 7])
        .init(floats("w", &[2, 4, 3, 3]))
        .node("Conv", &["x", "w"], &["y"], attrs)
        .import();
    match r.op("y") {
        Op::Conv(Conv { pads, .. }) => *pads,
        op => panic!("{op:?}"),
    }
}

#[test]
fn automatic_and_asymmetric_pads() {
    let two = || ints("strides", &[2, 2]);
    assert_eq!(conv_pads(vec![ints("pads", &[0, 1, 2, 3])]), [0, 1, 2, 3]);
    assert_eq!(conv_pads(vec![word("auto_pad", "SAME_UPPER"), two()]), [0, 1, 1, 1]);
    assert_eq!(conv_pads(vec![word("auto_pad", "SAME_LOWER"), two()]), [1, 1, 0, 1]);
    assert_eq!(conv_pads(vec![word("auto_pad", "VALID")]), [0; 4]);
}

#[test]
fn grouped_and_dilated_convolutions() {
    let r = model(13, &[-1, 4, 8, 8])
        .init(floats("w", &[4, 1, 3, 3]))
        .init(floats("b", &[4]))
        .node("Conv", &["x", "w", "b"], &["y"], vec![int("group", 4), ints("dilations", &[2, 2])])
        .import();
    assert_eq!(r.ty("y"), "f32[N,4,4,4]");
}

#[test]
fn no_convolution_of_volumes() {
    model(13, &[-1, 4, 8, 8, 8])
        .init(floats("w", &[2, 4, 3, 3, 3]))
        .node("Conv", &["x", "w"], &["h"], vec![ints("kernel_shape", &[3, 3, 3])])
        .node("MaxPool", &["h"], &["y"], vec![ints("kernel_shape", &[2, 2, 2])])
        .refused(&["2 nodes", "Conv 'h'", "MaxPool 'y'", "3 spatial axes", "[N,C,L]"]);
}

#[test]
fn gemm_honours_its_attributes() {
    let attrs = vec![float("alpha", 0.5), float("beta", 2.0), int("transB", 1)];
    let r = model(13, &[-1, 4])
        .init(floats("w", &[3, 4]))
        .init(floats("b", &[3]))
        .node("Gemm", &["x", "w", "b"], &["y"], attrs)
        .import();
    assert_eq!(*r.op("y"), Op::Gemm { alpha: 0.5, beta: 2.0, trans_a: false, trans_b: true });
    assert_eq!(r.ty("y"), "f32[N,3]");
}

#[test]
fn matmul_and_add() {
    let r = model(13, &[-1, 4])
        .init(floats("w", &[4, 3]))
        .init(floats("b", &[3]))
        .node("MatMul", &["x", "w"], &["h"], vec![])
        .node("Add", &["h", "b"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,3]");
}

#[test]
fn pools() {
    let x = &[-1, 4, 7, 7];
    let r = model(13, x)
        .node(
            "MaxPool",
            &["x"],
            &["y"],
            vec![
                ints("kernel_shape", &[3, 3]),
                ints("strides", &[2, 2]),
                ints("pads", &[1, 1, 1, 1]),
                int("ceil_mode", 1),
            ],
        )
        .import();
    assert_eq!(r.ty("y"), "f32[N,4,4,4]");
    let attrs = vec![ints("kernel_shape", &[2, 2]), word("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])];
    let r = model(13, x).node("AveragePool", &["x"], &["y"], attrs).import();
    assert_eq!(r.ty("y"), "f32[N,4,4,4]");
    let r = model(13, x).node("GlobalAveragePool", &["x"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::GlobalMean { keep: true });
    let r = model(13, x).node("GlobalMaxPool", &["x"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::Reduce { kind: ReduceKind::Max, axes: vec![2, 3], keep: true });
}

#[test]
fn no_pool_with_indices_or_dilation() {
    let k = || ints("kernel_shape", &[2, 2]);
    model(13, &[-1, 4, 8, 8])
        .node("MaxPool", &["x"], &["y", "i"], vec![k()])
        .output("i")
        .refused(&["Indices"]);
    model(19, &[-1, 4, 8, 8])
        .node("AveragePool", &["x"], &["y"], vec![k(), ints("dilations", &[2, 2])])
        .refused(&["dilation 1"]);
}

#[test]
fn mean_by_attribute_and_operand() {
    let want = Op::Reduce { kind: ReduceKind::Mean, axes: vec![2, 3], keep: false };
    let x = &[-1, 4, 8, 8];
    let old = model(13, x)
        .node("ReduceMean", &["x"], &["y"], vec![ints("axes", &[-1, 2]), int("keepdims", 0)])
        .import();
    assert_eq!(*old.op("y"), want);
    let new = model(18, x)
        .init(longs("a", &[-2, -1]))
        .node("ReduceMean", &["x", "a"], &["y"], vec![int("keepdims", 0)])
        .import();
    assert_eq!(new.resolved("y"), want);
}

#[test]
fn no_reduction_across_the_batch() {
    model(13, &[-1, 4])
        .node("ReduceMean", &["x"], &["y"], vec![ints("axes", &[0])])
        .refused(&["across the batch"]);
    let one = model(13, &[1, 4]).node("ReduceMean", &["x"], &["y"], vec![ints("axes", &[0])]);
    one.refused(&["--keep-batch"]);
    assert_eq!(one.keep_batch().import().ty("y"), "f32[1,4]");
}

#[test]
fn dropout_in_inference() {
    let r = model(9, &[-1, 4]).node("Dropout", &["x"], &["y", "mask"], vec![float("ratio", 0.5)]).import();
    assert_eq!(*r.op("y"), Op::Dropout);
    let new = |on| {
        model(13, &[-1, 4]).init(list("r", &[], &[0.5])).init(truth("t", on)).node(
            "Dropout",
            &["x", "r", "t"],
            &["y"],
            vec![],
        )
    };
    assert_eq!(*new(false).import().op("y"), Op::Dropout);
    new(true).refused(&["Dropout 'y'", "training mode"]);
    model(13, &[-1, 4])
        .node("Dropout", &["x"], &["y", "mask"], vec![])
        .output("mask")
        .refused(&["mask output"]);
}
