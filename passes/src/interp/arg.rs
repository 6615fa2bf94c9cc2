//! An operand as a kernel receives it: owned where it dies here, so that its buffer can be reused.

use crate::ir::tensor::{Data, Shared, Tensor};
use std::ops::Deref;

/// One operand.
pub(crate) enum Arg<'a> {
    /// Nobody else reads it: the buffer may be reused.
    Own(Tensor),
    /// Others read it too.
    Shared(Shared),
    /// The caller's.
    Ref(&'a Tensor),
}

impl Deref for Arg<'_> {
    type Target = Tensor;
    fn deref(&self) -> &Tensor {
        match self {
            Arg::Own(t) => t,
            Arg::Shared(t) => t,
            Arg::Ref(t) => t,
        }
    }
}

impl Arg<'_> {
    /// The tensor itself, copied unless it is owned.
    pub fn into_tensor(self) -> Tensor {
        match self {
            Arg::Own(t) => t,
            other => Tensor::clone(&other),
        }
    }
    /// The `f32` elements, in the operand's own buffer where it is free.
    pub fn into_f32(self) -> Result<Vec<f32>, String> {
        self.take_f32().or_else(|x| f32s(&x, "the operand").map(<[f32]>::to_vec))
    }
    /// The owned `f32` buffer, or the operand back.
    pub fn take_f32(self) -> Result<Vec<f32>, Self> {
        match self {
            Arg::Own(t) if t.as_f32().is_some() => match t.into_data() {
                Data::F32(v) => Ok(v),
                other => Err(Arg::Own(Tensor::new([len(&other)], other))),
            },
            other => Err(other),
        }
    }
}

fn len(d: &Data) -> usize {
    match d {
        Data::F32(v) => v.len(),
        Data::I64(v) => v.len(),
        Data::U8(v) => v.len(),
        Data::Bool(v) => v.len(),
    }
}

/// The `f32` elements of an operand, or why there are none.
pub(crate) fn f32s<'a>(t: &'a Tensor, what: &str) -> Result<&'a [f32], String> {
    t.as_f32().ok_or_else(|| format!("{what} is {}, f32 is needed", t.dtype()))
}
