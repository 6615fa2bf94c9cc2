//! Protocol files: the built-in ones, finding one by name, reading one from disk.

use super::Weights;
use super::kinds::kinds;
use super::law::{ByWeights, Law, Quantities};
use super::network::Network;
use super::price::Split;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// The cost model of one protocol on one runtime.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// The name users say, the stem of the file.
    pub name: String,
    /// Runtime and version it was measured on.
    pub runtime: String,
    /// Who must be trusted with what, in one sentence; see [`Protocol::trust`].
    #[serde(default)]
    pub trust: Option<String>,
    /// Number of parties.
    pub parties: u32,
    /// Ring size in bits.
    pub ring: u32,
    /// What the bytes count, in words.
    pub counts: String,
    /// How the numbers were obtained, in words.
    pub source: String,
    /// Every number was measured or derived from a measurement.
    pub verified: bool,
    /// Relative scatter seen between a prediction and one run, for runtimes that draw their traffic at random.
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// Whether both directions of a link carry at the same time.
    #[serde(default)]
    pub directions: Directions,
    /// What the runtime's own counter of send actions counts.
    #[serde(default)]
    pub actions: Actions,
    /// What is known of the preprocessing, in words.
    #[serde(default)]
    pub offline: Option<String>,
    /// Whose seconds of computing the laws hold, in words.
    #[serde(default)]
    pub computing: Option<String>,
    /// The weight setting used when the user names none.
    pub default_weights: Weights,
    /// How the runtime computes a depthwise convolution.
    #[serde(default)]
    pub depthwise: Depthwise,
    /// How convolutions of several groups of several channels are written where no form was chosen.
    #[serde(default)]
    pub groups: Groups,
    /// How products are truncated; files say what [`Truncates::Safely`] costs.
    #[serde(skip)]
    pub truncates: Truncates,
    /// Laws by kind of operation, see [`kinds`].
    pub ops: BTreeMap<String, ByWeights>,
}

/// Stands beside every figure of a model with `verified: false`.
pub const UNVERIFIED: &str = "literature model, unverified";

/// Bits of a ring that a runtime has.
const RINGS: [u32; 3] = [32, 64, 128];
/// More parties than anyone measures.
const MOST_PARTIES: u32 = 100;

/// Stands where a protocol file says nothing of trust.
pub const TRUST_NOT_STATED: &str = "not stated: the protocol file does not say who must be trusted.";

/// How the two directions of a link share its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// Parties send at the same time: the larger direction counts.
    #[default]
    Together,
    /// A party answers what it has received: both directions count.
    InTurn,
}

impl Directions {
    /// Bytes that take time on a link.
    pub fn bytes(self, sent: f64, recv: f64) -> f64 {
        match self {
            Directions::Together => sent.max(recv),
            Directions::InTurn => sent + recv,
        }
    }
}

/// What a runtime counts as a send action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actions {
    /// An exchange.
    #[default]
    Exchanges,
    /// A chunk of a message: an exchange has many, so the counter says nothing of exchanges.
    Chunks,
}

/// How a runtime computes a depthwise convolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depthwise {
    /// As a grouped convolution.
    #[default]
    Grouped,
    /// With weights padded by zeros to a dense convolution.
    Dense,
}

/// How convolutions of several groups of several channels are written for a runtime that has no such ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Groups {
    /// Group by group.
    #[default]
    Apart,
    /// As one dense convolution, with zeros between the groups.
    Dense,
}

/// How a protocol drops the fraction bits that a product has too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Truncates {
    /// Together: right for every number within the range.
    #[default]
    Safely,
    /// Each party its own share, for nothing: off by the whole ring with probability |x|/2^k.
    Alone,
}

impl Protocol {
    /// The same with truncations that cost nothing and fail at random; `None` where the runtime has no such, or the file does
    /// not say what of its laws is truncation.
    pub fn truncating_alone(&self) -> Option<Protocol> {
        let known = self.ops.values().flat_map(ByWeights::all).any(|(_, law)| law.truncation.is_some());
        let has = self.on_spu() == Some("semi2k") && self.parties == 2 && self.ring == 64;
        (has && known).then(|| Protocol { truncates: Truncates::Alone, ..self.clone() })
    }
    /// The same with truncations that are right.
    pub fn truncating_safely(&self) -> Protocol {
        Protocol { truncates: Truncates::Safely, ..self.clone() }
    }
    /// The name SPU's runner has for the protocol, by a part of this one's name; `None` for other runtimes.
    pub fn on_spu(&self) -> Option<&'static str> {
        let part = |n: &&str| self.runtime.starts_with("spu") && self.name.split('-').any(|p| p == *n);
        ["semi2k", "aby3", "cheetah"].into_iter().find(part)
    }
    /// Who must be trusted with what, in one sentence.
    pub fn trust(&self) -> &str {
        self.trust.as_deref().unwrap_or(TRUST_NOT_STATED)
    }
    /// What must stand beside every figure of a model that nobody measured.
    pub fn caveat(&self) -> Option<&'static str> {
        (!self.verified).then_some(UNVERIFIED)
    }
    /// Whose seconds of computing a prediction for a network holds, in words.
    pub fn whose_seconds(&self, n: &Network) -> String {
        let whose = self.computing.as_deref().unwrap_or("the machine that the cost model was measured on");
        match n.compute {
            1.0 => whose.to_string(),
            factor => format!("{factor} times those of {whose}"),
        }
    }
    /// The kind that gathering by public indices is priced as.
    pub fn gather(&self) -> &'static str {
        if self.ops.contains_key("gather") { "gather" } else { "local" }
    }
    /// The law of an operation under a weight setting.
    pub fn law(&self, kind: &str, w: Weights) -> Option<&Law> {
        self.ops.get(kind)?.of(w)
    }
    /// What one call costs by a law of this protocol, with its way to truncate.
    pub fn pays(&self, law: &Law, q: &Quantities) -> Split {
        match self.truncates {
            Truncates::Safely => law.whole(q),
            Truncates::Alone => law.whole(q).less(law.truncating(q)),
        }
    }
}

