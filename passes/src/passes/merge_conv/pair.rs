//! Two linear operations of which the second reads the first alone, seen as two convolutions.

use super::axis::Axis;
use crate::driver::{Cx, Skip};
use crate::ir::geometry;
use crate::ir::op::Conv;
use crate::ir::{Graph, NodeId, Op};
use crate::passes::affine::is_linear;

/// A convolution and its constants.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub node: NodeId,
    /// `[out, depth, kernel]`.
    pub w: &'a [f32],
    /// `[out]`.
    pub b: Option<&'a [f32]>,
    pub out: usize,
    /// Input channels of one group.
    pub depth: usize,
    pub kernel: [usize; 2],
    pub conv: Conv,
}

/// `second(first(x))`.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub x: NodeId,
    pub first: Stage<'a>,
    pub second: Stage<'a>,
    /// Rows, then columns.
    pub axes: [Axis; 2],
}

impl<'a> Stage<'a> {
    fn of(g: &'a Graph, node: NodeId, conv: Conv, shape: [usize; 4]) -> Option<Stage<'a>> {
        let [out, depth, kh, kw] = shape;
        let w = g.const_operand(node, 1)?.as_f32()?;
        let b = g.const_operand(node, 2).and_then(|b| b.as_f32());
        Some(Stage { node, w, b, out, depth, kernel: [kh, kw], conv })
    }
    fn conv(g: &'a Graph, node: NodeId) -> Option<Stage<'a>> {
        let Op::Conv(c) = g.op(node) else { return None };
        let shape = g.const_operand(node, 1)?.shape().try_into().ok()?;
        Stage::of(g, node, c.clone(), shape)
    }
    /// A linear layer over a flattened map `[C, H, W]`: a convolution as large as the map.
    fn flattened(g: &'a Graph, node: NodeId, [c, h, w]: [usize; 3]) -> Option<Stage<'a>> {
        let [out, inputs] = g.const_operand(node, 1)?.shape()[..] else { return None };
        let conv = Conv { strides: [1, 1], pads: [0; 4], dilations: [1, 1], group: 1 };
        (inputs == c * h * w).then(|| Stage::of(g, node, conv, [out, c, h, w]))?
    }
    /// Output channels of one group.
    pub fn width(&self) -> usize {
        self.out / self.conv.group
    }
}

impl<'a> Pair<'a> {
    /// The convolution `at` after another one.
    pub fn of_convs(cx: &Cx<'a>, at: NodeId) -> Result<Pair<'a>, Skip> {
        let g = cx.graph;
        let first = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        if !matches!((g.op(first), g.op(at)), (Op::Conv(_), Op::Conv(_))) {
            return Err(Skip::NoMatch);
        }
        unmixed(g, first, first, at)?;
        Pair::new(cx, Stage::conv(g, first), Stage::conv(g, at)).ok_or(Skip::NoMatch)
    }

    /// The linear layer `at` after a convolution and a reshape of its map to `[N, C·H·W]`.
    pub fn of_flattened(cx: &Cx<'a>, at: NodeId, flat: NodeId) -> Result<Pair<'a>, Skip> {
        let g = cx.graph;
        let first = g.operand(flat, 0).filter(|&c| matches!(g.op(c), Op::Conv(_))).ok_or(Skip::NoMatch)?;
        let map: [usize; 3] = cx.facts.ty(first).per_sample().try_into().map_err(|_| Skip::NoMatch)?;
        let (flat_dims, dims) = (&cx.facts.ty(flat).dims, &cx.facts.ty(first).dims);
        if flat_dims.len() != 2 || flat_dims[0] != dims[0] {
            return Err(Skip::NoMatch);
        }
        unmixed(g, flat, first, at)?;
        unmixed(g, first, first, at)?;
        Pair::new(cx, Stage::conv(g, first), Stage::flattened(g, at, map)).ok_or(Skip::NoMatch)
    }

    fn new(cx: &Cx<'a>, first: Option<Stage<'a>>, second: Option<Stage<'a>>) -> Option<Pair<'a>> {
        let (first, second) = (first?, second?);
        let x = cx.graph.operand(first.node, 0)?;
        let size = |id: NodeId, axis: usize| cx.facts.ty(id).dims.get(2 + axis)?.fixed();
        let axis = |i: usize| {
            let of = |s: &Stage<'_>, input| geometry::Axis::of_conv(&s.conv, i, input, s.kernel[i]);
            let (input, middle) = (size(x, i)?, size(first.node, i)?);
            Some(Axis { first: of(&first, input), second: of(&second, middle) })
        };
        let axes = [axis(0)?, axis(1)?];
        Some(Pair { x, first, second, axes })
    }

    /// Groups of the merged convolution.
    pub fn group(&self) -> usize {
        super::axis::gcd(self.first.conv.group, self.second.conv.group)
    }
}

/// `conv 'name'`.
pub(crate) fn named(g: &Graph, id: NodeId) -> String {
    format!("{} '{}'", g.op(id).mnemonic(), g.node(id).name)
}

/// Refuses where `value`, which leads from `first` to `second`, is read by others as well, or weights are computed.
pub(super) fn unmixed(g: &Graph, value: NodeId, first: NodeId, second: NodeId) -> Result<(), Skip> {
    let pair = || format!("so it cannot be merged into {}", named(g, second));
    for id in [first, second] {
        if !is_linear(g, id) {
            return Err(Skip::Refused(format!(
                "the weights of {} are not constants, {}",
                named(g, id),
                pair()
            )));
        }
    }
    if g.is_output(value) {
        return Err(Skip::Refused(format!(
            "its operand {} is an output of the graph, {}",
            named(g, value),
            pair()
        )));
    }
    if g.use_count(value) != 1 {
        return Err(Skip::Refused(format!(
            "its operand {} is also read elsewhere, {}",
            named(g, value),
            pair()
        )));
    }
    Ok(())
}
