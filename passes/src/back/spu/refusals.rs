//! What SPU cannot express is listed whole, whatever reads it.
#![allow(clippy::unwrap_used)]

use super::check;
use crate::driver::valid;
use crate::ir::text::parse;

#[test]
fn every_reader_of_what_has_no_form_is_looked_at() {
    let readers = [
        "max_pool(%e) {kernel=[2,2]}",
        "reduce(%e) {kind=max, axes=[2], keep=true}",
        "slice(%e) {axes=[1], starts=[0], ends=[1], steps=[1]}",
        "softmax(%e) {axis=1}",
        "pad(%e) {before=[0,0,1,1], after=[0,0,1,1], value=0.0}",
        "transpose(%e) {perm=[0,2,3,1]}",
        "concat(%e, %x) {axis=1}",
        "avg_pool(%e) {kernel=[2,2], count_pad=false}",
        "global_mean(%e) {keep=true}",
        "conv(%e, %w) {group=2}",
        "conv(%e, %d) {group=4}",
        "gather(%e, %i) {axis=1}",
        "mul(%e, %x)",
    ];
    for reader in readers {
        let text = format!(
            "graph g {{\n %x = input f32[N,4,4,4]\n %w = const f32[2,2,1,1] splat(1)\n %d = const f32[4,1,3,3] splat(1)\n \
             %i = const i64[2] [0, 1]\n %e = erf(%x)\n %r = {reader}\n %f = erf(%r)\n output \"y\" = %f\n}}"
        );
        let g = parse(&text).unwrap_or_else(|e| panic!("{reader}: {e}"));
        let said = check(&valid::check(&g).unwrap()).unwrap_err().to_string();
        assert!(said.contains("erf 'e'") && said.contains("erf 'f'"), "{reader}: {said}");
    }
}
