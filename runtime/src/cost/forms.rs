//! The form each convolution is emitted in, chosen by price.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Weights;
use super::kinds::{Charging, Role, roles};
use super::network::Network;
use super::price::Split;
use super::protocol::{Groups, Protocol};
use super::totals::macs;
use relinc_passes::back::spu::{is_grouped, joined, taps_of};
use relinc_passes::ir::{Facts, Graph, NodeId, Op};
use std::collections::{HashMap, HashSet};

/// Relative difference of times below which two forms cost the same.
const TIE: f64 = 1e-9;

relinc_passes::words! {
    /// Which form convolutions are to have.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum ConvForm ("convolution form") {
        /// The faster one by the cost model, each convolution on its own; direct when nothing is won.
        #[default]
        Auto = "auto",
        /// The runtime's own convolution.
        Direct = "direct",
        /// One matrix product over all taps wherever there is such a form.
        Taps = "taps",
    }
}

/// The convolutions that are one product over all taps; the others are direct.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forms {
    /// Their nodes.
    pub taps: HashSet<NodeId>,
    /// Those of several groups that are one dense convolution; `None`: all of them or none, as the protocol says.
    pub dense: Option<HashSet<NodeId>>,
    /// Those that share a product and a truncation with others of a sum.
    shared: HashMap<NodeId, Share>,
}

/// What a convolution pays of a product that several share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    All(Sizes),
    /// Nothing: another one of the sum pays.
    Nothing,
}

/// The sizes of a shared product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Elements read of the operand.
    pub inputs: usize,
    /// Weights of all convolutions.
    pub weights: usize,
    /// Elements of the product that are shifted and added.
    pub products: usize,
    /// Elements of the sum.
    pub outputs: usize,
    /// Multiplications of the convolutions.
    pub macs: u64,
}

impl Forms {
    /// These convolutions as one product over all taps, those of one sum sharing one.
    pub fn new(g: &Graph, facts: &Facts, taps: HashSet<NodeId>) -> Forms {
        let mut shared = HashMap::new();
        for j in joined(g, facts, &taps) {
            let weights = |c| g.operand(c, 1).map_or(0, |w| facts.ty(w).elements());
            let convs = || j.parts.iter().map(|p| p.conv);
            let all = Sizes {
                inputs: j.inputs(),
                weights: convs().map(weights).sum(),
                products: j.products(),
                outputs: facts.ty(j.sum).elements(),
                macs: convs().map(|c| macs(g, facts, c)).sum(),
            };
            shared.extend(convs().map(|c| (c, Share::Nothing)));
            shared.insert(j.parts[0].conv, Share::All(all));
        }
        Forms { taps, dense: None, shared }
    }

    /// Is a convolution of several groups written as one dense convolution?
    pub(super) fn is_dense(&self, p: &Protocol, g: &Graph, facts: &Facts, conv: NodeId) -> bool {
        match &self.dense {
            Some(dense) => dense.contains(&conv),
            None => p.groups == Groups::Dense && is_grouped(g, facts, conv),
        }
    }

    /// What a convolution pays of a product it shares; `None` where it has one of its own.
    pub(super) fn share(&self, conv: NodeId) -> Option<Share> {
        self.shared.get(&conv).copied()
    }

