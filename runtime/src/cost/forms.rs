//! The form each convolution is emitted in, chosen by price.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Weights;
use super::kinds::{Charging, Role, roles};
use super::network::Network;
use super::price::Split;
use super::protocol::{Groups, Protocol};
use super::totals::macs;
use relinc_passes::back::spu::{is_grouped, joined, of_siblings, siblings, taps_of};
use relinc_passes::ir::{Facts, Graph, NodeId, Op};
use std::collections::{HashMap, HashSet};

/// Relative difference of times below which two forms cost the same.
const TIE: f64 = 1e-9;

relinc_passes::words! {
    /// Which form convolutions are to have.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum ConvForm ("convolution form") {
        /// The one that communicates less long by the cost model, each convolution on its own; direct when nothing is won.
        #[default]
        Auto = "auto",
        /// The faster one, computing included, in later queries of a session, where the laws of both forms know seconds of computing.
        Fastest = "fastest",
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

    /// Is a convolution of several groups written as one dense convolution?
    pub(super) fn is_dense(&self, p: &Protocol, g: &Graph, facts: &Facts, conv: NodeId) -> bool {
        match &self.dense {
            Some(dense) => dense.contains(&conv),
            None => p.groups == Groups::Dense && is_grouped(g, facts, conv),
        }
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

    /// The forms of a graph's convolutions under a protocol, a weight setting and a network. [`ConvForm::Auto`] compares predicted
    /// communication times of a query of so many images, of sums and siblings that can share a product as a whole, and
    /// [`ConvForm::Fastest`] times with computing of a later query. A protocol without a
    /// law for `conv_taps` keeps convolutions direct. Those of several groups are dense or apart, whichever is faster with computing, under
    /// every [`ConvForm`].
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
        let times = Times { g, facts, roles: &roles, p, w, n, want, images };
        let known_weights = |id: &NodeId| {
            matches!(g.op(*id), Op::Conv(_))
                && g.operand(*id, 1).is_some_and(|k| roles[k.index()] != Role::Activation)
        };
        let grouped = order.iter().copied().filter(|&id| known_weights(&id) && is_grouped(g, facts, id));
        let dense = grouped.filter(|&id| times.dense_is_faster(id)).collect();
        let candidate = |id: &NodeId| known_weights(id) && taps_of(g, facts, *id).is_some();
        let candidates: HashSet<NodeId> = match want {
            ConvForm::Direct => HashSet::new(),
            ConvForm::Auto | ConvForm::Fastest | ConvForm::Taps => {
                order.iter().copied().filter(candidate).collect()
            }
        };
        let taps = match want {
            ConvForm::Auto | ConvForm::Fastest => times.faster_as_taps(&candidates),
            ConvForm::Direct | ConvForm::Taps => candidates.clone(),
        };
        let forms = Forms::new(g, facts, taps).of_images(images);
        // What a sibling still pays is its truncation, which the law has to tell apart.
        let told = p.law("conv_taps", w).is_some_and(|law| law.truncation.is_some());
        let forms = match want {
            ConvForm::Auto | ConvForm::Fastest | ConvForm::Taps if told => {
                times.with_siblings(forms, &candidates)
            }
            ConvForm::Auto | ConvForm::Fastest | ConvForm::Taps | ConvForm::Direct => forms,
        };
        Forms { dense: Some(dense), ..forms }
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
    want: ConvForm,
    images: usize,
}

/// Seconds of communication, and of computing where every law knows them.
struct Time {
    communication: f64,
    computing: Option<f64>,
}

impl Time {
    /// Is there clearly less to say than in another form?
    fn says_less(&self, other: &Time) -> bool {
        self.communication < other.communication * (1.0 - TIE)
    }

    /// Is it clearly less than another? Computing counts where both know it.
    fn is_below(&self, other: &Time) -> bool {
        let computing = self.computing.zip(other.computing).unwrap_or_default();
        self.communication + computing.0 < (other.communication + computing.1) * (1.0 - TIE)
    }
}

impl Times<'_> {
    /// Is one form clearly better than another?
    fn better(&self, one: &Time, other: &Time) -> bool {
        match self.want {
            ConvForm::Fastest => one.is_below(other),
            ConvForm::Auto | ConvForm::Taps | ConvForm::Direct => one.says_less(other),
        }
    }

    /// All convolutions direct.
    fn direct(&self) -> Forms {
        Forms::default().of_images(self.images)
    }

    /// The same with one product for convolutions of one value wherever that is faster.
    fn with_siblings(&self, mut forms: Forms, candidates: &HashSet<NodeId>) -> Forms {
        for group in siblings(self.g, self.facts, candidates) {
            // A convolution of a sum that shares a product keeps that.
            if group.iter().any(|c| forms.share(*c).is_some()) {
                continue;
            }
            let mut all = forms.taps.clone();
            all.extend(&group);
            let joined = Forms { taps: all, ..forms.clone() }.joining(self.g, self.facts, &group);
            if let (Some(one), Some(each)) = (self.of(&group, &joined), self.of(&group, &forms))
                && self.better(&one, &each)
            {
                forms = joined;
            }
        }
        forms
    }

    /// `None` where there is no law for a form.
    fn of(&self, convs: &[NodeId], forms: &Forms) -> Option<Time> {
        let Times { g, facts, roles, p, w, n, want, images: _ } = *self;
        let charging = Charging { g, facts, roles, p, w, forms };
        let (mut sum, mut timed) = (Split::default(), true);
        for c in convs.iter().flat_map(|&id| charging.node(id)) {
            let law = p.law(c.kind, c.weights)?;
            let part = c.split(p, law);
            timed &= law.seconds.is_some() || part.sent + part.recv == 0.0;
            sum.add(if want == ConvForm::Fastest { part.less(c.once(p, law)) } else { part });
        }
        let computing = timed.then_some(sum.seconds * n.compute);
        Some(Time { communication: n.communication(&sum, p.directions), computing })
    }

    /// Of several groups: is one dense convolution faster than one a group?
    fn dense_is_faster(&self, conv: NodeId) -> bool {
        let forms = |dense| Forms { dense: Some(dense), ..self.direct() };
        let [dense, apart] = [HashSet::from([conv]), HashSet::new()].map(|d| self.of(&[conv], &forms(d)));
        dense.zip(apart).is_some_and(|(dense, apart)| dense.is_below(&apart))
    }

    /// The convolutions that are faster as one product over all taps, alone or in a sum that shares one.
    fn faster_as_taps(&self, candidates: &HashSet<NodeId>) -> HashSet<NodeId> {
        let alone = |id: NodeId| {
            let all_taps = Forms { taps: HashSet::from([id]), ..self.direct() };
            let [taps, direct] = [self.of(&[id], &all_taps), self.of(&[id], &self.direct())];
            taps.zip(direct).is_some_and(|(taps, direct)| self.better(&taps, &direct))
        };
        let mut taps: HashSet<NodeId> = candidates.iter().copied().filter(|&id| alone(id)).collect();
        let together = Forms::new(self.g, self.facts, candidates.clone()).of_images(self.images);
        for j in joined(self.g, self.facts, candidates) {
            let convs: Vec<NodeId> = j.parts.iter().map(|p| p.conv).collect();
            let apart = Forms { taps: taps.clone(), ..self.direct() };
            if let (Some(shared), Some(apart)) = (self.of(&convs, &together), self.of(&convs, &apart))
                && self.better(&shared, &apart)
            {
                taps.extend(convs);
            }
        }
        taps
    }
}

#[cfg(test)]
mod tests;
