//! Which ReLUs a small change of the image may flip: what keeps bounds apart from the network, and certificates from holding.

use crate::certify::{Arithmetic, Program};
use crate::data::Dataset;
use crate::eval;
use crate::eval::around::around;
use crate::exec::Branch;
use crate::train::Model;
use relinc_passes::masks;

/// For each element of each ReLU layer, the share of these images around which, within `epsilon` a pixel, its operand may have either
/// sign, as far as CROWN's bounds tell under the present masks.
///
/// # Errors
/// A graph that bounds cannot follow.
pub fn unstable(m: &Model, ds: &Dataset, images: &[usize], epsilon: f64) -> Result<Vec<Vec<f64>>, String> {
    let mut all = m.open_masks();
    all.layers.extend(m.masks.layers.clone());
    let g = masks::apply(&m.graph(Branch::Clean), &all).map_err(|e| e.to_string())?;
    let program = Program::of(&g)?;
    let layout = eval::layout(g.only_input()?.1, ds.image_shape())?;
    let mut shares: Vec<Vec<f64>> = m.net.relus().iter().map(|r| vec![0.0; r.relus()]).collect();
    for &i in images {
        for (name, crossing) in program.crossing(&around(ds, i, epsilon, layout, Arithmetic::Real))? {
            let Some(l) = m.net.relus().iter().position(|r| r.name == name) else { continue };
            for (share, _) in shares[l].iter_mut().zip(crossing).filter(|(_, crosses)| *crosses) {
                *share += 1.0 / images.len() as f64;
            }
        }
    }
    Ok(shares)
}
