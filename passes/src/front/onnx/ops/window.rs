//! What Conv and the pools share: two spatial axes, strides, padding and its automatic forms.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Stop};
use crate::ir::NodeId;

/// Windows, steps and margins stay below this.
const MAX: usize = 1 << 12;

/// The attributes of a sliding window, resolved.
pub struct Sliding {
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    pub pads: [usize; 4],
    pub dilations: [usize; 2],
}

fn pair(values: Option<Vec<i64>>, default: usize, what: &str) -> Result<[usize; 2], Stop> {
    let Some(v) = values else { return Ok([default; 2]) };
    let v: Vec<usize> =
        v.iter().filter_map(|&d| usize::try_from(d).ok().filter(|d| (1..=MAX).contains(d))).collect();
    v.try_into().map_err(|_| Stop::Why(format!("its {what} must be two positive numbers")))
}

/// Refuses 1-D and 3-D windows before anything else is read.
pub fn two_dimensional(c: &Ctx<'_>) -> Result<(), Stop> {
    let lists = ["kernel_shape", "strides", "dilations"].into_iter().filter_map(|a| c.ints(a));
    let rank = lists.map(|l| l.len()).find(|&n| n != 2);
    rank.map_or(Ok(()), |n| Err(wrong_rank(n)))
}

fn wrong_rank(spatial: usize) -> Stop {
    let why = match spatial {
        1 => {
            "works on one spatial axis; relinc compiles 2-D images: put the signal in [N,C,1,L] and export 2-D layers"
        }
        n => return Stop::Why(format!("works on {n} spatial axes; relinc compiles 2-D images only")),
    };
    Stop::Why(why.into())
}

/// Reads the window of a node whose data operand is `x`; `kernel` where the weights give it.
pub fn sliding(c: &Ctx<'_>, x: NodeId, kernel: Option<[usize; 2]>) -> Result<Sliding, Stop> {
    two_dimensional(c)?;
    let ty = c.ty(x)?;
    if ty.rank() != 4 {
        return Err(wrong_rank(ty.rank().saturating_sub(2)));
    }
    let kernel = match (kernel, c.ints("kernel_shape")) {
        (Some(k), None) => k,
        (None, None) => return Err("has no kernel_shape".into()),
        (given, shape) => {
            let k = pair(shape, 1, "kernel_shape")?;
            if given.is_some_and(|g| g != k) {
                return Err(format!("its kernel_shape {k:?} contradicts its weights").into());
            }
            k
        }
    };
    let strides = pair(c.ints("strides"), 1, "strides")?;
    let dilations = pair(c.ints("dilations"), 1, "dilations")?;
    let pads = match c.word("auto_pad", "NOTSET").as_str() {
        "NOTSET" | "" => explicit(c.ints("pads"))?,
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

fn explicit(pads: Option<Vec<i64>>) -> Result<[usize; 4], Stop> {
    let Some(v) = pads else { return Ok([0; 4]) };
    let v: Vec<usize> = v.iter().filter_map(|&p| usize::try_from(p).ok().filter(|&p| p <= MAX)).collect();
    v.try_into().map_err(|_| Stop::Why("its pads must be four numbers, none negative".into()))
}
