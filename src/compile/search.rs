//! The masks of a compilation.

use super::{MaskSource, Request, read_masks};
use crate::caps;
use crate::error::{Result, input};
use crate::latency;
use crate::model::Model;
use crate::progress::Progress;
use crate::training::check;
use crate::training::guard::guarded;
use crate::training::spec::StageOptions;
use crate::training::target::{chooses_layers, resolve};
use crate::vanish::Asked;
use relinc_passes::masks::Masks;
use relinc_runtime::data::Split;
use relinc_runtime::device::{self, DeviceSpec};
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::structure::Place;
use relinc_runtime::search::worth::first_images;
use relinc_runtime::train::Model as Network;
use relinc_runtime::train::learners::oneshot;
use std::borrow::Cow;

/// A search stage without steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// How.
    pub options: StageOptions,
    /// ReLUs to keep.
    pub budget: Budget,
    /// Where it computes.
    pub device: DeviceSpec,
}

impl Search {
    /// Of options that fit each other.
    ///
    /// # Errors
    /// A method that trains, numbers that mean nothing, options that exclude each other.
    pub fn new(options: StageOptions, budget: Budget, device: DeviceSpec) -> Result<Search> {
        let method = options.method()?;
        if method.trains() {
            return Err(input(format!(
                "method {method} trains: use relinc search, or relinc run with a pipeline file; compile does oneshot"
            )));
        }
        options.check()?;
        chooses_layers(&budget, &options)?;
        options.search(0, 0)?;
        Ok(Search { options, budget, device })
    }
}

/// The masks that are there before any image is looked at; `None` where they are to be found, on the model without redundant
/// layers.
///
/// # Errors
/// Masks that do not fit the network, and a search that could not end well: a budget that the network does not have, layers that
/// are not there, options that exclude each other.
pub fn given(model: &Model, lean: &Model, r: &Request) -> Result<Option<Masks>> {
    Asked { vanish: r.vanish.clone(), ..Asked::default() }.check(&model.layers)?;
    match &r.masks {
        MaskSource::All => Ok(Some(Masks::default())),
        MaskSource::File(path) => read_masks(path, model).map(Some),
        MaskSource::Learned(m) => Ok(Some(m.clone())),
        MaskSource::Search(_) if r.data.is_none() => Err(input(
            "--budget finds masks on real images: give them with --data, for instance --data cifar10:DIR",
        )),
        MaskSource::Search(s) => check::search(&s.options, &s.budget, lean).map(|_| None),
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
) -> Result<Masks> {
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

fn search(model: &Model, r: &Request, progress: &Progress, notes: &mut Vec<String>) -> Result<Masks> {
    let (MaskSource::Search(s), Some(data)) = (&r.masks, &r.data) else {
        return Err(input("a search for masks wants a budget and images"));
    };
    let named = |e: String| input(format!("{}: {e}", model.info.path.display()));
    let mut options = s.options.search(0, r.seed)?;
    let ds = data.open(Split::Train, Some(options.calibration)).map_err(input)?;
    let chosen = device::choose(&s.device).map_err(input)?;
    if chosen.card.is_some() {
        progress.line(&chosen.said);
    }
    let mut m = Network::of_graph(&model.graph, &ds, chosen.first()).map_err(named)?;
    let images = first_images(&m, options.calibration.min(ds.len())).map_err(named)?;
    guarded(chosen.first(), || {
        let worth = |places: &[Place]| {
            let mut tell = |i, n| progress.count("layers that go whole", i, n);
            latency::worth(&m, (&ds, &images[..]), &options, places, &mut tell).map_err(named)
        };
        let canonical = || Ok(Cow::Borrowed(model));
        let target = resolve(&s.budget, &s.options, model.relus(), &r.into(), canonical, worth)?;
        notes.extend(s.options.notice().into_iter().chain(target.said));
        (options.keep, options.vanish, options.squares) = (target.keep, target.vanish, target.squares);
        m.learn_slopes(s.options.masks.slopes.unwrap_or(false));
        let mut tell = |i, n| {
            progress.count("mask search, round", i, n);
            true
        };
        let found = oneshot::search(&m, &ds, &options, &mut tell).map_err(named)?;
        m.set_masks(&found);
        notes.extend(caps::lost(&m, &ds, options.calibration).map_err(named)?);
        Ok(Masks { budget: Some(s.budget.to_string()), ..found })
    })
}
