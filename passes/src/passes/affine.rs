//! Per-channel `y = scale·x + shift`, and how it folds into the weights of a neighbouring linear operation.

use crate::driver::patch::{Patch, Ref};
use crate::ir::stored::Factors;
use crate::ir::{Binary, Facts, Graph, NodeId, Op, Tensor};

/// One scale and shift a channel, in double precision until they land in weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// Factors.
    pub scale: Vec<f64>,
    /// Addends.
    pub shift: Vec<f64>,
}

impl Affine {
    /// The inference form of a `batch_norm` node with constant parameters:
    /// `scale = γ/√(σ²+ε)`, `shift = β − μ·scale`.
    pub fn of_batch_norm(g: &Graph, bn: NodeId) -> Option<Affine> {
        let Op::BatchNorm { eps } = *g.op(bn) else { return None };
        let param = |slot| g.const_operand(bn, slot)?.as_f32();
        let (gamma, beta, mean, var) = (param(1)?, param(2)?, param(3)?, param(4)?);
        let scale: Vec<f64> = gamma
            .iter()
            .zip(var)
            .map(|(&s, &v)| f64::from(s) / (f64::from(v) + f64::from(eps)).sqrt())
            .collect();
        let shift = (0..scale.len()).map(|i| f64::from(beta[i]) - f64::from(mean[i]) * scale[i]).collect();
        Some(Affine { scale, shift })
    }

    /// An elementwise operation by a constant, where it is one per channel: returns the operand it applies to.
    pub fn of_binary(g: &Graph, facts: &Facts, at: NodeId) -> Option<(Affine, NodeId)> {
        let &Op::Binary(b) = g.op(at) else { return None };
        let [x, y] = g.operands(at)[..] else { return None };
        let (x, c, flipped) = match (g.const_of(x), g.const_of(y)) {
            (None, Some(c)) => (x, c, false),
            (Some(c), None) => (y, c, true),
            _ => return None,
        };
        let ty = facts.ty(x);
        if ty != facts.ty(at) || ty.rank() < 2 {
            return None;
        }
        let v = per_channel(c, ty.rank(), ty.dims[1].fixed()?)?;
        let n = v.len();
        let (scale, shift) = match (b, flipped) {
            (Binary::Add, _) => (vec![1.0; n], v),
            (Binary::Sub, false) => (vec![1.0; n], v.iter().map(|c| -c).collect()),
            (Binary::Sub, true) => (vec![-1.0; n], v),
            (Binary::Mul, _) => (v, vec![0.0; n]),
            (Binary::Div, false) if v.iter().all(|&c| c != 0.0) => {
                (v.iter().map(|c| 1.0 / c).collect(), vec![0.0; n])
            }
            _ => return None,
        };
        Some((Affine { scale, shift }, x))
    }

    /// Do weights keep their precision under it? A factor that is huge or tiny for all channels may be undone by a later one, when
    /// the weights have left the range of single precision.
    fn foldable(&self) -> bool {
        let most = self.scale.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
        most == 0.0 || (EXTREME.recip()..=EXTREME).contains(&most)
    }

    /// Is every shift zero?
    pub fn only_scales(&self) -> bool {
        self.shift.iter().all(|&s| s == 0.0)
    }
}

/// Factors above it are not folded, nor those below its inverse.
const EXTREME: f64 = 1e18;

/// A constant that broadcasts as one value a channel (axis 1) of a value of this rank.
fn per_channel(t: &Tensor, rank: usize, channels: usize) -> Option<Vec<f64>> {
    let v = t.as_f32()?;
    if t.len() == 1 && t.rank() <= rank {
        return Some(vec![f64::from(v[0]); channels]);
    }
    let lead = rank.checked_sub(t.rank())?;
    let fits = t.shape().iter().enumerate().all(|(i, &d)| if i + lead == 1 { d == channels } else { d == 1 });
    (fits && lead <= 1).then(|| v.iter().map(|&x| f64::from(x)).collect())
}

/// Is it a convolution or linear layer with constant weights (and bias)?
pub fn is_linear(g: &Graph, id: NodeId) -> bool {
    matches!(g.op(id), Op::Conv(_) | Op::Linear)
        && g.operands(id)[1..].iter().all(|&o| g.const_of(o).is_some())
}

/// Is it a linear layer of tokens, whose channels are its last axis and not axis 1?
pub fn channels_last(g: &Graph, facts: &Facts, id: NodeId) -> bool {
    matches!(g.op(id), Op::Linear) && facts.ty(id).rank() != 2
}

