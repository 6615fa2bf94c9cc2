//! What a handler sees of the node it imports.

use super::attrs::Attrs;
use super::builder::{Builder, Value};
use crate::ir::infer::Fact;
use crate::ir::{Dim, NodeId, Op, Shared, Tensor, Type};
use crate::proto::NodeProto;

/// Why a handler gave up.
#[derive(Debug)]
pub enum Stop {
    /// An operand was refused before: nothing to report.
    Operand,
    /// The reason to report.
    Why(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Stop {
        Stop::Why(why)
    }
}

impl From<&str> for Stop {
    fn from(why: &str) -> Stop {
        Stop::Why(why.into())
    }
}

/// A handler's verdict.
pub type Done = Result<(), Stop>;

/// One node being imported.
pub struct Ctx<'a> {
    /// Where it goes.
    pub b: &'a mut Builder,
    /// The node.
    pub node: NodeProto,
    /// The operator set it is written in.
    pub opset: i64,
}

impl Attrs for Ctx<'_> {
    fn attr(&self, name: &str) -> Option<&crate::proto::AttributeProto> {
        self.node.attr(name)
    }
}

impl Ctx<'_> {
    /// Is operand `i` given?
    pub fn has(&self, i: usize) -> bool {
        self.node.input.get(i).is_some_and(|n| !n.is_empty())
    }
    /// Operand `i`, which the operation cannot do without.
    pub fn need(&mut self, i: usize) -> Result<NodeId, Stop> {
        match self.node.input.get(i).filter(|n| !n.is_empty()).cloned() {
            Some(name) => self.b.value(&name),
            None => Err(Stop::Why(format!("lacks operand {i}"))),
        }
    }
    /// The first `n` operands; those left out become the absent constant, trailing ones vanish.
    pub fn operands(&mut self, n: usize) -> Result<Vec<NodeId>, Stop> {
        let last = (0..n).rev().find(|&i| self.has(i)).map_or(0, |i| i + 1);
        (0..last).map(|i| if self.has(i) { self.need(i) } else { self.b.absent() }).collect()
    }
    /// Every operand of a variadic operation.
    pub fn all(&mut self) -> Result<Vec<NodeId>, Stop> {
        (0..self.node.input.len()).map(|i| self.need(i)).collect()
    }
    /// What is known of a value.
    pub fn fact(&self, id: NodeId) -> Result<&Fact, Stop> {
        self.b.facts.get(id).ok_or(Stop::Operand)
    }
    /// A value's type.
    pub fn ty(&self, id: NodeId) -> Result<Type, Stop> {
        Ok(self.fact(id)?.ty.clone())
    }
    /// A value's dimensions, when none is the batch.
    pub fn fixed_dims(&self, id: NodeId) -> Result<Option<Vec<usize>>, Stop> {
        Ok(self.fact(id)?.ty.dims.iter().map(|d| d.fixed()).collect())
    }
    /// The constant behind a value, through Identity nodes, or what it was found to be.
    pub fn konst(&self, mut id: NodeId) -> Option<Shared> {
        while matches!(self.b.graph.op(id), Op::Identity) {
            id = self.b.graph.operand(id, 0)?;
        }
        self.b.known(id)
    }
    /// The integers of operand `i`, if it is given and they do not depend on the batch.
    pub fn fixed_ints(&mut self, i: usize) -> Result<Option<Vec<i64>>, Stop> {
        if !self.has(i) {
            return Ok(None);
        }
        let id = self.need(i)?;
        Ok(self.fact(id)?.fixed_ints())
    }

    /// The name of output `k`, if anyone could read it.
    pub fn output(&self, k: usize) -> Option<String> {
        self.node.output.get(k).filter(|n| !n.is_empty()).cloned()
    }
    /// Does anyone read output `k`?
    pub fn reads_output(&self, k: usize) -> bool {
        self.output(k).is_some_and(|n| self.b.reads.contains(&n))
    }
    /// Makes output 0.
    pub fn emit(&mut self, op: Op, operands: &[NodeId]) -> Done {
        self.emit_at(0, op, operands)
    }
    /// Makes the node's first output of its first `n` operands.
    pub fn plain(&mut self, op: Op, n: usize) -> Done {
        let operands = (0..n).map(|i| self.need(i)).collect::<Result<Vec<_>, _>>()?;
        self.emit(op, &operands)
    }
    /// Makes output `k`.
    pub fn emit_at(&mut self, k: usize, op: Op, operands: &[NodeId]) -> Done {
        let Some(name) = self.output(k) else { return Ok(()) };
        let id = self.b.add(&name, op, operands)?;
        self.b.values.insert(name, Value::Node(id));
        Ok(())
    }
    /// Makes output 0 a constant.
    pub fn emit_const(&mut self, t: Tensor) -> Done {
        self.emit(Op::Const(t.into()), &[])
    }
    /// Makes a value on the way to output 0.
    pub fn helper(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, Stop> {
        let base = self.output(0).unwrap_or_default();
        let name = self.b.helper_name(&base);
        self.b.add(&name, op, operands)
    }
    /// An axis attribute as an index into a value of this rank.
    pub fn axis(&self, default: i64, rank: usize) -> Result<usize, Stop> {
        Ok(crate::ir::infer::norm_axis(self.int("axis", default), rank)?)
    }
    /// The number of images that the file fixed, where the first dimension of a value is that batch.
    pub fn was_fixed(&self, id: NodeId) -> Result<Option<usize>, Stop> {
        Ok(self
            .b
            .rebatched
            .filter(|_| self.b.facts.get(id).is_some_and(|f| f.ty.dims.first() == Some(&Dim::Batch))))
    }
    /// Does a value follow from constants alone?
    pub fn is_constant(&self, id: NodeId) -> bool {
        self.b.is_constant(id)
    }
}
