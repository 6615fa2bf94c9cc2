//! The forms of convolutions for each protocol the SPU artefact may run.

use super::{Request, Target};
use crate::report::count;
use relinc_passes::back::spu::Variant;
use relinc_passes::driver::valid::Valid;
use relinc_passes::ir::{Facts, Graph, Op};
use relinc_runtime::cost::{self, ConvForm, Forms, Network, Protocol, Weights};

/// What is emitted for each of SPU's protocols, in the order of the request; direct for all others.
#[derive(Debug, Clone, Default)]
pub struct Chosen(Vec<(&'static str, Forms)>);

impl Chosen {
    /// Chooses by the first protocol of each name the runner knows and the first network; nothing without the target spu.
    pub fn new(r: &Request, g: &Graph, facts: &Facts) -> Chosen {
        let mut out = Chosen::default();
        if !r.options.targets.contains(&Target::Spu) {
            return out;
        }
        let built_in = cost::find("spu-semi2k").ok();
        let asked = r.protocols.iter().filter(|p| p.on_spu().is_some());
        let network = r.networks.first().cloned().or_else(|| Network::named().into_iter().next());
        let Some(network) = network else { return out };
        let some = r.protocols.iter().any(|p| p.on_spu().is_some());
        for p in asked.chain(built_in.iter().filter(|_| !some)) {
            let Some(runner) = p.on_spu().filter(|n| out.of_runner(n).is_none()) else { continue };
            let forms = Forms::choose(g, facts, p, weights(r, p), &network, r.options.conv_form);
            out.0.push((runner, forms));
        }
        out
    }
    fn of_runner(&self, runner: &str) -> Option<&Forms> {
        self.0.iter().find(|(n, _)| *n == runner).map(|(_, f)| f)
    }
    /// The forms that run under a protocol.
    pub fn of(&self, p: &Protocol) -> Forms {
        p.on_spu().and_then(|n| self.of_runner(n)).cloned().unwrap_or_default()
    }
    /// As the back end takes them.
    pub fn variants(&self) -> Vec<Variant> {
        let variant = |(n, f): &(&str, Forms)| Variant {
            protocol: n.to_string(),
            taps: f.taps.clone(),
            dense: f.dense.clone().unwrap_or_default(),
        };
        self.0.iter().map(variant).collect()
    }
    /// One sentence a protocol that runs another form than the direct one.
    pub fn notes(&self, r: &Request, v: &Valid<'_>) -> Vec<String> {
        let all = v.order().iter().filter(|&&id| matches!(v.graph().op(id), Op::Conv(_))).count();
        let why = if r.options.conv_form == ConvForm::Taps { "as asked" } else { "chosen by the cost model" };
        let note = |(n, f): &(&str, Forms)| {
            let taps = count(f.taps.len() as u64);
            format!(
                "Under SPU's {n}, {taps} of {all} convolutions are one matrix product over all taps ({why}); in the original all are \
                 direct."
            )
        };
        self.0.iter().filter(|(_, f)| !f.taps.is_empty()).map(note).collect()
    }
}

/// Who knows the weights under a protocol.
pub fn weights(r: &Request, p: &Protocol) -> Weights {
    r.options.weights.unwrap_or(p.default_weights)
}
