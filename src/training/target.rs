//! What a search aims at: ReLUs to keep, and layers that have to vanish for a budget in seconds.

use super::spec::StageOptions;
use super::{Trainer, is_oneshot};
use crate::error::{Error, input};
use crate::latency;
use crate::model::Model as Canonical;
use crate::vanish::cut;
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::Graph;
use relinc_passes::layers::ReluLayer;
use relinc_passes::pass::Options;
use relinc_runtime::data::Dataset;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::search::whole;
use relinc_runtime::train::{Method, Model};

/// What a search aims at.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    /// ReLUs to keep.
    pub keep: usize,
    /// Layers that keep none.
    pub vanish: Vanish,
    /// How it was chosen, for the user.
    pub said: Option<String>,
}

impl Trainer<'_> {
    /// Resolves a stage's budget. Seconds are resolved by what the student's ReLUs are worth as the stage begins.
    pub(super) fn target(
        &self,
        budget: &Budget,
        o: &StageOptions,
        student: &Model,
        train: &Dataset,
        (graph, info): (&Graph, &ModelInfo),
    ) -> Result<Target, Error> {
        let keep = match budget {
            Budget::Latency(_) => 0,
            b => b.relus(student.net.relu_count()).map_err(input)?,
        };
        if !chooses_layers(budget, o)? {
            return Ok(Target { keep, ..Target::default() });
        }
        let model = Canonical::canonical(graph.clone(), info.clone(), vec![], &Options::default(), None)?;
        let whole = budget;
        let Budget::Latency(budget) = budget else {
            let vanish = o.vanish().resolve(&model, &self.pricing)?;
            let stay = vanish.room(model.layers.iter().map(ReluLayer::relus));
            return Ok(Target { keep: keep.min(stay), vanish, said: cut(whole, keep, stay) });
        };
        let (g, layers, batches) = self.calibration(student, o, train)?;
        let zeros = !o.identity_only.unwrap_or(false);
        let mut tell = |i, n| self.progress.count("layers that fit the time", i, n);
        let worth = whole::rescaled(&g, &layers, &batches, self.plan.seed, zeros, &mut tell);
        self.progress.finish();
        let worth = worth.map_err(input)?;
        let (choice, said) = latency::resolve(budget, &model, &self.pricing, &worth)?;
        Ok(Target { keep: choice.keep, vanish: Vanish::Given(choice.closed), said: Some(said) })
    }
}

/// Does a stage choose which layers vanish? An error where it is asked what excludes that.
pub(super) fn chooses_layers(budget: &Budget, o: &StageOptions) -> Result<bool, Error> {
    let what = match (budget, o.vanish().text()) {
        (Budget::Latency(l), None) => format!("budget {}", l.text),
        (Budget::Latency(l), Some(asked)) => {
            return Err(Error::Input(format!(
                "budget {}: a time chooses the layers itself; leave out {asked}",
                l.text
            )));
        }
        (_, Some(asked)) => asked,
        (_, None) => return Ok(false),
    };
    if !is_oneshot(o) && o.method()? != Method::Gradual {
        return Err(Error::Input(format!(
            "{what}: the methods gradual and oneshot choose layers; method {} wants a number of ReLUs alone",
            o.method()?
        )));
    }
    if o.allocation.is_some() || o.eta.is_some() || o.counts.is_some() || o.sensitivity.is_some() {
        return Err(Error::Input(format!(
            "{what}: it spreads the ReLUs itself; leave out allocation, eta, counts and sensitivity"
        )));
    }
    Ok(true)
}
