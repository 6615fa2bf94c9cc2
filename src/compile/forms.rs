//! The forms of convolutions for each protocol the SPU artefact may run.

use super::{Request, Target};
use crate::options::compile::PROTOCOLS;
use crate::report::count;
use relinc_passes::back::spu::Variant;
use relinc_passes::driver::valid::Valid;
use relinc_passes::ir::{Facts, Graph, Op};
use relinc_runtime::cost::{self, ConvForm, Forms, Network, Protocol, Weights};
use std::collections::HashSet;

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
        let built_in = cost::find(PROTOCOLS[0]).ok();
        let asked = r.protocols.iter().filter(|p| p.on_spu().is_some());
        let network = r.networks.first().cloned().or_else(|| Network::named().into_iter().next());
        let Some(network) = network else { return out };
        let some = r.protocols.iter().any(|p| p.on_spu().is_some());
        for p in asked.chain(built_in.iter().filter(|_| !some)) {
            let Some(runner) = p.on_spu().filter(|n| out.of_runner(n).is_none()) else { continue };
            let (w, images) = (weights(r, p), r.options.query_batch());
            let forms = Forms::choose(g, facts, p, w, &network, r.options.conv_form, images);
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
            siblings: f.siblings.clone(),
        };
        self.0.iter().map(variant).collect()
    }
    /// One sentence a protocol that runs another form than the direct one, and a protocol that prices other programs than the emitted one.
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
        let dense = |(n, f): &(&str, Forms)| {
            let dense = f.dense.as_ref().map_or(0, HashSet::len);
            (dense > 0).then(|| {
                format!(
                    "Under SPU's {n}, {} convolutions of several groups are written as dense ones, with zeros between the groups.",
                    count(dense as u64)
                )
            })
        };
        let batch = r.options.query_batch();
        let several = (batch > 1).then(|| {
            format!(
                "A query of the SPU target holds {batch} images, and its figures here are one image's share: a query takes {batch} times the \
                 bytes, exchanges and seconds. A query that is not full costs as much."
            )
        });
        let taps = self.0.iter().filter(|(_, f)| !f.taps.is_empty()).map(note);
        taps.chain(self.0.iter().filter_map(dense)).chain(several).chain(truncations(r)).collect()
    }
}

/// MP-SPDZ's cost models are for one way of truncating each: what is said of one that is not the program's.
fn truncations(r: &Request) -> Vec<String> {
    if !r.options.targets.contains(&Target::MpSpdz) {
        return vec![];
    }
    let leaky = r.options.leaky_truncation;
    let (other, which) = match leaky {
        true => {
            ("mp-spdz-rep-ring-exact", "without --leaky-truncation; this one has it: see mp-spdz-rep-ring")
        }
        false => {
            ("mp-spdz-rep-ring", "with --leaky-truncation; this one has it not: see mp-spdz-rep-ring-exact")
        }
    };
    let asked = r.protocols.iter().filter(|p| p.name == other);
    asked.map(|p| format!("{}: prices an MP-SPDZ program {which}.", p.name)).collect()
}

/// Who knows the weights under a protocol.
pub fn weights(r: &Request, p: &Protocol) -> Weights {
    r.options.weights.unwrap_or(p.default_weights)
}
