//! Operations that treat each element alone; in place where the operand dies.

use super::arg::{Arg, f32s};
use super::par::pieces;
use crate::choice::Choice;
use crate::ir::op::Unary;
use crate::ir::tensor::{DType, Data, Tensor};

/// Applies `f` to every element, in the operand's own buffer where it is free.
pub(crate) fn map(x: Arg<'_>, f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor, String> {
    let shape = x.shape().to_vec();
    let mut v = x.into_f32()?;
    pieces(&mut v, 1, |_, p| p.iter_mut().for_each(|e| *e = f(*e)));
    Ok(Tensor::f32(shape, v))
}

/// max(x, 0); not-a-number stays.
pub(crate) fn relu(x: Arg<'_>) -> Result<Tensor, String> {
    map(x, |v| if v < 0.0 { 0.0 } else { v })
}

/// x where positive, slope·x elsewhere.
pub(crate) fn leaky_relu(x: Arg<'_>, slope: f32) -> Result<Tensor, String> {
    map(x, |v| if v < 0.0 { slope * v } else { v })
}

/// min(max(x, min), max), on floats and integers.
pub(crate) fn clip(x: Arg<'_>, min: f32, max: f32) -> Result<Tensor, String> {
    if let Some(v) = x.as_i64() {
        let bound = |v: i64| if (v as f32) < min { min as i64 } else { v };
        let v = v.iter().map(|&v| if (v as f32) > max { max as i64 } else { bound(v) }).collect();
        return Ok(Tensor::i64(x.shape(), v));
    }
    map(x, |v| {
        let v = if v < min { min } else { v };
        if v > max { max } else { v }
    })
}

/// Where each channel's elements are: `(channels, elements of a channel)` of `[N,C,…]`.
pub(crate) fn channels(shape: &[usize]) -> (usize, usize) {
    (shape[1], shape[2..].iter().product())
}

/// Each element of a sample as its choice says, with its channel's parameters.
pub(crate) fn masked_relu(
    x: Arg<'_>,
    cap: f32,
    mask: &Tensor,
    parameters: Vec<(Choice, &Tensor)>,
) -> Result<Tensor, String> {
    let shape = x.shape().to_vec();
    let codes = mask.as_u8().ok_or("the mask must be u8")?;
    let m = Choice::of_codes(codes)
        .map_err(|i| format!("the mask holds {}; a meaning have {}", codes[i], Choice::codes()))?;
    let given = parameters.into_iter().map(|(c, t)| Ok((c, f32s(t, "a parameter")?)));
    let given = given.collect::<Result<Vec<(Choice, &[f32])>, String>>()?;
    let of_channel = |choice: Choice, channel: usize| {
        let neutral = choice.neutral();
        let row = given.iter().find(|(c, _)| *c == choice);
        row.map_or(neutral, |(_, p)| &p[channel * neutral.len()..][..neutral.len()])
    };
    let inner: usize = shape.get(2..).map_or(1, |s| s.iter().product());
    let mut v = x.into_f32()?;
    pieces(&mut v, m.len() * 4, |_, p| {
        for sample in p.chunks_exact_mut(m.len().max(1)) {
            for (c, (plane, m)) in sample.chunks_mut(inner).zip(m.chunks(inner)).enumerate() {
                for choice in Choice::ALL {
                    let p = of_channel(choice, c);
                    for (e, m) in plane.iter_mut().zip(m) {
                        // A choice between two values, not a branch: masks are as good as random.
                        let value = choice.value(*e, cap, p);
                        *e = if *m == choice { value } else { *e };
                    }
                }
            }
        }
    });
    Ok(Tensor::f32(shape, v))
}

/// The functions of one operand, some also of integers.
pub(crate) fn unary(u: Unary, x: Arg<'_>) -> Result<Tensor, String> {
    if let Some(v) = x.as_i64() {
        let f = u.function().whole.ok_or("is not defined on integers")?;
        return Ok(Tensor::i64(x.shape(), v.iter().map(|&v| f(v)).collect()));
    }
    let shape = x.shape().to_vec();
    let mut v = x.into_f32()?;
    pieces(&mut v, 1, |_, p| (u.function().apply)(p));
    Ok(Tensor::f32(shape, v))
}

/// Element type conversion: floats to integers towards zero, anything to `bool` by being non-zero.
pub(crate) fn cast(x: Arg<'_>, to: DType) -> Tensor {
    if x.dtype() == to {
        return x.into_tensor();
    }
    macro_rules! from {
        ($v:expr, $zero:expr, $num:expr) => {
            match to {
                DType::F32 => Data::F32($v.iter().map(|&e| $num(e) as f32).collect()),
                DType::I64 => Data::I64($v.iter().map(|&e| $num(e) as i64).collect()),
                DType::U8 => Data::U8($v.iter().map(|&e| $num(e) as u8).collect()),
                DType::Bool => Data::Bool($v.iter().map(|&e| e != $zero).collect()),
            }
        };
    }
    let data = match x.data() {
        Data::F32(v) => from!(v, 0.0, |e: f32| e),
        Data::I64(v) => from!(v, 0, |e: i64| e),
        Data::U8(v) => from!(v, 0, |e: u8| e),
        Data::Bool(v) => from!(v, false, |e: bool| u8::from(e)),
    };
    Tensor::new(x.shape(), data)
}
