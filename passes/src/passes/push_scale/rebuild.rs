//! The patch that gives classes of channels their new scales.

use super::classes::{Classes, channels, is_product, takes_scales, with_constant};
use super::{Change, Scale};
use crate::driver::Cx;
use crate::driver::patch::{Patch, Ref};
use crate::ir::op::SliceAxis;
use crate::ir::stored::Factors;
use crate::ir::{Binary, NodeId, Op, Tensor, Unary};
use std::collections::HashMap;

/// How many times larger a value may become, and the largest constant: with 18 fraction bits a weight then keeps the
/// rounding error it has in what it multiplies below 2^-10.
const GROWTH: f64 = 256.0;
/// What a ReLU turns to zero may be larger.
const DEPTH: f64 = -65536.0;

/// Divides every value of a class by its factor and leaves `rest` of the product at `at`; an error says what forbids it.
pub fn patch(
    cx: &Cx<'_>,
    at: NodeId,
    s: &Scale,
    classes: &Classes,
    change: &Change,
) -> Result<Patch, String> {
    let mut b = Builder { cx, classes, change, patch: Patch::new(), new: HashMap::new() };
    for id in cx.graph.topo().unwrap_or_default() {
        if cx.graph.const_of(id).is_some() || cx.graph.use_count(id) == 0 && id != at {
            continue;
        }
        let replacement = if id == at { Some(b.rest(at, s)?) } else { b.rescaled(id)? };
        if let Some(r) = replacement {
            b.new.insert(id, r);
            b.patch = b.patch.replace(id, r);
        }
    }
    Ok(b.patch)
}

struct Builder<'a> {
    cx: &'a Cx<'a>,
    classes: &'a Classes,
    change: &'a Change,
    patch: Patch,
    new: HashMap<NodeId, Ref>,
}

