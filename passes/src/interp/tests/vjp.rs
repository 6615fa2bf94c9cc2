//! Gradients against central differences, in double precision where the difference is taken.

use super::{random, rng};
use crate::interp::{Interp, gradients};
use crate::ir::graph::NodeId;
use crate::ir::tensor::Tensor;
use crate::ir::text::parse;
use rand::Rng;
use rand::seq::SliceRandom;

/// Checks `∂⟨c, output 0⟩/∂v` for the input `x` of a text graph, with a random cotangent `c`, on at most 40 elements.
fn check(body: &str, shape: &[usize]) {
    let declared = shape[1..].iter().map(|d| format!(",{d}")).collect::<String>();
    let text = format!("graph g {{ %x = input f32[N{declared}]\n{body}\noutput y = %y }}");
    let g = parse(&text).unwrap_or_else(|e| panic!("{e} in {text}"));
    let mut r = rng(shape.len() as u64);
    // Distinct multiples of a step that is long against the difference, none of them 0.
    let n: usize = shape.iter().product();
    let mut at: Vec<i64> = (0..n as i64).map(|i| if i % 2 == 0 { i + 1 } else { -i }).collect();
    at.shuffle(&mut r);
    let x = Tensor::f32(shape, at.iter().map(|&i| i as f32 * 2.0 / n as f32 + 0.003).collect());
    let i = Interp::new(&g).expect("plans");
    let y = i.run(vec![x.clone()]).unwrap_or_else(|e| panic!("{e} in {body}"));
    let c = random(&mut r, y[0].shape());
    let value = |x: Tensor| -> f64 {
        let y = i.run(vec![x]).expect("runs");
        let pairs = y[0].as_f32().expect("f32").iter().zip(c.as_f32().expect("f32"));
        pairs.map(|(y, c)| f64::from(*y) * f64::from(*c)).sum()
    };
    let wanted = g.inputs().to_vec();
    let mut got = None;
    let outputs = gradients(&g, vec![x.clone()], &mut |_| c.clone(), &wanted, &mut |n, v, d| {
        assert_eq!((n, v), (wanted[0], &x));
        assert!(got.replace(d.clone()).is_none(), "visited once");
    })
    .unwrap_or_else(|e| panic!("{e} in {body}"));
    assert_eq!(outputs, y);
    let got = got.expect("visited");
    assert_eq!(got.shape(), shape);
    let scale = got.as_f32().expect("f32").iter().fold(1.0f64, |m, v| m.max(f64::from(v.abs())));
    let mut picks: Vec<usize> = (0..n).collect();
    picks.shuffle(&mut r);
    for &k in picks.iter().take(40) {
        let moved = |by: f32| {
            let mut t = x.clone();
            t.as_f32_mut().expect("f32")[k] += by;
            (f64::from(t.as_f32().expect("f32")[k]), value(t))
        };
        let h = 0.5 / n.max(200) as f32;
        let ((x1, y1), (x0, y0)) = (moved(h), moved(-h));
        let (want, d) = ((y1 - y0) / (x1 - x0), f64::from(got.as_f32().expect("f32")[k]));
        assert!((d - want).abs() < 0.02 * scale, "{body}: element {k} is {d}, the difference says {want}");
    }
}

#[test]
fn convolutions() {
    let mut r = rng(11);
    for seed in 0..60 {
        let group = [1, 1, 2, 4][r.random_range(0..4)];
        let per = if group == 4 { 1 } else { 4 / group };
        let mut pick = |lo: usize, hi: usize| r.random_range(lo..hi);
        let (kh, kw, out) = (pick(1, 4), pick(1, 4), group * pick(1, 4));
        check(
            &format!(
                "%w = const f32[{out},{per},{kh},{kw}] rand(seed={seed})
                 %b = const f32[{out}] rand(seed={seed})
                 %y = conv(%x, %w, %b) {{strides=[{},{}], pads=[{},{},{},{}], dilations=[{},{}], group={group}}}",
                pick(1, 4),
                pick(1, 4),
                pick(0, 3),
                pick(0, 3),
                pick(0, 3),
                pick(0, 3),
                pick(1, 3),
                pick(1, 3)
            ),
            &[2, 4, 7, 6],
        );
    }
}

