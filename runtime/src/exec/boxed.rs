//! Intervals through a [`Network`], with gradients: what every input of a box makes of the output, for certified training.

#![deny(clippy::wildcard_enum_match_arm)]

use super::forward::{Call, Gate};
use super::generic;
use super::network::{Network, Source, Step};
use super::ops;
use super::value::{Value, upload};
use burn::tensor::Tensor as Burn;
use relinc_passes::ir::op::ReduceKind;
use relinc_passes::ir::{Binary, DType, Op};

/// A box: every value no further than `radius` from `middle`, element by element.
#[derive(Debug, Clone)]
pub struct Boxed {
    /// Its middle.
    pub middle: Value,
    /// How far it reaches to both sides.
    pub radius: Value,
}

/// An operand: a box, or a number that is known.
enum Operand<'a> {
    Boxed(&'a Boxed),
    Known(Box<Value>),
}

impl Boxed {
    /// Between two corners of one shape.
    pub fn between(low: &Value, high: &Value) -> Boxed {
        let half = |v: Burn<1>| Value::new(v * 0.5, low.shape());
        Boxed { middle: half(high.flat() + low.flat()), radius: half((high.flat() - low.flat()).abs()) }
    }

    /// The logits that are worst for a label a row, rows × classes: the label's at its least, all others at their most.
    pub fn worst(&self, labels: &[usize]) -> Burn<2> {
        let classes = self.middle.len() / labels.len().max(1);
        let dims = [labels.len(), classes];
        let side = |k: usize| if k % classes == labels[k / classes] { -1.0 } else { 1.0 };
        let sides = upload((0..self.middle.len()).map(side).collect(), &self.middle.flat().device());
        self.middle.view(dims) + self.radius.view(dims) * sides.reshape(dims)
    }

    fn corners(&self) -> [Value; 2] {
        let (m, r) = (self.middle.flat(), self.radius.flat());
        [m.clone() - r.clone(), m + r].map(|v| Value::new(v, self.middle.shape()))
    }

    /// What a function that rises or falls everywhere makes of it.
    fn monotone(&self, f: impl Fn(&Value) -> Result<Value, String>) -> Result<Boxed, String> {
        let [low, high] = self.corners();
        Ok(Boxed::between(&f(&low)?, &f(&high)?))
    }
}

fn magnitudes(v: &Value) -> Value {
    Value::new(v.flat().abs(), v.shape())
}

impl Network {
    /// The box that holds the outputs of all inputs in a box, by intervals from layer to layer; normalisations are by their running
    /// statistics, whatever `call` says.
    ///
    /// # Errors
    /// Operations without bounds, named by node: quadratic elements and learned slopes among them.
    pub fn boxed(&self, input: Boxed, call: &Call<'_>) -> Result<Boxed, String> {
        let batch = input.middle.batch();
        let mut values: Vec<Option<Boxed>> = vec![None; self.steps.len()];
        for (i, step) in self.steps.iter().enumerate() {
            let operand = |s: &Source| match s {
                Source::Node(i) => values[*i].as_ref().map(Operand::Boxed),
                Source::Const(_) | Source::Param(_) => {
                    self.operand(s, &[], call).map(|v| Operand::Known(Box::new(v)))
                }
            };
            let y = if matches!(step.op, Op::Input(_)) {
                input.clone()
            } else {
                let args: Option<Vec<Operand<'_>>> = step.operands.iter().map(operand).collect();
                self.box_of(step, &args.ok_or("a value is missing")?, call, batch)
                    .map_err(|e| format!("{} '{}': {e}", step.op.mnemonic(), step.name))?
            };
            values[i] = Some(y);
            self.last_use[i].iter().for_each(|&v| values[v] = None);
        }
        values[self.output].take().ok_or_else(|| "the output was not computed".into())
    }

