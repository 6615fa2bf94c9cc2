//! One IR operation → StableHLO operations that SPU 0.9.5 runs.

#![deny(clippy::wildcard_enum_match_arm)]

use super::joined;
use super::taps::{self, Taps};
use super::text::{Value, Writer, ty};
use crate::driver::valid::Valid;
use crate::ir::geometry;
use crate::ir::op::{ReduceKind, Window};
use crate::ir::{Conv, DType, NodeId, Op, Unary};

type R = Result<Value, String>;

/// Emits the node and returns its value.
pub fn lower(w: &mut Writer<'_>, valid: &Valid<'_>, id: NodeId) -> R {
    let g = valid.graph();
    let out = w.shape(id);
    if let Some(j) = w.sums.get(&id).cloned() {
        let mut y = joined::lower(w, &j);
        for &r in &j.rest {
            let r = w.value(r);
            let r = broadcast(w, &r, &out);
            y = binary(w, "add", &y, &r);
        }
        return Ok(y);
    }
    if let (Op::Conv(_), true) = (g.op(id), w.taps.contains(&id)) {
        return product_over_taps(w, valid, id, &out);
    }
    if let (Op::Conv(c), Some(k)) = (g.op(id), w.dense.get(&id).cloned()) {
        let x = w.value(g.operand(id, 0).ok_or("has no operand")?);
        let y = one_convolution(w, c, 1, &x, &k, &out);
        return Ok(with_bias(w, valid, id, y));
    }
    // Indices become arguments, not constants.
    let read = if matches!(g.op(id), Op::Gather { .. }) { 1 } else { usize::MAX };
    let operands: Vec<Value> = g.operands(id).into_iter().take(read).map(|o| w.value(o)).collect();
    let x = operands.first().cloned().ok_or("has no operand")?;
    Ok(match g.op(id) {
        Op::Conv(c) => convolution(w, c, &operands, &out),
        Op::Linear => {
            let k = x.shape.len() - 1;
            let y = dot(w, &x, &operands[1], k, 1, &out);
            match operands.get(2) {
                Some(b) => add_bias(w, &y, b, k),
                None => y,
            }
        }
        Op::MatMul if x.shape.len() == 2 && operands[1].shape.len() == 2 => {
            dot(w, &x, &operands[1], 1, 0, &out)
        }
        Op::MatMul => return Err("only products of two matrices are supported".into()),
        Op::Relu => {
            let z = w.splat(&out, 0.0);
            binary(w, "maximum", &x, &z)
        }
        Op::Clip { min, max } => clip(w, &x, *min, *max),
        Op::CappedRelu { cap } => clip(w, &x, 0.0, *cap),
        Op::Unary(u) => unary(w, *u, &x)?,
        Op::Binary(b) => {
            let (l, r) = (broadcast(w, &x, &out), broadcast(w, &operands[1], &out));
            binary(w, b.stablehlo(), &l, &r)
        }
        Op::Compare(c) => {
            let (l, r) = (broadcast(w, &x, &out), broadcast(w, &operands[1], &out));
            let text = format!(
                "stablehlo.compare {}, {}, {} : ({}, {}) -> {}",
                c.stablehlo(),
                l.name,
                r.name,
                l.ty(),
                r.ty(),
                ty(&out, DType::Bool)
            );
            w.put(&out, DType::Bool, &text)
        }
        Op::Where => {
            let [c, a, b] = [0, 1, 2].map(|i| broadcast(w, &operands[i], &out));
            w.float(
                &out,
                &format!("stablehlo.select {}, {}, {} : {}, {}", c.name, a.name, b.name, c.ty(), a.ty()),
            )
        }
        Op::MaxPool(win) => pool(w, "maximum", f32::NEG_INFINITY, win, &x, &out),
        Op::AvgPool { window, count_pad } => avg_pool(w, window, *count_pad, &x, &out),
        Op::GlobalMean { .. } => {
            let axes: Vec<usize> = (2..x.shape.len()).collect();
            reduce(w, ReduceKind::Mean, &axes, &x, &out)
        }
        Op::Reduce { kind, axes, .. } => reduce(w, *kind, axes, &x, &out),
        Op::Pad { before, after, value } => {
            let v = w.splat(&[], *value);
            pad(w, &x, &v, before, after, &out)
        }
        Op::Slice(axes) => slice(w, axes, &x, &out)?,
        Op::Concat { axis } => concatenate(w, &operands, *axis, &out),
        Op::Gather { axis } => gather(w, valid, id, *axis, &x, &out)?,
        Op::Reshape(_) => reshape(w, &x, &out),
        Op::Transpose(p) => transpose(w, &x, p, &out),
        Op::Expand(_) => broadcast(w, &x, &out),
        Op::Softmax { axis } => softmax(w, &x, *axis),
        Op::LogSoftmax { axis } => log_softmax(w, &x, *axis),
        Op::MaskedRelu { .. } => {
            return Err("a dense mask saves nothing on any runtime; run compact-relu first".into());
        }
        Op::BatchNorm { .. } | Op::Gemm { .. } | Op::PRelu => {
            return Err("its parameters are computed from data, so canonicalise could not lower it".into());
        }
        Op::ArgMax { .. } => {
            return Err("opens no logits; end the model before it and take the arg max of the output".into());
        }
        Op::Input(_) | Op::Const(_) | Op::Cast(_) | Op::Shape { .. } | Op::Dyn(_) => {
            return Err("has no StableHLO form here".into());
        }
        Op::LeakyRelu { .. } | Op::Identity | Op::Dropout => {
            return Err("is not in the core form; run canonicalise".into());
        }
    })
}

