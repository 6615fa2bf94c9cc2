//! Images that are integers in the file.

use crate::build::*;
use relinc_passes::ir::{DType, Op};
use relinc_passes::proto::tensor_proto::DataType;

const FLOAT: i64 = DataType::Float as i64;

/// A model whose input is of this type, up to where its nodes go.
fn of(t: DataType, x: &[i64]) -> Model {
    let mut m = model(13, x);
    m.graph().input[0] = value("x", t, x);
    m
}

fn cast(m: Model, from: &str, to: &str, t: i64) -> Model {
    m.node("Cast", &[from], &[to], vec![int("to", t)])
}

#[test]
fn the_cast_goes_and_the_input_is_float() {
    for (t, says) in [
        (DataType::Uint8, "scale=255"),
        (DataType::Int8, "−128…127"),
        (DataType::Uint16, "whole numbers"),
        (DataType::Int32, "whole numbers"),
        (DataType::Int64, "whole numbers"),
        (DataType::Uint64, "whole numbers"),
    ] {
        let r = cast(of(t, &[-1, 4]), "x", "f", FLOAT).node("Relu", &["f"], &["y"], vec![]).import();
        assert_eq!((r.ty("x"), r.ty("y")), ("f32[N,4]".into(), "f32[N,4]".into()));
        assert!(r.notices().contains(says), "{t:?}: {}", r.notices());
        assert!(r.notices().contains("input 'x'"), "{}", r.notices());
    }
}

#[test]
fn moves_before_the_cast_stay() {
    let m = of(DataType::Uint8, &[-1, 8, 8, 3])
        .node("Transpose", &["x"], &["t"], vec![ints("perm", &[0, 3, 1, 2])])
        .node("Identity", &["t"], &["i"], vec![]);
    let r = cast(m, "i", "f", FLOAT).node("Relu", &["f"], &["y"], vec![]).import();
    assert_eq!(r.ty("y"), "f32[N,3,8,8]");
    assert!(!r.m.graph.ids().any(|id| matches!(r.m.graph.op(id), Op::Cast(t) if *t != DType::F32)));
}

#[test]
fn casts_to_wider_integers_change_nothing() {
    let m = cast(of(DataType::Uint8, &[-1, 4]), "x", "i", DataType::Int32 as i64);
    let r = cast(m, "i", "f", FLOAT).node("Relu", &["f"], &["y"], vec![]).import();
    assert_eq!(*r.op("i"), Op::Identity);
    assert_eq!(r.ty("y"), "f32[N,4]");
}

#[test]
fn casts_that_change_numbers_are_refused() {
    for (from, to) in [
        (DataType::Uint8, DataType::Int8),
        (DataType::Int8, DataType::Uint8),
        (DataType::Int64, DataType::Int32),
        (DataType::Uint8, DataType::Bool),
    ] {
        let m = cast(of(from, &[-1, 4]), "x", "i", to as i64);
        cast(m, "i", "y", FLOAT).refused(&["Cast 'i'", "changes numbers"]);
    }
}

#[test]
fn arithmetic_on_integers_is_refused() {
    for op in ["Div", "Add", "Sub", "Mul", "Max"] {
        let m = of(DataType::Uint8, &[-1, 4]).node(op, &["x", "x"], &["d"], vec![]);
        cast(m, "d", "y", FLOAT).refused(&[op, "uint8", "cast the input to float first"]);
    }
    of(DataType::Int32, &[-1, 4]).node("Relu", &["x"], &["y"], vec![]).refused(&["Relu 'y'", "int32"]);
}

#[test]
fn indices_are_no_images() {
    of(DataType::Int64, &[-1, 4])
        .init(floats("table", &[10, 5]))
        .node("Gather", &["table", "x"], &["y"], vec![])
        .refused(&["Gather 'y'", "indices"]);
}

#[test]
fn its_shape_may_be_asked_for() {
    let m = of(DataType::Uint8, &[-1, 4, 2])
        .init(longs("zero", &[0]))
        .init(longs("rest", &[8]))
        .node("Shape", &["x"], &["s"], vec![])
        .node("Gather", &["s", "zero"], &["n"], vec![])
        .node("Concat", &["n", "rest"], &["to"], vec![int("axis", 0)])
        .node("Reshape", &["x", "to"], &["flat"], vec![]);
    assert_eq!(cast(m, "flat", "y", FLOAT).import().ty("y"), "f32[N,8]");
}
