//! What a query takes, from how many ReLUs each layer keeps.

use super::Pricing;
use crate::error::{Result, input};
use crate::model::Model;
use relinc_passes::choice::Choice;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::driver::{self, Options, Outcome, Pass, PassError, Phase};
use relinc_passes::ir::Graph;
use relinc_passes::ir::infer::infer;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{self, MaskError, Masks};
use relinc_passes::passes;
use relinc_passes::passes::drop_linearized_relu::DropLinearizedRelu;
use relinc_passes::passes::drop_softmax::DropSoftmax;
use relinc_passes::passes::push_scale::PushScale;
use relinc_runtime::cost::{
    self, Drawn, Forms, Law, Network, Priced, Protocol, Quantities, Truncates, Weights,
};
use relinc_runtime::search::layers::Pace;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Predicts the time of a query from how many comparisons each layer keeps, of a later one where a session pays something once. What is
/// around a layer that vanishes merges where folding does that.
pub struct Clock {
    linear: Linear,
    network: Network,
    gather: Option<Law>,
    /// Without any ReLU, and nothing merged.
    plain: Arc<Priced>,
    /// By the layers that vanish: what is left without the other ReLUs either.
    folded: Mutex<HashMap<Vec<bool>, Arc<Priced>>>,
}

/// What is left of a network without its ReLUs.
struct Linear {
    /// Canonical, its scales pushed, with all its ReLUs.
    graph: Graph,
    layers: Vec<ReluLayer>,
    protocol: Protocol,
    weights: Weights,
    pricing: Pricing,
    relu: Law,
    /// Of a ReLU with a cap.
    clip: Option<Law>,
    /// Of a square.
    square: Option<Law>,
    setup: Option<Law>,
}

impl Linear {
    /// A later query of the network without any of its ReLUs, folded around those that are `closed`, and without the set-up its other
    /// comparisons cost.
    fn price(&self, closed: &[bool]) -> Result<Priced, MaskError> {
        let mut g = self.graph.clone();
        let without = |g: &Graph, which: &dyn Fn(usize) -> bool| -> Result<Graph, MaskError> {
            let gone: Vec<ReluLayer> =
                self.layers.iter().enumerate().filter(|(l, _)| which(*l)).map(|(_, l)| l.clone()).collect();
            let mut g = masks::apply(g, &Masks::uniform(&gone, Choice::Identity))?;
            driver::run(&DropLinearizedRelu, &mut g, &Options::default())?;
            Ok(g)
        };
        if closed.contains(&true) {
            g = without(&g, &|l| closed[l])?;
            let options = Options { fold: self.pricing.fold.clone(), sketch: true, ..Options::default() };
            let early = self.pricing.before_tuning;
            let phase = if early { Phase::FoldingBeforeTuning } else { Phase::Folding };
            let merges: Vec<&dyn Pass> = passes::of(phase, &options).collect();
            driver::run_in_turn(&merges, &mut g, &options, &mut |_, _: Outcome, _| Ok::<(), PassError>(()))?;
        }
        g = without(&g, &|_| true)?;
        passes::run_all(Phase::Cleanup, &mut g, &Options::default())?;
        let facts = infer(&g).map_err(|errors| PassError::Infer { pass: "pricing", errors })?;
        let (p, w) = (&self.protocol, self.weights);
        let forms = match &self.pricing.forms {
            Some((form, n)) if p.on_spu().is_some() => Forms::choose(&g, &facts, p, w, n, *form, 1),
            _ => Forms::default(),
        };
        let mut base = cost::price_as(&g, &facts, p, w, &forms);
        if let Some(later) = base.later() {
            // The set-up is among what only the first query pays.
            base.total = later;
        } else if let Some(setup) = self.setup.as_ref().filter(|_| base.drawn.truncated > 0.0) {
            base.total = base.total.less(p.pays(setup, &base.drawn.quantities()));
        }
        base.timed &= self.relu.seconds.is_some();
        base.nodes.clear();
        Ok(base)
    }
}

impl Clock {
    /// Lowers a canonical model without its ReLUs and prices what is left.
    pub fn new(model: &Model, protocol: &Protocol, network: &Network, pricing: &Pricing) -> Result<Clock> {
        let protocol = &pricing.truncating(protocol);
        let weights = pricing.weights.unwrap_or(protocol.default_weights);
        let lacks = |what: &str| {
            input(format!(
                "{} does not model the costs of {what}, which choosing layers by time needs; choose another protocol, or add them \
                 to its file",
                protocol.name
            ))
        };
        let relu = protocol.law("relu", weights).ok_or_else(|| lacks("relu"))?.clone();
        let law = |kind| protocol.law(kind, weights).cloned();
        let mut graph = model.whole()?;
        if pricing.drop_softmax {
            driver::run(&DropSoftmax, &mut graph, &Options::default()).map_err(input)?;
        }
        driver::run(&PushScale, &mut graph, &Options::default()).map_err(input)?;
        let linear = Linear {
            graph,
            layers: model.layers.clone(),
            setup: law("setup"),
            relu,
            clip: law("clip"),
            square: law("mul"),
            weights,
            protocol: protocol.clone(),
            pricing: pricing.clone(),
        };
        let plain = linear.price(&vec![false; model.layers.len()]).map_err(input)?;
        if !plain.complete() {
            return Err(lacks(&plain.not_modelled.join(", ")));
        }
        let (gather, network) = (law(protocol.gather()), network.clone());
        Ok(Clock { linear, network, gather, plain: Arc::new(plain), folded: Mutex::default() })
    }

