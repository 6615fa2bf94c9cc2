//! Training with few weights: SENet's way to a layer's sensitivity.

use super::model::Model;
use crate::exec::Role;
use crate::exec::value::{download, upload};
use burn::tensor::Tensor as Burn;

/// The weights of convolutions, in the order of the parameters.
fn convolutions(m: &Model) -> Vec<Option<Vec<f32>>> {
    let of = m.net.params().iter().zip(&m.params);
    of.map(|(p, v)| (p.role == Role::Weight && p.shape.len() == 4).then(|| download(v.clone()))).collect()
}

/// SENet's sensitivity (arXiv 2301.09254): η = 1 − the share of a layer's weights that survive sparse training at
/// density `density`. The masks keep the globally largest |w| and are remade every step from dense shadow weights, whose
/// gradient is that of the sparse network.
pub fn by_sparsity(shadow: &Model, density: f64) -> Vec<f64> {
    let rows = convolutions(shadow);
    let cut = cut(&rows, density);
    let share = |r: &Vec<f32>| r.iter().filter(|w| w.abs() >= cut).count() as f64 / r.len().max(1) as f64;
    let survives = |p: usize| rows.get(p).and_then(Option::as_ref).map_or(0.0, share);
    before(shadow).into_iter().map(|p| 1.0 - survives(p)).collect()
}

fn cut(rows: &[Option<Vec<f32>>], density: f64) -> f32 {
    let mut all: Vec<f32> = rows.iter().flatten().flatten().map(|w| w.abs()).collect();
    let keep = ((all.len() as f64 * density).round() as usize).clamp(1, all.len().max(1));
    if all.is_empty() {
        return 0.0;
    }
    let at = all.len() - keep;
    *all.select_nth_unstable_by(at, f32::total_cmp).1
}

/// The weights with all but the globally largest set to 0.
pub fn sparse(m: &Model, density: f64) -> Vec<Burn<1>> {
    let rows = convolutions(m);
    let cut = cut(&rows, density);
    let thin = |r: Vec<f32>| r.into_iter().map(|w| if w.abs() >= cut { w } else { 0.0 }).collect();
    rows.into_iter()
        .zip(&m.params)
        .map(|(r, v)| r.map_or_else(|| v.clone(), |r| upload(thin(r), m.net.device())))
        .collect()
}

/// For each ReLU layer, the convolution weights above it: the largest kernel of those that reach it first.
fn before(m: &Model) -> Vec<usize> {
    use relinc_passes::ir::{NodeId, Op};
    let g = m.net.structure();
    let param = |id: NodeId| {
        let w = g.operand(id, 1)?;
        m.net.params().iter().position(|p| p.node == w)
    };
    let find = |start: NodeId| {
        let (mut stack, mut found) = (vec![start], vec![]);
        while let Some(n) = stack.pop() {
            for o in g.operands(n) {
                match g.op(o) {
                    Op::Conv(_) => found.extend(param(o)),
                    Op::Relu | Op::CappedRelu { .. } | Op::Const(_) | Op::Input(_) => {}
                    _ => stack.push(o),
                }
            }
        }
        found.into_iter().max_by_key(|&p| m.net.params()[p].shape.iter().product::<usize>())
    };
    m.net.relus().iter().map(|r| find(r.node).unwrap_or(usize::MAX)).collect()
}
