//! A search stage that trains nothing.

use super::spec::StageOptions;
use super::{Target, Trainer};
use crate::error::{Error, input};
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;
use relinc_runtime::data::Dataset;
use relinc_runtime::eval;
use relinc_runtime::exec::Branch;
use relinc_runtime::search::oneshot::{self, Oneshot};
use relinc_runtime::train::Model;
use relinc_runtime::train::state::{Checkpoint, Progress};
use std::path::Path;

impl Trainer<'_> {
    pub(super) fn oneshot(
        &self,
        student: &Model,
        o: &StageOptions,
        target: &Target,
        train: &Dataset,
        (path, runs): (&Path, bool),
    ) -> Result<Masks, Error> {
        let made_for =
            format!("{o:?} for {target:?} from {:016x} on {}", student.fingerprint(), train.describe());
        if path.exists() {
            let shapes = student.net.relus().iter().map(|r| (r.name.clone(), r.shape)).collect();
            let c = Checkpoint::read(path, &shapes).map_err(input)?;
            if c.progress.recipe == made_for {
                return Ok(c.masks);
            }
            if !runs {
                return Err(Error::Input(format!(
                    "{}: was made by another recipe or data set",
                    path.display()
                )));
            }
        }
        let (g, layers, batches) = self.calibration(student, o, train)?;
        let allocation =
            crate::cli_options::allocation(o.allocation.as_deref().unwrap_or("global"), o.eta.clone())?;
        let options = Oneshot {
            keep: target.keep,
            vanish: target.vanish.clone(),
            allocation,
            rounds: o.rounds.unwrap_or(8).max(1),
            seed: self.plan.seed,
            zeros: !o.identity_only.unwrap_or(false),
        };
        let mut tell = |i, n| self.progress.count("mask search, round", i, n);
        let m = oneshot::search(&g, &layers, &batches, &options, &mut tell).map_err(input)?;
        self.progress.finish();
        let progress = Progress { recipe: made_for, finished: true, ..Progress::default() };
        let c = Checkpoint { progress, masks: m, ..Checkpoint::default() };
        c.write(path).map_err(input)?;
        Ok(c.masks)
    }

    /// The student's graph, its ReLU layers, and training images as it takes them.
    pub(super) fn calibration(
        &self,
        student: &Model,
        o: &StageOptions,
        train: &Dataset,
    ) -> Result<(Graph, Vec<ReluLayer>, Vec<Tensor>), Error> {
        let g = student.graph(Branch::Clean);
        let (_, ty) = eval::only_input(&g).map_err(input)?;
        let layout = eval::layout(ty, train.image_shape()).map_err(input)?;
        let n = o.calibration.unwrap_or(256).min(train.len());
        let batches: Vec<_> = eval::batches(ty, n, 64)
            .map_err(input)?
            .into_iter()
            .map(|range| eval::feed(train, range, layout).0)
            .collect();
        Ok((g, student.net.relus().to_vec(), batches))
    }
}
