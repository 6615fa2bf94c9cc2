//! Networks that are trained, from canonical graphs.

use super::Plan;
use crate::error::{Result, input};
use crate::model::{Model as Canonical, import_second};
use burn::tensor::{Device, Tensor};
use relinc_passes::choice::Choice;
use relinc_passes::free_batch::free_batch;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::head::batch;
use relinc_passes::ir::{Dim, Graph};
use relinc_passes::masks::Masks;
use relinc_runtime::attack::Attack;
use relinc_runtime::data::{DataSpec, Dataset};
use relinc_runtime::exec::Network;
use relinc_runtime::exec::value::upload;
use relinc_runtime::train::calm::calm;
use relinc_runtime::train::insert_norm::{calibrate, insert};
use relinc_runtime::train::loader::{LoaderOptions, aside};
use relinc_runtime::train::model::Model;
use relinc_runtime::train::objective::At;
use std::path::Path;
use std::sync::Arc;

/// Images the inserted normalisations are initialised from.
const CALIBRATION: usize = 512;
/// Of them a batch.
const BATCH: usize = 128;

relinc_passes::words! {
    /// Batch normalisations in training.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Norm ("batch normalisation") {
        /// Dual when a stage is robust, single otherwise.
        #[default]
        Auto = "auto",
        /// None: those of the model are folded into its weights first.
        None = "none",
        /// One a convolution.
        Single = "single",
        /// Two a convolution: clean and adversarial.
        Dual = "dual",
    }
}

/// The form of an imported network that is trained: its logits, for batches of any size, with its batch normalisations.
pub fn form(graph: Graph, info: &ModelInfo) -> Result<Canonical> {
    let mut form = Canonical::trainable(graph, info.clone())?;
    if batch(&form.graph) != Some(Dim::Batch) {
        let free = free_batch(&form.graph).map_err(|e| input(format!("{}: {e}", info.path.display())))?;
        let (head, notices) = (form.head, form.notices);
        form = Canonical { head, notices, ..Canonical::trainable(free, form.info)? };
    }
    Ok(form)
}

/// Another file's network, to teach.
pub fn read(path: &Path, options: &ImportOptions) -> Result<Canonical> {
    let i = import_second(path, options)?;
    form(i.graph, &i.info)
}

/// What networks are made for: the plan they are trained by, the images, and where.
pub struct Setup<'a> {
    pub plan: &'a Plan,
    pub data: &'a DataSpec,
    pub train: Arc<Dataset>,
    pub val: Dataset,
    pub device: &'a Device,
}

impl Setup<'_> {
    /// A network that teaches, as it is.
    pub fn teacher(&self, form: &Canonical) -> Result<Model, String> {
        self.model(Network::new(&form.trained_graph(), false, self.device)?)
    }

    fn model(&self, net: (Network, Vec<Tensor<1>>)) -> Result<Model, String> {
        Model::new(net, &self.data.normalize(), self.train.image_shape())
    }

    /// The network that learns, with the batch normalisations it is trained with; their first values are those under `masks`.
    pub fn student(&self, form: &Canonical, masks: Option<&Masks>) -> Result<Model, String> {
        let dual = match self.plan.norm {
            Norm::None => return self.without_norms(form),
            Norm::Auto => self.plan.robust(),
            Norm::Single => false,
            Norm::Dual => true,
        };
        let mut g = form.trained_graph();
        let added = insert(&mut g)?;
        let mut m = self.model(Network::new(&g, dual, self.device)?)?;
        // The identity is that of the network under its masks.
        if let Some(k) = masks {
            m.set_masks(k);
        }
        let new = |node| added.contains(&node);
        let sites: Vec<usize> = (0..m.net.norms().len()).filter(|&i| new(m.net.norms()[i].node)).collect();
        if !sites.is_empty() {
            let images = calm(&m, &self.train, CALIBRATION)?;
            // Where squares have tails, images are measured as `calm` looked at them.
            let squares = masks.is_some_and(|k| k.layers.values().any(|l| l.count(Choice::Quadratic) > 0));
            let options = LoaderOptions {
                augment: self.plan.augments() && !squares,
                augmix: false,
                seed: self.plan.seed,
            };
            let [c, h, w] = self.train.image_shape();
            let batch = |images: &[usize]| {
                let made = aside(&self.train, &options, images.to_vec());
                (upload(made.clean, self.device).reshape([images.len(), c, h, w]), made.labels)
            };
            let batches: Vec<_> = images.chunks(BATCH).map(batch).collect();
            let at = At { seed: self.plan.seed, step: 0 };
            calibrate(&mut m, &sites, &batches, &Attack::training(), at)?;
        }
        Ok(m)
    }

    /// The network that learns, its batch normalisations folded.
    fn without_norms(&self, form: &Canonical) -> Result<Model, String> {
        let folded = Canonical::plain(form.graph.clone(), form.info.clone());
        let mut folded = folded.map_err(|e| e.to_string())?;
        // Which layers are left out depends on the masks it begins with.
        for l in &mut folded.layers {
            l.redundant = form.layers.iter().any(|f| f.name == l.name && f.redundant);
        }
        self.teacher(&folded)
    }
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
