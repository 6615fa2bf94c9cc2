//! Activations and tails.

use crate::build::*;
use relinc_passes::ir::op::Compare;
use relinc_passes::ir::{Binary, Op, Unary};
use relinc_passes::proto::AttributeProto;

#[test]
fn clip_by_attribute_and_operand() {
    let old =
        model(9, &[-1, 4]).node("Clip", &["x"], &["y"], vec![float("min", 0.0), float("max", 6.0)]).import();
    assert_eq!(*old.op("y"), Op::Clip { min: 0.0, max: 6.0 });
    let half = model(9, &[-1, 4])
        .node("Clip", &["x"], &["y"], vec![float("min", 0.0), float("max", f32::MAX)])
        .import();
    assert_eq!(*half.op("y"), Op::Clip { min: 0.0, max: f32::INFINITY });
    let new =
        model(11, &[-1, 4]).init(list("lo", &[], &[0.0])).node("Clip", &["x", "lo"], &["y"], vec![]).import();
    assert_eq!(new.resolved("y"), Op::Clip { min: 0.0, max: f32::INFINITY });
    let upper = model(11, &[-1, 4])
        .init(list("hi", &[], &[6.0]))
        .node("Clip", &["x", "", "hi"], &["y"], vec![])
        .import();
    assert_eq!(upper.resolved("y"), Op::Clip { min: f32::NEG_INFINITY, max: 6.0 });
}

