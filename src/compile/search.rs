//! The masks of a compilation, and accuracy on held-out images.

use super::{MaskSource, Request, Search, read_masks};
use crate::error::{Error, input};
use crate::model::Model;
use crate::progress::Progress;
use crate::report::model::{Accuracy, Scores};
use crate::training::guard::guarded;
use crate::training::target::resolve;
use relinc_passes::choice::Choice;
use relinc_passes::ir::Graph;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_runtime::data::{Dataset, Split};
use relinc_runtime::search::whole;
use relinc_runtime::search::worth::first_images;
use relinc_runtime::train::Model as Network;
use relinc_runtime::train::learners::oneshot;
use relinc_runtime::{device, eval};
use std::borrow::Cow;

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
        MaskSource::Search(s) => search(model, r, s, progress, notes)?,
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

fn search(
    model: &Model,
    r: &Request,
    s: &Search,
    progress: &Progress,
    notes: &mut Vec<String>,
) -> Result<Masks, Error> {
    let Some(data) = &r.data else {
        return Err(Error::Input(
            "--budget finds masks on real images: give them with --data, for instance --data cifar10:DIR"
                .into(),
        ));
    };
    let named = |e: String| Error::Input(format!("{}: {e}", model.info.path.display()));
    let mut options = s.options.search(0, r.seed)?;
    let ds = data.open(Split::Train, Some(options.calibration)).map_err(input)?;
    let chosen = device::choose(&s.device).map_err(Error::Input)?;
    if chosen.card.is_some() {
        progress.line(&chosen.said);
    }
    let mut m = Network::of_graph(&model.graph, &ds, chosen.first()).map_err(named)?;
    let images = first_images(&m, options.calibration.min(ds.len())).map_err(named)?;
    guarded(chosen.first(), || {
        let worth = || {
            let mut tell = |i, n| progress.count("layers that fit the time", i, n);
            let images = (&ds, &images[..]);
            whole::rescaled(&m, images, &options.choices, r.seed, &mut tell).map_err(named)
        };
        let canonical = || Ok(Cow::Borrowed(model));
        let target = resolve(&s.budget, &s.options, model.relus(), &r.into(), canonical, worth)?;
        notes.extend(s.options.notice().into_iter().chain(target.said));
        (options.keep, options.vanish) = (target.keep, target.vanish);
        m.learn_slopes(s.options.slopes.unwrap_or(false));
        let mut tell = |i, n| progress.count("mask search, round", i, n);
        let found = oneshot::search(&m, &ds, &options, &mut tell).map_err(named)?;
        Ok(Masks { budget: Some(s.budget.to_string()), ..found })
    })
}
