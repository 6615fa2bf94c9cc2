//! What a graph's numbers can at most become, whatever the input is: interval arithmetic over weights.

#![deny(clippy::wildcard_enum_match_arm)]

use super::analyse::layers_below;
use super::format::Format;
use super::truncation::Truncation;
use relinc_passes::driver::valid::Valid;
use relinc_passes::passes::intervals::Intervals;
use serde::{Deserialize, Serialize};

/// Rounding in the ring may step over a bound in real numbers by little; this share of it is kept free.
const SLACK: f64 = 1.0 + 1.0 / 1024.0;

/// Upper limits of a graph's numbers, held against what a runtime can treat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Between which numbers every element of the input lies.
    pub range: [f64; 2],
    /// Nothing can overflow.
    pub fits: bool,
    /// Least head-room of all operations, in bits; null where one has no bound.
    pub headroom_bits: Option<f64>,
    /// The operation with the least head-room.
    pub tightest: Option<String>,
    /// The first operation, in order, that may overflow.
    pub first: Option<MayOverflow>,
}

/// An operation whose bound is above what the runtime can treat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MayOverflow {
    /// The value's name.
    pub node: String,
    /// The operation.
    pub op: String,
    /// The ReLU layer it is, or feeds.
    pub layer: Option<String>,
    /// The most its numbers can be, real units; null where there is no bound.
    pub bound: Option<f64>,
    /// The magnitude they have to stay below, real units.
    pub limit: f64,
}

/// Bounds every number of a graph, and every product before it is truncated.
pub fn bounds(valid: &Valid<'_>, f: Format, how: Truncation, range: (f32, f32)) -> Bounds {
    let (g, facts) = (valid.graph(), valid.facts());
    let all = Intervals::of(g, facts, Some(range));
    let names = layers_below(valid);
    let limit = |bits: u32, points: u32| (f64::from(bits) - f64::from(points * f.fraction)).exp2();
    let limits = [limit(how.value_bits(f.ring), 1), limit(how.safe_bits(f), 2)];
    let (mut least, mut tightest, mut first) = (f64::INFINITY, None, None);
    let floats = valid.order().iter().filter(|&&id| facts.ty(id).dtype == relinc_passes::ir::DType::F32);
    for &id in floats.filter(|&&id| g.const_of(id).is_none()) {
        let products = all.products(g, facts, id).map_or(0.0, |i| i.magnitude());
        for (bound, limit) in [all.get(id).magnitude(), products].into_iter().zip(limits) {
            let room = limit.log2() - (bound * SLACK).max(f64::MIN_POSITIVE).log2();
            let named = || format!("{} '{}'", g.op(id).mnemonic(), g.node(id).name);
            if room < least {
                (least, tightest) = (room, Some(named()));
            }
            if room < 0.0 && first.is_none() {
                first = Some(MayOverflow {
                    node: g.node(id).name.clone(),
                    op: g.op(id).mnemonic().into(),
                    layer: names.get(&id).cloned(),
                    bound: bound.is_finite().then_some(bound),
                    limit,
                });
            }
        }
    }
    Bounds {
        range: [range.0.into(), range.1.into()],
        fits: first.is_none(),
        headroom_bits: least.is_finite().then_some(least),
        tightest,
        first,
    }
}
