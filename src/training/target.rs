//! What a search aims at: ReLUs to keep, and layers that have to vanish for a budget in seconds.

use super::spec::StageOptions;
use crate::caps::counted;
use crate::error::{Result, input};
use crate::latency::{self, Pricing, Worth};
use crate::model::Model as Canonical;
use crate::vanish::cut;
use relinc_passes::choice::Choice;
use relinc_passes::layers::ReluLayer;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::search::structure::{Count, Place, Structure, places};
use relinc_runtime::train::Method;
use std::borrow::Cow;

/// What a search aims at.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Comparisons of ReLU layers to keep.
    pub keep: usize,
    /// Layers that keep none.
    pub vanish: Vanish,
    /// Those of them that become quadratic; empty where none may.
    pub squares: Vec<bool>,
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
    worth: impl FnOnce(&[Place]) -> Result<Worth>,
) -> Result<Target> {
    let keep = match budget {
        Budget::Latency(_) => 0,
        b => b.relus(relus).map_err(input)?,
    };
    if !chooses_layers(budget, o)? {
        return Ok(Target { keep, ..Target::default() });
    }
    let model = model()?;
    let places = places(&model.graph, &model.layers);
    let squares = o.may_square()?;
    if let Budget::Latency(time) = budget {
        let places = if o.squares_anywhere() { anywhere(&model.layers) } else { places };
        let (choice, said) = latency::resolve(time, &model, pricing, &places, &worth(&places)?)?;
        let marked = if squares { choice.squares() } else { vec![] };
        let vanish = Vanish::Given(choice.closed());
        return Ok(Target { keep: choice.keep, vanish, squares: marked, said: Some(said) });
    }
    if o.squares_anywhere() {
        return Err(input(
            "choices: quadratic-anywhere is for budgets in seconds (--budget latency=…); with a number of ReLUs write quadratic",
        ));
    }
    if squares {
        return structured(keep, o, &model, &places, worth);
    }
    let vanish = o.vanish().resolve(&model, pricing)?;
    let stay = vanish.room(model.layers.iter().map(ReluLayer::comparisons));
    let said = cut(budget, keep, stay, counted(&model.layers));
    Ok(Target { keep: keep.min(stay), vanish, said, squares: vec![] })
}

/// As if every layer stood inside a block; one with a cap is never quadratic.
fn anywhere(layers: &[ReluLayer]) -> Vec<Place> {
    layers.iter().map(|l| if l.capped() { Place::After } else { Place::Inside }).collect()
}

/// What a count of ReLUs leaves of each layer's place in the network, where layers may be quadratic.
fn structured(
    keep: usize,
    o: &StageOptions,
    model: &Canonical,
    places: &[Place],
    worth: impl FnOnce(&[Place]) -> Result<Worth>,
) -> Result<Target> {
    let names: Vec<&str> = model.layers.iter().map(|l| l.name.as_str()).collect();
    let asked = o.vanish();
    asked.check(&model.layers)?;
    let sizes: Vec<usize> = model.layers.iter().map(ReluLayer::comparisons).collect();
    let named: Vec<Option<Choice>> = names.iter().map(|n| asked.becomes(n)).collect();
    let count = Count { places, sizes: &sizes, keep, layers: asked.layers, asked: &named };
    let mut s = match asked.vanish[..] {
        [] => {
            let costs: Vec<f64> = worth(places)?.removed.iter().map(|c| c.iter().sum()).collect();
            count.structure(&costs)
        }
        ref gone => {
            let gone = |l: usize| gone.iter().any(|g| g == names[l]);
            let closed: Vec<bool> = (0..names.len()).map(|l| gone(l) || named[l].is_some()).collect();
            let squares = count.squares(&closed);
            Structure { closed, squares }
        }
    };
    // Marks that layers leave together even where none of them is quadratic.
    s.squares.resize(names.len(), false);
    let vanish = Vanish::Given(s.closed.clone());
    let room = vanish.room(sizes.into_iter());
    let of = |which: &dyn Fn(usize) -> bool| -> String {
        let all: Vec<&str> = (0..names.len()).filter(|&l| which(l)).map(|l| names[l]).collect();
        if all.is_empty() { "none".into() } else { format!("{} ({})", all.len(), all.join(", ")) }
    };
    let said = format!(
        "Layers that keep ReLUs: {}; that become quadratic: {}; that vanish: {}. {} {} stay.",
        of(&|l| !s.closed[l]),
        of(&|l| s.squares[l]),
        of(&|l| s.closed[l] && !s.squares[l]),
        keep.min(room),
        counted(&model.layers)
    );
    Ok(Target { keep: keep.min(room), vanish, squares: s.squares, said: Some(said) })
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
        (_, None) if o.may_square()? => "choices with quadratic".into(),
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
