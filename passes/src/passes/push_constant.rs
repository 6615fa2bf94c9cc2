//! Moves the constants of lowered quadratic layers into the biases of what reads them.
//!
//! **Before**: `y = add(x, k) @relu03` with one constant a channel, read by convolutions, linear layers, and additions of the result of a
//! convolution or linear layer; also through a mean over the map, a sum over it, and a reshape of what is left.
//!
//! **After**: these read x, with other biases. A convolution that pads gets one that depends on the place: `add(conv(x, w), map)`.
//!
//! **Conditions**: the addition belongs to a ReLU layer that was lowered; every reader takes the constant, or none does and the addition
//! stays, which sends nothing on most runtimes. The convolution beside an addition is read by it alone. Weights are constants.
//!
//! **Formula**: `conv(x + k, w, b) = conv(x, w) + (conv(k, w) + b)`, where the second convolution is one of a map that holds k
//! everywhere and pads it with zeros, as the first pads x + k. `mean(x + k) = mean(x) + k`, `sum(x + k) = sum(x) + n·k`.
//!
//! **Source**: ours; the map is the correction of the border that merge-conv makes for a bias.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::interp::eval_const;
use crate::ir::op::ReduceKind;
use crate::ir::{Binary, NodeId, Op, Tensor};
use crate::passes::affine::{Affine, channels_last, is_linear};

/// See the module documentation.
#[derive(Debug)]
pub struct PushConstant;

impl Pass for PushConstant {
    fn about(&self) -> About {
        About::new("push-constant", Guarantee::Exact, &[Phase::Lowering], include_str!("push_constant.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        if !matches!(g.op(at), Op::Binary(Binary::Add)) || g.node(at).layer.is_none() {
            return Err(Skip::NoMatch);
        }
        let (a, x) = Affine::of_binary(g, cx.facts, at).ok_or(Skip::NoMatch)?;
        let is_result = |(user, _): &(NodeId, usize)| g.node(*user).layer != g.node(at).layer;
        if !g.users(at).iter().all(is_result) {
            return Err(Skip::NoMatch);
        }
        let mut push = Push { cx, p: Patch::new(), replaced: vec![] };
        push.readers(at, x.into(), &a.shift).map_err(Skip::Refused)?;
        let Push { p, replaced, .. } = push;
        Ok(replaced.into_iter().fold(p, |p, (old, new)| p.replace(old, new)))
    }
}

struct Push<'a> {
    cx: &'a Cx<'a>,
    p: Patch,
    replaced: Vec<(NodeId, Ref)>,
}