pub(super) fn binary(w: &mut Writer<'_>, op: &str, l: &Value, r: &Value) -> Value {
    w.put(&l.shape, l.dtype, &format!("stablehlo.{op} {}, {} : {}", l.name, r.name, l.ty()))
}

pub(super) fn reshape(w: &mut Writer<'_>, x: &Value, to: &[usize]) -> Value {
    if x.shape == to {
        return x.clone();
    }
    w.put(to, x.dtype, &format!("stablehlo.reshape {} : ({}) -> {}", x.name, x.ty(), ty(to, x.dtype)))
}

pub(super) fn transpose(w: &mut Writer<'_>, x: &Value, p: &[usize], out: &[usize]) -> Value {
    let text = format!("stablehlo.transpose {}, dims = {p:?} : ({}) -> {}", x.name, x.ty(), ty(out, x.dtype));
    w.put(out, x.dtype, &text)
}

/// NumPy broadcasting: missing leading axes and axes of size 1.
fn broadcast(w: &mut Writer<'_>, x: &Value, to: &[usize]) -> Value {
    if x.shape == to {
        return x.clone();
    }
    let lead = to.len() - x.shape.len();
    let dims: Vec<usize> = (lead..to.len()).collect();
    broadcast_dims(w, x, &dims, to)
}

fn broadcast_dims(w: &mut Writer<'_>, x: &Value, dims: &[usize], to: &[usize]) -> Value {
    let text = format!(
        "stablehlo.broadcast_in_dim {}, dims = {dims:?} : ({}) -> {}",
        x.name,
        x.ty(),
        ty(to, x.dtype)
    );
    w.put(to, x.dtype, &text)
}

pub(super) fn add_bias(w: &mut Writer<'_>, y: &Value, b: &Value, axis: usize) -> Value {
    let b = broadcast_dims(w, b, &[axis], &y.shape);
    binary(w, "add", y, &b)
}

fn dot(w: &mut Writer<'_>, x: &Value, y: &Value, xk: usize, yk: usize, out: &[usize]) -> Value {
    let text = format!(
        "stablehlo.dot_general {}, {}, contracting_dims = [{xk}] x [{yk}] : ({}, {}) -> {}",
        x.name,
        y.name,
        x.ty(),
        y.ty(),
        ty(out, DType::F32)
    );
    w.float(out, &text)
}

pub(super) fn concatenate(w: &mut Writer<'_>, parts: &[Value], axis: usize, out: &[usize]) -> Value {
    let names: Vec<&str> = parts.iter().map(|v| v.name.as_str()).collect();
    let types: Vec<String> = parts.iter().map(Value::ty).collect();
    let dtype = parts[0].dtype;
    let text = format!(
        "stablehlo.concatenate {}, dim = {axis} : ({}) -> {}",
        names.join(", "),
        types.join(", "),
        ty(out, dtype)
    );
    w.put(out, dtype, &text)
}

