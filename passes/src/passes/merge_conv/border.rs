//! The merged convolution and its correction at the border, as nodes.

use super::axis::{Reach, Side};
use super::kernel::{bias, compose, hoisted_bias};
use super::pair::{Pair, named};
use crate::driver::Cx;
use crate::driver::patch::{Patch, Ref};
use crate::ir::op::{Conv, SliceAxis};
use crate::ir::{Binary, Dim, Op, Tensor};

/// Adds the merged convolution of a pair, its strips, corners and constants included: `[N, O, H, W]`.
pub(super) fn add(cx: &Cx<'_>, pair: &Pair<'_>, p: &mut Patch) -> Result<Ref, String> {
    let g = cx.graph;
    let [(y, rows), (x, columns)] = pair.axes.map(|a| a.merged());
    covered(cx, pair, [&rows, &columns])?;
    super::fits(cx, pair, &y, &x)?;
    let name = &g.node(pair.second.node).name;
    let mut e = Emitter { cx, pair, p, name };
    let (bias, constants) = bias(pair);
    let mut sum = e.conv(&y, &x, 1.0, bias, "merged");
    let strips = rows.iter().map(|r| (r, &x, -1.0)).chain(columns.iter().map(|c| (&y, c, -1.0)));
    let corners = rows.iter().flat_map(|r| columns.iter().map(move |c| (r, c, 1.0)));
    for (y, x, sign) in strips.chain(corners) {
        let label = label(y, x);
        let share = e.conv(y, x, sign, None, &label);
        let share = e.put(share, y, x, &label);
        sum = e.p.add(format!("{name}.with_{label}"), Op::Binary(Binary::Add), &[sum, share]);
    }
    if let Some(map) = constants {
        let map = e.p.constant(format!("{name}.border_bias"), map);
        sum = e.p.add(format!("{name}.with_border_bias"), Op::Binary(Binary::Add), &[sum, map]);
    }
    Ok(sum)
}

/// Adds the merged convolution of a pair whose padding in the middle is moved to the first.
pub(super) fn add_hoisted(cx: &Cx<'_>, pair: &Pair<'_>, p: &mut Patch) -> Result<Ref, String> {
    let [(y, _), (x, _)] = pair.axes.map(|a| a.merged());
    super::fits(cx, pair, &y, &x)?;
    let mut e = Emitter { cx, pair, p, name: &cx.graph.node(pair.second.node).name };
    Ok(e.conv(&y, &x, 1.0, hoisted_bias(pair, [&y, &x]), "merged"))
}

/// Would the correction be as large as the map?
fn covered(cx: &Cx<'_>, pair: &Pair<'_>, rings: [&[Reach]; 2]) -> Result<(), String> {
    let covers = |i: usize| {
        let rows: usize = rings[i].iter().map(Reach::slots).sum();
        rows > 0 && rows >= pair.axes[i].second.output
    };
    if !covers(0) && !covers(1) {
        return Ok(());
    }
    let (first, second) = (named(cx.graph, pair.first.node), named(cx.graph, pair.second.node));
    let [h, w] = pair.axes.map(|a| a.second.output);
    Err(format!(
        "{second} pads the result of {first} by {:?}, and a correction of the border would cover its map of {h}×{w}",
        pair.second.conv.pads
    ))
}

/// `top`, `left`, `top_left`, …
fn label(y: &Reach, x: &Reach) -> String {
    let vertical = match y.side {
        Side::Before => "top",
        Side::Behind => "bottom",
        Side::Inside => "",
    };
    let horizontal = match x.side {
        Side::Before => "left",
        Side::Behind => "right",
        Side::Inside => "",
    };
    let join = if vertical.is_empty() || horizontal.is_empty() { "" } else { "_" };
    format!("{vertical}{join}{horizontal}")
}

struct Emitter<'a, 'p> {
    cx: &'a Cx<'a>,
    pair: &'a Pair<'a>,
    p: &'p mut Patch,
    name: &'a str,
}

impl Emitter<'_, '_> {
    /// The composed convolution over the inputs that it reads: `[N, O·rows·columns, H', W']`.
    fn conv(&mut self, y: &Reach, x: &Reach, sign: f64, bias: Option<Vec<f32>>, label: &str) -> Ref {
        let name = format!("{}.{label}", self.name);
        let mut operands = vec![self.read(y, x, &name)];
        operands.push(
            self.p.constant(format!("{name}.weight"), compose(self.pair, y, x, sign, self.cx.options.sketch)),
        );
        if let Some(b) = bias {
            operands.push(self.p.constant(format!("{name}.bias"), Tensor::f32([b.len()], b)));
        }
        let conv = Conv {
            strides: [y.stride, x.stride],
            pads: [y.pad[0], x.pad[0], y.pad[1], x.pad[1]],
            dilations: [y.dilation, x.dilation],
            group: self.pair.group(),
        };
        let conv = self.p.add(&name, Op::Conv(conv), &operands);
        self.unfold(conv, y, x, &name)
    }

    fn read(&mut self, y: &Reach, x: &Reach, name: &str) -> Ref {
        let axes = [(2, y, &self.pair.axes[0]), (3, x, &self.pair.axes[1])];
        let partial = axes.iter().filter(|(_, r, a)| r.from != (0..a.first.input));
        let slice: Vec<SliceAxis> = partial
            .map(|(axis, r, _)| SliceAxis {
                axis: *axis,
                start: r.from.start as i64,
                end: r.from.end as i64,
                step: 1,
            })
            .collect();
        match slice.is_empty() {
            true => self.pair.x.into(),
            false => self.p.add(format!("{name}.read"), Op::Slice(slice), &[self.pair.x.into()]),
        }
    }

    /// Channels that stand for rows and columns become rows and columns.
    fn unfold(&mut self, v: Ref, y: &Reach, x: &Reach, name: &str) -> Ref {
        let batch = self.cx.facts.ty(self.pair.x).dims[0];
        let out = Dim::Fixed(self.pair.second.out);
        let [rows, columns] = [y.slots(), x.slots()].map(Dim::Fixed);
        let [height, width] = self.pair.axes.map(|a| Dim::Fixed(a.second.output));
        let dims = match (&y.rows, &x.rows) {
            _ if y.slots() * x.slots() == 1 => return v,
            (None, _) => vec![batch, out, columns, height],
            (Some(_), None) => vec![batch, out, rows, width],
            (Some(_), Some(_)) => vec![batch, out, rows, columns],
        };
        let split = self.p.add(format!("{name}.split"), Op::Reshape(dims), &[v]);
        match y.rows {
            None => self.p.add(format!("{name}.turned"), Op::Transpose(vec![0, 1, 3, 2]), &[split]),
            Some(_) => split,
        }
    }

    /// Zeros around a share, up to the size of the map.
    fn put(&mut self, share: Ref, y: &Reach, x: &Reach, label: &str) -> Ref {
        let mut amounts = [vec![0; 4], vec![0; 4]];
        for (i, r) in [y, x].into_iter().enumerate() {
            if let Some(rows) = &r.rows {
                amounts[0][2 + i] = rows.start;
                amounts[1][2 + i] = self.pair.axes[i].second.output - rows.end;
            }
        }
        let [before, after] = amounts;
        if before.iter().chain(&after).all(|&n| n == 0) {
            return share;
        }
        self.p.add(format!("{}.{label}.placed", self.name), Op::Pad { before, after, value: 0.0 }, &[share])
    }
}
