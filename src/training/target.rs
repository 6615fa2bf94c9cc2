//! What a search aims at: ReLUs to keep, and layers that have to vanish for a budget in seconds.

use super::spec::StageOptions;
use crate::caps::counted;
use crate::error::{Result, input};
use crate::latency::{self, Pricing};
use crate::model::Model as Canonical;
use crate::vanish::cut;
use relinc_passes::layers::ReluLayer;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::train::Method;
use std::borrow::Cow;

/// What a search aims at.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Comparisons of ReLU layers to keep.
    pub keep: usize,
    /// Layers that keep none.
    pub vanish: Vanish,
    /// How it was chosen, for the user.
    pub said: Option<String>,
}

/// Resolves a stage's budget out of `relus`, the comparisons of its ReLU layers. Seconds are resolved by what the ReLUs are worth, the costs of each layer's
/// elements; these and the canonical model are asked for where a budget or the options choose layers.
pub fn resolve<'m>(
    budget: &Budget,
    o: &StageOptions,
    relus: usize,
    pricing: &Pricing,
    model: impl FnOnce() -> Result<Cow<'m, Canonical>>,
    worth: impl FnOnce() -> Result<Vec<Vec<f64>>>,
) -> Result<Target> {
    let keep = match budget {
        Budget::Latency(_) => 0,
        b => b.relus(relus).map_err(input)?,
    };
    if !chooses_layers(budget, o)? {
        return Ok(Target { keep, ..Target::default() });
    }
    let model = model()?;
    if let Budget::Latency(time) = budget {
        let (choice, said) = latency::resolve(time, &model, pricing, &worth()?)?;
        return Ok(Target { keep: choice.keep, vanish: Vanish::Given(choice.closed), said: Some(said) });
    }
    let vanish = o.vanish().resolve(&model, pricing)?;
    let stay = vanish.room(model.layers.iter().map(ReluLayer::comparisons));
    Ok(Target { keep: keep.min(stay), vanish, said: cut(budget, keep, stay, counted(&model.layers)) })
}

/// Does a stage choose which layers vanish? An error where it is asked what excludes that.
pub fn chooses_layers(budget: &Budget, o: &StageOptions) -> Result<bool> {
    let what = match (budget, o.vanish().text()) {
        (Budget::Latency(l), None) => format!("budget {}", l.text),
        (Budget::Latency(l), Some(asked)) => {
            return Err(input(format!(
                "budget {}: a time chooses the layers itself; leave out {asked}",
                l.text
            )));
        }
        (_, Some(asked)) => asked,
        (_, None) => return Ok(false),
    };
    let method = o.method()?;
    if !matches!(method, Method::Oneshot | Method::Gradual) {
        return Err(input(format!(
            "{what}: the methods gradual and oneshot choose layers; method {method} wants a number of ReLUs alone"
        )));
    }
    let m = &o.masks;
    if m.allocation.is_some() || m.eta.is_some() || m.counts.is_some() || o.steps.sensitivity.is_some() {
        return Err(input(format!(
            "{what}: it spreads the ReLUs itself; leave out allocation, eta, counts and sensitivity"
        )));
    }
    Ok(true)
}
