//! Budgets in seconds: what a query takes for every choice of ReLUs, and the choice that takes no longer than allowed.

mod clock;

pub use clock::Clock;

use crate::caps::counted;
use crate::compile::{Request, Target, TruncationMode};
use crate::error::{Error, Result, input};
use crate::model::Model;
use relinc_passes::choice::Choice;
use relinc_passes::driver::weigh::Fold;
use relinc_runtime::cost::{self, ConvForm, Network, Protocol, Truncates, Weights};
use relinc_runtime::data::Dataset;
use relinc_runtime::search::budget::Latency;
use relinc_runtime::search::latency::{Costs, Fit, State, Unmet, again, choose};
use relinc_runtime::search::structure::Place;
use relinc_runtime::search::whole::Whole;
use relinc_runtime::train::{Model as Trainable, SearchOptions};

/// How far below a budget the search aims, as a share of it. Predictions are not exact: through a proxy, communication has been
/// up to a few percent above them (docs/results.md), and a budget is there to be met by the run, not by the prediction.
pub const MARGIN: f64 = 0.05;

/// What a price depends on besides the protocol and the network.
#[derive(Debug, Clone, Default)]
pub struct Pricing {
    /// Who knows the weights; each protocol's default when absent.
    pub weights: Option<Weights>,
    /// The form convolutions are to have and the network it is chosen by, where an artefact for SPU is emitted.
    pub forms: Option<(ConvForm, Network)>,
    /// The protocol and the network that everything is looked at first.
    pub first: Option<(Protocol, Network)>,
    /// What merges around layers that vanish.
    pub fold: Fold,
    /// Is it folded before it is tuned, with padding moved outwards?
    pub before_tuning: bool,
    /// Is a softmax at the end left out?
    pub drop_softmax: bool,
    /// Are truncations that cost nothing asked for? They are taken to hold where the protocol has such.
    pub bounded: bool,
}

impl Pricing {
    /// The protocol with the truncations that are asked for.
    fn truncating(&self, p: &Protocol) -> Protocol {
        let alone = p.truncating_alone().filter(|_| self.bounded);
        alone.unwrap_or_else(|| p.clone())
    }
}

impl From<&Request> for Pricing {
    fn from(r: &Request) -> Pricing {
        let spu = r.options.targets.contains(&Target::Spu);
        let network = r.networks.first().filter(|_| spu).cloned();
        Pricing {
            weights: r.options.weights,
            forms: network.map(|n| (r.options.conv_form, n)),
            first: r.protocols.first().cloned().zip(r.networks.first().cloned()),
            fold: r.fold(),
            before_tuning: r.folds_before_tuning(),
            drop_softmax: r.options.drop_softmax,
            bounded: r.options.truncation != TruncationMode::Safe,
        }
    }
}

/// What layers cost in accuracy.
#[derive(Debug, Clone, Default)]
pub struct Worth {
    /// Of each layer, one a comparison that is removed.
    pub removed: Vec<Vec<f64>>,
    /// Of each layer as a quadratic; `None`, as behind the last, where it may be none.
    pub squared: Vec<Option<f64>>,
}