impl Builder<'_> {
    fn now(&self, id: NodeId) -> Ref {
        self.new.get(&id).copied().unwrap_or(id.into())
    }

    /// The factors of a value's channels.
    fn factors(&self, v: NodeId) -> Vec<f64> {
        let n = channels(self.cx.facts.ty(v));
        (0..n).map(|k| self.change.of(self.classes.class(v, k))).collect()
    }

    fn name(&self, id: NodeId) -> &str {
        &self.cx.graph.node(id).name
    }

    fn add(&mut self, id: NodeId, what: &str, op: Op, operands: &[Ref]) -> Ref {
        let node = self.cx.graph.node(id);
        let name = if what.is_empty() { node.name.clone() } else { format!("{}.{what}", node.name) };
        self.patch.add_in_layer(name, op, operands, node.layer.as_deref())
    }

    fn constant(&mut self, of: NodeId, t: Tensor) -> Result<Ref, String> {
        let name = self.name(of);
        if !t.is_finite() {
            return Err(format!("'{name}' would leave the range of f32"));
        }
        // Constants are rescaled several times; one suffix is enough.
        let base = name.split(".scaled").next().unwrap_or(name);
        let name = format!("{base}.scaled");
        Ok(self.patch.constant(name, t))
    }

    /// The node with other constants, where the scales around it change.
    fn rescaled(&mut self, id: NodeId) -> Result<Option<Ref>, String> {
        let (g, facts) = (self.cx.graph, self.cx.facts);
        let out = self.factors(id);
        if takes_scales(g, facts, id) {
            let x = g.operand(id, 0).ok_or("an operand is missing")?;
            let inner = self.factors(x);
            return if changes(&inner) || changes(&out) {
                self.linear(id, x, &inner, &out)
            } else {
                Ok(None)
            };
        }
        let Some((x, slot)) = with_constant(g, facts, id) else { return Ok(None) };
        let ratios: Vec<f64> = match g.op(id) {
            Op::Binary(Binary::Add | Binary::Sub) => out.iter().map(|f| 1.0 / f).collect(),
            Op::Binary(b @ (Binary::Mul | Binary::Div)) if is_product(g, facts, id) => {
                let ratio = |(i, o): (&f64, &f64)| if *b == Binary::Mul { i / o } else { o / i };
                self.factors(x).iter().zip(&out).map(ratio).collect()
            }
            _ => return Ok(None),
        };
        if !changes(&ratios) {
            return Ok(None);
        }
        let c = g.operand(id, slot).ok_or("an operand is missing")?;
        let old = g.const_of(c).ok_or("an operand is no constant")?;
        let t = by_channel(old, facts.ty(id).rank(), &ratios).ok_or("a constant has no channels")?;
        if matches!(g.op(id), Op::Binary(Binary::Add | Binary::Sub)) {
            self.small_enough(c, old, &t)?;
        }
        let c = self.constant(c, t)?;
        let mut operands = [self.now(x); 2];
        operands[slot] = c;
        Ok(Some(self.add(id, "", g.op(id).clone(), &operands)))
    }

    /// An addend must stay within what a ring represents well.
    fn small_enough(&self, c: NodeId, old: &Tensor, new: &Tensor) -> Result<(), String> {
        let largest =
            |t: &Tensor| t.as_f32().unwrap_or_default().iter().fold(0f64, |m, &x| m.max(f64::from(x).abs()));
        let was = largest(old);
        let far = |x: f64| x.abs() > was && !(DEPTH..=GROWTH).contains(&x);
        let worst = new.as_f32().unwrap_or_default().iter().map(|&x| f64::from(x)).find(|&x| far(x));
        match worst {
            Some(x) => Err(format!(
                "'{}' would become {x:e}: too large a constant for the bits of a ring",
                self.name(c)
            )),
            None => Ok(()),
        }
    }

    fn linear(&mut self, id: NodeId, x: NodeId, inner: &[f64], out: &[f64]) -> Result<Option<Ref>, String> {
        let g = self.cx.graph;
        let operands = g.operands(id);
        let w = g.const_of(operands[1]).ok_or("its weights are no constant")?;
        let what = format!("{} '{}'", g.op(id).mnemonic(), self.name(id));
        if out.iter().any(|f| 1.0 / f.abs() > GROWTH) {
            return Err(format!("it would make {what} more than {GROWTH} times larger"));
        }
        let group = if let Op::Conv(c) = g.op(id) { c.group } else { 1 };
        let (rows, cols) = (w.shape()[0], w.shape()[1]);
        if rows != out.len() || cols * group != inner.len() {
            return Err(format!("{what} has other channels than its weights"));
        }
        let inverse: Vec<f64> = out.iter().map(|f| 1.0 / f).collect();
        let factors = Factors { rows: &inverse, columns: inner };
        let scaled = w.scaled(factors).ok_or("its weights are no floats")?;
        let mut new = vec![self.now(x), self.constant(operands[1], scaled)?];
        if let Some(&b) = operands.get(2) {
            let t = g.const_of(b).ok_or("its bias is no constant")?;
            let v = t.as_f32().ok_or("its bias is no float")?;
            let scaled = v.iter().zip(out).map(|(&x, f)| (f64::from(x) / f) as f32).collect();
            new.push(if changes(out) { self.constant(b, Tensor::f32(t.shape(), scaled))? } else { b.into() });
        }
        Ok(Some(self.add(id, "", g.op(id).clone(), &new)))
    }

    /// What is left of the product: the operand, its negative or zero by channels, or the sum of a mean.
    fn rest(&mut self, at: NodeId, s: &Scale) -> Result<Ref, String> {
        let x = self.now(s.x);
        if let Some(op) = &s.sum {
            let n = 1.0 / s.factor.first().copied().unwrap_or(1.0);
            if n > GROWTH {
                return Err(format!("the sum of {n} elements would be that much larger than their mean"));
            }
            return Ok(self.add(at, "", op.clone(), &[x]));
        }
        let rest = &self.change.rest;
        let has = |r: i8| rest.contains(&r);
        if rest.iter().all(|&r| r == 1) {
            return Ok(x);
        }
        let all = rest.iter().all(|&r| r == -1);
        let (n, mut parts, mut starts) = (rest.len(), vec![], HashMap::new());
        let mut width = 0;
        if has(1) {
            parts.push(x);
            starts.insert(1, width);
            width += n;
        }
        if has(-1) {
            parts.push(self.add(at, if all { "" } else { "negative" }, Op::Unary(Unary::Neg), &[x]));
            starts.insert(-1, width);
            width += n;
        }
        if all {
            return parts.first().copied().ok_or("it has no channels".into());
        }
        if has(0) {
            let first = SliceAxis { axis: 1, start: 0, end: 1, step: 1 };
            let one = self.add(at, "first", Op::Slice(vec![first]), &[x]);
            parts.push(self.add(at, "zero", Op::Binary(Binary::Sub), &[one, one]));
        }
        let places: Vec<i64> =
            (0..n).map(|k| if rest[k] == 0 { width as i64 } else { (starts[&rest[k]] + k) as i64 }).collect();
        let joined = match parts[..] {
            [only] => only,
            _ => self.add(at, "joined", Op::Concat { axis: 1 }, &parts),
        };
        let index = self.patch.constant(format!("{}.signs", self.name(at)), Tensor::ints(&places));
        Ok(self.add(at, "", Op::Gather { axis: 1 }, &[joined, index]))
    }
}

fn changes(factors: &[f64]) -> bool {
    factors.iter().any(|&f| f != 1.0)
}

/// A constant that broadcasts to a value of this rank, times one factor a channel (axis 1).
fn by_channel(t: &Tensor, rank: usize, factors: &[f64]) -> Option<Tensor> {
    let v = t.as_f32()?;
    let scaled = |x: f32, f: f64| (f64::from(x) * f) as f32;
    if factors.iter().all(|f| f == &factors[0]) {
        return Some(Tensor::f32(t.shape(), v.iter().map(|&x| scaled(x, factors[0])).collect()));
    }
    // From the channel axis on, with a leading 1 where the constant has a batch axis.
    let lead = rank - t.rank();
    let mut shape = vec![1; lead.saturating_sub(1)];
    shape.extend_from_slice(&t.shape()[usize::from(lead == 0)..]);
    let inner: usize = shape[1..].iter().product();
    let n = factors.len();
    let own = shape[0] == n;
    let new = (0..n).flat_map(|k| (0..inner).map(move |i| (k, i)));
    let new = new.map(|(k, i)| scaled(v[if own { k * inner + i } else { i }], factors[k])).collect();
    shape[0] = n;
    Some(Tensor::f32(shape, new))
}