    /// What is left where these layers are closed, from memory. Where the protocol does not model what merging makes, nothing counts
    /// as merged.
    fn base(&self, closed: Vec<bool>) -> Arc<Priced> {
        if matches!(self.linear.pricing.fold, Fold::Never) || !closed.contains(&true) {
            return self.plain.clone();
        }
        let mut known = self.folded.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(p) = known.get(&closed) {
            return p.clone();
        }
        let folded = self.linear.price(&closed).ok().filter(Priced::complete);
        let p = folded.map_or_else(|| self.plain.clone(), Arc::new);
        known.insert(closed, p.clone());
        p
    }

    /// Is computing in the seconds?
    pub(super) fn computes(&self) -> bool {
        cost::computing(&self.plain, &self.network).is_some()
    }

    /// Does the first query of a session pay what later ones do not? The seconds are those of a later one.
    pub(super) fn caches(&self) -> bool {
        self.plain.later().is_some()
    }

    /// How the seconds take products to be truncated.
    pub(super) fn truncates(&self) -> Truncates {
        self.linear.protocol.truncates
    }

    /// May layers be quadratic: does the protocol model products of secrets?
    pub(super) fn prices_squares(&self) -> bool {
        self.linear.square.is_some()
    }

    /// Seconds that a query whose layers keep these counts of comparisons takes at most, the layers that `squares` marks being
    /// one square an element; where a layer has a cap, the elements that lose
    /// theirs are taken to be as many as they can be. Every layer is taken to gather its elements
    /// back to their places; one that keeps all of its ReLUs does not, nor one of which nothing is left but the identity.
    pub fn seconds(&self, counts: &[usize], squares: &[bool]) -> f64 {
        let square = |l: usize| squares.get(l).copied().unwrap_or(false);
        let base = self.base((0..counts.len()).map(|l| counts[l] == 0 && !square(l)).collect());
        let mut p = Priced::clone(&base);
        let mut add = |law: &Law, q: Quantities| {
            p.total.add(self.linear.protocol.pays(law, &q));
        };
        for (l, (&n, layer)) in counts.iter().zip(&self.linear.layers).enumerate() {
            if let Some(law) = self.linear.square.as_ref().filter(|_| square(l)) {
                add(law, Quantities::elementwise(layer.relus()));
            }
            // Comparisons beyond one an element are caps.
            let caps = n.saturating_sub(layer.relus());
            let relus = n - 2 * caps;
            if relus > 0 {
                add(&self.linear.relu, Quantities::elementwise(relus));
            }
            if caps > 0 {
                match &self.linear.clip {
                    Some(law) => add(law, Quantities::elementwise(caps)),
                    None => (0..2).for_each(|_| add(&self.linear.relu, Quantities::elementwise(caps))),
                }
            }
            if let Some(law) = &self.gather {
                [n - caps, layer.relus()]
                    .into_iter()
                    .filter(|&k| k > 0)
                    .for_each(|k| add(law, Quantities::elementwise(k)));
            }
        }
        let all = counts.iter().sum::<usize>() as f64;
        let Drawn { comparisons, truncated } = base.drawn;
        let drawn = Drawn { comparisons: comparisons + all, truncated: truncated + all };
        let set_up = self.linear.setup.as_ref().filter(|_| base.later().is_none() && drawn.truncated > 0.0);
        if let Some(setup) = set_up {
            add(setup, drawn.quantities());
        }
        cost::latency(&p, &self.network)
    }
}

/// The ReLUs are spread over the open layers: a law's bytes and seconds hardly depend on where they are.
impl Pace for Clock {
    fn seconds(&self, closed: &[bool], keep: usize) -> f64 {
        let open = closed.iter().filter(|c| !**c).count().max(1);
        let each = keep.div_ceil(open).max(1);
        let count = |(&closed, l): (&bool, &ReluLayer)| if closed { 0 } else { each.min(l.comparisons()) };
        Clock::seconds(self, &closed.iter().zip(&self.linear.layers).map(count).collect::<Vec<_>>(), &[])
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let l = &self.linear;
        let fold = match &l.pricing.fold {
            Fold::Never => "never",
            Fold::Always => "always",
            Fold::Auto(_) => "auto",
        };
        let when = if l.pricing.before_tuning { " before tuning" } else { "" };
        let network = self.network.describe();
        write!(f, "{}, {} weights, {network}, fold {fold}{when}", l.protocol.name, l.weights)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use relinc_passes::front::onnx::ImportOptions;
    use std::path::Path;

    /// Seconds of a later query of the quickstart's network whose first layer alone is quadratic, or gone.
    fn first_layer(protocol: &Protocol, network: &Network, bounded: bool) -> [f64; 2] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/shapes_resnet.onnx");
        let model = Model::load(&file, &ImportOptions::default()).unwrap();
        let pricing = Pricing { bounded, ..Pricing::default() };
        let clock = Clock::new(&model, protocol, network, &pricing).unwrap();
        let none = vec![0; model.layers.len()];
        let squares: Vec<bool> = (0..model.layers.len()).map(|l| l == 0).collect();
        [clock.seconds(&none, &squares), clock.seconds(&none, &[])]
    }

    #[test]
    fn a_square_pays_for_its_truncation_where_the_parties_truncate_together() {
        let p = cost::find("spu-semi2k").unwrap();
        let n: Network = "rtt=1s;bandwidth=1Gbit".parse().unwrap();
        let [safe, bounded] = [false, true].map(|b| first_layer(&p, &n, b));
        let square = [safe[0] - safe[1], bounded[0] - bounded[1]];
        // Two exchanges and one.
        assert!((square[0] - square[1] - 0.5).abs() < 1e-2, "{square:?}");
        assert!(square[1] > 0.5, "{square:?}");
    }
}
