//! The masks of a compilation.

use super::{MaskSource, Request, read_masks};
use crate::error::{Error, input};
use crate::latency;
use crate::model::{Model, ReluLayer};
use crate::progress::Progress;
use crate::vanish::Asked;
use relinc_passes::masks::Masks;
use relinc_runtime::data::Split;
use relinc_runtime::eval;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::search::oneshot::{self, Allocation, Oneshot};
use relinc_runtime::search::whole;

/// Images the search looks at together.
const CALIBRATION_BATCH: usize = 64;

/// The masks that are there before any image is looked at; `None` where they are to be found, on the model without redundant
/// layers.
///
/// # Errors
/// Masks that do not fit the network, and a search that could not end well: a budget that the network does not have, layers that
/// are not there, options that exclude each other.
pub fn given(model: &Model, lean: &Model, r: &Request) -> Result<Option<Masks>, Error> {
    let all: Vec<&str> = model.layers.iter().map(|l| l.name.as_str()).collect();
    Asked { layers: None, vanish: r.vanish.clone() }.check(&all)?;
    let (budget, allocation, vanish) = match &r.masks {
        MaskSource::All => return Ok(Some(Masks::default())),
        MaskSource::File(path) => return read_masks(path, model).map(Some),
        MaskSource::Learned(m) => return Ok(Some(m.clone())),
        MaskSource::Oneshot { budget, allocation, vanish, .. } => (budget, allocation, vanish),
    };
    if r.data.is_none() {
        return Err(Error::Input(
            "--budget finds masks on real images: give them with --data, for instance --data cifar10:DIR"
                .into(),
        ));
    }
    let names: Vec<&str> = lean.layers.iter().map(|l| l.name.as_str()).collect();
    vanish.check(&names)?;
    let latency = matches!(budget, Budget::Latency(_));
    match (latency, vanish.text()) {
        (true, Some(asked)) => {
            return Err(Error::Input(format!(
                "--budget {budget}: a time chooses the layers itself; leave out --{asked}"
            )));
        }
        (true, None) => {}
        (false, _) => drop(budget.relus(lean.relus()).map_err(input)?),
    }
    match allocation {
        Allocation::Global => Ok(None),
        Allocation::Senet(_) if latency || vanish.text().is_some() => Err(Error::Input(
            "a latency budget, --layers and --vanish spread the ReLUs themselves: leave out --allocation"
                .into(),
        )),
        Allocation::Senet(Some(eta)) if eta.len() != names.len() => Err(Error::Input(format!(
            "{} sensitivities are given for {} ReLU layers",
            eta.len(),
            names.len()
        ))),
        Allocation::Senet(_) => Ok(None),
    }
}

/// One mask for every ReLU layer: those given, or found; a search looks at the model without redundant layers.
pub fn masks(
    model: &Model,
    lean: &Model,
    r: &Request,
    given: Option<Masks>,
    progress: &Progress,
    notes: &mut Vec<String>,
) -> Result<Masks, Error> {
    let mut m = match given {
        Some(m) => m,
        None => model.found(search(lean, r, progress, notes)?),
    };
    m = model.complete(m);
    if !r.vanish.is_empty() {
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
    let (MaskSource::Oneshot { budget, allocation, rounds, images, zeros, vanish }, Some(data)) =
        (&r.masks, &r.data)
    else {
        return Err(input("a search for masks wants a budget and images"));
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
    let (keep, vanish) = match budget {
        Budget::Latency(l) => {
            let mut tell = |i, n| progress.count("layers that fit the time", i, n);
            let worth = whole::rescaled(&model.graph, &layers, &batches, r.seed, *zeros, &mut tell);
            let (choice, said) = latency::resolve(l, model, &r.into(), &worth.map_err(named)?)?;
            notes.push(said);
            (choice.keep, Vanish::Given(choice.closed))
        }
        b => {
            let vanish = vanish.resolve(model, &r.into())?;
            let keep = b.relus(model.relus()).map_err(input)?;
            let stay = vanish.room(model.layers.iter().map(ReluLayer::relus));
            notes.extend(crate::vanish::cut(b, keep, stay));
            (keep.min(stay), vanish)
        }
    };
    let (allocation, zeros) = (allocation.clone(), *zeros);
    let options = Oneshot { keep, allocation, rounds: *rounds, seed: r.seed, zeros, vanish };
    let found = oneshot::search(&model.graph, &layers, &batches, &options, &mut |i, n| {
        progress.count("mask search, round", i, n);
    });
    let mut m = found.map_err(named)?;
    m.budget = Some(budget.to_string());
    Ok(m)
}
