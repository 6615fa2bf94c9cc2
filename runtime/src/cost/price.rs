//! Prices a graph by a protocol's laws.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Weights;
use super::forms::Forms;
use super::kinds::{Charge, Charging, Part, roles};
use super::law::Quantities;
use super::network::Network;
use super::protocol::{Directions, Protocol};
use super::totals::totals;
use relinc_passes::ir::op::Kind;
use relinc_passes::ir::{Facts, Graph, Op};

relinc_passes::words! {
    /// What a cost is spent on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Class {
        /// Activations that compare: ReLU, clip and their kin.
        Relu = "relu",
        /// Convolutions and matrix products.
        Linear = "linear",
        /// Everything else: pooling, means, products of activations, softmax.
        Other = "other",
        /// Paid once a program, not by one node.
        Program = "program",
    }
}

/// Bytes, rounds and computing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Split {
    /// Bytes rank 0 sends.
    pub sent: f64,
    /// Bytes rank 0 receives.
    pub recv: f64,
    /// Sequential one-way exchanges.
    pub rounds: f64,
    /// Seconds of computing, of the laws that know them.
    pub seconds: f64,
}

impl Split {
    /// Adds these.
    pub fn add(&mut self, o: Split) {
        self.sent += o.sent;
        self.recv += o.recv;
        self.rounds += o.rounds;
        self.seconds += o.seconds;
    }
    fn times(self, k: f64) -> Split {
        Split { sent: self.sent * k, recv: self.recv * k, rounds: self.rounds * k, seconds: self.seconds * k }
    }
    /// What is left without these.
    pub fn less(self, o: Split) -> Split {
        Split {
            sent: self.sent - o.sent,
            recv: self.recv - o.recv,
            rounds: self.rounds - o.rounds,
            seconds: self.seconds - o.seconds,
        }
    }
}

/// What one node costs.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeCost {
    /// The value's name; the kind for what is paid once a program.
    pub name: String,
    /// The ReLU layer it belongs to.
    pub layer: Option<String>,
    /// The operation's name.
    pub op: String,
    /// What it is spent on.
    pub class: Class,
    /// Online bytes and rounds of what is modelled.
    pub cost: Split,
    /// What of that only the first query of a session pays.
    pub once: Split,
    /// Preprocessing bytes, where the protocol knows them for every part.
    pub offline: Option<f64>,
    /// Parts the protocol has no law for.
    pub not_modelled: Vec<String>,
}

/// What a graph costs for one image: an image's share of a query that holds several.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    /// The protocol's name.
    pub protocol: String,
    /// Ring size in bits.
    pub ring: u32,
    /// Who knows the weights.
    pub weights: Weights,
    /// How the two directions share a link.
    pub directions: Directions,
    /// Images of a query.
    pub images: usize,
    /// Every node that communicates or is not modelled, in execution order.
    pub nodes: Vec<NodeCost>,
    /// Everything that is modelled, of the first query of a session.
    pub total: Split,
    /// What of that later queries do not pay.
    pub once: Split,
    /// The activations' share of `total`.
    pub relu: Split,
    /// The convolutions' and matrix products' share of `total`.
    pub linear: Split,
    /// Preprocessing bytes; `None` when the protocol does not know them for every part.
    pub offline: Option<f64>,
    /// Bytes all parties send together; `None` when the protocol does not know them for every part.
    pub all: Option<f64>,
    /// Bytes that a third party that deals answers with, once an exchange; `None` when the protocol has none, or does not know them for every part.
    pub dealt: Option<f64>,
    /// Every law that communicates knows its seconds of computing.
    pub timed: bool,
    /// Kinds without a law, sorted; the totals are without them.
    pub not_modelled: Vec<String>,
    /// What a set-up is for.
    pub drawn: Drawn,
    /// What the reader should know, in words.
    pub notes: Vec<String>,
}

/// What a program draws on a one-off set-up for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Drawn {
    /// Comparisons.
    pub comparisons: f64,
    /// Elements that are truncated or compared.
    pub truncated: f64,
}