impl Push<'_> {
    /// Lets every reader of `v` read `without`, which is `v` less k a channel.
    fn readers(&mut self, v: NodeId, without: Ref, k: &[f64]) -> Result<(), String> {
        let g = self.cx.graph;
        if g.is_output(v) {
            return Err("the model's output would lack it".into());
        }
        for (user, slot) in g.users(v) {
            match g.op(user) {
                Op::Conv(_) | Op::Linear if slot == 0 => self.linear(user, without, k)?,
                Op::Binary(Binary::Add) => self.sum(user, slot, without, k)?,
                Op::GlobalMean { .. } => self.through(user, without, k, 1.0)?,
                Op::Reduce { kind: ReduceKind::Mean, axes, .. } if axes.iter().all(|&a| a >= 2) => {
                    self.through(user, without, k, 1.0)?;
                }
                Op::Reduce { kind: ReduceKind::Sum, axes, .. } if axes.iter().all(|&a| a >= 2) => {
                    let dims = self.cx.facts.ty(v).at(1);
                    let n: usize = axes.iter().map(|&a| dims[a]).product();
                    self.through(user, without, k, n as f64)?;
                }
                Op::Reshape(_) if self.cx.facts.ty(user).per_sample() == [k.len()] => {
                    self.through(user, without, k, 1.0)?;
                }
                _ => return Err(format!("its reader {} has no bias", self.described(user))),
            }
        }
        Ok(())
    }

    fn described(&self, id: NodeId) -> String {
        format!("{} '{}'", self.cx.graph.op(id).mnemonic(), self.cx.graph.node(id).name)
    }

    /// The same operation of what lacks the constant, whose readers take it.
    fn through(&mut self, user: NodeId, without: Ref, k: &[f64], times: f64) -> Result<(), String> {
        let node = self.cx.graph.node(user);
        let y = self.p.add_in_layer(&node.name, node.op.clone(), &[without], node.layer.as_deref());
        let k: Vec<f64> = k.iter().map(|v| v * times).collect();
        self.readers(user, y, &k)?;
        Ok(())
    }

    fn linear(&mut self, user: NodeId, without: Ref, k: &[f64]) -> Result<(), String> {
        let (g, facts) = (self.cx.graph, self.cx.facts);
        if !is_linear(g, user) || channels_last(g, facts, user) {
            return Err(format!(
                "the weights of its reader {} are no constants of its channels",
                self.described(user)
            ));
        }
        let (name, op) = (&g.node(user).name, g.op(user));
        let bias = g.operand(user, 2).and_then(|b| g.const_of(b));
        let w = g.const_operand(user, 1).ok_or("weights are missing")?;
        let image = facts.ty(g.operand(user, 0).ok_or("an operand is missing")?).at(1);
        let plane: usize = image[2.min(image.len())..].iter().product();
        let map = k.iter().flat_map(|&v| std::iter::repeat_n(v as f32, plane)).collect();
        let map = Tensor::f32(image, map);
        let operands: Vec<&Tensor> = [&map, w.as_ref()].into_iter().chain(bias.map(|b| b.as_ref())).collect();
        let sums = eval_const(op, &operands)?;
        let shape = sums.shape()[1..].to_vec();
        let sums = sums.as_f32().ok_or("a bias is no float")?.to_vec();
        let weights = g.operand(user, 1).ok_or("weights are missing")?;
        let y = if matches!(op, Op::Conv(c) if c.pads != [0; 4]) {
            let y = self.p.add(format!("{name}.unbiased"), op.clone(), &[without, weights.into()]);
            let map = self.p.constant(format!("{name}.border_bias"), Tensor::f32(shape, sums));
            self.p.add(name, Op::Binary(Binary::Add), &[y, map])
        } else {
            let area = shape[1..].iter().product::<usize>().max(1);
            let bias = sums.into_iter().step_by(area).collect::<Vec<_>>();
            let bias = self.p.constant(format!("{name}.bias"), Tensor::f32([bias.len()], bias));
            self.p.add(name, op.clone(), &[without, weights.into(), bias])
        };
        self.replaced.push((user, y));
        Ok(())
    }

    /// The linear operation on the other side of an addition takes it.
    fn sum(&mut self, user: NodeId, slot: usize, without: Ref, k: &[f64]) -> Result<(), String> {
        let (g, facts) = (self.cx.graph, self.cx.facts);
        let other = g.operand(user, 1 - slot).ok_or("an operand is missing")?;
        let takes = is_linear(g, other) && !channels_last(g, facts, other) && g.use_count(other) == 1;
        if !takes || g.is_output(other) || facts.ty(other) != facts.ty(user) {
            return Err(format!(
                "beside it {} adds '{}', which is no convolution or linear layer that nothing else reads",
                self.described(user),
                g.node(other).name
            ));
        }
        let (w, name) = (g.operand(other, 1).ok_or("weights are missing")?, &g.node(other).name);
        let bias = g.const_operand(other, 2).and_then(|b| b.as_f32());
        let bias = k.iter().enumerate().map(|(i, k)| (k + bias.map_or(0.0, |b| f64::from(b[i]))) as f32);
        let bias = self.p.constant(format!("{name}.bias"), Tensor::f32([k.len()], bias.collect()));
        let x = g.operand(other, 0).ok_or("an operand is missing")?;
        let other = self.p.add(name, g.op(other).clone(), &[x.into(), w.into(), bias]);
        let mut operands = [without; 2];
        operands[1 - slot] = other;
        let y = self.p.add(&g.node(user).name, Op::Binary(Binary::Add), &operands);
        self.replaced.push((user, y));
        Ok(())
    }
}
