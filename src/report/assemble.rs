//! Report entries from what the cost models and the masks say.

use super::model::{Cost, LayerCost, Link, Mask, Spent};
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
        Spent {
            online_bytes: bytes(p.total.sent),
            received_bytes: bytes(p.total.recv),
            offline_bytes: p.offline.map(bytes),
            all_bytes: p.all.map(bytes),
            rounds: p.total.rounds,
            latency_s: n.communication(&p.total, p.directions) + compute_s.unwrap_or(0.0),
            compute_s,
            relu_bytes: bytes(p.relu.sent),
            linear_bytes: bytes(p.linear.sent),
            complete: p.complete(),
            not_modelled: p.not_modelled.clone(),
        }
    }
}

impl Cost {
    /// The entry of a protocol and a network: the emitted graph, and the graph that was read. The notes of the priced
    /// graph are not in it; they belong into [`super::Report::notes`].
    pub fn new(p: &Protocol, n: &Network, after: &Priced, before: Option<&Priced>) -> Cost {
        let mut per_layer: Vec<LayerCost> = vec![];
        // Times of two graphs compare only where both have their computing in them.
        let timed = [Some(after), before].into_iter().flatten().all(|p| computing(p, n).is_some());
        let entry =
            |c: &NodeCost, online_bytes, received_bytes, rounds, before_bytes, not_modelled| LayerCost {
                name: key(c).to_string(),
                op: c.op.clone(),
                class: c.class.name().to_string(),
                online_bytes,
                received_bytes,
                rounds,
                before_bytes,
                not_modelled,
            };
        let mut rest: Vec<&NodeCost> = after.nodes.iter().collect();
        for old in before.map_or(&[][..], |b| &b.nodes) {
            let was = Some(bytes(old.cost.sent));
            let found = rest.iter().position(|new| key(new) == key(old) && new.class == old.class);
            per_layer.push(match found.map(|i| rest.remove(i)) {
                Some(c) => entry(
                    c,
                    bytes(c.cost.sent),
                    bytes(c.cost.recv),
                    c.cost.rounds,
                    was,
                    c.not_modelled.clone(),
                ),
                None => entry(old, 0, 0, 0.0, was, vec![]),
            });
        }
        per_layer.extend(rest.into_iter().map(|c| {
            entry(c, bytes(c.cost.sent), bytes(c.cost.recv), c.cost.rounds, None, c.not_modelled.clone())
        }));
        Cost {
            protocol: p.name.clone(),
            ring: p.ring,
            network: n.name.clone(),
            link: Link { rtt_s: n.rtt_s, bandwidth_bit_s: n.bandwidth_bit_s },
            weights: after.weights,
            directions: after.directions,
            after: Spent::new(after, n, timed),
            before: before.map(|b| Spent::new(b, n, timed)),
            per_layer,
            counts: p.counts.clone(),
            source: p.source.clone(),
            verified: p.verified,
            offline: p.offline.clone(),
            computing: timed.then(|| p.whose_seconds(n)),
        }
    }
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
            kept: mask.kept() as u64,
            zero: mask.count(Choice::Zero) as u64,
            identity: mask.count(Choice::Identity) as u64,
            share: (0..h).map(|y| (0..w).map(|x| share(at[y * w + x], c)).collect()).collect(),
            channels: channels.into_iter().map(|kept| share(kept, h * w)).collect(),
        }
    }
}