#[test]
fn matrix_products() {
    check("%w = const f32[5,4] rand(seed=1) %b = const f32[5] rand(seed=2) %y = linear(%x, %w, %b)", &[3, 4]);
    check("%w = const f32[5,4] rand(seed=1) %y = linear(%x, %w)", &[2, 3, 4]);
    for tb in [false, true] {
        let (k, n) = if tb { (5, 4) } else { (4, 5) };
        check(
            &format!(
                "%w = const f32[{k},{n}] rand(seed=1) %c = const f32[5] rand(seed=2)
                 %y = gemm(%x, %w, %c) {{alpha=0.5, beta=2.0, trans_b={tb}}}"
            ),
            &[3, 4],
        );
    }
    check(
        "%w = const f32[5,3] rand(seed=1) %t = transpose(%x) {perm=[1,0]} %y = gemm(%t, %w) {trans_a=true, trans_b=true}",
        &[4, 3],
    );
    check("%w = const f32[6,4] rand(seed=1) %y = gemm(%w, %x) {trans_b=true, alpha=3.0}", &[5, 4]);
    check(
        "%w = const f32[5,4] rand(seed=1) %t = transpose(%x) {perm=[1,0]} %y = gemm(%w, %t) {alpha=0.5}",
        &[3, 4],
    );
    let addend = "%w = const f32[4,5] rand(seed=1) %b = const f32[3,5] rand(seed=4) %t = reduce(%x) {kind=sum, axes=[0]}
        %y = gemm(%b, %w, %t) {trans_b=true, beta=0.5}";
    check(addend, &[2, 4]);
    check("%w = const f32[4,5] rand(seed=1) %y = matmul(%x, %w)", &[2, 3, 4]);
    check("%w = const f32[5,3] rand(seed=1) %y = matmul(%w, %x)", &[2, 3, 4]);
    check("%t = transpose(%x) {perm=[0,2,1]} %y = matmul(%x, %t)", &[2, 3, 4]);
}

#[test]
fn activations() {
    check("%y = relu(%x)", &[2, 3, 4]);
    check("%y = leaky_relu(%x) {slope=-0.25}", &[2, 3, 4]);
    check("%s = const f32[3,1] rand(seed=1) %y = prelu(%x, %s)", &[2, 3, 4]);
    check("%y = clip(%x) {min=-0.5, max=0.7}", &[2, 3, 4]);
    check("%l = const f32[] [-0.5] %y = dyn.clip(%x, %l)", &[2, 3, 4]);
    check(
        "%m = const u8[3,4] [0,1,2,0,1,2,0,1,2,1,1,0] %s = const f32[3] [0.5,-2,1.5] %y = masked_relu(%x, %m, slope=%s)",
        &[2, 3, 4],
    );
    check("%m = const u8[5] [0,1,2,0,1] %y = masked_relu(%x, %m)", &[3, 5]);
    for u in [
        "neg",
        "abs",
        "exp",
        "sigmoid",
        "tanh",
        "erf",
        "silu",
        "hard_swish",
        "hard_sigmoid",
        "softplus",
        "reciprocal",
    ] {
        check(&format!("%y = {u}(%x)"), &[2, 7]);
    }
    for u in ["log", "sqrt"] {
        check(&format!("%a = abs(%x) %k = const f32[] [0.5] %b = add(%a, %k) %y = {u}(%b)"), &[2, 7]);
    }
    check("%y = softmax(%x) {axis=1}", &[2, 5, 3]);
    check("%y = log_softmax(%x) {axis=2}", &[2, 5, 3]);
    check(
        "%a = const f32[3] [1,-2,0.5] %b = const f32[3] [1,2,3] %v = const f32[3] [0.5,1,2] %y = batch_norm(%x, %a, %b, %b, %v)",
        &[2, 3, 2, 2],
    );
}

