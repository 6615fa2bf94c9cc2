//! A search stage that trains nothing.

use super::Trainer;
use super::spec::StageOptions;
use crate::error::{Error, input};
use relinc_passes::masks::Masks;
use relinc_runtime::data::Dataset;
use relinc_runtime::eval;
use relinc_runtime::exec::Branch;
use relinc_runtime::search::oneshot::{self, Oneshot};
use relinc_runtime::train::Model;

impl Trainer<'_> {
    pub(super) fn oneshot(
        &self,
        student: &Model,
        o: &StageOptions,
        keep: usize,
        train: &Dataset,
        budget: Option<String>,
    ) -> Result<Masks, Error> {
        let g = student.graph(Branch::Clean);
        let (_, ty) = eval::only_input(&g).map_err(input)?;
        let layout = eval::layout(ty, train.image_shape()).map_err(input)?;
        let n = o.calibration.unwrap_or(256).min(train.len());
        let batches: Vec<_> = eval::batches(ty, n, 64)
            .map_err(input)?
            .into_iter()
            .map(|range| eval::feed(train, range, layout).0)
            .collect();
        let layers: Vec<_> = student
            .net
            .relus()
            .iter()
            .map(|r| oneshot::Layer { name: r.name.clone(), shape: r.shape })
            .collect();
        let allocation =
            crate::cli_options::allocation(o.allocation.as_deref().unwrap_or("global"), o.eta.clone())?;
        let options = Oneshot {
            keep,
            allocation,
            rounds: o.rounds.unwrap_or(8).max(1),
            seed: self.plan.seed,
            zeros: !o.identity_only.unwrap_or(false),
        };
        let mut tell = |i, n| self.progress.count("mask search, round", i, n);
        let mut m = oneshot::search(&g, &layers, &batches, &options, &mut tell).map_err(input)?;
        self.progress.finish();
        m.budget = budget;
        Ok(m)
    }
}