/// A convolution as one product over all taps, with its bias.
fn product_over_taps(w: &mut Writer<'_>, valid: &Valid<'_>, id: NodeId, out: &[usize]) -> R {
    let g = valid.graph();
    let x = w.value(g.operand(id, 0).ok_or("has no operand")?);
    let y = match w.waiting.remove(&id) {
        Some(sum) => taps::truncate(w, &sum),
        None => first_product(w, valid, id, &x, out)?,
    };
    Ok(with_bias(w, valid, id, y))
}

/// The result of a convolution plus its bias, if it has one.
fn with_bias(w: &mut Writer<'_>, valid: &Valid<'_>, conv: NodeId, y: Value) -> Value {
    match valid.graph().operand(conv, 2) {
        Some(b) => {
            let b = w.value(b);
            add_bias(w, &y, &b, 1)
        }
        None => y,
    }
}

/// The product of a convolution, truncated; where others read the same operand, their products with it, which wait untruncated.
fn first_product(w: &mut Writer<'_>, valid: &Valid<'_>, id: NodeId, x: &Value, out: &[usize]) -> R {
    let layout = |id| super::taps_of(valid.graph(), valid.facts(), id).ok_or("is no product over all taps");
    let k = w.matrix(id);
    let Some(group) = w.siblings.iter().find(|s| s[0] == id).cloned() else {
        return Ok(taps::lower(w, &layout(id)?, x, &k, out));
    };
    let layouts = group.iter().map(|&c| layout(c)).collect::<Result<Vec<Taps>, _>>()?;
    let outs: Vec<Vec<usize>> = group.iter().map(|&c| w.shape(c)).collect();
    let mut sums = taps::lower_all(w, &layouts, x, &k, &outs).into_iter();
    let own = sums.next().ok_or("has no product")?;
    w.waiting.extend(group[1..].iter().copied().zip(sums));
    Ok(taps::truncate(w, &own))
}

/// SPU runs dense and depthwise convolutions; other groupings that are not written dense are cut apart and joined.
fn convolution(w: &mut Writer<'_>, c: &Conv, operands: &[Value], out: &[usize]) -> Value {
    let (x, k) = (&operands[0], &operands[1]);
    let y = if c.group == 1 || c.group == x.shape[1] {
        one_convolution(w, c, c.group, x, k, out)
    } else {
        let (cin, cout) = (x.shape[1] / c.group, out[1] / c.group);
        let parts: Vec<Value> = (0..c.group)
            .map(|i| {
                let xs = channel_slice(w, x, 1, i * cin, cin);
                let ks = channel_slice(w, k, 0, i * cout, cout);
                one_convolution(w, c, 1, &xs, &ks, &[out[0], cout, out[2], out[3]])
            })
            .collect();
        concatenate(w, &parts, 1, out)
    };
    match operands.get(2) {
        Some(b) => add_bias(w, &y, b, 1),
        None => y,
    }
}

fn channel_slice(w: &mut Writer<'_>, x: &Value, axis: usize, start: usize, len: usize) -> Value {
    let mut out = x.shape.clone();
    out[axis] = len;
    let ranges: Vec<String> = (0..out.len())
        .map(|i| if i == axis { format!("{start}:{}", start + len) } else { format!("0:{}", x.shape[i]) })
        .collect();
    w.float(
        &out,
        &format!(
            "stablehlo.slice {} [{}] : ({}) -> {}",
            x.name,
            ranges.join(", "),
            x.ty(),
            ty(&out, x.dtype)
        ),
    )
}

fn one_convolution(
    w: &mut Writer<'_>,
    c: &Conv,
    groups: usize,
    x: &Value,
    k: &Value,
    out: &[usize],
) -> Value {
    let [t, l, b, r] = c.pads;
    let text = format!(
        "stablehlo.convolution({}, {}) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {{stride = {:?}, \
         pad = [[{t}, {b}], [{l}, {r}]], rhs_dilate = {:?}}} {{batch_group_count = 1 : i64, feature_group_count = {groups} : \
         i64}} : ({}, {}) -> {}",
        x.name,
        k.name,
        c.strides,
        c.dilations,
        x.ty(),
        k.ty(),
        ty(out, DType::F32)
    );
    w.float(out, &text)
}

