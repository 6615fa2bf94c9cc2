//! Names, order, functions, branches, outputs.

use crate::build::*;
use relinc_passes::front::onnx::ImportError;
use relinc_passes::ir::Op;
use relinc_passes::proto::{
    AttributeProto, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};

#[test]
fn unsorted_dead_and_unnamed_nodes() {
    let r = model(13, &[-1, 4])
        .node("Neg", &["h"], &["y"], vec![])
        .node("Selu", &["x"], &["dead"], vec![])
        .node("Relu", &["x"], &["h"], vec![])
        .import();
    assert_eq!(r.m.graph.len(), 3);
    assert!(r.notices().contains("1 node(s)"));
}

#[test]
fn duplicate_node_names_are_harmless() {
    let mut m = model(13, &[-1, 4]).node("Relu", &["x"], &["h"], vec![]).node("Neg", &["h"], &["y"], vec![]);
    m.graph().node.iter_mut().for_each(|n| n.name = "same".into());
    assert_eq!(*m.import().op("h"), Op::Relu);
}

#[test]
fn broken_wiring() {
    model(13, &[-1, 4]).node("Relu", &["gone"], &["y"], vec![]).refused(&["Relu 'y'", "'gone'"]);
    model(13, &[-1, 4])
        .node("Add", &["x", "y"], &["h"], vec![])
        .node("Relu", &["h"], &["y"], vec![])
        .refused(&["cycle"]);
    model(13, &[-1, 4])
        .node("Relu", &["x"], &["y"], vec![])
        .node("Neg", &["x"], &["h"], vec![])
        .node("Abs", &["x"], &["h"], vec![])
        .refused(&["Abs 'h'", "already"]);
    model(13, &[-1, 4]).node("Relu", &["x"], &["x"], vec![]).refused(&["Relu 'x'", "already"]);
    model(13, &[-1, 4]).output("nowhere").node("Relu", &["x"], &["y"], vec![]).refused(&["output 'nowhere'"]);
    model(13, &[-1, 4]).node("Add", &["x"], &["y"], vec![]).refused(&["lacks operand 1"]);
}

#[test]
fn outputs_may_be_inputs_intermediates_and_weights() {
    let r = model(13, &[-1, 4])
        .init(floats("w", &[4]))
        .node("Relu", &["x"], &["h"], vec![])
        .node("Neg", &["h"], &["y"], vec![])
        .output("h")
        .output("x")
        .output("w")
        .import();
    let names: Vec<&str> = r.m.graph.outputs().iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["y", "h", "x", "w"]);
    assert_eq!(r.m.graph.outputs()[2].node, r.id("x"));
}

#[test]
fn helpers_never_take_a_name_of_the_file() {
    let r = model(13, &[-1, 4])
        .node("Sum", &["x", "x", "x"], &["s"], vec![])
        .node("Relu", &["s"], &["s.1"], vec![])
        .node("Neg", &["s.1"], &["y"], vec![])
        .import();
    assert_eq!(*r.op("s.1"), Op::Relu);
}

#[test]
fn foreign_domains_are_refused() {
    let mut m = model(13, &[-1, 4]).node("FusedConv", &["x"], &["y"], vec![]);
    m.graph().node[0].domain = "com.microsoft".into();
    m.refused(&["FusedConv 'y'", "com.microsoft"]);
}

fn function(name: &str, nodes: Vec<NodeProto>, attribute: &[&str]) -> FunctionProto {
    FunctionProto {
        name: Some(name.into()),
        domain: Some("local".into()),
        input: vec!["a".into(), "b".into()],
        output: vec!["o".into()],
        attribute: attribute.iter().map(|s| s.to_string()).collect(),
        node: nodes,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..Default::default()
    }
}

fn calling(f: Vec<FunctionProto>, attrs: Vec<AttributeProto>) -> Model {
    let mut m =
        model(13, &[-1, 4]).node("F", &["x"], &["h"], attrs.clone()).node("F", &["h", "x"], &["y"], attrs);
    m.graph().node.iter_mut().for_each(|n| n.domain = "local".into());
    m.proto.functions = f;
    m
}

#[test]
fn functions_are_inlined() {
    let slope = AttributeProto { ref_attr_name: "slope".into(), ..attr("alpha") };
    let inner = NodeProto { domain: "local".into(), ..node("G", &["t"], &["o"], vec![]) };
    let f = function("F", vec![node("LeakyRelu", &["a"], &["t"], vec![slope]), inner], &["slope"]);
    let g =
        function("G", vec![node("Neg", &["a"], &["t"], vec![]), node("Abs", &["t"], &["o"], vec![])], &[]);
    let m = calling(vec![f, g], vec![float("slope", 0.25)]);
    let r = m.import();
    assert_eq!(*r.op("h/t"), Op::LeakyRelu { slope: 0.25 });
    assert_eq!(*r.op("y/t"), Op::LeakyRelu { slope: 0.25 });
    assert_eq!(r.m.graph.len(), 7);
    assert_eq!(r.ty("y"), "f32[N,4]");
}

