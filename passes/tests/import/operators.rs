//! Nodes against the operator set of their file: what ONNX has not, runtimes refuse.

use crate::build::*;
use relinc_passes::ir::Op;
use relinc_passes::proto::tensor_proto::DataType;

fn half(name: &str) -> relinc_passes::proto::TensorProto {
    let raw_data = 0x3c00u16.to_le_bytes().to_vec();
    relinc_passes::proto::TensorProto {
        name: name.into(),
        dims: vec![1],
        data_type: DataType::Float16 as i32,
        raw_data,
        ..Default::default()
    }
}

#[test]
fn operators_of_another_operator_set_are_refused() {
    for (op, opset, since) in
        [("Gelu", 17, 20), ("HardSwish", 13, 14), ("Mish", 17, 18), ("GroupNormalization", 17, 18)]
    {
        let m = model(opset, &[-1, 8]).node(op, &["x"], &["y"], vec![]);
        m.refused(&[
            op,
            &format!("exists from operator set {since} on"),
            &format!("of {opset}"),
            &format!("export it with opset {since}"),
        ]);
    }
    let scales = list("s", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let m = model(10, &[-1, 3, 4, 4]).init(scales).node(
        "Upsample",
        &["x", "s"],
        &["y"],
        vec![word("mode", "nearest")],
    );
    m.refused(&["Upsample 'y'", "withdrawn since operator set 10"]);
}

#[test]
fn layer_normalization_is_older_than_its_operator_set() {
    let m =
        model(13, &[-1, 4]).init(floats("s", &[4])).node("LayerNormalization", &["x", "s"], &["y"], vec![]);
    assert_eq!(m.import().ty("y"), "f32[N,4]");
}

#[test]
fn attributes_of_another_operator_set_are_refused() {
    let m = model(18, &[-1, 3, 4, 4]).node("ReduceMean", &["x"], &["y"], vec![ints("axes", &[2, 3])]);
    m.refused(&["ReduceMean 'y'", "has no attribute axes in operator set 18", "13", "export it again"]);
    let m = model(17, &[-1, 3]).node("Dropout", &["x"], &["y"], vec![float("ratio", 0.5)]);
    m.refused(&["has no attribute ratio in operator set 17"]);
    let m = model(17, &[-1, 3]).node("Relu", &["x"], &["y"], vec![float("alpha", 0.5)]);
    m.refused(&["has no attribute alpha in any operator set"]);
    let m = model(17, &[-1, 3]).node("Cast", &["x"], &["y"], vec![]);
    m.refused(&["Cast 'y'", "has no attribute to"]);
}

#[test]
fn operands_of_another_operator_set_are_refused() {
    let m =
        model(17, &[-1, 3, 4, 4]).init(longs("a", &[2, 3])).node("ReduceMean", &["x", "a"], &["y"], vec![]);
    m.refused(&["has 2 operands and takes 1"]);
    model(17, &[-1, 3]).node("Add", &["x"], &["y"], vec![]).refused(&["lacks operand 1"]);
    model(17, &[-1, 3]).node("Relu", &["x"], &["y", "z"], vec![]).refused(&["has 2 outputs and gives 1"]);
}

#[test]
fn operands_of_different_types_are_refused() {
    let m = model(17, &[-1, 3]).init(half("h")).node("Mul", &["x", "h"], &["y"], vec![]);
    m.refused(&["Mul 'y'", "'x', which is float", "'h', which is float16", "Cast"]);
    let starts = relinc_passes::proto::TensorProto {
        data_type: DataType::Int32 as i32,
        int64_data: vec![],
        int32_data: vec![0],
        ..longs("i", &[0])
    };
    let m = model(17, &[-1, 3]).init(starts).init(longs("e", &[2])).init(longs("a", &[1]));
    m.node("Slice", &["x", "i", "e", "a"], &["y"], vec![])
        .refused(&["'i', which is int32", "'e', which is int64"]);
    let m = model(17, &[-1, 3]).init(long("t", 0)).node("Sigmoid", &["t"], &["r"], vec![]).node(
        "Add",
        &["x", "r"],
        &["y"],
        vec![],
    );
    m.refused(&[
        "Sigmoid 'r': reads 't', which is int64, and takes float, float16, double or bfloat16; put a Cast",
    ]);
}

#[test]
fn types_are_followed_through_casts_and_functions_of_them() {
    let m = model(17, &[-1, 3])
        .init(half("h"))
        .node("Cast", &["x"], &["f"], vec![int("to", DataType::Float16 as i64)])
        .node("Mul", &["f", "h"], &["m"], vec![])
        .node("CastLike", &["m", "x"], &["y"], vec![]);
    assert_eq!(m.import().ty("y"), "f32[N,3]");
    let m = model(17, &[-1, 3]).node("Cast", &["x"], &["f"], vec![int("to", DataType::Float16 as i64)]).node(
        "Add",
        &["f", "x"],
        &["y"],
        vec![],
    );
    m.refused(&["Add 'y'", "float16"]);
}

#[test]
fn declarations_of_another_type_are_refused() {
    let mut m = model(17, &[-1, 3]).node("Relu", &["x"], &["y"], vec![]);
    m.graph().output = vec![value("y", DataType::Int64, &[-1, 3])];
    m.refused(&["'y'", "is declared as int64, and is float"]);
    let mut m = model(17, &[-1, 3]).node("Relu", &["x"], &["r"], vec![]).node("Relu", &["r"], &["y"], vec![]);
    m.graph().value_info = vec![value("r", DataType::Float16, &[-1, 3])];
    m.refused(&["'r'", "is declared as float16, and is float"]);
}

#[test]
fn axes_that_are_named_twice_are_reduced_once() {
    let m = model(13, &[-1, 3, 4, 4]).node(
        "ReduceMean",
        &["x"],
        &["y"],
        vec![ints("axes", &[3, -1]), int("keepdims", 0)],
    );
    let m = m.import();
    assert!(matches!(m.op("y"), Op::Reduce { axes, .. } if axes[..] == [3]));
}

#[test]
fn windows_that_runtimes_refuse_are_refused() {
    let conv = |attrs| {
        model(17, &[-1, 1, 8, 8]).init(floats("w", &[1, 1, 3, 3])).node("Conv", &["x", "w"], &["y"], attrs)
    };
    let same = || word("auto_pad", "SAME_UPPER");
    conv(vec![same(), ints("pads", &[0; 4])]).refused(&["has pads and an auto_pad"]);
    conv(vec![same(), ints("dilations", &[2, 2])])
        .refused(&["pads a dilated window automatically", "give its pads"]);
    assert_eq!(conv(vec![same()]).import().ty("y"), "f32[N,1,8,8]");
}

#[test]
fn a_target_shape_is_a_list() {
    let target = relinc_passes::proto::TensorProto { dims: vec![1, 2], ..longs("s", &[-1, 3]) };
    let m = model(17, &[-1, 3]).init(target).node("Reshape", &["x", "s"], &["y"], vec![]);
    m.refused(&["Reshape 'y'", "which is no list"]);
}