fn clip(w: &mut Writer<'_>, x: &Value, min: f32, max: f32) -> Value {
    let mut y = x.clone();
    if min.is_finite() {
        let lo = w.splat(&x.shape, min);
        y = binary(w, "maximum", &y, &lo);
    }
    if max.is_finite() {
        let hi = w.splat(&x.shape, max);
        y = binary(w, "minimum", &y, &hi);
    }
    y
}

fn unary(w: &mut Writer<'_>, u: Unary, x: &Value) -> R {
    if u == Unary::Reciprocal {
        let ones = w.splat(&x.shape, 1.0);
        return Ok(binary(w, "divide", &ones, x));
    }
    let op = u.function().stablehlo.ok_or("is not verified on SPU")?;
    Ok(w.float(&x.shape, &format!("stablehlo.{op} {} : {}", x.name, x.ty())))
}

fn reduce_with(w: &mut Writer<'_>, op: &str, init: f32, axes: &[usize], x: &Value) -> Value {
    let z = w.splat(&[], init);
    let out: Vec<usize> = (0..x.shape.len()).filter(|i| !axes.contains(i)).map(|i| x.shape[i]).collect();
    let text = format!(
        "stablehlo.reduce({} init: {}) applies stablehlo.{op} across dimensions = {axes:?} : ({}, tensor<f32>) -> {}",
        x.name,
        z.name,
        x.ty(),
        ty(&out, DType::F32)
    );
    w.float(&out, &text)
}

fn scale(w: &mut Writer<'_>, x: &Value, by: f32) -> Value {
    let s = w.splat(&x.shape, by);
    binary(w, "multiply", x, &s)
}

fn reduce(w: &mut Writer<'_>, kind: ReduceKind, axes: &[usize], x: &Value, out: &[usize]) -> Value {
    let count: usize = axes.iter().map(|&a| x.shape[a]).product();
    let y = match kind {
        ReduceKind::Max => reduce_with(w, "maximum", f32::NEG_INFINITY, axes, x),
        ReduceKind::Sum => reduce_with(w, "add", 0.0, axes, x),
        ReduceKind::Mean => {
            let sum = reduce_with(w, "add", 0.0, axes, x);
            scale(w, &sum, 1.0 / count as f32)
        }
    };
    reshape(w, &y, out)
}

fn pool(w: &mut Writer<'_>, op: &str, init: f32, win: &Window, x: &Value, out: &[usize]) -> Value {
    let z = w.splat(&[], init);
    // Padding after the map, with what a window of a size rounded up still needs.
    let [b, r] = geometry::window(win, &x.shape, out).map(|a| if win.ceil { a.overhang() } else { a.pad[1] });
    let ([kh, kw], [sh, sw], [t, l, ..]) = (win.kernel, win.strides, win.pads);
    let text = format!(
        "\"stablehlo.reduce_window\"({}, {}) ({{\n    ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n      %c = stablehlo.{op} %a, %b : \
         tensor<f32>\n      stablehlo.return %c : tensor<f32>\n    }}) {{window_dimensions = array<i64: 1, 1, {kh}, {kw}>, \
         window_strides = array<i64: 1, 1, {sh}, {sw}>, padding = dense<[[0, 0], [0, 0], [{t}, {b}], [{l}, {r}]]> : \
         tensor<4x2xi64>}} : ({}, tensor<f32>) -> {}",
        x.name,
        z.name,
        x.ty(),
        ty(out, DType::F32)
    );
    w.float(out, &text)
}

/// Sum of each window times one over its count, which differs at the border unless padding counts.
fn avg_pool(w: &mut Writer<'_>, win: &Window, count_pad: bool, x: &Value, out: &[usize]) -> Value {
    let sum = pool(w, "add", 0.0, win, x, out);
    let divisors = geometry::divisors(&geometry::window(win, &x.shape, out), count_pad);
    let inverse: Vec<f32> = divisors.into_iter().map(|n| 1.0 / n as f32).collect();
    let c = w.inline(&crate::ir::Tensor::f32([out[2], out[3]], inverse));
    let c = broadcast_dims(w, &c, &[2, 3], out);
    binary(w, "multiply", &sum, &c)
}

