//! Which merges pay: the judge of weighed passes, by the cost model of one protocol on one network.

use super::{Request, Target, forms};
use crate::options::compile::PROTOCOLS;
use crate::report::bytes;
use relinc_passes::driver::weigh::{Fold, Judge, Verdict, Weight};
use relinc_passes::driver::{Options, Phase};
use relinc_passes::ir::Graph;
use relinc_passes::ir::infer::infer;
use relinc_passes::passes;
use relinc_runtime::cost::{self, ConvForm, Forms, Network, Priced, Protocol, Weights};
use std::sync::Arc;

relinc_passes::words! {
    /// When convolutions are merged.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum FoldMode ("fold") {
        /// Where the cost model of the target's first protocol says so on the first network; for ONNX alone, where the file and its
        /// multiplications do not grow.
        #[default]
        Auto = "auto",
        /// Wherever it is exact.
        Always = "always",
        /// At no place.
        Never = "never",
        /// As [`FoldMode::Auto`], and before the network is tuned with the padding between merged convolutions moved outwards.
        BeforeTune = "before-tune",
    }
}

impl FoldMode {
    /// What the passes are told. Without a protocol nothing can be weighed and nothing is merged.
    pub fn options(self, r: &Request) -> Fold {
        match (self, protocol(r), r.networks.first()) {
            (FoldMode::Always, ..) => Fold::Always,
            (FoldMode::Auto | FoldMode::BeforeTune, _, _) if !secure(&r.options.targets) => {
                Fold::Auto(Arc::new(FileJudge))
            }
            (FoldMode::Auto | FoldMode::BeforeTune, Some(p), Some(n)) => Fold::Auto(Arc::new(CostJudge {
                weights: forms::weights(r, &p),
                network: n.clone(),
                form: (r.options.targets.contains(&Target::Spu) && p.on_spu().is_some())
                    .then_some(r.options.conv_form),
                protocol: p,
                images: r.options.query_batch(),
            })),
            _ => Fold::Never,
        }
    }
}

/// Is a runtime for private inference among them?
fn secure(targets: &[Target]) -> bool {
    targets.iter().any(|t| *t != Target::Onnx)
}

/// The first protocol that a chosen target runs; where none does, that of the first target's runtime.
fn protocol(r: &Request) -> Option<Protocol> {
    let runs = |p: &&Protocol| {
        r.options.targets.iter().any(|t| match t {
            Target::Spu => p.on_spu().is_some(),
            Target::Crypten => p.runtime.starts_with("crypten"),
            Target::MpSpdz => p.runtime.starts_with("mp-spdz"),
            Target::Onnx => false,
        })
    };
    let own = || {
        let name = r.options.targets.iter().find_map(|t| match t {
            Target::Spu => Some(PROTOCOLS[0]),
            Target::Crypten => Some("crypten-2pc"),
            Target::MpSpdz if r.options.leaky_truncation => Some("mp-spdz-rep-ring"),
            Target::MpSpdz => Some("mp-spdz-rep-ring-exact"),
            Target::Onnx => None,
        });
        name.and_then(|n| cost::find(n).ok())
    };
    r.protocols.iter().find(runs).cloned().or_else(own)
}

/// Weighs by the file and the multiplications: what ONNX runtimes pay for.
#[derive(Debug)]
struct FileJudge;

impl Judge for FileJudge {
    fn weigh(&self, g: &Graph) -> Result<Weight, String> {
        let mut g = g.clone();
        passes::run_all(Phase::Cleanup, &mut g, &Options::default()).map_err(|e| e.to_string())?;
        let facts = infer(&g).map_err(|e| e[0].to_string())?;
        let t = cost::totals(&g, &facts);
        Ok(Weight { bytes: 4.0 * t.parameters as f64, seconds: 0.0, rounds: 0.0, macs: t.macs as f64 })
    }

    fn judge(&self, _: &Weight, was: &Weight, now: &Weight) -> Verdict {
        let pays = now.bytes <= was.bytes && now.macs <= was.macs;
        let size = |v: f64| bytes(v.round() as u64);
        let why = format!(
            "the file: {} of weights instead of {}, {} multiply-accumulates instead of {}",
            size(now.bytes),
            size(was.bytes),
            now.macs,
            was.macs
        );
        Verdict { pays, why }
    }
}

/// Weighs by predicted bytes and seconds of a whole query.
#[derive(Debug)]
struct CostJudge {
    protocol: Protocol,
    weights: Weights,
    network: Network,
    /// The form convolutions are emitted in; direct where there is none.
    form: Option<ConvForm>,
    /// Images of a query.
    images: usize,
}

/// Changes below this share are no gain.
const NOTHING: f64 = 1e-6;

impl Judge for CostJudge {
    fn weigh(&self, g: &Graph) -> Result<Weight, String> {
        let mut g = g.clone();
        passes::run_all(Phase::Cleanup, &mut g, &Options::default()).map_err(|e| e.to_string())?;
        let facts = infer(&g).map_err(|e| e[0].to_string())?;
        let forms = match self.form {
            Some(f) => Forms::choose(&g, &facts, &self.protocol, self.weights, &self.network, f, self.images),
            None => Forms::default(),
        };
        let p: Priced = cost::price_as(&g, &facts, &self.protocol, self.weights, &forms);
        if !p.complete() {
            return Err(format!("{} does not model {}", self.protocol.name, p.not_modelled.join(", ")));
        }
        let bytes = p.total.sent + p.total.recv;
        Ok(Weight {
            bytes,
            seconds: cost::latency(&p, &self.network),
            rounds: p.total.rounds,
            macs: cost::totals(&g, &facts).macs as f64,
        })
    }

    /// Bytes that earlier rewrites have saved may be spent on seconds. What costs the same is merged where it computes no more:
    /// the next merge may need it.
    fn judge(&self, first: &Weight, was: &Weight, now: &Weight) -> Verdict {
        let more = |now: f64, was: f64| now > was * (1.0 + NOTHING);
        let less = |now: f64, was: f64| now < was * (1.0 - NOTHING);
        let pays = !more(now.seconds, was.seconds)
            && !more(now.bytes, first.bytes)
            && (less(now.seconds, was.seconds) || less(now.bytes, was.bytes) || !more(now.macs, was.macs));
        let why = format!(
            "predicted for a query on {}, {}: {} instead of {}, {:.3} s instead of {:.3} s, {} exchanges instead of {}",
            self.protocol.name,
            self.network.describe(),
            bytes(now.bytes.round() as u64),
            bytes(was.bytes.round() as u64),
            now.seconds,
            was.seconds,
            now.rounds,
            was.rounds,
        );
        Verdict { pays, why }
    }
}