impl Drawn {
    /// The sizes a law of `setup` is a function of: elements are the comparisons, at least one; inputs what is truncated.
    pub fn quantities(self) -> Quantities {
        let n = self.comparisons.max(1.0);
        Quantities { elements: n, outputs: n, inputs: self.truncated, ..Quantities::default() }
    }
}

impl Priced {
    /// A query of a session that has answered one; `None` where it pays the same.
    pub fn later(&self) -> Option<Split> {
        (self.once != Split::default()).then(|| self.total.less(self.once))
    }
    /// Does every operation have a law?
    pub fn complete(&self) -> bool {
        self.not_modelled.is_empty()
    }
}

/// Prices a graph whose convolutions are direct, see [`price_as`].
pub fn price(g: &Graph, facts: &Facts, p: &Protocol, w: Weights) -> Priced {
    price_as(g, facts, p, w, &Forms::default())
}

/// Prices every node, convolutions in the forms they are emitted in. The exchanges of different nodes are taken one after the other, as runtimes run them.
///
/// Nodes that read no graph input are free: they are computed before the protocol starts.
pub fn price_as(g: &Graph, facts: &Facts, p: &Protocol, w: Weights, forms: &Forms) -> Priced {
    let order = g.topo().unwrap_or_default();
    let roles = roles(g, &order);
    let charging = Charging { g, facts, roles: &roles, p, w, forms };
    let mut out = Priced {
        protocol: p.name.clone(),
        ring: p.ring,
        weights: w,
        directions: p.directions,
        images: forms.images(),
        nodes: vec![],
        total: Split::default(),
        once: Split::default(),
        relu: Split::default(),
        linear: Split::default(),
        offline: Some(0.0),
        all: Some(0.0),
        dealt: Some(0.0),
        timed: true,
        not_modelled: vec![],
        drawn: Drawn::default(),
        notes: vec![],
    };
    let mut all: Vec<Charge> = vec![];
    for &id in &order {
        let charges = charging.node(id);
        if charges.is_empty() {
            continue;
        }
        let node = g.node(id);
        let class = class(&node.op);
        let op = if charges[0].kind == "conv_taps" { "conv_taps" } else { node.op.mnemonic() };
        out.push(p, node.name.clone(), node.layer.clone(), op, class, &charges);
        all.extend(charges);
    }
    let t = totals(g, facts);
    let once = |kind, elements: f64| {
        let q = Quantities { elements, inputs: elements, outputs: elements, ..Quantities::default() };
        Charge { kind, q, weights: w, levels: 1.0, part: Part::Whole }
    };
    // Once a program: charged where the protocol has a law, nothing to miss where it has none.
    let zeros = vec![once("program", 1.0); charging.zero_shares(&order)];
    let uses = |kinds: &[&str]| {
        all.iter()
            .filter(|c| kinds.contains(&c.kind) && c.weights != Weights::Public)
            .map(|c| c.q.outputs)
            .sum()
    };
    let products: f64 = uses(&["conv", "conv_taps", "linear", "matmul", "conv_secret"]);
    let multiplied: f64 = uses(&["mul", "mul_weight"]);
    // Every product is truncated, and truncation draws on what a comparison is set up with.
    let interactive = all.iter().filter(|c| !matches!(c.kind, "local" | "add_weight"));
    let truncated: f64 = interactive.map(|c| c.q.outputs).sum();
    out.drawn = Drawn { comparisons: (t.comparisons as usize * out.images) as f64, truncated };
    let set_up = (truncated > 0.0).then(|| Charge { q: out.drawn.quantities(), ..once("setup", 1.0) });
    let keys = (products > 0.0).then(|| once("setup_product", products));
    let factors = (multiplied > 0.0).then(|| once("setup_multiply", multiplied));
    let optional = |c: Option<Charge>| c.into_iter().collect();
    for charges in [zeros, optional(set_up), optional(keys), optional(factors)] {
        if let Some(c) = charges.first().filter(|c| p.law(c.kind, w).is_some()) {
            out.push(p, c.kind.into(), None, c.kind, Class::Program, &charges);
        }
    }
    let dense = order.iter().filter(|&&id| matches!(g.op(id), Op::MaskedRelu { .. })).count();
    if dense > 0 {
        out.notes.push(format!(
            "{dense} ReLU layer(s) carry a dense mask and are priced as a full ReLU: applying a mask afterwards \
             saves no comparison"
        ));
    }
    out.not_modelled.sort();
    out.not_modelled.dedup();
    out.dealt = out.dealt.filter(|bytes| *bytes > 0.0);
    out
}

