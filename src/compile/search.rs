//! The masks of a compilation, and accuracy on held-out images.

use super::{MaskSource, Request, read_masks};
use crate::error::{Error, input};
use crate::latency;
use crate::model::Model;
use crate::progress::Progress;
use crate::report::model::{Accuracy, Scores};
use relinc_passes::choice::Choice;
use relinc_passes::ir::Graph;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_runtime::data::{Dataset, Split};
use relinc_runtime::eval;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::search::oneshot::{self, Allocation, Oneshot};
use relinc_runtime::search::whole;

/// Images the search looks at together.
const CALIBRATION_BATCH: usize = 64;

/// Accuracy of the unmasked network.
pub fn accuracy(
    g: &Graph,
    ds: &Dataset,
    r: &Request,
    what: &str,
    progress: &Progress,
) -> Result<Accuracy, Error> {
    let label = format!("accuracy {what}");
    let clean = eval::clean(g, ds, r.eval_images, &mut |i, n| progress.count(&label, i, n)).map_err(input)?;
    Ok(Accuracy {
        before: Some(Scores { clean: Some(clean.clean), ..Default::default() }),
        after: None,
        data: r.data.as_ref().map(|d| d.to_string()).unwrap_or_default(),
        split: ds.split().name().into(),
        n: clean.n as u64,
    })
}

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
        m.layers.entry(l.name.clone()).or_insert_with(|| LayerMask::uniform(l.shape, Choice::Relu));
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
    let layers = &model.layers;
    let named = |e: String| Error::Input(format!("{}: {e}", model.info.path.display()));
    let (keep, vanish) = match (budget, vanish.text()) {
        (Budget::Latency(_), Some(asked)) => {
            return Err(Error::Input(format!(
                "--budget {budget}: a time chooses the layers itself; leave out --{asked}"
            )));
        }
        (Budget::Latency(l), None) => {
            let mut tell = |i, n| progress.count("layers that fit the time", i, n);
            let worth = whole::rescaled(&model.graph, layers, &batches, r.seed, *zeros, &mut tell);
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
    let found = oneshot::search(&model.graph, layers, &batches, &options, &mut |i, n| {
        progress.count("mask search, round", i, n);
    });
    let mut m = found.map_err(named)?;
    m.budget = Some(budget.to_string());
    Ok(m)
}
