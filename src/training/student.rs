//! Networks that are trained, from canonical graphs.

use crate::error::Error;
use crate::model::{Model as Canonical, import_second};
use burn::tensor::Device;
use relinc_passes::driver::Options;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::head::batch;
use relinc_passes::ir::{Dim, Graph};
use relinc_passes::masks::Masks;
use relinc_runtime::attack::Attack;
use relinc_runtime::data::{DataSpec, Dataset};
use relinc_runtime::exec::{Network, free_batch};
use relinc_runtime::train::evaluate::pixels;
use relinc_runtime::train::insert_norm::{calibrate, insert};
use relinc_runtime::train::model::Model;
use relinc_runtime::train::objective::At;
use std::path::Path;
use std::str::FromStr;

/// Images the inserted normalisations are initialised from.
const CALIBRATION: usize = 512;
/// Of them a batch.
const BATCH: usize = 128;

/// Batch normalisations in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Norm {
    /// Dual when a stage is robust, single otherwise.
    #[default]
    Auto,
    /// None: those of the model are folded into its weights first.
    None,
    /// One a convolution.
    Single,
    /// Two a convolution: clean and adversarial.
    Dual,
}

impl FromStr for Norm {
    type Err = Error;
    fn from_str(s: &str) -> Result<Norm, Error> {
        match s {
            "auto" => Ok(Norm::Auto),
            "none" => Ok(Norm::None),
            "single" => Ok(Norm::Single),
            "dual" => Ok(Norm::Dual),
            _ => Err(Error::Input(format!(
                "batch normalisation '{s}' is not known; choose auto, none, single or dual"
            ))),
        }
    }
}

/// The form of an imported network that is trained: its logits, for batches of any size, with its batch normalisations.
pub fn form(graph: Graph, info: &ModelInfo) -> Result<Canonical, Error> {
    let mut form = Canonical::trainable(graph, info.clone(), vec![], &Options::default())?;
    if batch(&form.graph) != Some(Dim::Batch) {
        let free =
            free_batch(&form.graph).map_err(|e| Error::Input(format!("{}: {e}", info.path.display())))?;
        form = Canonical {
            head: form.head,
            ..Canonical::trainable(free, form.info, form.notices, &Options::default())?
        };
    }
    Ok(form)
}

/// A network that teaches, as it is.
pub fn teacher(
    form: &Canonical,
    data: &DataSpec,
    image: [usize; 3],
    device: &Device,
) -> Result<Model, String> {
    Model::new(Network::new(&form.trained_graph(), false, device)?, &data.normalize(), image)
}

/// Another file's network, to teach.
pub fn read(path: &Path, options: &ImportOptions) -> Result<Canonical, Error> {
    let i = import_second(path, options)?;
    form(i.graph, &i.info)
}

/// The network that learns, with the batch normalisations it is trained with.
#[allow(clippy::too_many_arguments)]
pub fn student(
    form: &Canonical,
    norm: Norm,
    robust: bool,
    data: &DataSpec,
    train: &Dataset,
    masks: Option<&Masks>,
    seed: u64,
    device: &Device,
) -> Result<Model, String> {
    let norm = match (norm, robust) {
        (Norm::Auto, true) => Norm::Dual,
        (Norm::Auto, false) => Norm::Single,
        (n, _) => n,
    };
    if norm == Norm::None {
        let mut folded =
            Canonical::canonical(form.graph.clone(), form.info.clone(), vec![], &Options::default(), None)
                .map_err(|e| e.to_string())?;
        // Which layers are left out depends on the masks it begins with.
        for l in &mut folded.layers {
            l.redundant = form.layers.iter().any(|f| f.name == l.name && f.redundant);
        }
        return teacher(&folded, data, train.image_shape(), device);
    }
    let mut g = form.trained_graph();
    let added = insert(&mut g)?;
    let started = Network::new(&g, norm == Norm::Dual, device)?;
    let mut m = Model::new(started, &data.normalize(), train.image_shape())?;
    // The identity is that of the network under its masks.
    if let Some(k) = masks {
        m.set_masks(k);
    }
    let new = |node| added.contains(&node);
    let sites: Vec<usize> = (0..m.net.norms().len()).filter(|&i| new(m.net.norms()[i].node)).collect();
    if !sites.is_empty() {
        let n = CALIBRATION.min(train.len());
        let batches: Vec<_> = (0..n)
            .step_by(BATCH)
            .map(|from| {
                let range = from..(from + BATCH).min(n);
                (pixels(train, range.clone(), device), range.map(|i| train.label(i)).collect())
            })
            .collect();
        calibrate(&mut m, &sites, &batches, &Attack::training(), At { seed, step: 0 })?;
    }
    Ok(m)
}

/// One sentence on what is trained.
pub fn describe(m: &Model) -> String {
    let norms = match (m.net.norms().len(), m.net.dual()) {
        (0, _) => "without batch normalisation".to_string(),
        (n, false) => format!("with {n} batch normalisations"),
        (n, true) => format!("with {n} dual batch normalisations (BN_c clean, BN_a adversarial)"),
    };
    format!("Trained {norms}.")
}