    fn box_of(
        &self,
        step: &Step,
        args: &[Operand<'_>],
        call: &Call<'_>,
        batch: usize,
    ) -> Result<Boxed, String> {
        let apply = |args: &[Value]| generic::apply(&step.op, args, self.facts.ty(step.id), batch);
        let alone = |v: &Value| apply(std::slice::from_ref(v));
        let Some(Operand::Boxed(x)) = args.first() else { return Err("has no box".into()) };
        if let Some(r) = step.relu {
            let gate = &call.gates[r];
            let soft = matches!(gate.beyond, Some(super::Beyond::Slopes(..)));
            if soft || gate.curve.is_some() || gate.learned.is_some() || gate.square.is_some() {
                return Err("has quadratic elements or learned slopes, which have no boxes".into());
            }
            let Gate { pos, neg, .. } = gate;
            return x.monotone(|v| Ok(gate.under_ceiling(ops::gate(v, pos.clone(), neg.clone()))));
        }
        if let Some(site) = step.norm {
            let [factor, offset] = self.running(site, call);
            let radius = ops::affine(&x.radius, factor.clone().abs(), offset.clone() * 0.0);
            return Ok(Boxed { middle: ops::affine(&x.middle, factor, offset), radius });
        }
        match (&step.op, &args[1..]) {
            (Op::Conv(c), [Operand::Known(w), bias @ ..]) => {
                let b = bias.first().and_then(known);
                let radius = ops::conv(&x.radius, &magnitudes(w), None, c)?;
                Ok(Boxed { middle: ops::conv(&x.middle, w, b, c)?, radius })
            }
            (Op::Linear | Op::MatMul | Op::Gemm { .. }, [Operand::Known(w), bias @ ..]) => {
                let middle = [x.middle.clone(), w.as_ref().clone()].into_iter();
                let middle =
                    apply(&middle.chain(bias.iter().filter_map(known).cloned()).collect::<Vec<_>>())?;
                // A product's factor may be negative.
                Ok(Boxed { middle, radius: magnitudes(&apply(&[x.radius.clone(), magnitudes(w)])?) })
            }
            (Op::Binary(Binary::Add | Binary::Sub), [Operand::Boxed(y)]) => {
                let (ty, radii) = (self.facts.ty(step.id), [x.radius.clone(), y.radius.clone()]);
                let radius = generic::apply(&Op::Binary(Binary::Add), &radii, ty, batch)?;
                Ok(Boxed { middle: apply(&[x.middle.clone(), y.middle.clone()])?, radius })
            }
            (Op::Binary(Binary::Add | Binary::Sub), [Operand::Known(c)]) => {
                let none = Value::new(c.flat() * 0.0, c.shape());
                let radius = apply(&[x.radius.clone(), none])?;
                Ok(Boxed { middle: apply(&[x.middle.clone(), c.as_ref().clone()])?, radius })
            }
            (Op::Binary(Binary::Mul | Binary::Div), [Operand::Known(c)]) => Ok(Boxed {
                middle: apply(&[x.middle.clone(), c.as_ref().clone()])?,
                radius: apply(&[x.radius.clone(), magnitudes(c)])?,
            }),
            (Op::MaxPool(_) | Op::Pad { .. } | Op::Relu | Op::CappedRelu { .. } | Op::Clip { .. }, [])
            | (Op::Reduce { kind: ReduceKind::Max, .. }, []) => x.monotone(alone),
            (
                Op::Identity
                | Op::Reshape(_)
                | Op::Cast(DType::F32)
                | Op::AvgPool { .. }
                | Op::GlobalMean { .. }
                | Op::Reduce { kind: ReduceKind::Mean | ReduceKind::Sum, .. }
                | Op::Slice(_)
                | Op::Transpose(_)
                | Op::Expand(_),
                _,
            ) => Ok(Boxed { middle: alone(&x.middle)?, radius: alone(&x.radius)? }),
            _ => Err("has no box; leave train_box out".into()),
        }
    }
}

fn known<'a>(o: &'a Operand<'_>) -> Option<&'a Value> {
    match o {
        Operand::Known(v) => Some(v),
        Operand::Boxed(_) => None,
    }
}