/// Predicted time in seconds: rounds × round trip / 2 + the larger direction, or both in turn, / bandwidth + [`computing`].
pub fn latency(p: &Priced, n: &Network) -> f64 {
    n.communication(&p.total, p.directions) + computing(p, n).unwrap_or(0.0)
}

/// Predicted seconds of computing; none unless the law of every operation that communicates knows them.
pub fn computing(p: &Priced, n: &Network) -> Option<f64> {
    (p.timed && p.total.seconds > 0.0).then_some(p.total.seconds * n.compute)
}

fn class(op: &Op) -> Class {
    match op.kind() {
        Kind::Activation => Class::Relu,
        Kind::Product => Class::Linear,
        Kind::Source | Kind::Norm | Kind::Elementwise | Kind::Pool | Kind::Move | Kind::Row => Class::Other,
    }
}

impl Priced {
    fn push(
        &mut self,
        p: &Protocol,
        name: String,
        layer: Option<String>,
        op: &str,
        class: Class,
        charges: &[Charge],
    ) {
        let (mut cost, mut once) = (Split::default(), Split::default());
        let (mut offline, mut everyone, mut dealt) = (Some(0.0), Some(0.0), Some(0.0));
        let mut missing = vec![];
        for c in charges.iter().filter(|c| c.q.elements > 0.0) {
            let Some(law) = p.law(c.kind, c.weights) else {
                missing.push(match p.ops.get(c.kind) {
                    Some(_) => format!("{} ({} weights)", c.kind, c.weights),
                    None => c.kind.to_string(),
                });
                continue;
            };
            let part = c.split(p, law);
            cost.add(part);
            once.add(c.once(p, law));
            let silent = part.sent == 0.0 && part.recv == 0.0;
            offline = match (&law.offline, offline) {
                (Some(t), Some(sum)) => Some(sum + t.at(&c.q)),
                (None, sum) if silent => sum,
                _ => None,
            };
            let together = match c.all(law) {
                Some(all) => Some(all),
                None => (silent || p.parties == 2).then_some(part.sent + part.recv),
            };
            self.timed &= silent || law.seconds.is_some();
            everyone = everyone.zip(together).map(|(a, b)| a + b);
            dealt = dealt.zip(c.dealt(p, law).or(silent.then_some(0.0))).map(|(a, b)| a + b);
        }
        if !missing.is_empty() {
            (offline, everyone, dealt) = (None, None, None);
        }
        let share = 1.0 / self.images as f64;
        (cost, once) = (cost.times(share), once.times(share));
        (offline, everyone) = (offline.map(|v| v * share), everyone.map(|v| v * share));
        self.total.add(cost);
        self.once.add(once);
        match class {
            Class::Relu => self.relu.add(cost),
            Class::Linear => self.linear.add(cost),
            Class::Other | Class::Program => {}
        }
        self.all = self.all.zip(everyone).map(|(a, b)| a + b);
        self.dealt = self.dealt.zip(dealt).map(|(a, b)| a + b * share);
        self.offline = self.offline.zip(offline).map(|(a, b)| a + b);
        let communicates = cost.sent + cost.recv + cost.rounds > 0.0;
        if communicates || !missing.is_empty() {
            self.not_modelled.extend(missing.iter().cloned());
            let op = op.to_string();
            self.nodes.push(NodeCost { name, layer, op, class, cost, once, offline, not_modelled: missing });
        }
    }
}
