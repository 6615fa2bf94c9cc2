//! What constants and shapes decide: sequences, sums by letters, scattered elements, quantised weights.

use crate::build::*;
use relinc_passes::proto::TensorProto;
use relinc_passes::proto::tensor_proto::DataType;

fn raw(name: &str, dims: &[i64], t: DataType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: t as i32,
        raw_data,
        ..Default::default()
    }
}

#[test]
fn vectors_are_matrices_of_one_row_or_column() {
    let m = model(17, &[-1, 3])
        .init(list("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
        .init(list("u", &[2], &[1.0, -1.0]))
        .init(list("v", &[3], &[1.0, 0.5, 2.0]))
        .node("MatMul", &["w", "v"], &["wv"], vec![])
        .node("MatMul", &["u", "wv"], &["norm"], vec![])
        .node("Div", &["w", "norm"], &["n"], vec![])
        .node("Transpose", &["n"], &["t"], vec![ints("perm", &[1, 0])])
        .node("MatMul", &["x", "t"], &["y"], vec![]);
    // w·v = [8, 18.5], u·(w·v) = −10.5
    let (shape, y) = m.import().run(&[1, 3], vec![1.0, 0.0, 0.0]);
    assert_eq!((shape, y), (vec![1, 2], vec![1.0 / -10.5, 4.0 / -10.5]));
    let m = model(17, &[-1, 3]).init(list("v", &[3], &[1.0, 0.5, 2.0])).node(
        "MatMul",
        &["x", "v"],
        &["y"],
        vec![],
    );
    assert_eq!(m.import().run(&[2, 3], vec![1.0, 2.0, 3.0, 0.0, 0.0, 1.0]), (vec![2], vec![8.0, 2.0]));
}

#[test]
fn sequences_are_taken_apart() {
    let m = model(17, &[-1, 5])
        .init(long("two", 2))
        .init(long("last", -1))
        .init(long("first", 0))
        .node("SplitToSequence", &["x", "two"], &["s"], vec![int("axis", 1)])
        .node("Identity", &["s"], &["t"], vec![])
        .node("SequenceAt", &["t", "last"], &["b"], vec![])
        .node("SequenceAt", &["t", "first"], &["a"], vec![])
        .node("SequenceConstruct", &["a", "b", "b"], &["all"], vec![])
        .node("ConcatFromSequence", &["all"], &["y"], vec![int("axis", 1)]);
    let (shape, y) = m.import().run(&[1, 5], vec![1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!((shape, y), (vec![1, 4], vec![1.0, 2.0, 5.0, 5.0]));
    let m = model(17, &[-1, 3])
        .init(long("one", 1))
        .node("SplitToSequence", &["x"], &["s"], vec![int("axis", 1), int("keepdims", 0)])
        .node("SequenceAt", &["s", "one"], &["a"], vec![])
        .node("SequenceConstruct", &["a", "a"], &["all"], vec![])
        .node("ConcatFromSequence", &["all"], &["y"], vec![int("axis", 1), int("new_axis", 1)]);
    assert_eq!(m.import().run(&[1, 3], vec![1.0, 2.0, 3.0]), (vec![1, 2], vec![2.0, 2.0]));
}

#[test]
fn sequences_that_others_read_are_refused() {
    let m = model(17, &[-1, 4]).init(long("two", 2));
    let m = m.node("SplitToSequence", &["x", "two"], &["s"], vec![int("axis", 1)]);
    m.clone().node("Relu", &["s"], &["y"], vec![]).refused(&["Relu 'y'", "a sequence of float"]);
    m.clone()
        .node("SequenceLength", &["s"], &["y"], vec![])
        .refused(&["SequenceLength 'y'", "is not supported"]);
    let m = m.init(long("i", 2)).node("SequenceAt", &["s", "i"], &["y"], vec![]);
    m.refused(&["takes element 2 of a sequence of 2"]);
}

fn einsum(equation: &str, x: &[i64], w: &[i64]) -> Model {
    model(17, x).init(floats("w", w)).node("Einsum", &["x", "w"], &["y"], vec![word("equation", equation)])
}

#[test]
fn sums_by_letters_are_matrix_products() {
    for (equation, shape, w, ty) in [
        ("bi,oi->bo", vec![-1, 3], vec![2, 3], "f32[N,2]"),
        ("bi,io->bo", vec![-1, 3], vec![3, 2], "f32[N,2]"),
        ("...i,oi->...o", vec![-1, 4, 3], vec![2, 3], "f32[N,4,2]"),
        ("bchw,oc->bohw", vec![-1, 3, 2, 2], vec![5, 3], "f32[N,5,2,2]"),
        ("bchw,hw->bc", vec![-1, 3, 2, 2], vec![2, 2], "f32[N,3]"),
        ("bhwc , cde -> bhwde", vec![-1, 2, 2, 3], vec![3, 2, 4], "f32[N,2,2,2,4]"),
        ("bi,oi", vec![-1, 3], vec![2, 3], "f32[N,2]"),
        ("bhi,hio->bho", vec![-1, 4, 3], vec![4, 3, 2], "f32[N,4,2]"),
    ] {
        assert_eq!(einsum(equation, &shape, &w).import().ty("y"), ty, "{equation}");
    }
    let m = einsum("bi,oi->ob", &[-1, 2], &[2, 2]).import();
    let (shape, y) = m.run(&[1, 2], vec![1.0, 10.0]);
    assert_eq!(shape, [2, 1]);
    assert!((y[0] - 2.1).abs() < 1e-6 && (y[1] - 4.3).abs() < 1e-6, "{y:?}");
    // Each of h has weights of its own.
    let (_, y) = einsum("bhi,hio->bho", &[-1, 2, 1], &[2, 1, 2]).import().run(&[1, 2, 1], vec![1.0, 10.0]);
    assert!(y.iter().zip([0.1, 0.2, 3.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{y:?}");
}

#[test]
fn sums_by_letters_that_are_no_products_are_refused() {
    einsum("bi,oj->bo,", &[-1, 3], &[2, 3]).refused(&["Einsum 'y'"]);
    einsum("bb,oi->bo", &[-1, 3], &[2, 3]).refused(&["takes a diagonal"]);
    einsum("bi,oi->bz", &[-1, 3], &[2, 3]).refused(&["makes an axis z"]);
    einsum("bi,oi->bo", &[-1, 3], &[2, 4]).refused(&["called i", "differ in size"]);
    einsum("bi,oi->o", &[-1, 3], &[2, 3]).refused(&["works across the batch"]);
}

#[test]
fn sizes_are_put_among_sizes() {
    let m = model(17, &[-1, 8, 2, 2])
        .init(TensorProto { dims: vec![1, 1], ..longs("at", &[1]) })
        .init(longs("put", &[4]))
        .init(longs("rest", &[2]))
        .node("Shape", &["x"], &["s"], vec![])
        .node("ScatterND", &["s", "at", "put"], &["t"], vec![])
        .node("Concat", &["t", "rest"], &["shape"], vec![int("axis", 0)])
        .node("Reshape", &["x", "shape"], &["y"], vec![]);
    assert_eq!(m.import().ty("y"), "f32[N,4,2,2,2]");
    let m = model(18, &[-1, 8])
        .init(longs("at", &[-1]))
        .init(longs("put", &[4]))
        .init(longs("rest", &[2]))
        .node("Shape", &["x"], &["s"], vec![])
        .node("ScatterElements", &["s", "at", "put"], &["t"], vec![])
        .node("Concat", &["t", "rest"], &["shape"], vec![int("axis", 0)])
        .node("Reshape", &["x", "shape"], &["y"], vec![]);
    assert_eq!(m.import().ty("y"), "f32[N,4,2]");
    let m = model(17, &[-1, 3]).init(TensorProto { dims: vec![1, 1], ..longs("at", &[1]) }).node(
        "ScatterND",
        &["x", "at", "x"],
        &["y"],
        vec![],
    );
    m.refused(&["ScatterND 'y'", "along the batch"]);
}

#[test]
fn weights_of_four_and_eight_bits_are_dequantised() {
    let of = |w: TensorProto, scale: TensorProto| {
        model(21, &[-1, 2]).init(w).init(scale).node("DequantizeLinear", &["q", "s"], &["w"], vec![]).node(
            "MatMul",
            &["x", "w"],
            &["y"],
            vec![],
        )
    };
    let half = || list("s", &[], &[0.5]);
    let m = of(raw("q", &[2, 2], DataType::Int4, vec![0x2f, 0x80]), half()).import();
    assert_eq!(m.constant("w"), [-0.5, 1.0, 0.0, -4.0]);
    let m = of(raw("q", &[2, 1], DataType::Uint4, vec![0x2f]), half()).import();
    assert_eq!(m.constant("w"), [7.5, 1.0]);
    let m = of(raw("q", &[2, 1], DataType::Float8e4m3fn, vec![0x38, 0xb8]), half()).import();
    assert_eq!(m.constant("w"), [0.5, -0.5]);
    let fields = TensorProto { int32_data: vec![0x2f], ..raw("q", &[2, 1], DataType::Int4, vec![]) };
    assert_eq!(of(fields, half()).import().constant("w"), [-0.5, 1.0]);
    of(raw("q", &[2, 2], DataType::Int4, vec![0x2f]), half()).refused(&["holds 1 bytes"]);
}

#[test]
fn weights_of_blocks_are_dequantised() {
    let m = model(21, &[-1, 4])
        .init(raw("q", &[4, 1], DataType::Int8, vec![1, 2, 3, 4]))
        .init(list("s", &[2, 1], &[1.0, 10.0]))
        .node("DequantizeLinear", &["q", "s"], &["w"], vec![int("axis", 0), int("block_size", 2)])
        .node("MatMul", &["x", "w"], &["y"], vec![]);
    assert_eq!(m.import().constant("w"), [1.0, 2.0, 30.0, 40.0]);
}

#[test]
fn weights_that_the_file_quantises_are_rounded() {
    let m = model(13, &[-1, 2])
        .init(list("f", &[2, 2], &[0.25, -0.75, 100.0, 3.4]))
        .init(list("s", &[2], &[0.5, 1.0]))
        .init(raw("z", &[2], DataType::Int8, vec![0, 1]))
        .node("QuantizeLinear", &["f", "s", "z"], &["q"], vec![int("axis", 0)])
        .node("DequantizeLinear", &["q", "s", "z"], &["w"], vec![int("axis", 0)])
        .node("MatMul", &["x", "w"], &["y"], vec![]);
    // To even: 0.25/0.5 → 0, −0.75/0.5 → −2; 100 + 1 stays below 127.
    assert_eq!(m.import().constant("w"), [0.0, -1.0, 100.0, 3.0]);
    let m =
        model(13, &[-1, 2]).init(list("s", &[], &[0.5])).node("QuantizeLinear", &["x", "s"], &["y"], vec![]);
    m.refused(&["quantises activations"]);
}

#[test]
fn a_smooth_unit_without_slope_is_a_relu() {
    let m = model(17, &[-1, 2]).node("Elu", &["x"], &["y"], vec![float("alpha", 0.0)]);
    assert_eq!(m.import().run(&[1, 2], vec![-1.0, 2.0]).1, [0.0, 2.0]);
    model(17, &[-1, 2]).node("Elu", &["x"], &["y"], vec![]).refused(&["Elu 'y'", "smooth activation"]);
}
