//! From a graph to steps: what follows a convolution is put into it where nothing else reads what is between.

use super::plain::{apart, by_image};
use super::step::{Arg, Step, Window, Work};
use super::{Blocks, Held, affine};
use crate::kernels::block::{Activation, Convolution, Planes};
use crate::kernels::conv::ConvShape;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::movement::slice_range;
use relinc_passes::ir::op::Binary;
use relinc_passes::ir::schedule::last_uses;
use relinc_passes::ir::{Facts, Graph, NodeId, Op, Shared};
use relinc_passes::masks::LayerMask;
use std::collections::HashMap;
use std::sync::Mutex;

/// A convolution, until it is known how its operand lies.
struct Draft {
    shape: ConvShape,
    weights: Shared,
    bias: Option<Shared>,
    from: usize,
    to: usize,
}

struct Builder<'g> {
    g: &'g Graph,
    facts: Facts,
    steps: Vec<Step>,
    values: Vec<Held>,
    drafts: Vec<Draft>,
    /// The value of a node as it is computed, and as the other kind.
    native: HashMap<NodeId, usize>,
    other: HashMap<usize, usize>,
}

pub(super) fn build(g: &Graph) -> Result<Blocks, String> {
    let (_, ty) = g.only_input()?;
    let output = g.only_output()?;
    let facts = infer(g).map_err(|e| e.first().map(ToString::to_string).unwrap_or_default())?;
    if !by_image(ty) || !by_image(facts.ty(output)) {
        return Err("the batch is not free".into());
    }
    let (input, out) = (ty.per_sample(), facts.ty(output).per_sample());
    let mut b = Builder {
        g,
        facts,
        steps: vec![],
        values: vec![],
        drafts: vec![],
        native: HashMap::new(),
        other: HashMap::new(),
    };
    let result = b.value(output)?;
    let result = b.plain(result);
    Ok(b.finish(input, out, result))
}

