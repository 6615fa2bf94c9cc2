//! Budgets in seconds: what a query takes for every choice of ReLUs, and the choice that takes no longer than allowed.

use crate::compile::{Request, Target};
use crate::error::{Error, input};
use crate::model::Model;
use relinc_passes::ir::infer::infer;
use relinc_passes::masks::{IDENTITY, LayerMask, Masks};
use relinc_passes::pass::Options;
use relinc_runtime::cost::{
    self, ConvForm, Drawn, Forms, Law, Network, Priced, Protocol, Quantities, Weights,
};
use relinc_runtime::search::budget::Latency;
use relinc_runtime::search::latency::{Choice, Unmet, choose};

/// How far below a budget the search aims, as a share of it. Predictions are not exact: through a proxy, communication has been
/// up to a few percent above them (docs/results.md), and a budget is there to be met by the run, not by the prediction.
pub const MARGIN: f64 = 0.05;

/// What a price depends on besides the protocol and the network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pricing {
    /// Who knows the weights; each protocol's default when absent.
    pub weights: Option<Weights>,
    /// The form convolutions are to have and the network it is chosen by, where an artefact for SPU is emitted.
    pub forms: Option<(ConvForm, Network)>,
}

impl From<&Request> for Pricing {
    fn from(r: &Request) -> Pricing {
        let spu = r.targets.contains(&Target::Spu);
        let network = r.networks.first().filter(|_| spu).cloned();
        Pricing { weights: r.weights, forms: network.map(|n| (r.conv_form, n)) }
    }
}

/// Predicts the time of a query from how many ReLUs each layer keeps.
#[derive(Debug)]
pub struct Clock {
    /// The network without any of its ReLUs, and without the set-up its other comparisons cost.
    base: Priced,
    relu: Law,
    setup: Option<Law>,
    gather: Option<Law>,
    /// Elements of each layer.
    sizes: Vec<usize>,
    network: Network,
}

impl Clock {
    /// Lowers a canonical model without its ReLUs and prices what is left.
    pub fn new(
        model: &Model,
        protocol: &Protocol,
        network: &Network,
        pricing: &Pricing,
    ) -> Result<Clock, Error> {
        let w = pricing.weights.unwrap_or(protocol.default_weights);
        let mut linear = model.clone();
        let none =
            model.layers.iter().map(|l| (l.name.clone(), LayerMask::uniform(l.shape, IDENTITY))).collect();
        let options =
            Options { masks: Some(Masks { layers: none, ..Masks::default() }), ..Options::default() };
        linear.lower(&options, None)?;
        let facts = infer(&linear.graph).map_err(|e| input(&e[0]))?;
        let forms = match &pricing.forms {
            Some((form, n)) if protocol.on_spu().is_some() => {
                Forms::choose(&linear.graph, &facts, protocol, w, n, *form)
            }
            _ => Forms::default(),
        };
        let mut base = cost::price_as(&linear.graph, &facts, protocol, w, &forms);
        let lacks = |what: &str| {
            Error::Input(format!(
                "a latency budget on {} needs its costs of {what}, which it does not model; choose another protocol, or add \
                 them to its file",
                protocol.name
            ))
        };
        if !base.complete() {
            return Err(lacks(&base.not_modelled.join(", ")));
        }
        let relu = protocol.law("relu", w).ok_or_else(|| lacks("relu"))?.clone();
        let law = |kind| protocol.law(kind, w).cloned();
        if let Some(setup) = law("setup").filter(|_| base.drawn.truncated > 0.0) {
            let q = base.drawn.quantities();
            base.total.sent -= setup.sent.at(&q);
            base.total.recv -= setup.recv.at(&q);
            base.total.rounds -= setup.rounds.at(&q);
            base.total.seconds -= setup.seconds.as_ref().map_or(0.0, |t| t.at(&q));
        }
        base.timed &= relu.seconds.is_some();
        let sizes = model.layers.iter().map(|l| l.shape.iter().product()).collect();
        let (setup, gather) = (law("setup"), law(protocol.gather()));
        Ok(Clock { base, relu, setup, gather, sizes, network: network.clone() })
    }

