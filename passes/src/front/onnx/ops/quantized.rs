//! Quantised models: constant weights are quantised and dequantised here, quantised activations are refused.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use super::super::operators::Element;
use crate::ir::{Data, NodeId, Tensor};
use crate::proto::tensor_proto::DataType;

const ACTIVATIONS: &str =
    "quantises activations; relinc does its own fixed-point arithmetic: export the float model";

fn numbers(c: &Ctx<'_>, id: NodeId) -> Result<Tensor, Stop> {
    let k = c.b.evaluated(id).ok_or(ACTIVATIONS)?;
    Ok(match k.data() {
        Data::I64(v) => Tensor::f32(k.shape(), v.iter().map(|&v| v as f32).collect()),
        Data::U8(v) => Tensor::f32(k.shape(), v.iter().map(|&v| v as f32).collect()),
        Data::F32(_) => (*k).clone(),
        Data::Bool(_) => return Err("has truth values for numbers".into()),
    })
}

/// A constant with the scale and the zero point of each of its elements.
struct Scaled {
    numbers: Tensor,
    scale: Vec<f32>,
    zero: Vec<f32>,
    /// An element's scale is that of `(outer, along / block, inner)`, the axis having so many `along`, the rest so many `inner`.
    along: usize,
    block: usize,
    inner: usize,
}

impl Scaled {
    /// The operands of the node: for the tensor, for each slice of an axis, or for blocks of an axis.
    fn read(c: &mut Ctx<'_>) -> Result<Scaled, Stop> {
        let (x, s) = (c.need(0)?, c.need(1)?);
        let (t, scale) = (numbers(c, x)?, numbers(c, s)?);
        let zero = if c.has(2) {
            let z = c.need(2)?;
            numbers(c, z)?
        } else {
            Tensor::f32(scale.shape(), vec![0.0; scale.len()])
        };
        if zero.len() != scale.len() {
            return Err("its zero point and scale differ in size".into());
        }
        let size =
            usize::try_from(c.int("block_size", 0)).map_err(|_| Stop::from("its block_size is negative"))?;
        let (along, block, inner) = if scale.len() == 1 && size == 0 {
            (1, 1, t.len().max(1))
        } else {
            let axis = c.axis(1, t.rank())?;
            let along = t.shape()[axis];
            let mut blocks = t.shape().to_vec();
            blocks[axis] = along.div_ceil(size.max(1));
            let fits = if size == 0 { scale.shape() == [along] } else { scale.shape() == blocks };
            if !fits {
                return Err(format!(
                    "its scale {:?} does not fit axis {axis} of {:?}",
                    scale.shape(),
                    t.shape()
                )
                .into());
            }
            (along, size, t.shape()[axis + 1..].iter().product())
        };
        let of = |t: &Tensor| t.as_f32().map(<[f32]>::to_vec).unwrap_or_default();
        Ok(Scaled { scale: of(&scale), zero: of(&zero), numbers: t, along, block, inner })
    }

    /// Each element by its scale and zero point.
    fn map(mut self, f: impl Fn(f32, f32, f32) -> f32) -> Tensor {
        let (along, inner) = (self.along.max(1), self.inner.max(1));
        let blocks = along.div_ceil(self.block.max(1));
        let last = self.scale.len().saturating_sub(1);
        let place = |i: usize| match self.block {
            // One scale for the whole axis position, whatever is around it.
            0 => i / inner % along,
            block => (i / (inner * along) * blocks + i / inner % along / block) * inner + i % inner,
        };
        let (scale, zero) = (&self.scale, &self.zero);
        if let Some(v) = self.numbers.as_f32_mut() {
            for (i, v) in v.iter_mut().enumerate() {
                let k = if last == 0 { 0 } else { place(i).min(last) };
                *v = f(*v, scale[k], zero[k]);
            }
        }
        self.numbers
    }
}

/// The smallest and the largest number of a type of integers that weights are quantised to.
fn bounds(t: DataType) -> Option<(f32, f32)> {
    let bits = |bits: i32, signed: bool| match signed {
        true => (-(2f32.powi(bits - 1)), 2f32.powi(bits - 1) - 1.0),
        false => (0.0, 2f32.powi(bits) - 1.0),
    };
    Some(match t.as_str_name() {
        "UINT4" => bits(4, false),
        "INT4" => bits(4, true),
        "UINT8" => bits(8, false),
        "INT8" => bits(8, true),
        "UINT16" => bits(16, false),
        "INT16" => bits(16, true),
        _ => return None,
    })
}

/// QuantizeLinear of a constant: x / scale, rounded to even, plus the zero point, within the bounds of the type.
pub fn quantize(c: &mut Ctx<'_>) -> Done {
    let scaled = Scaled::read(c)?;
    let zero = c.node.input.get(2).and_then(|z| c.b.types.get(z)).copied();
    let named = DataType::try_from(c.int("output_dtype", 0) as i32).unwrap_or(DataType::Undefined);
    let to = match (zero, named) {
        (Some(Element::Tensor(t)), _) => t,
        (_, DataType::Undefined) => DataType::Uint8,
        (_, t) => t,
    };
    let (low, high) = bounds(to).ok_or_else(|| {
        format!(
            "quantises weights to {}; export them quantised, or the float model",
            to.as_str_name().to_lowercase()
        )
    })?;
    let t = scaled.map(|x, scale, zero| ((x / scale).round_ties_even() + zero).clamp(low, high));
    let v: Vec<i64> = t.as_f32().unwrap_or_default().iter().map(|&v| v as i64).collect();
    c.emit_const(Tensor::i64(t.shape(), v))
}

/// DequantizeLinear of a constant: (x − zero point) · scale.
pub fn dequantize(c: &mut Ctx<'_>) -> Done {
    let t = Scaled::read(c)?.map(|x, scale, zero| (x - zero) * scale);
    c.b.notice("quantised weights were dequantised to float32");
    c.emit_const(t)
}