#[test]
fn rectifiers() {
    let m = || model(16, &[-1, 4, 8, 8]).init(list("zero", &[], &[0.0])).init(floats("slope", &[4, 1, 1]));
    let r = m().node("Max", &["x", "zero"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::Binary(Binary::Max));
    let r = m()
        .node("Greater", &["x", "zero"], &["c"], vec![])
        .node("Where", &["c", "x", "zero"], &["y"], vec![])
        .import();
    assert_eq!(*r.op("y"), Op::Where);
    assert_eq!(r.ty("c"), "bool[N,4,8,8]");
    let r = m().node("PRelu", &["x", "slope"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::PRelu);
    let r = m().node("LeakyRelu", &["x"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::LeakyRelu { slope: 0.01 });
    let r = m().node("HardSwish", &["x"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::Unary(Unary::HardSwish));
    let r = m().node("HardSigmoid", &["x"], &["y"], vec![float("alpha", 1.0 / 6.0)]).import();
    assert_eq!(*r.op("y"), Op::Unary(Unary::HardSigmoid));
    let r = m().node("HardSigmoid", &["x"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::Clip { min: 0.0, max: 1.0 });
    let r = m().node("ThresholdedRelu", &["x"], &["y"], vec![float("alpha", 0.0)]).import();
    assert_eq!(*r.op("y"), Op::Relu);
    let r = m()
        .node("Less", &["x", "zero"], &["l"], vec![])
        .node("Not", &["l"], &["c"], vec![])
        .node("Where", &["c", "x", "zero"], &["y"], vec![])
        .import();
    assert_eq!(*r.op("c"), Op::Compare(Compare::GreaterEqual));
}

#[test]
fn smooth_functions_are_written_in_others() {
    let x: Vec<f32> = (0..32).map(|i| (i as f32 - 16.0) / 4.0).collect();
    let of = |op: &str, attributes: Vec<AttributeProto>| {
        let opset = if op == "Swish" { 24 } else { 20 };
        let r = model(opset, &[-1, 4]).node(op, &["x"], &["y"], attributes).import();
        r.run(&[8, 4], x.clone()).1
    };
    let close = |op: &str, got: Vec<f32>, want: fn(f64) -> f64| {
        for (x, y) in x.iter().zip(got) {
            assert!((f64::from(y) - want(f64::from(*x))).abs() < 2e-6, "{op}({x}) is {y}");
        }
    };
    close("HardSigmoid", of("HardSigmoid", vec![float("beta", 0.4)]), |x| (0.2 * x + 0.4).clamp(0.0, 1.0));
    let above = |x: f64| if x > 1.5 { x } else { 0.0 };
    close("ThresholdedRelu", of("ThresholdedRelu", vec![float("alpha", 1.5)]), above);
    close("Swish", of("Swish", vec![float("alpha", 1.7)]), |x| x / (1.0 + (-1.7 * x).exp()));
    close("Mish", of("Mish", vec![]), |x| x * x.exp().ln_1p().tanh());
    let tanh =
        |x: f64| 0.5 * x * (1.0 + (std::f64::consts::FRAC_2_PI.sqrt() * (x + 0.044715 * x.powi(3))).tanh());
    close("Gelu by tanh", of("Gelu", vec![word("approximate", "tanh")]), tanh);
    // The integral of the normal distribution by Simpson's rule.
    let normal = |x: f64| {
        let f = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (n, h) = (400, x / 400.0);
        let weight = |i: i32| {
            if i == 0 || i == n {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            }
        };
        let area: f64 = (0..=n).map(|i| weight(i) * f(f64::from(i) * h)).sum();
        x * (0.5 + area * h / 3.0)
    };
    close("Gelu", of("Gelu", vec![]), normal);
    model(20, &[-1, 4])
        .node("Gelu", &["x"], &["y"], vec![word("approximate", "fast")])
        .refused(&["approximate = 'fast'", "none and tanh"]);
}

#[test]
fn every_unsupported_node_is_named_at_once() {
    model(13, &[-1, 4])
        .node("Selu", &["x"], &["a"], vec![])
        .node("LSTM", &["a"], &["b"], vec![])
        .node("Relu", &["b"], &["c"], vec![])
        .node("Elu", &["x"], &["d"], vec![])
        .node("Add", &["c", "d"], &["y"], vec![])
        .refused(&["3 nodes", "Selu 'a'", "LSTM 'b'", "Elu 'd'", "ReLU"]);
}

#[test]
fn variadic_operations_are_chains() {
    let m = |op: &str| model(13, &[-1, 4]).node(op, &["x", "x", "x"], &["y"], vec![]);
    let r = m("Sum").import();
    assert_eq!(*r.op("y"), Op::Binary(Binary::Add));
    assert_eq!(r.m.graph.len(), 3);
    assert_eq!(*m("Min").import().op("y"), Op::Binary(Binary::Min));
    assert_eq!(*m("Mean").import().op("y"), Op::Binary(Binary::Mul));
    let one = model(13, &[-1, 4]).node("Max", &["x"], &["y"], vec![]).import();
    assert_eq!(*one.op("y"), Op::Identity);
}

#[test]
fn softmax_before_and_after_opset_13() {
    assert_eq!(
        *model(9, &[-1, 4]).node("Softmax", &["x"], &["y"], vec![]).import().op("y"),
        Op::Softmax { axis: 1 }
    );
    // [N,4,1,1] flattened at 1 is softmax over axis 1.
    assert_eq!(
        *model(9, &[-1, 4, 1, 1]).node("Softmax", &["x"], &["y"], vec![]).import().op("y"),
        Op::Softmax { axis: 1 }
    );
    model(9, &[-1, 4, 8, 8]).node("Softmax", &["x"], &["y"], vec![]).refused(&["opset 13"]);
    assert_eq!(
        *model(13, &[-1, 4, 8, 8]).node("LogSoftmax", &["x"], &["y"], vec![]).import().op("y"),
        Op::LogSoftmax { axis: 3 }
    );
}

#[test]
fn arg_max() {
    let r = model(13, &[-1, 4])
        .node("ArgMax", &["x"], &["y"], vec![int("axis", -1), int("keepdims", 0)])
        .import();
    assert_eq!(r.ty("y"), "i64[N]");
    model(13, &[-1, 4]).node("ArgMax", &["x"], &["y"], vec![]).refused(&["across the batch"]);
}

#[test]
fn integer_exponents() {
    let r = model(13, &[-1, 4]).init(long("two", 2)).node("Pow", &["x", "two"], &["y"], vec![]).import();
    assert_eq!(*r.op("y"), Op::Binary(Binary::Pow));
}

#[test]
fn one_relu_with_two_readers() {
    let r = model(13, &[-1, 4])
        .node("Relu", &["x"], &["r"], vec![])
        .node("Neg", &["r"], &["n"], vec![])
        .node("Add", &["r", "n"], &["y"], vec![])
        .import();
    assert_eq!(r.m.graph.users(r.id("r")).len(), 2);
}