#[test]
fn two_operands_broadcast() {
    for op in ["add", "sub", "mul", "div", "max", "min"] {
        check(&format!("%k = const f32[3,1] [0.5,-2,1.5] %y = {op}(%x, %k)"), &[2, 3, 4]);
        check(&format!("%e = exp(%x) %k = const f32[3,1] [0.5,-2,1.5] %y = {op}(%k, %e)"), &[2, 3, 4]);
        check(&format!("%k = const f32[5,1,3,4] rand(seed=3, scale=3) %y = {op}(%k, %x)"), &[2, 1, 4]);
        check(&format!("%e = exp(%x) %y = {op}(%x, %e)"), &[2, 3]);
    }
    check("%e = exp(%x) %k = const f32[] [2.5] %y = pow(%e, %k)", &[2, 3]);
    check("%k = const f32[] [2.5] %y = pow(%k, %x)", &[2, 3]);
    check("%y = mul(%x, %x)", &[2, 3]);
    check(
        "%z = const f32[] [0.1] %c = greater(%x, %z) %n = neg(%x) %e = exp(%x) %y = where(%c, %n, %e)",
        &[2, 3],
    );
}

#[test]
fn reductions_and_pooling() {
    check("%y = global_mean(%x) {keep=false}", &[2, 3, 4, 2]);
    check("%y = global_mean(%x)", &[2, 3, 4, 2]);
    for kind in ["mean", "sum", "max"] {
        check(&format!("%y = reduce(%x) {{kind={kind}, axes=[1,3], keep=false}}"), &[2, 3, 4, 2]);
        check(&format!("%a = const i64[1] [-2] %y = dyn.reduce(%x, %a) {{kind={kind}}}"), &[2, 3, 4, 2]);
    }
    for attrs in [
        "kernel=[2,2], strides=[2,2]",
        "kernel=[3,2], strides=[1,2], pads=[1,0,1,1]",
        "kernel=[3,3], strides=[2,2], pads=[1,1,1,1], ceil=true",
    ] {
        check(&format!("%y = max_pool(%x) {{{attrs}}}"), &[2, 3, 6, 5]);
        check(&format!("%y = avg_pool(%x) {{{attrs}}}"), &[2, 3, 6, 5]);
        check(&format!("%y = avg_pool(%x) {{{attrs}, count_pad=true}}"), &[2, 3, 6, 5]);
    }
}

#[test]
fn movements() {
    check("%y = pad(%x) {before=[0,1,0], after=[0,0,2], value=3.0}", &[2, 3, 4]);
    check("%y = slice(%x) {axes=[1,2], starts=[1,-1], ends=[3,-100], steps=[1,-2]}", &[2, 4, 5]);
    check("%e = exp(%x) %y = concat(%x, %e, %x) {axis=1}", &[2, 3, 4]);
    check("%i = const i64[2,2] [0,-1,2,0] %y = gather(%x, %i) {axis=1}", &[2, 3, 4]);
    check("%y = transpose(%x) {perm=[0,2,1]}", &[2, 3, 4]);
    check("%y = expand(%x) {dims=[N,3,4]}", &[2, 1, 4]);
    check("%d = dropout(%x) %i = identity(%d) %y = reshape(%i) {dims=[N,12]}", &[2, 3, 4]);
    check(
        "%s = const i64[2] [0,-1] %r = dyn.reshape(%x, %s) %a = const i64[1] [1] %u = dyn.unsqueeze(%r, %a) %y = dyn.squeeze(%u, %a)",
        &[2, 3, 4],
    );
    check("%s = const i64[6] [0,0,1,0,2,0] %y = dyn.pad(%x, %s)", &[2, 3, 4]);
    check(
        "%n = shape(%x) {start=0, end=2} %m = const i64[1] [-1] %t = concat(%n, %m) {axis=0} %y = dyn.reshape(%x, %t)",
        &[2, 3, 2, 2],
    );
    check("%s = const i64[1] [1] %e = const i64[1] [3] %y = dyn.slice(%x, %s, %e, %s)", &[2, 4, 3]);
}

