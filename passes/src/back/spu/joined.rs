//! Sums of convolutions of one value: what merge-conv leaves where it corrects a border.
//!
//! Written one after the other, a correction costs a product and a truncation for every strip and corner, so up to eighteen
//! exchanges. But all of them read parts of the same value, so one product can hold all their weights, and what they
//! compute is added up, so the sum can be truncated instead of every addend: two exchanges, as for a single
//! convolution, and the bytes of the additional weights.

use super::taps::{self, Taps};
use super::taps_of;
use super::text::{Value, Writer};
use crate::ir::movement::slice_range;
use crate::ir::{Facts, Graph, NodeId, Op};
use crate::passes::sums::{addends, inside_a_sum, is_sum};
use std::collections::{HashMap, HashSet};

/// Convolutions of one value that are added up.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The last addition.
    pub sum: NodeId,
    /// What they read, all of it or slices.
    pub source: NodeId,
    /// The convolutions; the first is the largest.
    pub parts: Vec<Part>,
    /// What else is added.
    pub rest: Vec<NodeId>,
}

/// One convolution of a sum.
#[derive(Debug, Clone)]
pub struct Part {
    /// The convolution.
    pub conv: NodeId,
    /// What brings its result into place: reshapes, transposes and zeros around it.
    pub moves: Vec<NodeId>,
    /// Its layout, in positions of the source.
    pub layout: Taps,
}

impl Joined {
    /// Elements of the source that the product reads.
    pub fn inputs(&self) -> usize {
        Taps::inputs_of_all(&self.layouts())
    }
    /// Elements of the product that are shifted and added.
    pub fn products(&self) -> usize {
        self.parts.iter().map(|p| p.layout.products()).sum()
    }
    fn layouts(&self) -> Vec<Taps> {
        self.parts.iter().map(|p| p.layout.clone()).collect()
    }
}

/// The sums in which at least two of these convolutions can share a product.
pub fn joined(g: &Graph, facts: &Facts, taps: &HashSet<NodeId>) -> Vec<Joined> {
    let Ok(order) = g.topo() else { return vec![] };
    let roots = order
        .into_iter()
        .filter(|&id| is_sum(g, facts, id) && facts.ty(id).rank() == 4 && !inside_a_sum(g, facts, id));
    roots.flat_map(|id| of_sum(g, facts, taps, id)).collect()
}

/// The largest group of one sum; the others stay as they are.
fn of_sum(g: &Graph, facts: &Facts, taps: &HashSet<NodeId>, sum: NodeId) -> Option<Joined> {
    let all = addends(g, facts, sum);
    let mut groups: HashMap<NodeId, Vec<(usize, Part)>> = HashMap::new();
    for (i, &a) in all.iter().enumerate().filter(|(_, a)| facts.ty(**a) == facts.ty(sum)) {
        if let Some((source, part)) = part(g, facts, taps, a) {
            groups.entry(source).or_default().push((i, part));
        }
    }
    let work = |g: &[(usize, Part)]| g.iter().map(|(_, p)| p.layout.products()).sum::<usize>();
    let (source, mut group) = groups.into_iter().max_by_key(|(s, g)| (g.len() > 1, work(g), *s))?;
    if group.len() < 2 {
        return None;
    }
    group.sort_by_key(|(i, p)| (std::cmp::Reverse(p.layout.products()), *i));
    let mine: Vec<usize> = group.iter().map(|(i, _)| *i).collect();
    let rest = all.iter().enumerate().filter(|(i, _)| !mine.contains(i)).map(|(_, &a)| a).collect();
    Some(Joined { sum, source, parts: group.into_iter().map(|(_, p)| p).collect(), rest })
}

/// An addend as a convolution of a value, and the value.
fn part(g: &Graph, facts: &Facts, taps: &HashSet<NodeId>, addend: NodeId) -> Option<(NodeId, Part)> {
    let (mut at, mut moves) = (addend, vec![]);
    while !matches!(g.op(at), Op::Conv(_)) {
        let moved = match g.op(at) {
            Op::Pad { value, .. } => *value == 0.0,
            Op::Reshape(_) | Op::Transpose(_) => true,
            _ => false,
        };
        (moved && g.use_count(at) == 1).then_some(())?;
        moves.insert(0, at);
        at = g.operand(at, 0)?;
    }
    let biased = g.operand(at, 2).is_some();
    let alone = taps.contains(&at) && g.use_count(at) == 1 && (moves.is_empty() || !biased);
    alone.then_some(())?;
    let layout = taps_of(g, facts, at)?;
    let read = g.operand(at, 0)?;
    let Op::Slice(axes) = g.op(read) else { return Some((read, Part { conv: at, moves, layout })) };
    let source = g.operand(read, 0)?;
    let dims = facts.ty(source).at(1);
    let mut grid = [(0, 1, *dims.get(2)?), (0, 1, *dims.get(3)?)];
    for a in axes {
        let axis = a.axis.checked_sub(2).filter(|&i| i < 2 && a.step > 0)?;
        let (first, len) = slice_range(a, dims[a.axis]);
        grid[axis] = (first, a.step as usize, len);
    }
    Some((source, Part { conv: at, moves, layout: layout.of_slice(grid) }))
}

