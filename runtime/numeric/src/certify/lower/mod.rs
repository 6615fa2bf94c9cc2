//! From a graph to the steps of one sample. What no step computes is refused by name.

#![deny(clippy::wildcard_enum_match_arm)]

mod elementwise;
mod movement;
mod product;
mod window;

use super::function::Function;
use super::program::{Entry, Program, Step, Work};
use relinc_passes::free_batch::free_batch;
use relinc_passes::head;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{DType, Facts, Graph, NodeId, Op, Tensor};
use std::collections::HashMap;

struct Lower<'g> {
    g: &'g Graph,
    facts: Facts,
    steps: Vec<Step>,
    known: HashMap<NodeId, usize>,
    layers: Vec<(String, usize)>,
}

impl Program {
    /// The steps of a canonical graph under its masks, for one sample. A head is taken off: the classes stay the same.
    ///
    /// # Errors
    /// Names the node that bounds cannot follow, and says why.
    pub fn of(g: &Graph) -> Result<Program, String> {
        let named = |e: Vec<_>| e.first().map(ToString::to_string).unwrap_or_default();
        let mut g = free_batch(g)?;
        let facts = infer(&g).map_err(named)?;
        head::split(&mut g, &facts);
        let facts = infer(&g).map_err(named)?;
        let output = g.only_output()?;
        let mut l = Lower { g: &g, facts, steps: vec![], known: HashMap::new(), layers: vec![] };
        let (input, _) = g.only_input()?;
        let first = l.add(Work::Input, l.len(input));
        l.known.insert(input, first);
        for id in g.topo().map_err(|id| format!("'{}' lies on a cycle", g.node(id).name))? {
            if l.facts.ty(id).dtype == DType::F32 && l.g.const_of(id).is_none() && id != input {
                let step = l.node(id).map_err(|why| l.refused(id, &why))?;
                l.known.insert(id, step);
            }
        }
        let last = l.step(output)?;
        l.steps.truncate(last + 1);
        l.layers.retain(|(_, step)| *step <= last);
        Ok(Program { steps: l.steps, layers: l.layers })
    }
}

impl Lower<'_> {
    fn refused(&self, id: NodeId, why: &str) -> String {
        let node = self.g.node(id);
        format!("{} '{}' cannot be bounded: {why}", node.op.mnemonic(), node.name)
    }

    fn add(&mut self, work: Work, len: usize) -> usize {
        self.steps.push(Step { work, len });
        self.steps.len() - 1
    }

    /// Dimensions for one sample, with the batch of 1.
    fn shape(&self, id: NodeId) -> Vec<usize> {
        self.facts.ty(id).at(1)
    }

    fn len(&self, id: NodeId) -> usize {
        self.facts.ty(id).elements()
    }

    fn operand(&self, id: NodeId, slot: usize) -> Result<NodeId, String> {
        self.g.operand(id, slot).ok_or_else(|| "an operand is missing".into())
    }

    /// The step of a value that is computed.
    fn step(&self, id: NodeId) -> Result<usize, String> {
        let unknown = || format!("its operand '{}' does not depend on the image", self.g.node(id).name);
        self.known.get(&id).copied().ok_or_else(unknown)
    }

    fn read(&self, id: NodeId, slot: usize) -> Result<usize, String> {
        self.step(self.operand(id, slot)?)
    }

    /// A constant operand.
    fn constant(&self, id: NodeId, slot: usize) -> Result<&Tensor, String> {
        let found = self.g.const_operand(id, slot);
        found.map(|t| &**t).ok_or_else(|| format!("operand {slot} is computed from the image"))
    }

    fn numbers(&self, id: NodeId, slot: usize) -> Result<Vec<f32>, String> {
        let t = self.constant(id, slot)?;
        t.as_f32().map(<[f32]>::to_vec).ok_or_else(|| format!("operand {slot} is no f32"))
    }

    fn gate(&mut self, from: usize, f: Function) -> usize {
        let len = self.steps[from].len;
        self.add(Work::Gate { from, functions: vec![f], of: vec![0; len] }, len)
    }

    fn scale(&mut self, from: usize, factor: f32) -> usize {
        let len = self.steps[from].len;
        self.add(Work::Scale { from, factor: vec![factor; len], offset: vec![0.0; len] }, len)
    }

    fn sum(&mut self, a: usize, b: usize) -> usize {
        let len = self.steps[a].len;
        self.add(Work::Sum(a, b), len)
    }

    /// Element `i` of the result is element `places[i]`, or 0 for none.
    fn moved(&mut self, from: usize, places: &[Option<usize>]) -> usize {
        if places.len() == self.steps[from].len && places.iter().enumerate().all(|(i, p)| *p == Some(i)) {
            return from;
        }
        let entry = |(to, p): (usize, &Option<usize>)| {
            p.map(|from| Entry { to: to as u32, from: from as u32, factor: 1.0 })
        };
        let entries = places.iter().enumerate().filter_map(entry).collect();
        self.add(Work::Sparse { from, entries }, places.len())
    }

    /// The larger of two values, element by element: b + max(a − b, 0).
    fn larger(&mut self, a: usize, b: usize) -> usize {
        let negative = self.scale(b, -1.0);
        let difference = self.sum(a, negative);
        let over = self.gate(difference, Function::RELU);
        self.sum(b, over)
    }

    fn node(&mut self, id: NodeId) -> Result<usize, String> {
        let op = self.g.op(id).clone();
        match &op {
            Op::Conv(c) => self.convolution(id, c),
            Op::Linear => self.linear(id),
            Op::MatMul => self.matrix_product(id),
            Op::BatchNorm { eps } => self.batch_norm(id, *eps),
            Op::Relu | Op::CappedRelu { .. } | Op::MaskedRelu { .. } | Op::LeakyRelu { .. } => {
                self.activation(id, &op)
            }
            Op::Clip { min, max } => self.clip(id, *min, *max),
            Op::Unary(u) => self.unary(id, *u),
            Op::Binary(b) => self.binary(id, *b),
            Op::MaxPool(w) => self.max_pool(id, w),
            Op::AvgPool { window, .. } => self.average_pool(id, &op, window),
            Op::GlobalMean { .. } => {
                let rank = self.shape(self.operand(id, 0)?).len();
                self.mean(id, &(2..rank).collect::<Vec<_>>(), true)
            }
            Op::Reduce { kind, axes, .. } => self.reduction(id, *kind, axes),
            Op::Identity | Op::Dropout | Op::Cast(DType::F32) => self.read(id, 0),
            Op::Concat { .. } => self.concatenation(id, &op),
            Op::Pad { .. } | Op::Slice(_) | Op::Gather { .. } => self.movement(id, &op),
            Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => self.movement(id, &op),
            Op::PRelu | Op::Gemm { .. } | Op::Dyn(_) => {
                Err("its parameters are computed from the image".into())
            }
            Op::Softmax { .. } | Op::LogSoftmax { .. } => Err("it is a softmax before the end".into()),
            Op::Compare(_) | Op::Where | Op::ArgMax { .. } => {
                Err("a small change of the image makes it jump".into())
            }
            Op::Cast(_) | Op::Shape { .. } => Err("it is no number of single precision".into()),
            Op::Input(_) | Op::Const(_) => Err("it stands where no value is computed".into()),
        }
    }
}