/// Can factors a channel of `x` go into weights? It is read at one place, and is a convolution or linear layer or the batch
/// normalisation of one.
pub fn absorbs_scale(g: &Graph, facts: &Facts, x: NodeId) -> bool {
    if g.use_count(x) != 1 || g.is_output(x) || channels_last(g, facts, x) {
        return false;
    }
    match g.op(x) {
        Op::BatchNorm { .. } => g.operand(x, 0).is_some_and(|o| absorbs_scale(g, facts, o)),
        _ => is_linear(g, x),
    }
}

/// `affine(linear(x))` → one linear operation: `w' = scale·w`, `b' = scale·b + shift`.
/// The caller has checked that `linear` is [`is_linear`] and read by the affine alone.
pub fn fold_after(g: &Graph, linear: NodeId, a: &Affine, name: &str) -> Option<(Patch, Ref)> {
    let (w, rows) = (g.const_operand(linear, 1).filter(|_| a.foldable())?, a.scale.len());
    let scaled = w.scaled(Factors { rows: &a.scale, columns: &[] })?;
    let bias = g.const_operand(linear, 2).and_then(|b| b.as_f32());
    let b =
        (0..rows).map(|o| (bias.map_or(0.0, |b| f64::from(b[o])) * a.scale[o] + a.shift[o]) as f32).collect();
    Some(rebuild(g, linear, g.operand(linear, 0)?.into(), scaled, b, name))
}

/// Why an affine must not fold into the following convolution: it pads, and the affine shifts. The caller ends the sentence.
pub fn padding_forbids(g: &Graph, linear: NodeId, a: &Affine) -> Option<String> {
    match g.op(linear) {
        Op::Conv(c) if c.pads != [0; 4] && !a.only_scales() => {
            Some(format!("the following conv '{}' pads by {:?}", g.node(linear).name, c.pads))
        }
        _ => None,
    }
}

/// `linear(affine(x))` → one linear operation: `w'[o,i] = w[o,i]·scale[i]`, `b'[o] = b[o] + Σ w[o,i]·shift[i]`.
/// The caller has asked [`padding_forbids`].
pub fn fold_before(g: &Graph, linear: NodeId, x: NodeId, a: &Affine, name: &str) -> Option<(Patch, Ref)> {
    let w = g.const_operand(linear, 1).filter(|_| a.foldable())?;
    let scaled = w.scaled(Factors { rows: &[], columns: &a.scale })?;
    let rows = w.shape()[0];
    let bias = g.const_operand(linear, 2).and_then(|b| b.as_f32());
    let mut b: Vec<f64> = (0..rows).map(|o| bias.map_or(0.0, |b| f64::from(b[o]))).collect();
    if !a.only_scales() {
        let group = if let Op::Conv(c) = g.op(linear) { c.group } else { 1 };
        let cols = w.shape()[1];
        let taps = w.shape()[2..].iter().product::<usize>().max(1);
        for (o, (b, row)) in b.iter_mut().zip(w.as_f32()?.chunks((cols * taps).max(1))).enumerate() {
            for (i, taps) in row.chunks(taps).enumerate() {
                let shift = a.shift[o / (rows / group) * cols + i];
                taps.iter().for_each(|&e| *b += f64::from(e) * shift);
            }
        }
    }
    let b = b.into_iter().map(|b| b as f32).collect();
    Some(rebuild(g, linear, x.into(), scaled, b, name))
}

fn rebuild(g: &Graph, linear: NodeId, x: Ref, w: Tensor, b: Vec<f32>, name: &str) -> (Patch, Ref) {
    // Constants are folded several times; one suffix is enough.
    let const_name = |slot, default: &str| {
        let folded = |o| format!("{}.folded", g.node(o).name.split(".folded").next().unwrap_or_default());
        g.operand(linear, slot).map_or_else(|| format!("{name}.{default}"), folded)
    };
    let mut p = Patch::new();
    let w = p.constant(const_name(1, "weight"), w);
    let has_bias = g.operand(linear, 2).is_some() || b.iter().any(|&v| v != 0.0);
    let mut operands = vec![x, w];
    if has_bias {
        operands.push(p.constant(const_name(2, "bias"), Tensor::f32([b.len()], b)));
    }
    let n = p.add(name, g.op(linear).clone(), &operands);
    (p, n)
}

/// `f32[C]` shaped so that it broadcasts over axis 1 of a value of this rank.
pub fn channel_constant(rank: usize, v: Vec<f32>) -> Tensor {
    let mut shape = vec![v.len()];
    shape.extend(std::iter::repeat_n(1, rank.saturating_sub(2)));
    Tensor::f32(shape, v)
}