impl Builder<'_> {
    /// Channels, rows and columns of a value that lies in blocks.
    fn planes(&self, n: NodeId) -> Option<Planes> {
        let ty = self.facts.ty(n);
        let four = by_image(ty) && ty.rank() == 4 && ty.dtype == relinc_passes::ir::DType::F32;
        let [c, h, w] = ty.per_sample().try_into().ok().filter(|_| four)?;
        Some(Planes::new(c, h, w)).filter(|p| !p.is_empty())
    }

    fn held(&mut self, held: Held) -> usize {
        self.values.push(held);
        self.values.len() - 1
    }

    fn new_block(&mut self, p: Planes) -> usize {
        self.held(Held::Block(p, usize::MAX))
    }

    /// Adds a step; returns what it writes.
    fn step(&mut self, work: Work, reads: Vec<usize>, to: usize) -> usize {
        self.steps.push(Step { work, reads, to });
        to
    }

    /// The value as a tensor.
    fn plain(&mut self, v: usize) -> usize {
        if let Held::Plain = self.values[v] {
            return v;
        }
        if let Some(&known) = self.other.get(&v) {
            return known;
        }
        let to = self.held(Held::Plain);
        self.step(Work::Store, vec![v], to);
        self.other.insert(v, to);
        to
    }

    /// The value of a node as a block.
    fn block(&mut self, n: NodeId) -> Result<usize, String> {
        let v = self.value(n)?;
        if let Held::Block(..) = self.values[v] {
            return Ok(v);
        }
        if let Some(&known) = self.other.get(&v) {
            return Ok(known);
        }
        let p = self.planes(n).ok_or_else(|| self.unfit(n))?;
        let to = self.new_block(p);
        self.step(Work::Fill, vec![v], to);
        self.other.insert(v, to);
        Ok(to)
    }

    fn unfit(&self, n: NodeId) -> String {
        let node = self.g.node(n);
        format!("{} '{}' may mix the images of a batch", node.op.mnemonic(), node.name)
    }

    /// Whether nothing but one other node reads a node's value.
    fn single(&self, n: NodeId) -> bool {
        self.g.use_count(n) == 1
    }

    /// Whether nothing but `n` reads `x`, be it twice.
    fn alone(&self, n: NodeId, x: NodeId) -> bool {
        !self.g.is_output(x) && self.g.users(x).iter().all(|(user, _)| *user == n)
    }

    /// The value of a node, computed by steps that are added where there are none yet.
    fn value(&mut self, n: NodeId) -> Result<usize, String> {
        if let Some(&v) = self.native.get(&n) {
            return Ok(v);
        }
        let fused = self.planes(n).map(|p| self.fused(n, p)).transpose()?.flatten();
        let v = match fused {
            Some(v) => v,
            None => self.interpreted(n)?,
        };
        self.native.insert(n, v);
        Ok(v)
    }

    /// A value that blocks have a kernel for.
    fn fused(&mut self, n: NodeId, p: Planes) -> Result<Option<usize>, String> {
        let g = self.g;
        let first = |n| g.operand(n, 0).filter(|&o| g.const_of(o).is_none());
        if let Op::Input(_) = g.op(n) {
            let to = self.new_block(p);
            return Ok(Some(self.step(Work::Load, vec![], to)));
        }
        if let (Op::Identity, Some(x)) = (g.op(n), first(n)) {
            return self.block(x).map(Some);
        }
        if let (Some(window), Some(x)) = (self.window(n), first(n)) {
            let from = self.block(x)?;
            let to = self.new_block(p);
            return Ok(Some(self.step(Work::Part(window), vec![from], to)));
        }
        let activation = match g.op(n) {
            Op::Relu => Some(Activation::Relu),
            Op::CappedRelu { cap } => Some(Activation::Capped(*cap)),
            Op::MaskedRelu { .. } => {
                let mask = LayerMask::of_node(g, n).filter(|(_, m)| m.values.len() == p.image());
                mask.and_then(|(_, m)| affine::masked(&m))
            }
            Op::Binary(b) if first(n).is_some_and(|x| self.planes(x) == Some(p)) => {
                affine::elementwise(g, n, *b, p.image())
            }
            _ => None,
        };
        let Some(activation) = activation else { return self.linear(n, p, Activation::Identity) };
        let Some(x) = first(n) else { return Ok(None) };
        if self.alone(n, x)
            && !self.native.contains_key(&x)
            && let Some(v) = self.linear(x, p, activation.clone())?
        {
            return Ok(Some(v));
        }
        let from = self.block(x)?;
        Ok(Some(self.pointwise(from, None, None, activation, p)))
    }

    /// A sum, a convolution or a scaling, and an activation after it.
    fn linear(&mut self, n: NodeId, p: Planes, activation: Activation) -> Result<Option<usize>, String> {
        let g = self.g;
        if let Some((x, scale, shift)) = affine::factors(g, n, p.channels) {
            if self.planes(x) != Some(p) {
                return Ok(None);
            }
            let from = self.block(x)?;
            return Ok(Some(self.pointwise(from, Some((scale, shift)), None, activation, p)));
        }
        match g.op(n) {
            Op::Conv(_) => self.convolution(n, p, None, activation),
            Op::Binary(Binary::Add) => {
                let (Some(a), Some(b)) = (g.operand(n, 0), g.operand(n, 1)) else { return Ok(None) };
                if a == b || self.planes(a) != Some(p) || self.planes(b) != Some(p) {
                    return Ok(None);
                }
                for (conv, residual) in [(b, a), (a, b)] {
                    let free = self.single(conv) && !self.native.contains_key(&conv);
                    if free && matches!(g.op(conv), Op::Conv(_)) {
                        let residual = self.block(residual)?;
                        if let Some(v) = self.convolution(conv, p, Some(residual), activation.clone())? {
                            return Ok(Some(v));
                        }
                    }
                }
                let (from, residual) = (self.block(a)?, self.block(b)?);
                Ok(Some(self.pointwise(from, None, Some(residual), activation, p)))
            }
            _ => Ok(None),
        }
    }

    fn pointwise(
        &mut self,
        from: usize,
        factors: Option<(Vec<f32>, Vec<f32>)>,
        residual: Option<usize>,
        activation: Activation,
        p: Planes,
    ) -> usize {
        let to = self.new_block(p);
        let reads = std::iter::once(from).chain(residual).collect();
        self.step(Work::Pointwise { factors, activation }, reads, to)
    }

    fn convolution(
        &mut self,
        n: NodeId,
        p: Planes,
        residual: Option<usize>,
        activation: Activation,
    ) -> Result<Option<usize>, String> {
        let g = self.g;
        let (Op::Conv(c), Some(x)) = (g.op(n), g.operand(n, 0)) else { return Ok(None) };
        let bias_free = g.operand(n, 2).is_none_or(|b| g.const_of(b).is_some());
        let (Some(weights), Some(read)) = (g.const_operand(n, 1), self.planes(x)) else { return Ok(None) };
        let Ok(sizes) = <[usize; 4]>::try_from(weights.shape()) else { return Ok(None) };
        if !bias_free || weights.as_f32().is_none() {
            return Ok(None);
        }
        let shape = ConvShape::of(c, [1, read.channels, read.rows, read.columns], sizes);
        let from = self.block(x)?;
        let border = Convolution::border(&shape);
        if let Held::Block(p, _) = &mut self.values[from] {
            p.border.iter_mut().zip(border).for_each(|(has, wants)| *has = wants.max(*has));
        }
        let to = self.new_block(p);
        let kernel = self.drafts.len();
        let bias = g.const_operand(n, 2).cloned();
        self.drafts.push(Draft { shape, weights: weights.clone(), bias, from, to });
        let name = shape.to_string();
        let reads = std::iter::once(from).chain(residual).collect();
        Ok(Some(self.step(Work::Conv { kernel, name, activation }, reads, to)))
    }

    /// The part of its operand that a node is, if it is one.
    fn window(&self, n: NodeId) -> Option<Window> {
        let whole = Window { skipped: 0, rows: (0, 1), columns: (0, 1) };
        match self.g.op(n) {
            Op::Slice(axes) => {
                let from = self.planes(self.g.operand(n, 0)?)?;
                let mut w = whole;
                for a in axes {
                    let step = usize::try_from(a.step).ok().filter(|s| *s > 0)?;
                    match a.axis {
                        2 => w.rows = (slice_range(a, from.rows).0, step),
                        3 => w.columns = (slice_range(a, from.columns).0, step),
                        _ => return None,
                    }
                }
                Some(w)
            }
            Op::Pad { before, after, value } => {
                self.planes(self.g.operand(n, 0)?)?;
                let only = |v: &[usize]| v.len() == 4 && v[0] + v[2] + v[3] == 0;
                (only(before) && only(after) && *value == 0.0)
                    .then_some(Window { skipped: before[1], ..whole })
            }
            _ => None,
        }
    }

    /// A value that the interpreter computes, or that is a mean.
    fn interpreted(&mut self, n: NodeId) -> Result<usize, String> {
        let g = self.g;
        if let Op::Input(_) = g.op(n) {
            let to = self.held(Held::Plain);
            return Ok(self.step(Work::Load, vec![], to));
        }
        if !apart(g, &self.facts, n) {
            return Err(self.unfit(n));
        }
        let operands = g.operands(n);
        if let (Op::GlobalMean { .. }, Some(_)) = (g.op(n), self.planes(operands[0])) {
            let from = self.block(operands[0])?;
            let to = self.held(Held::Plain);
            return Ok(self.step(Work::Mean(self.facts.ty(n).per_sample()), vec![from], to));
        }
        let (mut args, mut reads) = (vec![], vec![]);
        for o in operands {
            args.push(match g.const_of(o) {
                Some(t) => Arg::Const(t.clone()),
                None => {
                    let v = self.value(o)?;
                    reads.push(self.plain(v));
                    Arg::Value(reads[reads.len() - 1])
                }
            });
        }
        let to = self.held(Held::Plain);
        Ok(self.step(Work::Plain { op: g.op(n).clone(), args }, reads, to))
    }

    /// Gives every block a buffer and every convolution its kernel. Blocks that lie alike take turns, so that borders stay zero.
    fn finish(mut self, input: Vec<usize>, output: Vec<usize>, result: usize) -> Blocks {
        let touched: Vec<Vec<usize>> =
            self.steps.iter().map(|s| s.reads.iter().copied().chain([s.to]).collect()).collect();
        let dying = last_uses(&touched, self.values.len(), &[]);
        let (mut buffers, mut free): (Vec<usize>, HashMap<Planes, Vec<usize>>) = (vec![], HashMap::new());
        for (s, dying) in self.steps.iter().zip(dying) {
            if let Held::Block(p, buffer) = &mut self.values[s.to] {
                *buffer = free.entry(*p).or_default().pop().unwrap_or_else(|| {
                    buffers.push(p.len());
                    buffers.len() - 1
                });
            }
            for v in dying {
                if let Held::Block(p, buffer) = self.values[v] {
                    free.entry(p).or_default().push(buffer);
                }
            }
        }
        let place = |v: usize| match self.values[v] {
            Held::Block(p, _) => p,
            Held::Plain => Planes::new(0, 0, 0),
        };
        let kernel = |d: &Draft| {
            let weights = d.weights.as_f32().unwrap_or_default();
            let bias = d.bias.as_ref().and_then(|b| b.as_f32());
            Convolution::new(&d.shape, weights, bias, place(d.from), place(d.to))
        };
        let kernels = self.drafts.iter().map(kernel).collect();
        let Builder { steps, values, .. } = self;
        Blocks { steps, kernels, values, buffers, input, output, result, idle: Mutex::default() }
    }
}
