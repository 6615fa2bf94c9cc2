//! Activations, and functions of one and two operands.

use super::Lower;
use crate::certify::function::Function;
use crate::certify::program::Work;
use relinc_passes::choice::{Choice, NO_CAP};
use relinc_passes::ir::movement;
use relinc_passes::ir::op::{Binary, Unary};
use relinc_passes::ir::{NodeId, Op};
use relinc_passes::masks::LayerMask;

impl Lower<'_> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "these are all activations")]
    pub(super) fn activation(&mut self, id: NodeId, op: &Op) -> Result<usize, String> {
        let from = self.read(id, 0)?;
        let len = self.steps[from].len;
        let (functions, of) = match op {
            Op::MaskedRelu { .. } => {
                let (_, mask) = LayerMask::of_node(self.g, id).ok_or("its mask is no constant")?;
                if mask.values.len() != len {
                    return Err(format!("its mask has {} elements for {len}", mask.values.len()));
                }
                functions_of(&mask)
            }
            Op::LeakyRelu { slope } => {
                let leaky =
                    Function::Bent { below: (*slope).into(), above: 1.0, beyond: 1.0, cap: f64::INFINITY };
                (vec![leaky], vec![0; len])
            }
            _ => (vec![Function::of(Choice::Relu, op.relu_cap().unwrap_or(NO_CAP), &[])], vec![0; len]),
        };
        let step = self.add(Work::Gate { from, functions, of }, len);
        self.layers.extend(self.g.node(id).layer.clone().map(|name| (name, step)));
        Ok(step)
    }

    /// min + min(max(x − min, 0), max − min), and what is left of it where a bound is missing.
    pub(super) fn clip(&mut self, id: NodeId, min: f32, max: f32) -> Result<usize, String> {
        let from = self.read(id, 0)?;
        let len = self.steps[from].len;
        let shifted = |l: &mut Self, x: usize, by: f32| match by {
            0.0 => x,
            by => l.add(Work::Scale { from: x, factor: vec![1.0; len], offset: vec![by; len] }, len),
        };
        match (min.is_finite(), max.is_finite()) {
            (false, false) => Ok(from),
            (true, _) => {
                let above = shifted(self, from, -min);
                let cap = (f64::from(max) - f64::from(min)) as f32;
                let clipped = self.gate(above, Function::of(Choice::Relu, cap, &[]));
                Ok(shifted(self, clipped, min))
            }
            (false, true) => {
                let below = shifted(self, from, -max);
                let under = Function::Bent { below: 1.0, above: 0.0, beyond: 0.0, cap: f64::INFINITY };
                let clipped = self.gate(below, under);
                Ok(shifted(self, clipped, max))
            }
        }
    }

    pub(super) fn unary(&mut self, id: NodeId, u: Unary) -> Result<usize, String> {
        let from = self.read(id, 0)?;
        match u {
            Unary::Neg => Ok(self.scale(from, -1.0)),
            Unary::Abs => {
                let f = Function::Bent { below: -1.0, above: 1.0, beyond: 1.0, cap: f64::INFINITY };
                Ok(self.gate(from, f))
            }
            Unary::Exp
            | Unary::Log
            | Unary::Sqrt
            | Unary::Reciprocal
            | Unary::Sigmoid
            | Unary::Tanh
            | Unary::Erf
            | Unary::Silu
            | Unary::HardSwish
            | Unary::HardSigmoid
            | Unary::Softplus
            | Unary::Floor
            | Unary::Ceil => Err("only ReLUs, clips and squares are bounded by lines".into()),
        }
    }

    pub(super) fn binary(&mut self, id: NodeId, b: Binary) -> Result<usize, String> {
        let (left, right) = (self.operand(id, 0)?, self.operand(id, 1)?);
        match (self.g.const_of(left).is_some(), self.g.const_of(right).is_some()) {
            (false, false) => self.of_two(id, b, left, right),
            (false, true) => self.with_constant(id, b, left, 1),
            (true, false) => self.with_constant(id, b, right, 0),
            (true, true) => Err("both operands are constants".into()),
        }
    }

    fn of_two(&mut self, id: NodeId, b: Binary, left: NodeId, right: NodeId) -> Result<usize, String> {
        let (x, y) = (self.spread(id, left)?, self.spread(id, right)?);
        match b {
            Binary::Add => Ok(self.sum(x, y)),
            Binary::Sub => {
                let negative = self.scale(y, -1.0);
                Ok(self.sum(x, negative))
            }
            Binary::Mul if x == y => Ok(self.gate(x, Function::SQUARE)),
            Binary::Max => Ok(self.larger(x, y)),
            Binary::Min => {
                let (x, y) = (self.scale(x, -1.0), self.scale(y, -1.0));
                let larger = self.larger(x, y);
                Ok(self.scale(larger, -1.0))
            }
            Binary::Mul | Binary::Div | Binary::Pow => {
                Err("both operands are computed from the image".into())
            }
        }
    }

    /// With a constant in a slot.
    fn with_constant(&mut self, id: NodeId, b: Binary, x: NodeId, slot: usize) -> Result<usize, String> {
        let from = self.spread(id, x)?;
        let constant =
            movement::expand(&self.numbers(id, slot)?, self.constant(id, slot)?.shape(), &self.shape(id));
        let n = constant.len();
        let negative = || constant.iter().map(|c| -c).collect::<Vec<f32>>();
        let (factor, offset) = match (b, slot) {
            (Binary::Add, _) => (vec![1.0; n], constant),
            (Binary::Sub, 1) => (vec![1.0; n], negative()),
            (Binary::Sub, _) => (vec![-1.0; n], constant),
            (Binary::Mul, _) => (constant, vec![0.0; n]),
            (Binary::Div, 1) => (constant.iter().map(|c| 1.0 / c).collect(), vec![0.0; n]),
            (Binary::Pow, 1) if constant.iter().all(|&c| c == 2.0) => {
                return Ok(self.gate(from, Function::SQUARE));
            }
            (Binary::Max, _) => {
                let under = self.add(Work::Scale { from, factor: vec![1.0; n], offset: negative() }, n);
                let over = self.gate(under, Function::RELU);
                return Ok(self.add(Work::Scale { from: over, factor: vec![1.0; n], offset: constant }, n));
            }
            (Binary::Min, _) => {
                let over = self.add(Work::Scale { from, factor: vec![1.0; n], offset: negative() }, n);
                let f = Function::Bent { below: 1.0, above: 0.0, beyond: 0.0, cap: f64::INFINITY };
                let under = self.gate(over, f);
                return Ok(self.add(Work::Scale { from: under, factor: vec![1.0; n], offset: constant }, n));
            }
            (Binary::Div | Binary::Pow, _) => {
                return Err("of the image it divides by, or takes it to a power, that is no square".into());
            }
        };
        Ok(self.add(Work::Scale { from, factor, offset }, n))
    }
}

/// The different functions of a mask, and which of them each element is.
fn functions_of(mask: &LayerMask) -> (Vec<Function>, Vec<u32>) {
    let mut functions: Vec<Function> = vec![];
    let of = mask.elements().map(|(choice, p)| {
        let f = Function::of(choice, mask.cap, p);
        // Neighbours are mostly alike, and those of one channel are few.
        let at = functions.iter().rposition(|&g| g == f).unwrap_or_else(|| {
            functions.push(f);
            functions.len() - 1
        });
        at as u32
    });
    let of = of.collect();
    (functions, of)
}
