//! The masks of a compilation.

use super::{MaskSource, Request, read_masks};
use crate::error::{Error, input};
use crate::latency;
use crate::model::{Model, ReluLayer};
use crate::progress::Progress;
use crate::vanish::Asked;
use relinc_passes::masks::{LayerMask, Masks, RELU};
use relinc_runtime::data::Split;
use relinc_runtime::eval;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::search::oneshot::{self, Allocation, Oneshot};
use relinc_runtime::search::whole;

/// Images the search looks at together.
const CALIBRATION_BATCH: usize = 64;

/// One mask for every ReLU layer.
pub fn masks(
    model: &Model,
    r: &Request,
    progress: &Progress,
    notes: &mut Vec<String>,
) -> Result<Masks, Error> {
    let mut m = match &r.masks {
        MaskSource::All => Masks::default(),
        MaskSource::File(path) => read_masks(path, model)?,
        MaskSource::Learned(m) => m.clone(),
        MaskSource::Oneshot { .. } => search(model, r, progress, notes)?,
    };
    for l in &model.layers {
        m.layers.entry(l.name.clone()).or_insert_with(|| LayerMask::uniform(l.shape, RELU));
    }
    if !r.vanish.is_empty() {
        let names: Vec<&str> = model.layers.iter().map(|l| l.name.as_str()).collect();
        Asked { layers: None, vanish: r.vanish.clone() }.check(&names)?;
        for name in &r.vanish {
            m.layers.entry(name.clone()).and_modify(|mask| *mask = mask.without_relus());
        }
        notes.push(format!("As asked, every element of {} is the identity.", r.vanish.join(", ")));
    }
    let own = &model.info.sha256;
    if let Some(other) = m.model_sha256.as_ref().filter(|s| *s != own) {
        let short = other.get(..12).unwrap_or(other);
        notes.push(format!(
            "The masks were made for another model file (sha256 {short}…); their layers fit this one."
        ));
    }
    m.model_sha256 = Some(own.clone());
    Ok(m)
}

fn search(model: &Model, r: &Request, progress: &Progress, notes: &mut Vec<String>) -> Result<Masks, Error> {
    let MaskSource::Oneshot { budget, allocation, rounds, images, zeros, vanish } = &r.masks else {
        return Ok(Masks::default());
    };
    let Some(data) = &r.data else {
        return Err(Error::Input(
            "--budget finds masks on real images: give them with --data, for instance --data cifar10:DIR"
                .into(),
        ));
    };
    let ds = data.open(Split::Train, Some(*images)).map_err(input)?;
    let (_, ty) = eval::only_input(&model.graph).map_err(input)?;
    let layout = eval::layout(ty, ds.image_shape()).map_err(input)?;
    let batches: Vec<_> = eval::batches(ty, ds.len().min(*images), CALIBRATION_BATCH)
        .map_err(input)?
        .into_iter()
        .map(|range| eval::feed(&ds, range, layout).0)
        .collect();
    let layers = model.search_layers();
    let named = |e: String| Error::Input(format!("{}: {e}", model.info.path.display()));
    let (keep, vanish) = match (budget, vanish.text()) {
        (Budget::Latency(_), Some(asked)) => {
            return Err(Error::Input(format!(
                "--budget {budget}: a time chooses the layers itself; leave out --{asked}"
            )));
        }
        (Budget::Latency(l), None) => {
            let mut tell = |i, n| progress.count("layers that fit the time", i, n);
            let worth = whole::rescaled(&model.graph, &layers, &batches, r.seed, *zeros, &mut tell);
            let (choice, said) = latency::resolve(l, model, &r.into(), &worth.map_err(named)?)?;
            notes.push(said);
            (choice.keep, Vanish::Given(choice.closed))
        }
        (b, _) => {
            let vanish = vanish.resolve(model, &r.into())?;
            let keep = b.relus(model.relus()).map_err(input)?;
            let stay = vanish.room(model.layers.iter().map(ReluLayer::relus));
            notes.extend(crate::vanish::cut(b, keep, stay));
            (keep.min(stay), vanish)
        }
    };
    if vanish.any() && *allocation != Allocation::Global {
        return Err(Error::Input(
            "a latency budget, --layers and --vanish spread the ReLUs themselves: leave out --allocation"
                .into(),
        ));
    }
    let (allocation, zeros) = (allocation.clone(), *zeros);
    let options = Oneshot { keep, allocation, rounds: *rounds, seed: r.seed, zeros, vanish };
    let found = oneshot::search(&model.graph, &layers, &batches, &options, &mut |i, n| {
        progress.count("mask search, round", i, n);
    });
    let mut m = found.map_err(named)?;
    m.budget = Some(budget.to_string());
    Ok(m)
}
