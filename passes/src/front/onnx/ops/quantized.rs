//! Quantised models: constant weights are dequantised, quantised activations are refused.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::{Data, NodeId, Tensor};

const ACTIVATIONS: &str =
    "quantises activations; relinc does its own fixed-point arithmetic: export the float model";

/// QuantizeLinear is refused: the words tell weights from activations.
pub fn quantize(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    c.konst(x).ok_or(ACTIVATIONS)?;
    Err("quantises weights in the file; export them quantised, or the float model".into())
}

fn numbers(c: &Ctx<'_>, id: NodeId) -> Result<Tensor, Stop> {
    let k = c.konst(id).ok_or(ACTIVATIONS)?;
    Ok(match k.data() {
        Data::I64(v) => Tensor::f32(k.shape(), v.iter().map(|&v| v as f32).collect()),
        Data::U8(v) => Tensor::f32(k.shape(), v.iter().map(|&v| v as f32).collect()),
        Data::F32(_) => (*k).clone(),
        Data::Bool(_) => return Err("has truth values for numbers".into()),
    })
}

/// DequantizeLinear of a constant: (x − zero point) · scale, for the tensor or for each slice of an axis.
pub fn dequantize(c: &mut Ctx<'_>) -> Done {
    if c.int("block_size", 0) != 0 {
        return Err("is quantised in blocks; export the float model".into());
    }
    let x = c.need(0)?;
    let mut t = numbers(c, x)?;
    let s = c.need(1)?;
    let scale = numbers(c, s)?;
    let zero = if c.has(2) {
        let z = c.need(2)?;
        numbers(c, z)?
    } else {
        Tensor::f32(scale.shape(), vec![0.0; scale.len()])
    };
    let step = if scale.len() == 1 {
        t.len().max(1)
    } else {
        let axis = c.axis(1, t.rank())?;
        if scale.shape() != [t.shape()[axis]] {
            return Err(format!("its scale {:?} does not fit axis {axis}", scale.shape()).into());
        }
        t.shape()[axis + 1..].iter().product()
    };
    if zero.len() != scale.len() {
        return Err("its zero point and scale differ in size".into());
    }
    if let (Some(v), Some(scale), Some(zero)) = (t.as_f32_mut(), scale.as_f32(), zero.as_f32()) {
        for (i, v) in v.iter_mut().enumerate() {
            let k = i / step.max(1) % scale.len().max(1);
            *v = (*v - zero[k]) * scale[k];
        }
    }
    c.b.notice("quantised weights were dequantised to float32");
    c.emit_const(t)
}
