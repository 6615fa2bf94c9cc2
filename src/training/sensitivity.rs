//! Layer sensitivities of a stage, measured and kept.

use super::spec::{StageOptions, StepOptions};
use super::walk::Given;
use super::{Trainer, watch};
use crate::error::{Result, input};
use crate::jobs::{kept, sensitivity as sensitivity_name};
use relinc_runtime::train::learner::Scene;
use relinc_runtime::train::objective::At;
use relinc_runtime::train::{Ended, Kind, Model, Stage, loader, sensitivity, sparsity};

impl Trainer<'_> {
    /// Layer sensitivities, measured once and kept beside the checkpoints.
    pub(super) fn sensitivity(
        &self,
        name: &str,
        o: &StageOptions,
        (student, teacher): (&Model, &Model),
        g: &Given<'_>,
    ) -> Result<Vec<f64>> {
        let train = &g.setup.train;
        let from = o.steps.sensitivity.as_deref().unwrap_or("gradient");
        let file = g.shared.path().join(sensitivity_name(name, from) + ".json");
        if (self.resume || !self.part.has(name))
            && let Some(eta) = kept::read::<Vec<f64>>(&file)?
        {
            return Ok(eta);
        }
        self.progress.step("layer sensitivities");
        let eta = if o.steps.sensitivity.as_deref() == Some("sparse") {
            const DENSITY: f64 = 0.1;
            let mut sparse = student.clone();
            let mut masks = sparse.open_masks();
            let epochs = (o.steps.epochs.unwrap_or(10) / 10).max(1);
            let steps = StepOptions { epochs: Some(epochs), batch: o.steps.batch, ..StepOptions::default() };
            let options = StageOptions { steps, ..StageOptions::default() };
            let recipe = options.recipe(Kind::Teacher, None, false, true, 1.0, self.plan.seed)?;
            let stage = Stage {
                name: "sensitivity".into(),
                recipe,
                teacher: None,
                train: train.clone(),
                val: &g.setup.val,
                folder: None,
                resume: false,
                stop: self.stop.clone(),
                order: None,
                density: Some(DENSITY),
                beside: g.chosen.devices[1..].to_vec(),
            };
            let mut quiet = watch::Silent;
            match stage.run(&mut sparse, &mut masks, &mut quiet).map_err(input)? {
                Ended::Finished => sparsity::by_sparsity(&sparse, DENSITY),
                Ended::Stopped => return Err(self.stopped("sensitivity")),
            }
        } else {
            let scene = Scene {
                student,
                teacher: Some(teacher),
                train,
                at: At { seed: self.plan.seed, step: 0 },
                epochs: 1,
                epoch: 0,
                steps: loader::steps(train.len(), o.steps.batch.unwrap_or(128)),
            };
            let n = o.masks.calibration.unwrap_or(1000);
            let worth = sensitivity::worth(&scene, n, self.plan.seed).map_err(input)?;
            sensitivity::by_gradient(&scene, &worth)
        };
        let eta: Vec<f64> = eta.into_iter().map(rounded).collect();
        kept::write(&file, &eta)?;
        Ok(eta)
    }
}

/// To six decimals, so that text gives back the same number.
fn rounded(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}