/// Convolutions that read one value, none of them in a sum with others of these; the first of each in the order of execution. One
/// product of all their weights opens the value once.
pub fn siblings(g: &Graph, facts: &Facts, taps: &HashSet<NodeId>) -> Vec<Vec<NodeId>> {
    let summed: HashSet<NodeId> =
        joined(g, facts, taps).iter().flat_map(|j| j.parts.iter().map(|p| p.conv)).collect();
    let mut groups: Vec<(NodeId, Vec<NodeId>)> = vec![];
    for id in g.topo().unwrap_or_default().into_iter().filter(|id| taps.contains(id) && !summed.contains(id))
    {
        let Some(x) = g.operand(id, 0) else { continue };
        match groups.iter_mut().find(|(of, _)| *of == x) {
            Some((_, group)) => group.push(id),
            None => groups.push((x, vec![id])),
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1).collect()
}

/// Elements of the operand that one product of these convolutions reads, and elements of the product.
pub fn of_siblings(g: &Graph, facts: &Facts, group: &[NodeId]) -> Option<(usize, usize)> {
    let all = group.iter().map(|&c| taps_of(g, facts, c)).collect::<Option<Vec<Taps>>>()?;
    Some((Taps::inputs_of_all(&all), Taps::products_of_all(&all)))
}

/// Everything in the graph that is written with the sum, and so not by itself: convolutions, what moves their results, and
/// the additions before the last.
pub fn hidden(g: &Graph, j: &Joined) -> Vec<NodeId> {
    let mut out: Vec<NodeId> = j.parts.iter().flat_map(|p| p.moves.iter().copied().chain([p.conv])).collect();
    let kept: HashSet<NodeId> = j.rest.iter().chain(&out).copied().collect();
    let mut stack = vec![j.sum];
    while let Some(n) = stack.pop() {
        if n != j.sum {
            out.push(n);
        }
        stack.extend(g.operands(n).into_iter().filter(|o| !kept.contains(o)));
    }
    let convs: HashSet<NodeId> = j.parts.iter().map(|p| p.conv).collect();
    let reads = j.parts.iter().filter_map(|p| g.operand(p.conv, 0)).filter(|&x| x != j.source);
    let mut reads: Vec<NodeId> =
        reads.filter(|&x| g.users(x).iter().all(|(u, _)| convs.contains(u)) && !g.is_output(x)).collect();
    reads.dedup();
    out.extend(reads);
    out
}

/// Writes the sum of the convolutions, with their biases and without the rest.
pub fn lower(w: &mut Writer<'_>, j: &Joined) -> Value {
    let g = w.g;
    let x = w.value(j.source);
    let k = w.matrix(j.parts[0].conv);
    let outs: Vec<Vec<usize>> = j.parts.iter().map(|p| w.shape(p.conv)).collect();
    let shares = taps::lower_all(w, &j.layouts(), &x, &k, &outs);
    let mut sum: Option<Value> = None;
    for (p, share) in j.parts.iter().zip(shares) {
        let placed = p.moves.iter().fold(share, |v, &m| moved(w, m, &v));
        sum = Some(match sum {
            None => placed,
            Some(s) => super::lower::binary(w, "add", &s, &placed),
        });
    }
    let mut y = taps::truncate(w, &sum.unwrap_or(x));
    for p in &j.parts {
        if let Some(b) = g.operand(p.conv, 2) {
            let b = w.value(b);
            y = super::lower::add_bias(w, &y, &b, 1);
        }
    }
    y
}

/// A move of ring elements.
fn moved(w: &mut Writer<'_>, at: NodeId, v: &Value) -> Value {
    let to = w.shape(at);
    match w.g.op(at) {
        Op::Pad { before, after, .. } => {
            let zero = taps::zero(w);
            super::lower::pad(w, v, &zero, before, after, &to)
        }
        Op::Transpose(p) => super::lower::transpose(w, v, p, &to),
        _ => super::lower::reshape(w, v, &to),
    }
}

#[cfg(test)]
mod tests;