#[test]
fn a_small_residual_network() {
    check(
        "%w = const f32[6,3,3,3] rand(seed=1, scale=0.3)
         %b = const f32[6] rand(seed=2)
         %c = conv(%x, %w, %b) {strides=[2,2], pads=[1,1,1,1]}
         %r = relu(%c)
         %v = const f32[6,6,3,3] rand(seed=3, scale=0.2)
         %d = conv(%r, %v) {pads=[1,1,1,1]}
         %m = const u8[6,4,4] rand(seed=4, density=0.5)
         %s = const f32[6] rand(seed=5)
         %q = masked_relu(%d, %m, slope=%s)
         %a = add(%q, %r)
         %e = silu(%a)
         %p = global_mean(%e) {keep=false}
         %f = const f32[5,6] rand(seed=6)
         %l = linear(%p, %f)
         %y = log_softmax(%l) {axis=1}",
        &[2, 3, 8, 8],
    );
}

fn visited(text: &str, wanted: &[&str]) -> Result<Vec<(String, Tensor)>, String> {
    let g = parse(text).expect("parses");
    let wanted: Vec<NodeId> = wanted.iter().map(|w| g.by_name(w).expect("exists")).collect();
    let mut seen = vec![];
    let x = Tensor::f32([2, 2], vec![1.0, 2.0, 3.0, -4.0]);
    let ones = &mut |y: &Tensor| Tensor::f32(y.shape(), vec![1.0; y.len()]);
    let visit = &mut |n: NodeId, v: &Tensor, d: &Tensor| {
        assert_eq!(v.shape(), d.shape());
        seen.push((g.node(n).name.clone(), d.clone()));
    };
    gradients(&g, vec![x], ones, &wanted, visit).map_err(|e| e.to_string())?;
    Ok(seen)
}

#[test]
fn wanted_values_are_visited_last_one_first() {
    let text =
        "graph g { %x = input f32[N,2] %a = relu(%x) %b = add(%a, %a) %c = mul(%b, %a) output c = %c }";
    let seen = visited(text, &["a", "c", "b"]).expect("runs");
    assert_eq!(seen[0], ("c".into(), Tensor::f32([2, 2], vec![1.0; 4])));
    assert_eq!(seen[1], ("b".into(), Tensor::f32([2, 2], vec![1.0, 2.0, 3.0, 0.0])));
    assert_eq!(seen[2], ("a".into(), Tensor::f32([2, 2], vec![4.0, 8.0, 12.0, 0.0])));
}

#[test]
fn work_stops_above_the_wanted_values() {
    // The gradient of arg_max is not needed to reach a.
    let text = "graph g { %x = input f32[N,2] %i = arg_max(%x) {axis=1, keep=true} %f = cast(%i) {to=f32}
      %a = add(%x, %f) %b = neg(%a) output b = %b }";
    assert_eq!(visited(text, &["a"]).expect("runs")[0].1, Tensor::f32([2, 2], vec![-1.0; 4]));
    let e = visited(text.replace("add(%x, %f)", "neg(%f)").as_str(), &["i"]);
    assert!(e.is_err_and(|e| e.contains("'i'") || e.contains("'f'")));
}

#[test]
fn no_gradient_without_a_rule() {
    let text = "graph g { %x = input f32[N,2] %a = relu(%x) %i = arg_max(%a) {axis=1} %f = cast(%i) {to=f32} output f = %f }";
    assert_eq!(visited(text, &["a"]), Err("arg_max 'i': has no gradient".into()));
    let weights = "graph g { %x = input f32[N,2] %w = const f32[2,2] splat(1.0) %v = relu(%w) %y = linear(%x, %v) output y = %y }";
    assert_eq!(visited(weights, &["v"]), Err("linear 'y': has no gradient for its parameters".into()));
}

#[test]
fn a_value_the_output_does_not_read_has_gradient_zero() {
    let text = "graph g { %x = input f32[N,2] %a = relu(%x) %b = neg(%x) output b = %b output a = %a }";
    assert_eq!(visited(text, &["a"]).expect("runs")[0].1, Tensor::f32([2, 2], vec![0.0; 4]));
}
