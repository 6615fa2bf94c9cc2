//! Which of several outputs are the class scores.

use crate::build::*;
use relinc_passes::front::onnx::{Need, Wanted};
use relinc_passes::proto::tensor_proto::DataType;

/// Features `[N,4,2,2]` and `[N,4]`, scores `y` of three classes.
fn features() -> Model {
    model(13, &[-1, 4, 2, 2])
        .init(floats("w", &[4, 3]))
        .node("Relu", &["x"], &["map"], vec![])
        .node("GlobalAveragePool", &["map"], &["p"], vec![])
        .node("Flatten", &["p"], &["flat"], vec![])
        .node("Gemm", &["flat", "w"], &["y"], vec![])
}

fn wanting(mut m: Model, output: Option<&str>, classes: Option<usize>, need: Need) -> Model {
    m.options.scores = Some(Wanted { output: output.map(String::from), classes, need });
    m
}

fn names(r: &Read) -> Vec<&str> {
    r.m.graph.outputs().iter().map(|o| o.name.as_str()).collect()
}

#[test]
fn all_outputs_where_nobody_asks() {
    assert_eq!(names(&features().output("map").import()), ["y", "map"]);
}

#[test]
fn the_only_one_that_can_be_scores() {
    let r = wanting(features().output("map"), None, None, Need::One).import();
    assert_eq!(names(&r), ["y"]);
    assert!(r.notices().contains("output 'y' f32[N,3] is taken as the class scores"), "{}", r.notices());
    assert!(r.notices().contains("'map'"), "{}", r.notices());
    assert_eq!(r.m.outputs, ["y", "map"]);
}

#[test]
fn what_only_others_need_goes() {
    let m = features().node("Neg", &["map"], &["aux"], vec![]).output("aux");
    let r = wanting(m, None, None, Need::One).import();
    assert!(r.m.graph.by_name("aux").is_none());
}

#[test]
fn the_one_of_as_many_classes_as_the_data() {
    let m = || features().output("flat");
    assert_eq!(names(&wanting(m(), None, Some(3), Need::Scores).import()), ["y"]);
    assert_eq!(names(&wanting(m(), None, Some(4), Need::Scores).import()), ["flat"]);
    let open = wanting(m(), None, None, Need::One);
    open.refused(&["more than one", "--output", "'y' f32[N,3]", "'flat' f32[N,4]"]);
    wanting(m(), None, Some(7), Need::Scores).refused(&["more than one", "--output"]);
}

#[test]
fn the_one_that_is_named() {
    for name in ["y", "flat", "map"] {
        let r = wanting(features().output("flat").output("map"), Some(name), None, Need::One).import();
        assert_eq!(names(&r), [name]);
        assert!(r.notices().contains("left out"), "{}", r.notices());
    }
    let m = features().output("flat");
    wanting(m, Some("z"), None, Need::One).refused(&["no output 'z'", "'y' f32[N,3]", "'flat' f32[N,4]"]);
    wanting(features(), Some("z"), None, Need::One).refused(&["no output 'z'", "'y'"]);
    wanting(features().output("map"), Some("map"), Some(3), Need::Scores).refused(&[
        "'map'",
        "f32[N,4,2,2]",
        "no class scores",
    ]);
}

#[test]
fn two_heads_are_open() {
    let m = features().node("Gemm", &["flat", "w"], &["aux"], vec![]).output("aux");
    wanting(m.clone(), None, Some(3), Need::Scores).refused(&[
        "the data set's 3 classes",
        "'y' f32[N,3]",
        "'aux' f32[N,3]",
    ]);
    let shown = wanting(m, None, None, Need::OrAll).import();
    assert_eq!(names(&shown), ["y", "aux"]);
    assert!(shown.notices().contains("--output NAME"), "{}", shown.notices());
}

#[test]
fn logits_and_their_softmax_are_the_same_scores() {
    let m = features().node("Softmax", &["y"], &["p"], vec![int("axis", 1)]).output("p");
    let mut m = wanting(m, None, None, Need::One);
    m.graph().node[1].output = vec!["pool".into()];
    m.graph().node[2].input = vec!["pool".into()];
    assert_eq!(names(&m.import()), ["y"]);
}

#[test]
fn none_that_fits() {
    let mut m = model(13, &[-1, 4, 2, 2]).node("Relu", &["x"], &["y"], vec![]);
    assert_eq!(names(&wanting(m.clone(), None, None, Need::One).import()), ["y"]);
    wanting(m.clone(), None, Some(4), Need::Scores).refused(&["'y' is f32[N,4,2,2]", "no class scores"]);
    m = m.node("Neg", &["x"], &["z"], vec![]).output("z");
    wanting(m, None, None, Need::One).refused(&["none of its 2 outputs", "--output"]);
}

#[test]
fn a_batch_of_one_may_be_squeezed() {
    let mut m = features();
    m.graph().input[0] = value("x", DataType::Float, &[1, 4, 2, 2]);
    m.graph().output[0].name = "z".into();
    let m = m.init(longs("a", &[0])).node("Squeeze", &["y", "a"], &["z"], vec![]).output("map").keep_batch();
    let r = wanting(m, None, Some(3), Need::Scores).import();
    assert_eq!((names(&r), r.ty("z")), (vec!["z"], "f32[3]".into()));
}

#[test]
fn operations_of_other_outputs_do_not_matter_once_one_is_named() {
    let m = features().node("Sorcery", &["map"], &["s"], vec![]).output("s");
    wanting(m.clone(), None, None, Need::One).refused(&["Sorcery 's'", "--output NAME: y, s"]);
    assert_eq!(names(&wanting(m, Some("y"), None, Need::One).import()), ["y"]);
}
