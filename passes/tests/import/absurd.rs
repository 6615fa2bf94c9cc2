//! Files that no runtime takes, or that are made to take long: each is refused at once, in words.

use crate::build::*;
use relinc_passes::proto::tensor_proto::DataType;
use relinc_passes::proto::{AttributeProto, FunctionProto, NodeProto, TensorProto};

const SQUARE: &[i64] = &[-1, 3, 8, 8];

#[test]
fn an_output_twice() {
    model(17, SQUARE).node("Relu", &["x"], &["y"], vec![]).output("y").refused(&["output 'y'", "twice"]);
}

#[test]
fn a_pool_padded_by_its_window() {
    let pads = vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 3])];
    for pool in ["MaxPool", "AveragePool"] {
        model(17, SQUARE).node(pool, &["x"], &["y"], pads.clone()).refused(&["padding", "smaller"]);
    }
    let fits = vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 2])];
    assert_eq!(model(17, SQUARE).node("MaxPool", &["x"], &["y"], fits).import().ty("y"), "f32[N,3,8,9]");
}

#[test]
fn an_attribute_of_no_operator_set() {
    let with = |name: &str| model(17, SQUARE).node("Relu", &["x"], &["y"], vec![int(name, 1)]);
    with("strides").refused(&["Relu 'y'", "no attribute strides"]);
    // Of the first operator set, which is not read.
    let old = vec![ints("consumed_inputs", &[0])];
    model(17, SQUARE)
        .node("Relu", &["x"], &["y"], old)
        .refused(&["Relu 'y'", "no attribute consumed_inputs"]);
}

#[test]
fn forms_that_no_operator_has() {
    let node = |op: &str, outputs: &[&str], attributes: Vec<AttributeProto>| {
        model(17, SQUARE).node(op, &["x"], outputs, attributes)
    };
    node("Relu", &["y", "z"], vec![]).refused(&["Relu", "2 outputs"]);
    node("Concat", &["y"], vec![]).refused(&["Concat", "no attribute axis"]);
    node("Transpose", &["y"], vec![ints("perm", &[0, 1, 3, -2])]).refused(&["Transpose", "from the end"]);
    let pool = vec![ints("kernel_shape", &[2, 2]), int("ceil_mode", 2)];
    node("MaxPool", &["y"], pool).refused(&["ceil_mode is 2"]);
    let clip = model(17, SQUARE).init(list("c", &[], &[0.0]));
    clip.node("Clip", &["x", "c", "c", "c"], &["y"], vec![]).refused(&["4 operands"]);
    let row = model(17, SQUARE).init(floats("w", &[2, 3, 3]));
    row.node("Conv", &["x", "w"], &["y"], vec![]).refused(&["Conv", "its weights f32[2,3,3]"]);
}

#[test]
fn a_version_of_the_format_that_nobody_knows() {
    let of = |version: i64| {
        let mut m = model(17, SQUARE).node("Relu", &["x"], &["y"], vec![]);
        m.proto.ir_version = version;
        m
    };
    of(0).refused(&["declares no version"]);
    of(999).refused(&["ir_version", "999"]);
    of(3).import();
}

#[test]
fn weights_in_steps() {
    let stepped = |op: &str| {
        model(17, &[-1, 4])
            .init(list("c", &[4], &[-2.5, -0.0, 0.5, 1.5]))
            .node(op, &["c"], &["w"], vec![])
            .node("Mul", &["x", "w"], &["y"], vec![])
    };
    assert_eq!(stepped("Sign").import().run(&[1, 4], vec![1.0; 4]).1, [-1.0, 0.0, 1.0, 1.0]);
    assert_eq!(stepped("Round").import().run(&[1, 4], vec![1.0; 4]).1, [-2.0, 0.0, 0.0, 2.0]);
    model(17, SQUARE).node("Sign", &["x"], &["y"], vec![]).refused(&["Sign", "constants only"]);
}

#[test]
fn weights_of_integers() {
    let w = TensorProto {
        name: "w".into(),
        dims: vec![2, 3, 1, 1],
        data_type: DataType::Int64 as i32,
        int64_data: vec![1; 6],
        ..Default::default()
    };
    model(17, SQUARE).init(w).node("Conv", &["x", "w"], &["y"], vec![]).refused(&["Conv", "int64"]);
}

#[test]
fn a_batch_that_is_moved_into_a_map() {
    let turned =
        model(17, &[-1, 3, 8, 8]).node("Transpose", &["x"], &["t"], vec![ints("perm", &[2, 1, 0, 3])]);
    turned.clone().node("GlobalAveragePool", &["t"], &["y"], vec![]).refused(&["GlobalAveragePool", "batch"]);
    let back = vec![ints("perm", &[2, 1, 0, 3])];
    assert_eq!(turned.node("Transpose", &["t"], &["y"], back).import().ty("y"), "f32[N,3,8,8]");
}