/// Why a protocol or a network cannot be used, in words: there is none of that name, or what was given makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CostError(pub(super) String);

macro_rules! built_in {
    ($($stem:literal),* $(,)?) => {
        /// File name and text of every built-in protocol.
        pub(super) const BUILT_IN: &[(&str, &str)] =
            &[$((concat!($stem, ".yaml"), include_str!(concat!("../../protocols/", $stem, ".yaml"))),)*];
    };
}

built_in!(
    "spu-cheetah",
    "spu-aby3",
    "spu-semi2k",
    "spu-semi2k-ring32",
    "spu-semi2k-ring128",
    "spu-semi2k-3pc",
    "spu-aby3-ring32",
    "crypten-2pc",
    "crypten-3pc",
    "mp-spdz-rep-ring",
    "mp-spdz-rep-ring-exact",
    "garbled-circuit",
);

/// The built-in protocols, in the order users should see them.
pub fn protocols() -> &'static [Protocol] {
    static ALL: OnceLock<Vec<Protocol>> = OnceLock::new();
    // Every built-in file parses: `built_in_files_parse` holds that.
    ALL.get_or_init(|| BUILT_IN.iter().filter_map(|(file, text)| parse(file, text).ok()).collect())
}

/// Reads a protocol file's text; `file` is only used in errors.
pub fn parse(file: &str, text: &str) -> Result<Protocol, CostError> {
    let err = |why: String| CostError(format!("{file}: {why}"));
    crate::yaml::check(text).map_err(err)?;
    let mut p: Protocol = serde_yaml::from_str(text).map_err(|e| err(e.to_string()))?;
    if let Some(said) = &mut p.trust {
        // A folded YAML string ends with a line break; the sentence is one line everywhere.
        *said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        if said.is_empty() {
            return Err(err(
                "trust: empty; say in one sentence who must be trusted, or leave the key out".into()
            ));
        }
    }
    if !RINGS.contains(&p.ring) {
        return Err(err(format!("ring: {}; runtimes compute with 32, 64 or 128 bits", p.ring)));
    }
    if !(2..=MOST_PARTIES).contains(&p.parties) {
        return Err(err(format!("parties: {}; a protocol has from 2 to {MOST_PARTIES}", p.parties)));
    }
    if p.tolerance.is_some_and(|t| !(0.0..1.0).contains(&t)) {
        return Err(err("tolerance: give a relative scatter of at least 0 and below 1".into()));
    }
    for (kind, laws) in &p.ops {
        if !kinds().contains(&kind.as_str()) {
            return Err(err(format!("ops: no operation is called '{kind}'; known: {}", kinds().join(", "))));
        }
        if laws.all().next().is_none() {
            return Err(err(format!("ops.{kind}: no law; give any, secret, server or public")));
        }
        for (setting, law) in laws.all() {
            let optional =
                [law.all.as_ref(), law.offline.as_ref(), law.seconds.as_ref(), law.dealer.as_ref()];
            let terms = [Some(&law.sent), Some(&law.recv)].into_iter().chain(optional);
            let parts = law
                .truncation
                .iter()
                .flat_map(|t| [Some(&t.sent), Some(&t.recv), t.all.as_ref(), t.dealer.as_ref()]);
            let uneven = [&law.once, &law.again].into_iter().flat_map(|o| [Some(&o.sent), Some(&o.recv)]);
            let fault = terms.chain(parts).chain(uneven).flatten().find_map(|t| t.fault());
            let rounds = || law.rounds.fault().map(|why| format!("rounds: {why}"));
            if let Some(why) = fault.or_else(rounds) {
                return Err(err(format!("ops.{kind}.{setting}: {why}")));
            }
        }
    }
    Ok(p)
}

/// A protocol by its name, an unambiguous ending of it (`cheetah`), or the path of a `.yaml` file.
pub fn find(name: &str) -> Result<Protocol, CostError> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        let text = relinc_passes::files::read_text(path).map_err(|e| CostError(format!("{name}: {e}")))?;
        return parse(name, &text);
    }
    let all = protocols();
    if let Some(p) = all.iter().find(|p| p.name == name) {
        return Ok(p.clone());
    }
    let ending = format!("-{name}");
    let hits: Vec<_> = all.iter().filter(|p| !name.is_empty() && p.name.ends_with(&ending)).collect();
    let names =
        |of: &mut dyn Iterator<Item = &Protocol>| of.map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
    match hits[..] {
        [p] => Ok(p.clone()),
        [] => Err(CostError(format!("no protocol '{name}'; known: {}", names(&mut all.iter())))),
        _ => {
            let hits = names(&mut hits.into_iter());
            Err(CostError(format!("protocol '{name}' could be any of {hits}; name one in full")))
        }
    }
}