pub(super) fn pad(
    w: &mut Writer<'_>,
    x: &Value,
    v: &Value,
    before: &[usize],
    after: &[usize],
    out: &[usize],
) -> Value {
    let interior = vec![0; out.len()];
    let text = format!(
        "stablehlo.pad {}, {}, low = {before:?}, high = {after:?}, interior = {interior:?} : ({}, {}) -> {}",
        x.name,
        v.name,
        x.ty(),
        v.ty(),
        ty(out, x.dtype)
    );
    w.put(out, x.dtype, &text)
}

fn slice(w: &mut Writer<'_>, axes: &[crate::ir::op::SliceAxis], x: &Value, out: &[usize]) -> R {
    let mut ranges: Vec<String> = x.shape.iter().map(|d| format!("0:{d}")).collect();
    for a in axes {
        if a.step < 0 {
            return Err("slices backwards".into());
        }
        let (first, count) = crate::ir::movement::slice_range(a, x.shape[a.axis]);
        let step = a.step as usize;
        let end = if count == 0 { first } else { first + (count - 1) * step + 1 };
        ranges[a.axis] = format!("{first}:{end}:{step}");
    }
    let text =
        format!("stablehlo.slice {} [{}] : ({}) -> {}", x.name, ranges.join(", "), x.ty(), ty(out, x.dtype));
    Ok(w.put(out, x.dtype, &text))
}

fn gather(w: &mut Writer<'_>, valid: &Valid<'_>, id: NodeId, axis: usize, x: &Value, out: &[usize]) -> R {
    let idx = valid
        .graph()
        .const_operand(id, 1)
        .and_then(|t| t.as_i64())
        .ok_or("its indices are computed from data")?;
    let dim = x.shape[axis] as i64;
    let idx: Vec<i64> = idx.iter().map(|&i| if i < 0 { i + dim } else { i }).collect();
    let rank = x.shape.len();
    let mut flat = x.shape.clone();
    flat[axis] = idx.len();
    let i = w.indices(idx);
    let offset: Vec<usize> = (0..rank).filter(|&d| d != axis).collect();
    let sizes: Vec<String> =
        (0..rank).map(|d| if d == axis { "1".into() } else { x.shape[d].to_string() }).collect();
    let text = format!(
        "\"stablehlo.gather\"({}, {}) {{dimension_numbers = #stablehlo.gather<offset_dims = {offset:?}, collapsed_slice_dims = \
         [{axis}], start_index_map = [{axis}], index_vector_dim = 1>, slice_sizes = array<i64: {}>, indices_are_sorted = \
         false}} : ({}, {}) -> {}",
        x.name,
        i.name,
        sizes.join(", "),
        x.ty(),
        i.ty(),
        ty(&flat, x.dtype)
    );
    let y = w.put(&flat, x.dtype, &text);
    Ok(reshape(w, &y, out))
}

/// x − max(x) along an axis, so that the exponential stays in range.
fn centred(w: &mut Writer<'_>, x: &Value, axis: usize) -> Value {
    let top = reduce_with(w, "maximum", f32::NEG_INFINITY, &[axis], x);
    let top = spread(w, &top, axis, &x.shape);
    binary(w, "subtract", x, &top)
}

/// Repeats a reduced value along the reduced axis.
fn spread(w: &mut Writer<'_>, y: &Value, axis: usize, to: &[usize]) -> Value {
    let dims: Vec<usize> = (0..to.len()).filter(|&i| i != axis).collect();
    broadcast_dims(w, y, &dims, to)
}

/// The exponentials along an axis and their sum.
fn exponentials(w: &mut Writer<'_>, x: &Value, axis: usize) -> (Value, Value, Value) {
    let x = centred(w, x, axis);
    let e = w.float(&x.shape, &format!("stablehlo.exponential {} : {}", x.name, x.ty()));
    let sum = reduce_with(w, "add", 0.0, &[axis], &e);
    (x, e, sum)
}

fn softmax(w: &mut Writer<'_>, x: &Value, axis: usize) -> Value {
    let (x, e, sum) = exponentials(w, x, axis);
    let sum = spread(w, &sum, axis, &x.shape);
    binary(w, "divide", &e, &sum)
}

fn log_softmax(w: &mut Writer<'_>, x: &Value, axis: usize) -> Value {
    let (x, _, sum) = exponentials(w, x, axis);
    let log = w.float(&sum.shape, &format!("stablehlo.log {} : {}", sum.name, sum.ty()));
    let log = spread(w, &log, axis, &x.shape);
    binary(w, "subtract", &x, &log)
}
