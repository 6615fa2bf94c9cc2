//! What each kind of choice saves: the layers take their masks kind by kind, and every step is lowered, folded and priced.

use super::baseline::Column;
use super::sparse::{Masked, side_by_side};
use crate::error::Result;
use crate::report::model::{Action, Contribution, Layer, Report, Saved};
use relinc_passes::choice::Choice;
use relinc_passes::masks::LayerMask;
use relinc_runtime::cost::{Network, Priced, Split};

/// Fills the costs of a report. `lossless` is the network with all its ReLUs, `after` the emitted one.
pub fn contribute(m: &Masked<'_>, report: &mut Report, lossless: &Column, after: &Column) -> Result<()> {
    let count = |a: Action| report.layers.iter().filter(|l| l.action == a).count() as u64;
    let kinds: Vec<(Action, u64)> =
        Contribution::ORDER.map(|a| (a, count(a))).into_iter().filter(|k| k.1 > 0).collect();
    let between = kinds.len().saturating_sub(1);
    let taken: Vec<Vec<Action>> = (1..=between).map(|k| kinds[..k].iter().map(|k| k.0).collect()).collect();
    let steps = side_by_side(&taken, |of| with_masks_of(m, &report.layers, of))?;
    for c in &mut report.cost {
        let protocol = m.r.protocols.iter().position(|p| p.name == c.protocol);
        let network = m.r.networks.iter().find(|n| n.name == c.network);
        let (Some(i), Some(n)) = (protocol, network) else { continue };
        let priced: Vec<&Priced> =
            [lossless].into_iter().chain(&steps).chain([after]).map(|column| &column.priced[i]).collect();
        if priced.iter().all(|p| p.complete()) {
            let one = |(&(action, layers), pair): (&(Action, u64), &[&Priced])| Contribution {
                action,
                layers,
                saved: saved(pair[0], pair[1], n),
            };
            c.contributions = kinds.iter().zip(priced.windows(2)).map(one).collect();
        }
    }
    Ok(())
}

/// The network with the masks of some kinds of layers alone: the others keep all their ReLUs. A layer that changes nothing is left out
/// of it as it is of the network with all its ReLUs.
fn with_masks_of(m: &Masked<'_>, layers: &[Layer], kinds: &[Action]) -> Result<Column> {
    let mut masks = m.masks.clone();
    for l in layers.iter().filter(|l| !kinds.contains(&l.action)) {
        if let Some(mask) = masks.layers.get_mut(&l.name) {
            *mask = LayerMask::uniform(mask.shape, Choice::Relu).with_cap(mask.cap);
        }
    }
    Column::lowered(m.model.clone(), masks, m.options, m.r)
}

fn saved(was: &Priced, now: &Priced, n: &Network) -> Saved {
    let later = |p: &Priced| -> Split { p.later().unwrap_or(p.total) };
    let (a, b) = (later(was), later(now));
    Saved {
        online_bytes: (a.sent - b.sent).round() as i64,
        rounds: a.rounds - b.rounds,
        seconds: n.communication(&a, was.directions) - n.communication(&b, now.directions),
    }
}