    /// Is computing in the seconds?
    fn computes(&self) -> bool {
        cost::computing(&self.base, &self.network).is_some()
    }

    /// Seconds that a query whose layers keep these counts of ReLUs takes at most. Every layer is taken to gather its elements
    /// back to their places; one that keeps all of its ReLUs does not, nor one of which nothing is left but the identity.
    pub fn seconds(&self, counts: &[usize]) -> f64 {
        let mut p = Priced { nodes: vec![], ..self.base.clone() };
        let mut add = |law: &Law, q: Quantities| {
            p.total.sent += law.sent.at(&q);
            p.total.recv += law.recv.at(&q);
            p.total.rounds += law.rounds.at(&q);
            p.total.seconds += law.seconds.as_ref().map_or(0.0, |t| t.at(&q));
        };
        for (&n, &size) in counts.iter().zip(&self.sizes) {
            if n > 0 {
                add(&self.relu, Quantities::elementwise(n));
            }
            if let Some(law) = &self.gather {
                [n, size].into_iter().filter(|&k| k > 0).for_each(|k| add(law, Quantities::elementwise(k)));
            }
        }
        let all = counts.iter().sum::<usize>() as f64;
        let Drawn { comparisons, truncated } = self.base.drawn;
        let drawn = Drawn { comparisons: comparisons + all, truncated: truncated + all };
        if let Some(setup) = self.setup.as_ref().filter(|_| drawn.truncated > 0.0) {
            add(setup, drawn.quantities());
        }
        cost::latency(&p, &self.network)
    }
}

/// Chooses for `worth[l]`, the costs of layer l's elements, and says so in a sentence.
pub fn resolve(
    budget: &Latency,
    model: &Model,
    pricing: &Pricing,
    worth: &[Vec<f64>],
) -> Result<(Choice, String), Error> {
    let protocol = cost::find(&budget.protocol).map_err(input)?;
    let w = pricing.weights.unwrap_or(protocol.default_weights);
    let clock = Clock::new(model, &protocol, &budget.network, pricing)?;
    let unmet = |unmet: Unmet| {
        Error::Answer(format!(
            "budget {}: cannot be met. Without a single ReLU a query is predicted to take {:.3} s ({}, {w} weights, {}), {:.3} s \
             too long: the rest is in the linear layers",
            budget.text,
            unmet.floor,
            protocol.name,
            budget.network.describe(),
            unmet.floor - budget.seconds
        ))
    };
    let floor = clock.seconds(&vec![0; worth.len()]);
    if floor > budget.seconds {
        return Err(unmet(Unmet { floor }));
    }
    // Where not even the all-linear network leaves the margin, it is the answer that is left.
    let aim = (budget.seconds * (1.0 - MARGIN)).max(floor);
    let choice = choose(worth, aim, &|n| clock.seconds(n)).map_err(unmet)?;
    let gone: Vec<&str> =
        model.layers.iter().zip(&choice.closed).filter(|(_, c)| **c).map(|(l, _)| l.name.as_str()).collect();
    let gone = match gone.len() {
        0 => "no layer vanishes".to_string(),
        n => format!("{n} of {} layers vanish ({})", model.layers.len(), gone.join(", ")),
    };
    let computing = match clock.computes() {
        true => " with computing",
        false => " of communication",
    };
    let said = format!(
        "Budget {}: {} of {} ReLUs fit, {gone}; predicted {:.3} s{computing}, {:.1} % below the budget (the search leaves {:.0} % for what \
         predictions miss), on {}, {}, {w} weights.",
        budget.text,
        choice.keep,
        model.relus(),
        choice.seconds,
        100.0 * (1.0 - choice.seconds / budget.seconds),
        100.0 * MARGIN,
        protocol.name,
        budget.network.describe()
    );
    Ok((choice, said))
}