#[test]
fn a_function_may_hand_its_input_back() {
    let f = FunctionProto { output: vec!["a".into()], ..function("F", vec![], &[]) };
    let r = calling(vec![f], vec![]).import();
    assert_eq!(*r.op("y"), Op::Identity);
}

#[test]
fn functions_that_cannot_be_inlined() {
    let call = NodeProto { domain: "local".into(), ..node("F", &["a"], &["o"], vec![]) };
    calling(vec![function("F", vec![call], &[])], vec![]).refused(&["2 nodes", "recursive"]);
    let slope = AttributeProto { ref_attr_name: "slope".into(), ..attr("alpha") };
    let defaulted = function("F", vec![node("LeakyRelu", &["a"], &["o"], vec![slope])], &[]);
    calling(vec![defaulted], vec![]).refused(&["slope", "default"]);
    let f = function("F", vec![node("Relu", &["a"], &["o"], vec![])], &[]);
    calling(vec![f.clone(), f], vec![]).refused(&["overloaded"]);
    calling(vec![function("F", vec![], &[])], vec![]).refused(&["never computes"]);
    // Doubling at each of many levels must end.
    let level = |i: usize| {
        let call = |o: &str| NodeProto {
            domain: "local".into(),
            ..node(&format!("F{}", i + 1), &["a"], &[o], vec![])
        };
        let f = function("", vec![call("p"), call("q"), node("Add", &["p", "q"], &["o"], vec![])], &[]);
        FunctionProto { name: Some(if i == 0 { "F".into() } else { format!("F{i}") }), ..f }
    };
    let mut all: Vec<_> = (0..16).map(level).collect();
    all.push(FunctionProto {
        name: Some("F16".into()),
        ..function("", vec![node("Relu", &["a"], &["o"], vec![])], &[])
    });
    assert!(calling(all, vec![]).try_import().is_ok());
}

fn branch(nodes: Vec<NodeProto>, output: &str) -> GraphProto {
    GraphProto {
        node: nodes,
        output: vec![ValueInfoProto { name: output.into(), ..Default::default() }],
        ..Default::default()
    }
}

/// Squeezes axis 2 only if it is 1, as TorchScript writes it.
fn squeeze_if_one(x: &[i64], axis: i64) -> Model {
    let then = branch(vec![node("Squeeze", &["x"], &["b"], vec![ints("axes", &[axis])])], "b");
    let other = branch(vec![node("Identity", &["x"], &["b"], vec![])], "b");
    model(11, x)
        .init(long("axis", axis))
        .init(long("one", 1))
        .node("Shape", &["x"], &["s"], vec![])
        .node("Gather", &["s", "axis"], &["d"], vec![])
        .node("Equal", &["d", "one"], &["c"], vec![])
        .node("If", &["c"], &["y"], vec![graph("then_branch", then), graph("else_branch", other)])
}

#[test]
fn if_with_a_constant_condition() {
    assert_eq!(squeeze_if_one(&[-1, 4, 1], 2).import().ty("y"), "f32[N,4]");
    assert_eq!(squeeze_if_one(&[-1, 4, 3], 2).import().ty("y"), "f32[N,4,3]");
    squeeze_if_one(&[-1, 4, 3], 0).refused(&["If 'y'", "not constant"]);
    squeeze_if_one(&[1, 4, 3], 0).refused(&["--keep-batch"]);
    assert_eq!(squeeze_if_one(&[1, 4, 3], 0).keep_batch().import().ty("y"), "f32[4,3]");
}

#[test]
fn if_branches_bring_weights_and_read_outer_values() {
    let mut then = branch(vec![node("Add", &["h", "w"], &["b"], vec![])], "b");
    then.initializer.push(floats("w", &[4]));
    let other = branch(vec![node("LSTM", &["h"], &["b"], vec![])], "b");
    let r = model(13, &[-1, 4])
        .init(truth("c", true))
        // The outer graph has a 'w' of its own, of another shape.
        .init(floats("w", &[3]))
        .node("If", &["c"], &["y"], vec![graph("then_branch", then), graph("else_branch", other)])
        .node("Relu", &["x"], &["h"], vec![])
        .import();
    assert_eq!(r.ty("y/w"), "f32[4]");
    assert_eq!(r.ty("y"), "f32[N,4]");
}

#[test]
fn errors_carry_the_nodes() {
    let e = model(13, &[-1, 4]).node("Selu", &["x"], &["y"], vec![]).try_import().unwrap_err();
    let ImportError::Unsupported { nodes, .. } = e else { panic!("{e}") };
    assert_eq!((nodes.len(), nodes[0].name.as_str(), nodes[0].op_type.as_str()), (1, "y", "Selu"));
}
