//! The form each convolution is emitted in, chosen by price.

use super::kinds::{Charging, Role, roles};
use super::network::Network;
use super::price::Split;
use super::protocol::Protocol;
use super::{CostError, Weights};
use relinc_passes::back::spu::taps_of;
use relinc_passes::ir::{Facts, Graph, NodeId};
use std::collections::HashSet;

/// Relative difference of times below which two forms cost the same.
const TIE: f64 = 1e-9;

/// Which form convolutions are to have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConvForm {
    /// The faster one by the cost model, each convolution on its own; direct when nothing is won.
    #[default]
    Auto,
    /// The runtime's own convolution.
    Direct,
    /// One matrix product over all taps wherever there is such a form.
    Taps,
}

impl ConvForm {
    /// The spelling on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ConvForm::Auto => "auto",
            ConvForm::Direct => "direct",
            ConvForm::Taps => "taps",
        }
    }
}

impl std::str::FromStr for ConvForm {
    type Err = CostError;
    fn from_str(s: &str) -> Result<ConvForm, CostError> {
        [ConvForm::Auto, ConvForm::Direct, ConvForm::Taps]
            .into_iter()
            .find(|f| f.name() == s)
            .ok_or_else(|| CostError::ConvForm(s.to_string()))
    }
}

/// The convolutions that are one product over all taps; the others are direct.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forms {
    /// Their nodes.
    pub taps: HashSet<NodeId>,
}

impl Forms {
    /// The forms of a graph's convolutions under a protocol, a weight setting and a network. [`ConvForm::Auto`] compares
    /// predicted communication times; a protocol without a law for `conv_taps` keeps convolutions direct.
    pub fn choose(g: &Graph, facts: &Facts, p: &Protocol, w: Weights, n: &Network, want: ConvForm) -> Forms {
        let order = g.topo().unwrap_or_default();
        let roles = roles(g, &order);
        let price = |id, forms: &Forms| {
            let charging = Charging { g, facts, roles: &roles, p, w, forms };
            let mut sum = Split::default();
            for c in charging.node(id) {
                sum.add(c.split(p.law(c.kind, c.weights)?));
            }
            Some(n.communication(&sum, p.directions))
        };
        let wins = |id: NodeId| {
            let all_taps = Forms { taps: HashSet::from([id]) };
            match (want, price(id, &all_taps), price(id, &Forms::default())) {
                (ConvForm::Taps, ..) => true,
                (ConvForm::Auto, Some(taps), Some(direct)) => taps < direct * (1.0 - TIE),
                _ => false,
            }
        };
        let known_weights = |id| g.operand(id, 1).is_some_and(|k| roles[k.index()] != Role::Activation);
        let candidate = |id: &NodeId| known_weights(*id) && taps_of(g, facts, *id).is_some();
        Forms { taps: order.iter().copied().filter(candidate).filter(|&id| wins(id)).collect() }
    }
}

#[cfg(test)]
mod tests;
