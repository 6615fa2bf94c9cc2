//! Budgets in seconds: what a query takes for every choice of ReLUs, and the choice that takes no longer than allowed.

use crate::error::{Error, input};
use crate::model::Model;
use relinc_passes::ir::infer::infer;
use relinc_passes::masks::{IDENTITY, LayerMask, Masks};
use relinc_passes::pass::Options;
use relinc_passes::registry;
use relinc_runtime::cost::{self, Class, Law, Network, Priced, Protocol, Quantities, Weights};
use relinc_runtime::search::budget::Latency;
use relinc_runtime::search::latency::{Choice, choose};

/// Predicts the time of a query from how many ReLUs each layer keeps.
#[derive(Debug)]
pub struct Clock {
    /// The network without any of its ReLUs, and without the set-up its other comparisons cost.
    base: Priced,
    /// Comparisons in it.
    others: f64,
    relu: Law,
    setup: Option<Law>,
    network: Network,
}

impl Clock {
    /// Lowers a canonical model without its ReLUs and prices what is left.
    pub fn new(model: &Model, protocol: &Protocol, network: &Network, w: Weights) -> Result<Clock, Error> {
        let mut linear = model.clone();
        let none =
            model.layers.iter().map(|l| (l.name.clone(), LayerMask::uniform(l.shape, IDENTITY))).collect();
        let options =
            Options { masks: Some(Masks { layers: none, ..Masks::default() }), ..Options::default() };
        for p in registry::masking() {
            linear.run(p, &options, None)?;
        }
        let facts = infer(&linear.graph).map_err(|e| input(&e[0]))?;
        let mut base = cost::price(&linear.graph, &facts, protocol, w);
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
        for n in base.nodes.iter().filter(|n| n.class == Class::Program && n.op == "setup") {
            base.total.sent -= n.cost.sent;
            base.total.recv -= n.cost.recv;
            base.total.rounds -= n.cost.rounds;
        }
        Ok(Clock {
            base,
            others: cost::totals(&linear.graph, &facts).comparisons as f64,
            relu,
            setup: protocol.law("setup", w).cloned(),
            network: network.clone(),
        })
    }

    /// Seconds of a query whose layers keep these counts of ReLUs.
    pub fn seconds(&self, counts: &[usize]) -> f64 {
        let mut p = Priced { nodes: vec![], ..self.base.clone() };
        let mut add = |law: &Law, n: f64| {
            let q = Quantities { elements: n, inputs: n, outputs: n, ..Quantities::default() };
            p.total.sent += law.sent.at(&q);
            p.total.recv += law.recv.at(&q);
            p.total.rounds += law.rounds;
        };
        counts.iter().filter(|&&n| n > 0).for_each(|&n| add(&self.relu, n as f64));
        let all = self.others + counts.iter().sum::<usize>() as f64;
        if let Some(setup) = self.setup.as_ref().filter(|_| all > 0.0) {
            add(setup, all);
        }
        cost::latency(&p, &self.network)
    }
}

/// Chooses for `worth[l]`, the costs of layer l's elements, and says so in a sentence.
pub fn resolve(
    budget: &Latency,
    model: &Model,
    weights: Option<Weights>,
    worth: &[Vec<f64>],
) -> Result<(Choice, String), Error> {
    let protocol = cost::find(&budget.protocol).map_err(input)?;
    let w = weights.unwrap_or(protocol.default_weights);
    let clock = Clock::new(model, &protocol, &budget.network, w)?;
    let choice = choose(worth, budget.seconds, &|n| clock.seconds(n)).map_err(|unmet| {
        Error::Answer(format!(
            "budget {}: cannot be met. Without a single ReLU a query is predicted to take {:.3} s ({}, {w} weights, {}), {:.3} s \
             too long: the rest is in the linear layers",
            budget.text,
            unmet.floor,
            protocol.name,
            budget.network.describe(),
            unmet.floor - budget.seconds
        ))
    })?;
    let gone: Vec<&str> =
        model.layers.iter().zip(&choice.closed).filter(|(_, c)| **c).map(|(l, _)| l.name.as_str()).collect();
    let gone = match gone.len() {
        0 => "no layer vanishes".to_string(),
        n => format!("{n} of {} layers vanish ({})", model.layers.len(), gone.join(", ")),
    };
    let said = format!(
        "Budget {}: {} of {} ReLUs fit, {gone}; predicted {:.3} s on {}, {}, {w} weights.",
        budget.text,
        choice.keep,
        model.relus(),
        choice.seconds,
        protocol.name,
        budget.network.describe()
    );
    Ok((choice, said))
}
