#![allow(clippy::unwrap_used)]
use super::*;
use crate::ir::text::parse;

/// A network on four features whose body ends in `%y`.
fn graph(batch: &str, body: &str) -> Graph {
    parse(&format!(
        "graph g {{
           %x = input f32[{batch},4]
           %w = const f32[3,4] rand(seed=1)
           %l = linear(%x, %w)
           {body}
           output \"y\" = %y
         }}"
    ))
    .unwrap()
}

fn images(n: usize) -> Tensor {
    Tensor::f32([n, 4], (0..4 * n).map(|i| ((i * 7 % 11) as f32) - 5.0).collect())
}

fn run(g: &Graph, n: usize) -> Tensor {
    Interp::new(g).unwrap().run(vec![images(n)]).unwrap().remove(0)
}

fn splits(batch: &str, body: &str) -> (Graph, Head) {
    let mut g = graph(batch, body);
    let facts = infer(&g).unwrap();
    let head = split(&mut g, &facts);
    (g, head)
}

/// Takes the head off, checks that the logits are those of `linear`, and puts it back on.
fn comes_off(batch: &str, body: &str) {
    let whole = graph(batch, body);
    let n = if batch == "N" { 3 } else { 1 };
    let (mut g, head) = splits(batch, body);
    assert!(!head.is_empty(), "{body}");
    let logits = run(&g, n);
    assert_eq!(logits, run(&graph(batch, "%y = identity(%l)"), n), "{body}");
    if batch == "N" {
        assert_eq!(head.apply(&logits).unwrap(), run(&whole, n), "{body}");
    }
    head.attach(&mut g).unwrap();
    assert_eq!(g.outputs()[0].name, "y");
    assert_eq!(run(&g, n), run(&whole, n), "{body}");
    let again = infer(&g).unwrap();
    assert_eq!(split(&mut g, &again), head, "{body}");
}

#[test]
fn softmax_and_its_kin_come_off() {
    for end in ["softmax(%l) {axis=1}", "log_softmax(%l) {axis=1}", "sigmoid(%l)", "hard_sigmoid(%l)"] {
        comes_off("N", &format!("%y = {end}"));
        comes_off("1", &format!("%y = {end}"));
    }
}

#[test]
fn so_does_what_follows_and_keeps_the_order() {
    for body in [
        "%s = softmax(%l) {axis=1} %y = reshape(%s) {dims=[N, 3, 1, 1]}",
        "%m = reshape(%l) {dims=[N, 3, 1, 1]} %s = softmax(%m) {axis=1} %y = reshape(%s) {dims=[N, 3]}",
        "%s = softmax(%l) {axis=1} %e = const f32[] [1e-8] %a = add(%s, %e) %y = log(%a)",
        "%s = log_softmax(%l) {axis=1} %y = exp(%s)",
        "%s = sigmoid(%l) %k = const f32[] [100.0] %y = mul(%s, %k)",
        "%s = softmax(%l) {axis=1} %y = clip(%s) {min=1e-7, max=0.9999}",
        "%s = softmax(%l) {axis=1} %y = softmax(%s) {axis=1}",
        "%k = const f32[] [0.16666667] %m = mul(%l, %k) %h = const f32[] [0.5] %a = add(%m, %h) %y = clip(%a) {min=0, max=1}",
    ] {
        comes_off("N", body);
    }
}

#[test]
fn scores_are_brought_to_two_dimensions() {
    comes_off("N", "%y = reshape(%l) {dims=[N, 3, 1, 1]}");
    comes_off("1", "%y = reshape(%l) {dims=[3]}");
    comes_off("1", "%s = reshape(%l) {dims=[3]} %y = softmax(%s) {axis=0}");
    comes_off("1", "%s = softmax(%l) {axis=1} %y = reshape(%s) {dims=[1, 1, 3]}");
}

#[test]
fn a_batch_that_became_free_stays() {
    for end in ["%y = reshape(%l) {dims=[3]}", "%r = reshape(%l) {dims=[3]} %y = softmax(%r) {axis=0}"] {
        let (_, head) = splits("1", end);
        let (mut free, none) = splits("N", "%y = identity(%l)");
        assert!(none.is_empty());
        head.attach(&mut free).unwrap();
        assert_eq!(infer(&free).unwrap().ty(free.outputs()[0].node).to_string(), "f32[N,3]");
        assert_eq!(run(&free, 3).len(), 9);
    }
}

fn stays(body: &str) -> Head {
    let (g, head) = splits("N", body);
    assert!(head.is_empty(), "{body}: {head:?}");
    assert_eq!(run(&g, 3), run(&graph("N", body), 3), "{body}");
    head
}

#[test]
fn no_head_without_a_softmax() {
    stays("%y = tanh(%l)");
    stays("%y = exp(%l)");
    stays("%k = const f32[] [2.0] %y = mul(%l, %k)");
}

#[test]
fn no_head_where_the_order_may_change() {
    let softmax = "%s = softmax(%l) {axis=1}";
    stays(&format!("{softmax} %k = const f32[] [-1.0] %y = mul(%s, %k)"));
    stays(&format!("{softmax} %k = const f32[3] [1.0, 2.0, 3.0] %y = mul(%s, %k)"));
    stays(&format!("{softmax} %y = mul(%s, %l)"));
    stays(&format!("{softmax} %y = neg(%s)"));
}

#[test]
fn no_head_of_another_axis() {
    let (g, head) = splits("N", "%m = reshape(%l) {dims=[N, 3, 1, 1]} %y = softmax(%m) {axis=2}");
    assert!(head.said().unwrap().contains("softmax 'y' is over axis 2"), "{head:?}");
    assert!(g.ids().any(|id| matches!(g.op(id), Op::Softmax { .. })));
    // Not class scores at all.
    let map =
        stays("%m = reshape(%l) {dims=[N, 3, 1]} %e = expand(%m) {dims=[N, 3, 2]} %y = softmax(%e) {axis=1}");
    assert_eq!(map.said(), None);
}

#[test]
fn what_it_says() {
    let (_, head) = splits("N", "%y = softmax(%l) {axis=1}");
    assert!(head.said().unwrap().contains("ends with a softmax"), "{head:?}");
    assert_eq!(splits("N", "%y = relu(%l)").1.said(), None);
}

#[test]
fn class_scores_by_type() {
    let of = |text: &str, batch| {
        let g = parse(&format!("graph g {{ %x = input {text} output \"x\" = %x }}")).unwrap();
        let Op::Input(ty) = g.op(g.inputs()[0]) else { panic!() };
        classes(ty, batch)
    };
    for (text, batch, want) in [
        ("f32[N,10]", Dim::Batch, Some(10)),
        ("f32[N,10,1,1]", Dim::Batch, Some(10)),
        ("f32[N,1]", Dim::Batch, Some(1)),
        ("f32[N,10,8,8]", Dim::Batch, None),
        ("f32[N]", Dim::Batch, None),
        ("i64[N,10]", Dim::Batch, None),
        ("f32[10]", Dim::Batch, None),
        ("f32[10]", Dim::Fixed(1), Some(10)),
        ("f32[1,10]", Dim::Fixed(1), Some(10)),
        ("f32[4,10]", Dim::Fixed(4), Some(10)),
        ("f32[10]", Dim::Fixed(4), None),
    ] {
        assert_eq!(of(text, batch), want, "{text}");
    }
}
