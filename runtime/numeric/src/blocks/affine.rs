//! Operations that are a factor and an offset for each channel, and activations with slopes for each element.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::kernels::block::Activation;
use relinc_passes::choice::Basis;
use relinc_passes::ir::op::Binary;
use relinc_passes::ir::{Graph, NodeId, Op, Tensor};
use relinc_passes::masks::LayerMask;

/// The value operand of a node of `channels` channels, and the factor and the offset it gives to each.
#[allow(clippy::wildcard_enum_match_arm, reason = "what is not listed is left to the interpreter")]
pub(super) fn factors(g: &Graph, n: NodeId, channels: usize) -> Option<(NodeId, Vec<f32>, Vec<f32>)> {
    match g.op(n) {
        Op::BatchNorm { eps } => {
            let of = |slot| g.const_operand(n, slot)?.as_f32().filter(|v| v.len() == channels);
            let (scale, shift, mean, var) = (of(1)?, of(2)?, of(3)?, of(4)?);
            let factor = |c: usize| f64::from(scale[c]) / (f64::from(var[c]) + f64::from(*eps)).sqrt();
            let offset = |c: usize| (f64::from(shift[c]) - f64::from(mean[c]) * factor(c)) as f32;
            let all = 0..channels;
            Some((
                g.operand(n, 0)?,
                all.clone().map(|c| factor(c) as f32).collect(),
                all.map(offset).collect(),
            ))
        }
        Op::Binary(b) => {
            let (first, second) = (g.operand(n, 0)?, g.operand(n, 1)?);
            let (x, constant, turned) = match (g.const_of(first), g.const_of(second)) {
                (None, Some(c)) => (first, by_channel(c, channels)?, false),
                (Some(c), None) => (second, by_channel(c, channels)?, true),
                _ => return None,
            };
            let (ones, zeros) = (vec![1.0; channels], vec![0.0; channels]);
            let negative = || constant.iter().map(|v| -v).collect();
            match (b, turned) {
                (Binary::Add, _) => Some((x, ones, constant)),
                (Binary::Mul, _) => Some((x, constant, zeros)),
                (Binary::Sub, false) => Some((x, ones, negative())),
                (Binary::Sub, true) => Some((x, vec![-1.0; channels], constant)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A constant that is broadcast over `[N,C,H,W]`, for each channel.
fn by_channel(t: &Tensor, channels: usize) -> Option<Vec<f32>> {
    let v = t.as_f32()?;
    if let &[one] = v {
        return Some(vec![one; channels]);
    }
    let fits = match *t.shape() {
        [c, 1, 1] | [1, c, 1, 1] => c == channels,
        _ => false,
    };
    fits.then(|| v.to_vec())
}

/// The activation that a square is, or the addition of a constant for each of the `n` elements of an image.
pub(super) fn elementwise(g: &Graph, id: NodeId, b: Binary, n: usize) -> Option<Activation> {
    let (x, y) = (g.operand(id, 0)?, g.operand(id, 1)?);
    match b {
        Binary::Mul if x == y => Some(Activation::Square),
        Binary::Add if g.const_of(x).is_none() => {
            let map = g.const_of(y).filter(|t| t.len() == n && n > 1)?;
            let whole = matches!(*map.shape(), [_, _, _] | [1, _, _, _]);
            Some(Activation::Lifted(map.as_f32().filter(|_| whole)?.to_vec()))
        }
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Pow | Binary::Max | Binary::Min => {
            None
        }
    }
}

/// The activation of a masked ReLU; `None` where elements are quadratic, which the kernels do not have.
pub(super) fn masked(mask: &LayerMask) -> Option<Activation> {
    let lines = |Basis { above, below, beyond: _, square, constant }| {
        (square == 0.0 && constant == 0.0).then_some((below, above))
    };
    let each = mask.elements().map(|(choice, p)| lines(choice.basis(mask.cap, p)));
    let (below, above) = each.collect::<Option<Vec<_>>>()?.into_iter().unzip();
    Some(match mask.ceilings() {
        None => Activation::Slopes(below, above),
        Some(c) => Activation::Limited(below, above, c),
    })
}
