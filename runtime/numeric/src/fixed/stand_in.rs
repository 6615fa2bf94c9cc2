//! Operations that every runtime approximates in its own way: computed on the real numbers, then encoded.

use super::emulator::Value;
use super::format::decode;
use super::lane::Word;
use super::ops::Done;
use super::rules::Rules;
use relinc_passes::interp::eval_const;
use relinc_passes::ir::op::Op;
use relinc_passes::ir::{Shared, Tensor};
use std::sync::Arc;

/// The operation on the numbers that its operands stand for. The error that a runtime's approximation adds is not in it.
pub fn stand_in<W: Word>(r: Rules, op: &Op, args: &[&Value<W>]) -> Done<W> {
    let fraction = r.format.fraction;
    let real = |a: &&Value<W>| -> Shared {
        match a {
            Value::Ring(shape, v) => {
                Arc::new(Tensor::f32(&**shape, v.iter().map(|&x| decode(x, fraction) as f32).collect()))
            }
            Value::Bool(shape, v) => Arc::new(Tensor::bool(&**shape, v.clone())),
            Value::Public(t) => t.clone(),
        }
    };
    let args: Vec<Shared> = args.iter().map(real).collect();
    let y = eval_const(op, &args.iter().map(|t| &**t).collect::<Vec<_>>())?;
    let Some(v) = y.as_f32() else {
        return Ok((
            match y.as_bool() {
                Some(v) => Value::Bool(y.shape().to_vec(), v.to_vec()),
                None => Value::Public(Arc::new(y)),
            },
            None,
        ));
    };
    let encoded: Vec<W> = v.iter().map(|&x| r.number(x)).collect();
    let unit = f64::from(fraction).exp2();
    // What does not fit was held within the ring by encoding; the numbers themselves say so.
    let seen = r.sums(&encoded, f64::INFINITY, || v.iter().map(|&x| f64::from(x) * unit).collect());
    Ok((Value::Ring(y.shape().to_vec(), encoded), Some(seen)))
}
