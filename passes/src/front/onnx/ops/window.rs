//! What Conv and the pools share: two spatial axes, strides, padding and its automatic forms. A signal `[N,C,L]` is a map of
//! one row.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::{Dim, NodeId, Op, Window};

/// The attributes of a sliding window, resolved.
pub struct Sliding {
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    pub pads: [usize; 4],
    pub dilations: [usize; 2],
}

/// The attributes of one spatial axis or of two, as those of two.
fn pair(values: Option<Vec<i64>>, rank: usize, what: &str) -> Result<[usize; 2], Stop> {
    let Some(v) = values else { return Ok([1; 2]) };
    bounded(&v, what)?;
    let v: Vec<usize> = v.iter().filter_map(|&d| usize::try_from(d).ok().filter(|&d| d > 0)).collect();
    match (rank, &v[..]) {
        (1, &[w]) => Ok([1, w]),
        (2, &[h, w]) => Ok([h, w]),
        (1, _) => Err(format!("its {what} must be one positive number").into()),
        _ => Err(format!("its {what} must be two positive numbers").into()),
    }
}

fn bounded(v: &[i64], what: &str) -> Result<(), Stop> {
    match v.iter().find(|&&d| d > Window::LARGEST as i64) {
        Some(d) => {
            Err(format!("its {what} hold {d}, more than the {} that relinc takes", Window::LARGEST).into())
        }
        None => Ok(()),
    }
}

/// How many axes the windows of this node slide over: one or two. Attributes are looked at before anything is read.
pub fn spatial(c: &mut Ctx<'_>) -> Result<usize, Stop> {
    let lists = ["kernel_shape", "strides", "dilations"].into_iter().filter_map(|a| c.ints(a));
    if let Some(n) = lists.map(|l| l.len()).find(|n| !(1..=2).contains(n)) {
        return Err(wrong_rank(n));
    }
    let x = c.need(0)?;
    match c.ty(x)?.rank() {
        3 => Ok(1),
        4 => Ok(2),
        n => Err(wrong_rank(n.saturating_sub(2))),
    }
}

fn wrong_rank(spatial: usize) -> Stop {
    Stop::Why(format!(
        "works on {spatial} spatial axes; relinc compiles networks of images [N,C,H,W] and signals [N,C,L]"
    ))
}

/// A value of a signal, or its weights, with the axis of one row that a map has; maps are as they were.
pub fn lifted(c: &mut Ctx<'_>, x: NodeId) -> Result<NodeId, Stop> {
    let mut dims = c.ty(x)?.dims;
    if dims.len() != 3 {
        return Ok(x);
    }
    dims.insert(2, Dim::Fixed(1));
    c.helper(Op::Reshape(dims), &[x])
}

/// Makes the node's output of an operation on maps; that of a signal loses its row.
pub fn emit(c: &mut Ctx<'_>, op: Op, operands: &[NodeId], spatial: usize) -> Done {
    if spatial == 2 {
        return c.emit(op, operands);
    }
    let y = c.helper(op, operands)?;
    let mut dims = c.ty(y)?.dims;
    dims.remove(2);
    c.emit(Op::Reshape(dims), &[y])
}

/// Reads the window of a node whose data operand, a map, is `x`; `kernel` where the weights give it.
pub fn sliding(c: &Ctx<'_>, x: NodeId, kernel: Option<[usize; 2]>, spatial: usize) -> Result<Sliding, Stop> {
    let ty = c.ty(x)?;
    let kernel = match (kernel, c.ints("kernel_shape")) {
        (Some(k), None) => k,
        (None, None) => return Err("has no kernel_shape".into()),
        (given, shape) => {
            let k = pair(shape, spatial, "kernel_shape")?;
            if given.is_some_and(|g| g != k) {
                return Err(format!("its kernel_shape {k:?} contradicts its weights").into());
            }
            k
        }
    };
    let strides = pair(c.ints("strides"), spatial, "strides")?;
    let dilations = pair(c.ints("dilations"), spatial, "dilations")?;
    let pads = match c.word("auto_pad", "NOTSET").as_str() {
        "NOTSET" | "" => explicit(c.ints("pads"), spatial)?,
        // Pools of runtimes read over pads of 0, convolutions do not.
        _ if c.ints("pads").is_some_and(|p| p.iter().any(|&p| p != 0) || c.node.op_type == "Conv") => {
            return Err("has pads and an auto_pad; give one of them".into());
        }
        same if same.starts_with("SAME") && c.node.op_type == "Conv" && dilations != [1; 2] => {
            return Err("pads a dilated window automatically, which runtimes refuse; give its pads".into());
        }
        "VALID" => [0; 4],
        same @ ("SAME_UPPER" | "SAME_LOWER") => {
            let mut pads = [0; 4];
            for i in 0..2 {
                let d = ty.dims[2 + i].fixed().ok_or("a spatial dimension depends on the batch")?;
                let out = d.div_ceil(strides[i]);
                let need = out.saturating_sub(1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1;
                let total = need.saturating_sub(d);
                let (small, large) = (total / 2, total - total / 2);
                (pads[i], pads[i + 2]) = if same == "SAME_UPPER" { (small, large) } else { (large, small) };
            }
            pads
        }
        other => return Err(format!("its auto_pad '{other}' is unknown").into()),
    };
    Ok(Sliding { kernel, strides, pads, dilations })
}

fn explicit(pads: Option<Vec<i64>>, spatial: usize) -> Result<[usize; 4], Stop> {
    let Some(v) = pads else { return Ok([0; 4]) };
    bounded(&v, "pads")?;
    let v: Vec<usize> = v.iter().filter_map(|&p| usize::try_from(p).ok()).collect();
    match (spatial, &v[..]) {
        (1, &[before, after]) => Ok([0, before, 0, after]),
        (2, &[t, l, b, r]) => Ok([t, l, b, r]),
        (1, _) => Err("its pads must be two numbers, none negative".into()),
        _ => Err("its pads must be four numbers, none negative".into()),
    }
}