/// Measures it on images, for the choices of a search; `places` says which layers may be quadratic where these name it.
///
/// # Errors
/// An operation without a gradient.
pub fn worth(
    m: &Trainable,
    images: (&Dataset, &[usize]),
    o: &SearchOptions,
    places: &[Place],
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Worth, String> {
    let lines: Vec<Choice> = o.choices.iter().copied().filter(|c| *c != Choice::Quadratic).collect();
    let mut whole = Whole::new(m, images)?;
    let removed = whole.rescaled(&lines, o.seed, tell)?;
    let may: Vec<bool> = places.iter().map(|p| *p == Place::Inside).collect();
    let squared = match lines.len() < o.choices.len() {
        true => whole.squared(&may, tell)?,
        false => vec![],
    };
    Ok(Worth { removed, squared })
}

/// Chooses what becomes of the layers, and says so in a sentence. The time is that of a later query of a session. Where some layers may
/// be quadratic, those that reset what squares grow keep ReLUs while the time allows it.
pub fn resolve(
    budget: &Latency,
    model: &Model,
    pricing: &Pricing,
    places: &[Place],
    worth: &Worth,
) -> Result<(Fit, String)> {
    let protocol = cost::find(&budget.protocol).map_err(input)?;
    let w = pricing.weights.unwrap_or(protocol.default_weights);
    let clock = Clock::new(model, &protocol, &budget.network, pricing)?;
    let unmet = |unmet: Unmet| {
        Error::Answer(format!(
            "budget {}: cannot be met. Without a single ReLU a {} is predicted to take {:.3} s ({}, {w} weights, {}), {:.3} s \
             too long: the rest is in the linear layers",
            budget.text,
            if clock.caches() { "later query" } else { "query" },
            unmet.floor,
            protocol.name,
            budget.network.describe(),
            unmet.floor - budget.seconds
        ))
    };
    let squares = worth.squared.iter().any(Option::is_some);
    if squares && !clock.prices_squares() {
        return Err(input(format!(
            "budget {}: {} does not model what a square costs, so no layer can become quadratic by it; leave quadratic out of choices, \
             choose another protocol, or add 'mul' to its file",
            budget.text, protocol.name
        )));
    }
    // The last layer has no square behind it whose operand it could reset.
    let resets = |(i, p): (usize, &Place)| squares && *p == Place::Reset && i + 1 < places.len();
    let pinned: Vec<bool> = places.iter().enumerate().map(resets).collect();
    let floor = clock.seconds(&vec![0; worth.removed.len()], &[]);
    // Where not even the all-linear network leaves the margin, it is the answer that is left.
    let aim = (budget.seconds * (1.0 - MARGIN)).max(floor).min(budget.seconds);
    let costs = Costs { removed: &worth.removed, squared: &worth.squared, pinned: &pinned };
    let mut choice = choose(costs, aim, &|n, s| clock.seconds(n, s)).map_err(unmet)?;
    if pricing.before_tuning {
        // What fits without that fits with it as well, and may keep more.
        let late = Pricing { before_tuning: false, ..pricing.clone() };
        let late = Clock::new(model, &protocol, &budget.network, &late)?;
        let other = choose(costs, aim, &|n, s| late.seconds(n, s)).ok();
        let other = other.and_then(|fit| again(costs, aim, &|n, s| clock.seconds(n, s), fit.layers));
        if let Some(other) = other.filter(|o| o.keep > choice.keep) {
            choice = other;
        }
    }
    let of = |state: State| -> Vec<&str> {
        let all = model.layers.iter().zip(&choice.layers).filter(|(_, s)| **s == state);
        all.map(|(l, _)| l.name.as_str()).collect()
    };
    let gone = of(State::Gone);
    let squared = match of(State::Square)[..] {
        [] => String::new(),
        ref names => format!(", {} become quadratic ({})", names.len(), names.join(", ")),
    };
    let gone = match gone.len() {
        0 => "no layer vanishes".to_string(),
        n => format!("{n} of {} layers vanish ({})", model.layers.len(), gone.join(", ")),
    };
    let computing = if clock.computes() { " with computing" } else { " of communication" };
    let truncation = match clock.truncates() {
        Truncates::Alone => ", bounded truncation",
        Truncates::Safely => "",
    };
    let query = if clock.caches() { " for a later query" } else { "" };
    let said = format!(
        "Budget {}: {} of {} {} fit, {gone}{squared}; predicted {:.3} s{computing}{query}, {:.1} % below the budget (the search leaves {:.0} % for what \
         predictions miss), on {}, {}, {w} weights{truncation}.",
        budget.text,
        choice.keep,
        model.relus(),
        counted(&model.layers),
        choice.seconds,
        100.0 * (1.0 - choice.seconds / budget.seconds),
        100.0 * MARGIN,
        protocol.name,
        budget.network.describe()
    );
    Ok((choice, said))
}
