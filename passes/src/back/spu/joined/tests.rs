#![allow(clippy::unwrap_used)]

use super::*;
use crate::ir::infer::infer;
use crate::ir::text::parse;

/// The sums of a graph in which every convolution takes all taps.
fn sums(body: &str) -> (Graph, Vec<Joined>) {
    let text = format!(
        "graph g {{\n%x = input f32[N,2,6,6]\n%w = const f32[2,2,3,3] rand(seed=1)\n{body}\noutput \"y\" = %y\n}}\n"
    );
    let g = parse(&text).unwrap();
    let facts = infer(&g).unwrap();
    let taps = g.ids().filter(|&id| taps_of(&g, &facts, id).is_some()).collect();
    let found = joined(&g, &facts, &taps);
    (g, found)
}

const MAIN: &str = "%a = conv(%x, %w) {pads=[1, 1, 1, 1]}";
const TOP: &str =
    "%s = slice(%x) {axes=[2], starts=[0], ends=[1], steps=[1]}\n%v = const f32[2,2,1,3] rand(seed=2)";
const PLACED: &str = "%p = pad(%t) {before=[0, 0, 0, 0], after=[0, 0, 5, 0], value=0.0}\n%y = add(%a, %p)";

#[test]
fn a_strip_joins_the_convolution_of_the_whole() {
    let (g, found) = sums(&format!("{MAIN}\n{TOP}\n%t = conv(%s, %v) {{pads=[0, 1, 0, 1]}}\n{PLACED}"));
    let [j] = &found[..] else { panic!("{found:?}") };
    let name = |id: NodeId| g.node(id).name.as_str();
    assert_eq!((name(j.sum), name(j.source), j.rest.len()), ("y", "x", 0));
    let convs: Vec<&str> = j.parts.iter().map(|p| name(p.conv)).collect();
    assert_eq!(convs, ["a", "t"]);
    assert_eq!((j.inputs(), j.products()), (72, 9 * 72 + 3 * 12));
    let mut gone: Vec<&str> = hidden(&g, j).into_iter().map(name).collect();
    gone.sort_unstable();
    assert_eq!(gone, ["a", "p", "s", "t"]);
}

#[test]
fn what_is_not_linear_in_the_value_stays_beside() {
    let (g, found) = sums(&format!(
        "{MAIN}\n%r = relu(%x)\n%b = conv(%x, %w) {{pads=[1, 1, 1, 1]}}\n%ab = add(%a, %r)\n%y = add(%ab, %b)"
    ));
    let [j] = &found[..] else { panic!("{found:?}") };
    assert_eq!((j.parts.len(), j.rest.len()), (2, 1));
    assert!(hidden(&g, j).iter().all(|&id| g.node(id).name != "r"));
}

#[test]
fn no_joining_of_a_result_read_elsewhere() {
    let (_, found) = sums(&format!(
        "{MAIN}\n{TOP}\n%t = conv(%s, %v) {{pads=[0, 1, 0, 1]}}\n%q = pad(%t) {{before=[0, 0, 5, 0], after=[0, 0, 0, 0], value=0.0}}\n\
         %p = pad(%t) {{before=[0, 0, 0, 0], after=[0, 0, 5, 0], value=0.0}}\n%c = add(%a, %p)\n%y = add(%c, %q)"
    ));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_joining_of_a_bias_that_is_moved() {
    let (_, found) = sums(&format!(
        "{MAIN}\n{TOP}\n%u = const f32[2] [1, 2]\n%t = conv(%s, %v, %u) {{pads=[0, 1, 0, 1]}}\n{PLACED}"
    ));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_joining_of_other_operands() {
    let (_, found) =
        sums(&format!("{MAIN}\n%r = relu(%x)\n%b = conv(%r, %w) {{pads=[1, 1, 1, 1]}}\n%y = add(%a, %b)"));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_joining_of_a_slice_of_channels() {
    let (_, found) = sums(&format!(
        "{MAIN}\n%s = slice(%x) {{axes=[1], starts=[0], ends=[1], steps=[1]}}\n%v = const f32[2,1,1,1] rand(seed=2)\n\
         %b = conv(%s, %v)\n%y = add(%a, %b)"
    ));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_joining_of_padding_that_is_no_zero() {
    let placed = PLACED.replace("value=0.0", "value=1.0");
    let (_, found) = sums(&format!("{MAIN}\n{TOP}\n%t = conv(%s, %v) {{pads=[0, 1, 0, 1]}}\n{placed}"));
    assert!(found.is_empty(), "{found:?}");
}