    /// The forms of a graph's convolutions under a protocol, a weight setting and a network. [`ConvForm::Auto`] compares predicted
    /// times, of sums that can share a product as a whole: communication, and computing where the laws of both forms know it.
    /// A protocol without a law for `conv_taps` keeps convolutions direct. Those of several groups are dense or apart, whichever is
    /// faster, under every [`ConvForm`].
    pub fn choose(g: &Graph, facts: &Facts, p: &Protocol, w: Weights, n: &Network, want: ConvForm) -> Forms {
        let order = g.topo().unwrap_or_default();
        let roles = roles(g, &order);
        let times = Times { g, facts, roles: &roles, p, w, n };
        let known_weights = |id: &NodeId| {
            matches!(g.op(*id), Op::Conv(_))
                && g.operand(*id, 1).is_some_and(|k| roles[k.index()] != Role::Activation)
        };
        let grouped = order.iter().copied().filter(|&id| known_weights(&id) && is_grouped(g, facts, id));
        let dense = grouped.filter(|&id| times.dense_is_faster(id)).collect();
        let candidate = |id: &NodeId| known_weights(id) && taps_of(g, facts, *id).is_some();
        let candidates: HashSet<NodeId> = match want {
            ConvForm::Direct => HashSet::new(),
            ConvForm::Auto | ConvForm::Taps => order.iter().copied().filter(candidate).collect(),
        };
        let taps = match want {
            ConvForm::Auto => times.faster_as_taps(&candidates),
            ConvForm::Direct | ConvForm::Taps => candidates,
        };
        Forms { dense: Some(dense), ..Forms::new(g, facts, taps) }
    }
}

/// Predicted times of convolutions in one form or another.
struct Times<'a> {
    g: &'a Graph,
    facts: &'a Facts,
    roles: &'a [Role],
    p: &'a Protocol,
    w: Weights,
    n: &'a Network,
}

/// Seconds of communication, and of computing where every law knows them.
struct Time {
    communication: f64,
    computing: Option<f64>,
}

impl Time {
    /// Is it clearly less than another? Computing counts where both know it.
    fn is_below(&self, other: &Time) -> bool {
        let computing = self.computing.zip(other.computing).unwrap_or_default();
        self.communication + computing.0 < (other.communication + computing.1) * (1.0 - TIE)
    }
}

impl Times<'_> {
    /// `None` where there is no law for a form.
    fn of(&self, convs: &[NodeId], forms: &Forms) -> Option<Time> {
        let Times { g, facts, roles, p, w, n } = *self;
        let charging = Charging { g, facts, roles, p, w, forms };
        let (mut sum, mut timed) = (Split::default(), true);
        for c in convs.iter().flat_map(|&id| charging.node(id)) {
            let law = p.law(c.kind, c.weights)?;
            let part = c.split(law);
            timed &= law.seconds.is_some() || part.sent + part.recv == 0.0;
            sum.add(part);
        }
        let computing = timed.then_some(sum.seconds * n.compute);
        Some(Time { communication: n.communication(&sum, p.directions), computing })
    }

    /// Of several groups: is one dense convolution faster than one a group?
    fn dense_is_faster(&self, conv: NodeId) -> bool {
        let forms = |dense| Forms { dense: Some(dense), ..Forms::default() };
        let [dense, apart] = [HashSet::from([conv]), HashSet::new()].map(|d| self.of(&[conv], &forms(d)));
        dense.zip(apart).is_some_and(|(dense, apart)| dense.is_below(&apart))
    }

    /// The convolutions that are faster as one product over all taps, alone or in a sum that shares one.
    fn faster_as_taps(&self, candidates: &HashSet<NodeId>) -> HashSet<NodeId> {
        let alone = |id: NodeId| {
            let all_taps = Forms { taps: HashSet::from([id]), ..Forms::default() };
            let [taps, direct] = [self.of(&[id], &all_taps), self.of(&[id], &Forms::default())];
            taps.zip(direct).is_some_and(|(taps, direct)| taps.is_below(&direct))
        };
        let mut taps: HashSet<NodeId> = candidates.iter().copied().filter(|&id| alone(id)).collect();
        let together = Forms::new(self.g, self.facts, candidates.clone());
        for j in joined(self.g, self.facts, candidates) {
            let convs: Vec<NodeId> = j.parts.iter().map(|p| p.conv).collect();
            let apart = Forms { taps: taps.clone(), ..Forms::default() };
            if let (Some(shared), Some(apart)) = (self.of(&convs, &together), self.of(&convs, &apart))
                && shared.is_below(&apart)
            {
                taps.extend(convs);
            }
        }
        taps
    }
}

#[cfg(test)]
mod tests;
