//! Shape subgraphs and movement.

use crate::build::*;
use relinc_passes::ir::op::SliceAxis;
use relinc_passes::ir::{Dim, Op};
use relinc_passes::proto::AttributeProto;

#[test]
fn flatten_forms() {
    let x = &[-1, 4, 2, 2];
    assert_eq!(model(9, x).node("Flatten", &["x"], &["y"], vec![]).import().ty("y"), "f32[N,16]");
    let r = model(9, x).init(longs("s", &[-1, 16])).node("Reshape", &["x", "s"], &["y"], vec![]).import();
    assert_eq!(r.ty("y"), "f32[N,16]");
    let r = model(9, x).init(longs("s", &[0, -1])).node("Reshape", &["x", "s"], &["y"], vec![]).import();
    assert_eq!(r.ty("y"), "f32[N,16]");
    model(9, x).node("Flatten", &["x"], &["y"], vec![int("axis", 2)]).refused(&["Flatten 'y'", "axis 1"]);
}

#[test]
fn view_by_shape_arithmetic() {
    let r = model(13, &[-1, 4, 2, 2])
        .init(long("zero", 0))
        .init(longs("ax", &[0]))
        .init(longs("rest", &[-1]))
        .node("Shape", &["x"], &["s"], vec![])
        .node("Gather", &["s", "zero"], &["n"], vec![])
        .node("Cast", &["n"], &["c"], vec![int("to", 7)])
        .node("Unsqueeze", &["c", "ax"], &["u"], vec![])
        .node("Concat", &["u", "rest"], &["t"], vec![int("axis", 0)])
        .node("Reshape", &["x", "t"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,16]");
}

#[test]
fn squeeze_and_unsqueeze() {
    let x = &[-1, 4, 1, 1];
    let old = model(9, x).node("Squeeze", &["x"], &["y"], vec![ints("axes", &[-1, 2])]).import();
    assert_eq!(*old.op("y"), Op::Reshape(vec![Dim::Batch, Dim::Fixed(4)]));
    let all = model(13, x).node("Squeeze", &["x"], &["y"], vec![]).import();
    assert_eq!(all.ty("y"), "f32[N,4]");
    let new = model(13, x).init(longs("a", &[2, 3])).node("Squeeze", &["x", "a"], &["y"], vec![]).import();
    assert_eq!(new.ty("y"), "f32[N,4]");
    let up = model(9, &[-1, 4]).node("Unsqueeze", &["x"], &["y"], vec![ints("axes", &[2, 3])]).import();
    assert_eq!(up.ty("y"), "f32[N,4,1,1]");
    model(13, &[1, 4, 1, 1]).node("Squeeze", &["x"], &["y"], vec![]).refused(&["--keep-batch"]);
}

#[test]
fn channels_last_and_back() {
    let r = model(13, &[-1, 8, 8, 3])
        .node("Transpose", &["x"], &["t"], vec![ints("perm", &[0, 3, 1, 2])])
        .node("Transpose", &["t"], &["y"], vec![ints("perm", &[0, 2, 3, 1])])
        .import();
    assert_eq!((r.ty("t").as_str(), r.ty("y").as_str()), ("f32[N,3,8,8]", "f32[N,8,8,3]"));
}

#[test]
fn option_a_shortcut() {
    let far = i64::MAX;
    let want = Op::Slice(vec![
        SliceAxis { axis: 2, start: 0, end: far, step: 2 },
        SliceAxis { axis: 3, start: 0, end: far, step: 2 },
    ]);
    let r = model(13, &[-1, 4, 8, 8])
        .init(longs("s", &[0, 0]))
        .init(longs("e", &[far, far]))
        .init(longs("a", &[2, 3]))
        .init(longs("st", &[2, 2]))
        .init(longs("p", &[0, 2, 0, 0, 0, 2, 0, 0]))
        .node("Slice", &["x", "s", "e", "a", "st"], &["h"], vec![])
        .node("Pad", &["h", "p"], &["y"], vec![])
        .import();
    assert_eq!(r.resolved("h"), want);
    assert_eq!(r.ty("y"), "f32[N,8,4,4]");
}

#[test]
fn slice_by_attribute() {
    let r = model(9, &[-1, 4, 8, 8])
        .node("Slice", &["x"], &["y"], vec![ints("starts", &[1]), ints("ends", &[-1]), ints("axes", &[-1])])
        .import();
    assert_eq!(*r.op("y"), Op::Slice(vec![SliceAxis { axis: 3, start: 1, end: -1, step: 1 }]));
}

#[test]
fn split_makes_slices() {
    let r = model(13, &[-1, 6])
        .init(longs("n", &[2, 4]))
        .node("Split", &["x", "n"], &["a", "y"], vec![int("axis", 1)])
        .output("a")
        .import();
    assert_eq!((r.ty("a").as_str(), r.ty("y").as_str()), ("f32[N,2]", "f32[N,4]"));
    let old = model(9, &[-1, 6]).node("Split", &["x"], &["a", "y"], vec![int("axis", 1)]).import();
    assert_eq!(*old.op("y"), Op::Slice(vec![SliceAxis { axis: 1, start: 3, end: 6, step: 1 }]));
    model(9, &[-1, 5]).node("Split", &["x"], &["a", "y"], vec![int("axis", 1)]).refused(&["does not divide"]);
    let split =
        |attributes: Vec<AttributeProto>| model(18, &[-1, 5]).node("Split", &["x"], &["a", "y"], attributes);
    split(vec![int("axis", 1)]).refused(&["num_outputs"]);
    let uneven = split(vec![int("axis", 1), int("num_outputs", 2)]).import();
    assert_eq!(uneven.ty("y"), "f32[N,2]");
}

#[test]
fn expand_with_a_computed_target() {
    // torch's expand: Where(target == −1, ones, target).
    let r = model(13, &[-1, 4, 1])
        .init(longs("want", &[-1, 4, 8]))
        .init(longs("ones", &[1, 1, 1]))
        .init(longs("minus", &[-1]))
        .node("Equal", &["want", "minus"], &["eq"], vec![])
        .node("Where", &["eq", "ones", "want"], &["t"], vec![])
        .node("Expand", &["x", "t"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,4,8]");
}

#[test]
fn foldable_integer_operations() {
    let r = model(13, &[-1, 4])
        .init(long("a", 0))
        .init(long("b", 4))
        .init(long("d", 1))
        .node("Range", &["a", "b", "d"], &["i"], vec![])
        .node("Gather", &["x", "i"], &["y"], vec![int("axis", 1)])
        .import();
    assert_eq!(r.ty("y"), "f32[N,4]");
    let r = model(13, &[-1, 4])
        .init(longs("n", &[3]))
        .node("ConstantOfShape", &["n"], &["c"], vec![tensor("value", longs("", &[1]))])
        .node("NonZero", &["c"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "i64[1,3]");
    model(13, &[-1, 4]).node("NonZero", &["x"], &["y"], vec![]).refused(&["NonZero 'y'", "data"]);
    model(13, &[-1, 4]).node("Size", &["x"], &["y"], vec![]).refused(&["Size 'y'", "batch"]);
}

#[test]
fn zeros_for_every_image() {
    // torch.cat([x, x.new_zeros(x.size(0), 2, 8, 8)], 1)
    let r = model(13, &[-1, 4, 8, 8])
        .init(longs("first", &[0]))
        .init(longs("rest", &[2, 8, 8]))
        .node("Shape", &["x"], &["s"], vec![])
        .node("Gather", &["s", "first"], &["n"], vec![])
        .node("Concat", &["n", "rest"], &["t"], vec![int("axis", 0)])
        .node("ConstantOfShape", &["t"], &["z"], vec![])
        .node("Concat", &["x", "z"], &["y"], vec![int("axis", 1)])
        .import();
    assert_eq!(r.ty("y"), "f32[N,6,8,8]");
}

#[test]
fn absurd_sizes_are_refused() {
    let far = i64::MAX / 4;
    model(13, &[-1, 4, 8, 8])
        .node("MaxPool", &["x"], &["y"], vec![ints("kernel_shape", &[2, 2]), ints("pads", &[far, 0, 0, 0])])
        .refused(&["MaxPool 'y'", "pads"]);
    model(13, &[-1, 4])
        .init(longs("p", &[0, far, 0, 0]))
        .node("Pad", &["x", "p"], &["y"], vec![])
        .refused(&["Pad 'y'", "too large"]);
    let t = longs("s", &[i64::MIN]);
    let r = model(13, &[-1, 4])
        .init(t)
        .init(longs("m", &[-1]))
        .node("Div", &["s", "m"], &["d"], vec![])
        .node("Reshape", &["x", "d"], &["y"], vec![]);
    r.refused(&["Reshape 'y'"]);
}

/// Paddings of TensorFlow's kind as PyTorch traces them: sizes become floats, are divided and rounded up, and become integers.
#[test]
fn floats_that_follow_from_sizes() {
    let r = model(13, &[-1, 3, 9, 8])
        .init(long("two", 2))
        .init(list("stride", &[], &[2.0]))
        .init(long("one", 1))
        .init(longs("axis", &[0]))
        .init(longs("zeros", &[0; 6]))
        .node("Shape", &["x"], &["s"], vec![])
        .node("Gather", &["s", "two"], &["h"], vec![])
        .node("Cast", &["h"], &["hf"], vec![int("to", 1)])
        .node("Div", &["hf", "stride"], &["d"], vec![])
        .node("Ceil", &["d"], &["up"], vec![])
        .node("Cast", &["up"], &["n"], vec![int("to", 7)])
        .node("Sub", &["n", "one"], &["m"], vec![])
        .node("Unsqueeze", &["m", "axis"], &["p"], vec![])
        .node("Concat", &["zeros", "p", "p"], &["pads"], vec![int("axis", 0)])
        .node("Sqrt", &["d"], &["value"], vec![])
        .node("Pad", &["x", "pads", "value"], &["y"], vec![])
        .import();
    assert_eq!(
        r.resolved("y"),
        Op::Pad { before: vec![0; 4], after: vec![0, 0, 4, 4], value: 4.5f32.sqrt() }
    );
}
