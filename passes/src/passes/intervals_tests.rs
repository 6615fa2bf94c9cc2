#![allow(clippy::unwrap_used)]
use super::{Interval, Intervals, sides};
use crate::ir::infer::infer;
use crate::ir::text::parse;

/// The interval of `y` for inputs between −1 and 2.
fn of(body: &str) -> Interval {
    let g = parse(&format!("graph g {{ %x = input f32[N,2,4,4]\n{body}\noutput y = %y }}")).unwrap();
    let facts = infer(&g).unwrap();
    Intervals::of(&g, &facts, Some((-1.0, 2.0))).get(g.by_name("y").unwrap())
}

#[test]
fn elementwise() {
    for (body, low, high) in [
        ("%y = relu(%x)", 0.0, 2.0),
        ("%y = neg(%x)", -2.0, 1.0),
        ("%y = abs(%x)", 0.0, 2.0),
        ("%y = mul(%x, %x)", 0.0, 4.0),
        ("%y = add(%x, %x)", -2.0, 4.0),
        ("%y = sub(%x, %x)", -3.0, 3.0),
        ("%y = clip(%x) {min=-0.5, max=inf}", -0.5, 2.0),
        ("%y = sigmoid(%x)", 0.0, 1.0),
        ("%c = const f32[2,1,1] [-2.0, 3.0]\n%y = mul(%x, %c)", -4.0, 6.0),
        ("%c = const f32[2,1,1] [2.0, 4.0]\n%y = div(%x, %c)", -0.5, 1.0),
        ("%c = const f32[2,1,1] [0.0, 4.0]\n%y = max(%x, %c)", 0.0, 4.0),
        ("%y = pad(%x) {before=[0,0,1,1], after=[0,0,0,0], value=-3.0}", -3.0, 2.0),
    ] {
        assert_eq!(of(body), Interval::new(low, high), "{body}");
    }
}

#[test]
fn weights_and_sums() {
    for (body, low, high) in [
        ("%w = const f32[1,2,1,1] [1.0, -2.0]\n%b = const f32[1] [0.5]\n%y = conv(%x, %w, %b)", -4.5, 4.5),
        ("%r = relu(%x)\n%w = const f32[1,2,1,1] [1.0, 2.0]\n%y = conv(%r, %w) {pads=[1,1,1,1]}", 0.0, 6.0),
        ("%y = global_mean(%x) {keep=false}", -1.0, 2.0),
        ("%y = reduce(%x) {kind=sum, axes=[2,3], keep=false}", -16.0, 32.0),
        ("%y = max_pool(%x) {kernel=[2,2], strides=[2,2]}", -1.0, 2.0),
        ("%y = avg_pool(%x) {kernel=[3,3], pads=[1,1,1,1], count_pad=true}", -1.0, 2.0),
    ] {
        assert_eq!(of(body), Interval::new(low, high), "{body}");
    }
}

#[test]
fn what_is_not_known_is_infinite() {
    let g = parse("graph g { %x = input f32[N,2]\n%y = add(%x, %x)\noutput y = %y }").unwrap();
    let facts = infer(&g).unwrap();
    let all = Intervals::of(&g, &facts, None);
    let y = g.by_name("y").unwrap();
    assert_eq!(all.get(y), Interval::new(f64::NEG_INFINITY, f64::INFINITY));
    assert!(!all.never_negative(y));
}

#[test]
fn weights_by_their_sides() {
    let w: Vec<f32> = (-9..=11).map(|v| v as f32).collect();
    assert_eq!(sides(&w), [66.0, -45.0]);
    assert_eq!(sides(&[]), [0.0; 2]);
    assert_eq!(sides(&[f32::INFINITY, -1.0]), [f64::INFINITY, -1.0]);
    assert!(sides(&[f32::NAN, 1.0])[1].is_nan(), "nothing is known of such a layer");
}
