//! Which caps a search took away, and which of them were idle.

use super::worth::BATCH;
use crate::data::Dataset;
use crate::exec::value::download;
use crate::exec::{Branch, Call, Norms, Precision};
use crate::train::Model;
use crate::train::evaluate::pixels_of;
use relinc_passes::choice::Choice;

/// Elements of the layers that have a cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caps {
    /// All.
    pub elements: usize,
    /// Those that are ReLUs without it.
    pub lost: usize,
    /// Those of them whose operand was never above it.
    pub idle: usize,
}

/// Counts them under the masks that the model has, over some images; `None` where no layer has a cap.
///
/// # Errors
/// Images that the network does not take, or an operation it cannot compute.
pub fn caps(m: &Model, ds: &Dataset, images: &[usize]) -> Result<Option<Caps>, String> {
    let relus = m.net.relus();
    if !relus.iter().any(|r| r.capped()) {
        return Ok(None);
    }
    let mut passed: Vec<Vec<bool>> = relus.iter().map(|r| vec![false; r.relus()]).collect();
    for chunk in images.chunks(m.net.batch(BATCH)) {
        let x = m.front.apply(pixels_of(ds, chunk, m.net.device()));
        let call = Call {
            params: &m.params,
            gates: &m.gates,
            norms: Norms::Running,
            branch: Branch::Clean,
            watch: true,
            probes: None,
            precision: Precision::F32,
            tails: false,
        };
        let taps = m.net.forward(x, &call)?.taps;
        for ((tap, r), passed) in
            taps.into_iter().zip(relus).zip(&mut passed).filter(|((_, r), _)| r.capped())
        {
            for image in download(tap.input.into_flat()).chunks(r.relus().max(1)) {
                passed.iter_mut().zip(image).for_each(|(p, &x)| *p |= x.is_nan() || x > r.cap);
            }
        }
    }
    let mut c = Caps::default();
    for (r, passed) in relus.iter().zip(&passed).filter(|(r, _)| r.capped()) {
        c.elements += r.relus();
        let Some(mask) = m.masks.layers.get(&r.name) else { continue };
        let lost = || mask.values.iter().zip(passed).filter(|(v, _)| **v == Choice::Uncapped);
        c.lost += lost().count();
        c.idle += lost().filter(|(_, passed)| !**passed).count();
    }
    Ok(Some(c))
}