#[test]
fn images_that_are_multiplied_with_each_other() {
    model(17, &[-1, 4])
        .node("Transpose", &["x"], &["t"], vec![])
        .node("MatMul", &["x", "t"], &["y"], vec![])
        .refused(&["MatMul", "images"]);
    model(17, &[-1, 4])
        .node("Transpose", &["x"], &["t"], vec![])
        .node("MatMul", &["t", "x"], &["y"], vec![])
        .refused(&["MatMul", "batch"]);
}

#[test]
fn weights_that_are_no_numbers() {
    let with =
        |v: [f32; 3]| model(17, &[-1, 3]).init(list("w", &[3], &v)).node("Mul", &["x", "w"], &["y"], vec![]);
    with([1.0, f32::NAN, 1.0]).refused(&["weight 'w'", "NaN at 1"]);
    with([1.0, 1.0, f32::NEG_INFINITY]).refused(&["weight 'w'", "-inf at 2"]);
    // Bounds may be infinite.
    let top = list("w", &[3], &[f32::INFINITY, 1.0, 1.0]);
    model(17, &[-1, 3]).init(top).node("Min", &["x", "w"], &["y"], vec![]).import();
}

#[test]
fn variances_that_are_not_positive() {
    let with = |v: [f32; 3]| {
        let ones = |name: &str| list(name, &[3], &[1.0; 3]);
        model(17, SQUARE).init(ones("s")).init(ones("b")).init(ones("m")).init(list("v", &[3], &v)).node(
            "BatchNormalization",
            &["x", "s", "b", "m", "v"],
            &["y"],
            vec![],
        )
    };
    with([1.0, -0.5, 1.0]).refused(&["variance of 'y'", "-0.5 at 1"]);
    with([1.0, f32::NAN, 1.0]).refused(&["weight 'v'", "NaN"]);
    // A channel that is always the same.
    with([1.0, 0.0, 1.0]).import();
}

#[test]
fn calls_that_double() {
    let call = |i: usize, from: &str, to: &str| NodeProto {
        domain: "local".into(),
        ..node(&format!("F{i}"), &[from], &[to], vec![])
    };
    let function = |i: usize, nodes: Vec<NodeProto>| FunctionProto {
        name: Some(format!("F{i}")),
        domain: Some("local".into()),
        input: vec!["a".into()],
        output: vec!["b".into()],
        node: nodes,
        ..Default::default()
    };
    let mut m = model(17, SQUARE);
    m.proto.functions.push(function(0, vec![node("Relu", &["a"], &["b"], vec![])]));
    for i in 1..40 {
        m.proto.functions.push(function(i, vec![call(i - 1, "a", "p"), call(i - 1, "p", "b")]));
    }
    m.graph().node.push(call(39, "x", "y"));
    m.refused(&["F39", "too many nodes"]);
}

#[test]
fn constants_that_sum_up() {
    let shape = longs("s", &[1 << 23]);
    let mut m = model(17, SQUARE).init(shape);
    for i in 0..40 {
        m = m.node("ConstantOfShape", &["s"], &[&format!("c{i}")], vec![]);
        let before = if i == 0 { "c0".into() } else { format!("a{}", i - 1) };
        m = m.node("Add", &[&before, &format!("c{i}")], &[&format!("a{i}")], vec![]);
    }
    m = m.node("ReduceSum", &["a39"], &["t"], vec![]).node("Add", &["x", "t"], &["y"], vec![]);
    m.refused(&["too many elements"]);
}

#[test]
fn sizes_beyond_all_bounds() {
    model(17, &[-1, 1 << 40]).node("Relu", &["x"], &["y"], vec![]).refused(&["too large"]);
    let pads = |name: &str| AttributeProto { ints: vec![0, 1 << 40, 0, 0], ..attr(name) };
    model(9, &[-1, 4]).node("Pad", &["x"], &["y"], vec![pads("pads")]).refused(&["Pad"]);
    let window = vec![ints("kernel_shape", &[1, 1]), ints("strides", &[1 << 30, 1])];
    model(17, SQUARE).node("MaxPool", &["x"], &["y"], window).refused(&["strides"]);
}

#[test]
fn a_long_sum_is_read_in_time_that_grows_with_it() {
    let names: Vec<&str> = vec!["x"; 20_000];
    let began = std::time::Instant::now();
    model(17, SQUARE).node("Sum", &names, &["y"], vec![]).import();
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[cfg(unix)]
#[test]
fn a_device_without_an_end() {
    let e = relinc_passes::front::onnx::import(std::path::Path::new("/dev/zero"), &Default::default());
    assert!(e.unwrap_err().to_string().contains("/dev/zero: is no regular file"));
}
