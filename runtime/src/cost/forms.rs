//! The form each convolution is emitted in, chosen by price.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Weights;
use super::kinds::{Charging, Role, roles};
use super::network::Network;
use super::price::Split;
use super::protocol::Protocol;
use super::totals::macs;
use relinc_passes::back::spu::{joined, of_siblings, siblings, taps_of};
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
    /// Those that share a product: with others of a sum, whose truncation they share too, or with siblings.
    shared: HashMap<NodeId, Share>,
    /// Those that share a product, since they read one value.
    pub siblings: Vec<Vec<NodeId>>,
    /// Images of a query less one.
    more_images: usize,
}

/// What a convolution pays of a product that several share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    All(Sizes),
    /// Nothing: another one of the sum pays.
    Nothing,
    /// A truncation of its own: a sibling pays the product.
    Truncation,
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
        Forms { taps, shared, ..Forms::default() }
    }

    /// The same for queries of so many images.
    pub fn of_images(self, images: usize) -> Forms {
        Forms { more_images: images.saturating_sub(1), ..self }
    }

    /// Images of a query.
    pub fn images(&self) -> usize {
        self.more_images + 1
    }

    /// The same with one product for these convolutions of one value.
    fn joining(mut self, g: &Graph, facts: &Facts, group: &[NodeId]) -> Forms {
        let Some((inputs, products)) = of_siblings(g, facts, group) else { return self };
        let weights = |&c: &NodeId| g.operand(c, 1).map_or(0, |w| facts.ty(w).elements());
        let all = Sizes {
            inputs,
            weights: group.iter().map(weights).sum(),
            products,
            outputs: facts.ty(group[0]).elements(),
            macs: group.iter().map(|&c| macs(g, facts, c)).sum(),
        };
        self.shared.extend(group[1..].iter().map(|&c| (c, Share::Truncation)));
        self.shared.insert(group[0], Share::All(all));
        self.siblings.push(group.to_vec());
        self
    }

    /// What a convolution pays of a product it shares; `None` where it has one of its own.
    pub(super) fn share(&self, conv: NodeId) -> Option<Share> {
        self.shared.get(&conv).copied()
    }

    /// The forms of a graph's convolutions under a protocol, a weight setting and a network. [`ConvForm::Auto`] compares
    /// predicted communication times of a query of so many images, of sums and siblings that can share a product as a whole; a protocol without a law for `conv_taps`
    /// keeps convolutions direct.
    pub fn choose(
        g: &Graph,
        facts: &Facts,
        p: &Protocol,
        w: Weights,
        n: &Network,
        want: ConvForm,
        images: usize,
    ) -> Forms {
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
        let siblings = |mut forms: Forms| {
            // What a sibling still pays is its truncation, which the law has to tell apart.
            if p.law("conv_taps", w).is_none_or(|law| law.truncation.is_none()) || want == ConvForm::Direct {
                return forms;
            }
            for group in siblings(g, facts, &candidates) {
                let mut all = forms.taps.clone();
                all.extend(&group);
                // A convolution of a sum that shares a product keeps that.
                if group.iter().any(|c| forms.share(*c).is_some()) {
                    continue;
                }
                let joined = Forms { taps: all, ..forms.clone() }.joining(g, facts, &group);
                if let (Some(one), Some(each)) = (price(&group, &joined), price(&group, &forms))
                    && one < each * (1.0 - TIE)
                {
                    forms = joined;
                }
            }
            forms
        };
        if want == ConvForm::Taps {
            return siblings(Forms::new(g, facts, candidates.clone()).of_images(images));
        }
        let direct = Forms::default().of_images(images);
        let alone = |id: NodeId| {
            let all_taps = Forms { taps: HashSet::from([id]), ..direct.clone() };
            let [taps, direct] = [price(&[id], &all_taps), price(&[id], &direct)];
            taps.zip(direct).is_some_and(|(taps, direct)| taps < direct * (1.0 - TIE))
        };
        let mut taps: HashSet<NodeId> = candidates.iter().copied().filter(|&id| alone(id)).collect();
        let together = Forms::new(g, facts, candidates.clone()).of_images(images);
        for j in joined(g, facts, &candidates) {
            let convs: Vec<NodeId> = j.parts.iter().map(|p| p.conv).collect();
            let apart = Forms { taps: taps.clone(), ..direct.clone() };
            if let (Some(shared), Some(apart)) = (price(&convs, &together), price(&convs, &apart))
                && shared < apart * (1.0 - TIE)
            {
                taps.extend(convs);
            }
        }
        siblings(Forms::new(g, facts, taps).of_images(images))
    }
}

#[cfg(test)]
mod tests;
