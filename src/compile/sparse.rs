//! Layers that keep so few ReLUs that their exchanges cost more than they are worth, and what a query saves without them.

use super::baseline::Column;
use super::{Request, next};
use crate::error::Result;
use crate::model::Model;
use crate::report::model::{Conclusion, Drop, LatencyIs, Link, Saved};
use relinc_passes::driver::Options;
use relinc_passes::front::onnx::ImportOptions;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_runtime::cost::{Class, Network, Priced, computing};

/// A layer that lost more than half of its ReLUs is named where one that it keeps costs so many times the communication that a
/// kept ReLU costs on average.
const OUT_OF_PROPORTION: f64 = 10.0;
/// Savings below this share of a query's seconds are not worth a sentence.
const WORTH_SAYING: f64 = 1e-3;
/// At most so many layers are named and priced, the dearest by the ReLU first: each takes a lowering of its own.
const MOST: usize = 3;

/// A network before its masks are lowered, and what lowering it takes.
#[derive(Clone, Copy)]
pub struct Masked<'a> {
    /// Canonical, without masks.
    pub model: &'a Model,
    /// The masks that were lowered.
    pub masks: &'a Masks,
    /// How they were lowered.
    pub options: &'a Options,
    /// For whom.
    pub r: &'a Request,
}

/// Looks at the first protocol on the WAN, else on the first network. `after` is the emitted graph.
pub fn conclude(m: &Masked<'_>, after: &Column, import: &ImportOptions) -> Result<Vec<Conclusion>> {
    let network = m.r.networks.iter().find(|n| n.name == "wan").or(m.r.networks.first());
    let (Some(p), Some(now), Some(n)) = (m.r.protocols.first(), after.priced.first(), network) else {
        return Ok(vec![]);
    };
    let few = if now.complete() { out_of_proportion(m.masks, now, n) } else { vec![] };
    if few.is_empty() {
        return Ok(vec![]);
    }
    // One price is asked for.
    let r = Request { protocols: vec![p.clone()], ..m.r.clone() };
    let priced = Masked { r: &r, ..*m };
    let mut left_out: Vec<Vec<&str>> = few.iter().map(|(layer, _)| vec![layer.as_str()]).collect();
    left_out.push(few.iter().map(|(layer, _)| layer.as_str()).collect());
    left_out.dedup();
    let mut saved = priced.saved(&left_out, now, n)?;
    let mut together = saved.last().copied().flatten();
    saved.truncate(few.len());
    let drop: Vec<Drop> = few
        .iter()
        .zip(&saved)
        .filter_map(|((layer, relus), s)| Some(Drop { layer: layer.clone(), relus: *relus, saved: (*s)? }))
        .collect();
    let names: Vec<&str> = drop.iter().map(|d| d.layer.as_str()).collect();
    if names.len() < few.len() && !names.is_empty() {
        together = priced.saved(std::slice::from_ref(&names), now, n)?[0];
    }
    let (Some(together), false) = (together, drop.is_empty()) else { return Ok(vec![]) };
    Ok(vec![Conclusion {
        protocol: p.name.clone(),
        network: n.name.clone(),
        link: Link { rtt_s: n.rtt_s, bandwidth_bit_s: n.bandwidth_bit_s },
        latency_is: if computing(now, n).is_some() { LatencyIs::Query } else { LatencyIs::Communication },
        together,
        next: next::without_layers(m.r, import, m.model, &names).into_iter().collect(),
        drop,
    }])
}

/// Layers and the ReLUs they keep, in canonical order.
fn out_of_proportion(masks: &Masks, now: &Priced, n: &Network) -> Vec<(String, u64)> {
    let seconds = |layer: &str| -> f64 {
        let own = now.nodes.iter().filter(|c| c.class == Class::Relu && c.layer.as_deref() == Some(layer));
        own.map(|c| n.communication(&c.cost, now.directions)).sum()
    };
    let layer = |(name, mask): (&String, &LayerMask)| Kept {
        layer: name.clone(),
        relus: mask.kept(),
        thinned: 2 * mask.kept() < mask.all(),
        seconds: seconds(name),
    };
    let kept: Vec<Kept> = masks.layers.iter().map(layer).filter(|k| k.relus > 0).collect();
    let all = kept.iter().fold((0, 0.0), |(relus, s), k| (relus + k.relus, s + k.seconds));
    let average = all.1 / all.0.max(1) as f64;
    let mut out: Vec<Kept> = kept
        .into_iter()
        .filter(|k| k.thinned && k.seconds > 0.0 && k.each() >= OUT_OF_PROPORTION * average)
        .collect();
    out.sort_by(|a, b| b.each().total_cmp(&a.each()));
    out.truncate(MOST);
    out.sort_by(|a, b| a.layer.cmp(&b.layer));
    out.into_iter().map(|k| (k.layer, k.relus as u64)).collect()
}

/// A layer that keeps ReLUs.
struct Kept {
    layer: String,
    relus: usize,
    /// More than half of its ReLUs are gone.
    thinned: bool,
    /// What its ReLUs take in communication.
    seconds: f64,
}

impl Kept {
    /// Seconds a ReLU.
    fn each(&self) -> f64 {
        self.seconds / self.relus as f64
    }
}

/// One result for each, a thread for each.
pub(super) fn side_by_side<T: Sync, R: Send>(
    of: &[T],
    result: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let result = &result;
    std::thread::scope(|s| {
        let all: Vec<_> = of.iter().map(|one| s.spawn(move || result(one))).collect();
        let join = |t: std::thread::ScopedJoinHandle<'_, _>| {
            t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        all.into_iter().map(join).collect()
    })
}

impl Masked<'_> {
    /// What a query saves without each of these sets of layers, side by side: the network is lowered, folded and priced anew. `None`
    /// where that is not worth a sentence, or where the cost model has no law for what it becomes.
    fn saved(&self, left_out: &[Vec<&str>], now: &Priced, n: &Network) -> Result<Vec<Option<Saved>>> {
        side_by_side(left_out, |layers| self.saved_without(layers, now, n))
    }

    fn saved_without(&self, layers: &[&str], now: &Priced, n: &Network) -> Result<Option<Saved>> {
        let mut masks = self.masks.clone();
        for (_, mask) in masks.layers.iter_mut().filter(|(name, _)| layers.contains(&name.as_str())) {
            *mask = mask.without_relus();
        }
        let column = Column::lowered(self.model.clone(), masks, self.options, self.r)?;
        let Some(then) = column.priced.first().filter(|p| p.complete()) else { return Ok(None) };
        let communication = |p: &Priced| n.communication(&p.total, p.directions);
        let (computed, whole) = match computing(now, n).zip(computing(then, n)) {
            Some((now, then)) => (now - then, now),
            None => (0.0, 0.0),
        };
        let seconds = communication(now) - communication(then) + computed;
        let saved = Saved {
            rounds: now.total.rounds - then.total.rounds,
            online_bytes: (now.total.sent - then.total.sent).round() as i64,
            seconds,
        };
        Ok((seconds >= WORTH_SAYING * (communication(now) + whole)).then_some(saved))
    }
}
