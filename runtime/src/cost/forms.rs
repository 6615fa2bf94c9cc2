//! The form each convolution is emitted in, chosen by price.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Weights;
use super::kinds::{Charging, Role, roles};
use super::network::Network;
use super::price::Split;
use super::protocol::Protocol;
use super::totals::macs;
use relinc_passes::back::spu::{joined, taps_of};
use relinc_passes::ir::{Facts, Graph, NodeId};
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
        Forms { taps, shared }
    }

    /// What a convolution pays of a product it shares; `None` where it has one of its own.
    pub(super) fn share(&self, conv: NodeId) -> Option<Share> {
        self.shared.get(&conv).copied()
    }

    /// The forms of a graph's convolutions under a protocol, a weight setting and a network. [`ConvForm::Auto`] compares
    /// predicted communication times, of sums that can share a product as a whole; a protocol without a law for `conv_taps`
    /// keeps convolutions direct.
    pub fn choose(g: &Graph, facts: &Facts, p: &Protocol, w: Weights, n: &Network, want: ConvForm) -> Forms {
        let order = g.topo().unwrap_or_default();
        let roles = roles(g, &order);
        let price = |convs: &[NodeId], forms: &Forms| {
            let charging = Charging { g, facts, roles: &roles, p, w, forms };
            let mut sum = Split::default();
            for c in convs.iter().flat_map(|&id| charging.node(id)) {
                sum.add(c.split(p, p.law(c.kind, c.weights)?));
            }
            Some(n.communication(&sum, p.directions))
        };
        let known_weights = |id| g.operand(id, 1).is_some_and(|k| roles[k.index()] != Role::Activation);
        let candidate = |id: &NodeId| known_weights(*id) && taps_of(g, facts, *id).is_some();
        let candidates: HashSet<NodeId> = match want {
            ConvForm::Direct => HashSet::new(),
            ConvForm::Auto | ConvForm::Taps => order.iter().copied().filter(candidate).collect(),
        };
        if want == ConvForm::Taps {
            return Forms::new(g, facts, candidates);
        }
        let alone = |id: NodeId| {
            let all_taps = Forms { taps: HashSet::from([id]), ..Forms::default() };
            let [taps, direct] = [price(&[id], &all_taps), price(&[id], &Forms::default())];
            taps.zip(direct).is_some_and(|(taps, direct)| taps < direct * (1.0 - TIE))
        };
        let mut taps: HashSet<NodeId> = candidates.iter().copied().filter(|&id| alone(id)).collect();
        let together = Forms::new(g, facts, candidates.clone());
        for j in joined(g, facts, &candidates) {
            let convs: Vec<NodeId> = j.parts.iter().map(|p| p.conv).collect();
            let apart = Forms { taps: taps.clone(), ..Forms::default() };
            if let (Some(shared), Some(apart)) = (price(&convs, &together), price(&convs, &apart))
                && shared < apart * (1.0 - TIE)
            {
                taps.extend(convs);
            }
        }
        Forms::new(g, facts, taps)
    }
}

#[cfg(test)]
mod tests;
