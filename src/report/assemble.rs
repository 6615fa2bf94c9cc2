//! Report entries from what the cost models and the masks say.

use super::model::{BeforeIs, Cost, Dealer, LatencyIs, Later, LayerCost, Link, Mask, Spent};
use relinc_passes::choice::Choice;
use relinc_passes::masks::LayerMask;
use relinc_runtime::cost::{Class, Network, NodeCost, Priced, Protocol, computing};

fn bytes(v: f64) -> u64 {
    v.round().max(0.0) as u64
}

fn key(n: &NodeCost) -> &str {
    match (&n.layer, n.class) {
        (Some(layer), Class::Relu) => layer,
        _ => &n.name,
    }
}

impl Spent {
    /// What a priced graph costs over a network; with `timed`, computing is in its time.
    fn new(p: &Priced, n: &Network, timed: bool) -> Spent {
        let compute_s = computing(p, n).filter(|_| timed);
        let later = p.later().map(|s| Later {
            online_bytes: bytes(s.sent),
            received_bytes: bytes(s.recv),
            rounds: s.rounds,
            communication_s: n.communication(&s, p.directions),
            compute_s: compute_s.map(|_| s.seconds * n.compute),
        });
        Spent {
            online_bytes: bytes(p.total.sent),
            received_bytes: bytes(p.total.recv),
            offline_bytes: p.offline.map(bytes),
            all_bytes: p.all.map(bytes),
            rounds: p.total.rounds,
            latency_s: n.communication(&p.total, p.directions) + compute_s.unwrap_or(0.0),
            latency_is: if compute_s.is_some() { LatencyIs::Query } else { LatencyIs::Communication },
            compute_s,
            relu_bytes: bytes(p.relu.sent),
            linear_bytes: bytes(p.linear.sent),
            complete: p.complete(),
            not_modelled: p.not_modelled.clone(),
            later,
            dealer: p.dealt.map(|dealt| Dealer {
                requests: p.total.rounds,
                bytes: bytes(dealt),
                seconds: Network::to_dealer().asking(p.total.rounds, dealt),
            }),
        }
    }
}

/// What a priced graph is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The model compiled with all its ReLUs.
    pub lossless: &'a Priced,
    /// The original.
    pub before: &'a Priced,
    /// Which graph that is.
    pub before_is: BeforeIs,
}

impl Cost {
    /// The entry of a protocol and a network: the emitted graph, and what it is compared with. The notes of the priced
    /// graph are not in it; they belong into [`super::Report::notes`].
    pub fn new(p: &Protocol, n: &Network, after: &Priced, against: Option<Against<'_>>) -> Cost {
        // The two columns that are compared have both their computing in their times or neither has; an original with operations
        // nobody timed does not take it from them.
        let known = |p: &Priced| computing(p, n).is_some();
        let timed = known(after) && against.is_none_or(|a| known(a.lossless));
        Cost {
            protocol: p.name.clone(),
            trust: p.trust().into(),
            ring: p.ring,
            network: n.name.clone(),
            link: Link { rtt_s: n.rtt_s, bandwidth_bit_s: n.bandwidth_bit_s },
            weights: after.weights,
            images_per_query: after.images as u64,
            directions: after.directions,
            after: Spent::new(after, n, timed),
            lossless: against.map(|a| Spent::new(a.lossless, n, timed)),
            before: against.map(|a| Spent::new(a.before, n, timed && known(a.before))),
            before_is: against.map_or(BeforeIs::File, |a| a.before_is),
            contributions: vec![],
            per_layer: per_layer(after, against),
            counts: p.counts.clone(),
            source: p.source.clone(),
            verified: p.verified,
            offline: p.offline.clone(),
            computing: timed.then(|| p.whose_seconds(n)),
        }
    }
}

impl Cost {
    /// Without an entry an operation.
    pub fn without_layers(self) -> Cost {
        Cost { per_layer: vec![], ..self }
    }
}

/// Operations of the three graphs by name: those of the lossless one in order, then what only the emitted one and what only the
/// original has.
fn per_layer(after: &Priced, against: Option<Against<'_>>) -> Vec<LayerCost> {
    let mut rest: Vec<&NodeCost> = after.nodes.iter().collect();
    let mut before: Vec<&NodeCost> = against.map_or(vec![], |a| a.before.nodes.iter().collect());
    let take = |from: &mut Vec<&NodeCost>, like: &NodeCost| {
        let found = from.iter().position(|n| key(n) == key(like) && n.class == like.class);
        found.map(|i| from.remove(i).clone())
    };
    type Node<'a> = Option<&'a NodeCost>;
    let entry = |of: &NodeCost, now: Node<'_>, lossless: Node<'_>, was: Option<NodeCost>| LayerCost {
        name: key(of).to_string(),
        op: now.unwrap_or(of).op.clone(),
        class: of.class.name().to_string(),
        online_bytes: now.map_or(0, |c| bytes(c.cost.sent)),
        received_bytes: now.map_or(0, |c| bytes(c.cost.recv)),
        rounds: now.map_or(0.0, |c| c.cost.rounds),
        once_bytes: now.map_or(0, |c| bytes(c.once.sent)),
        once_received_bytes: now.map_or(0, |c| bytes(c.once.recv)),
        lossless_bytes: lossless.map(|c| bytes(c.cost.sent)),
        lossless_rounds: lossless.map(|c| c.cost.rounds),
        before_bytes: was.map(|c| bytes(c.cost.sent)),
        not_modelled: now.map_or(vec![], |c| c.not_modelled.clone()),
    };
    let mut out = vec![];
    for l in against.map_or(&[][..], |a| &a.lossless.nodes) {
        let (now, was) = (take(&mut rest, l), take(&mut before, l));
        out.push(entry(l, now.as_ref(), Some(l), was));
    }
    for now in rest {
        let was = take(&mut before, now);
        out.push(entry(now, Some(now), None, was));
    }
    out.extend(before.into_iter().map(|was| entry(was, None, None, Some(was.clone()))));
    out
}

impl Mask {
    /// Condenses a mask.
    pub fn new(layer: impl Into<String>, mask: &LayerMask) -> Mask {
        let [c, h, w] = mask.shape;
        let share = |sum: usize, of: usize| (sum as f32 / of.max(1) as f32 * 1e3).round() / 1e3;
        let (mut at, mut channels) = (vec![0; h * w], vec![0; c]);
        for (of_channel, values) in channels.iter_mut().zip(mask.values.chunks(mask.plane())) {
            for (sum, v) in at.iter_mut().zip(values) {
                *sum += usize::from(v.compares());
            }
            *of_channel = values.iter().filter(|v| v.compares()).count();
        }
        Mask {
            layer: layer.into(),
            shape: mask.shape,
            kept: mask.values.iter().filter(|v| v.compares()).count() as u64,
            zero: mask.count(Choice::Zero) as u64,
            identity: mask.count(Choice::Identity) as u64,
            quadratic: mask.count(Choice::Quadratic) as u64,
            uncapped: mask.count(Choice::Uncapped) as u64,
            share: (0..h).map(|y| (0..w).map(|x| share(at[y * w + x], c)).collect()).collect(),
            channels: channels.into_iter().map(|kept| share(kept, h * w)).collect(),
        }
    }
}
