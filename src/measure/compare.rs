//! Predicted against measured: in all, by type of operation, operation by operation.

use super::document::{Document, Node, Traffic};
use crate::report::model::{
    Compared, Cost, LayerCost, Measured, MeasuredLater, MeasuredPart, MeasuredTime, measured_bytes,
    measured_traffic,
};
use relinc_runtime::cost::{Actions, Network, Protocol, Split};

const PROGRAM: &str = "program";

/// Puts a run beside the prediction for it, an image's share of its queries: the first query and the mean of the others where later
/// ones pay less, else the mean of all. Where the protocol draws nothing at random, what the first image pays on top of its operations is set-up.
pub fn compare(cost: &Cost, d: &Document, networks: &[Network], p: &Protocol) -> Measured {
    let steady = p.tolerance.is_none();
    let chunks = p.actions == Actions::Chunks;
    let images = if d.per_image.is_empty() { std::slice::from_ref(&d.first) } else { &d.per_image[..] };
    let mean = |images: &[Traffic], get: fn(&Traffic) -> f64| {
        images.iter().map(get).sum::<f64>() / images.len() as f64 / batch(d)
    };
    let later = cost.after.later.filter(|_| images.len() > 1);
    let (firsts, others) = images.split_at(if later.is_some() { 1 } else { images.len() });
    let (sent, recv) = (mean(firsts, |i| i.sent_bytes as f64), mean(firsts, |i| i.recv_bytes as f64));
    let actions = mean(firsts, |i| i.send_actions as f64);
    let total = |predicted: u64, measured: f64| Compared { predicted: predicted as f64, measured };
    let layers = parts(cost, d, steady);
    let later = later.map(|predicted| MeasuredLater {
        queries: others.len() as u64,
        sent: total(predicted.online_bytes, mean(others, |i| i.sent_bytes as f64)),
        received: total(predicted.received_bytes, mean(others, |i| i.recv_bytes as f64)),
        rounds: Compared { predicted: predicted.rounds, measured: mean(others, |i| i.send_actions as f64) },
        seconds: mean(others, |i| i.seconds),
    });
    let spent = |sent: f64, recv: f64, rounds: f64| Split { sent, recv, rounds, ..Split::default() };
    let predicted =
        spent(cost.after.online_bytes as f64, cost.after.received_bytes as f64, cost.after.rounds);
    // Chunks are no exchanges: then those that were predicted carry the measured bytes.
    let measured = spent(sent, recv, if chunks { cost.after.rounds } else { actions });
    let time = |n: &Network| MeasuredTime {
        network: n.name.clone(),
        communication_s: Compared {
            predicted: n.communication(&predicted, cost.directions),
            measured: n.communication(&measured, cost.directions),
        },
        measured_from: if chunks { measured_bytes() } else { measured_traffic() },
    };
    Measured {
        protocol: cost.protocol.clone(),
        trust: p.trust().into(),
        runtime: d.runtime.clone(),
        weights: cost.weights,
        ring: d.ring,
        parties: d.parties,
        seconds: mean(firsts, |i| i.seconds),
        sent: total(cost.after.online_bytes, sent),
        received: total(cost.after.received_bytes, recv),
        rounds: Compared { predicted: cost.after.rounds, measured: actions },
        actions_are_chunks: chunks,
        all_sent: cost.after.all_bytes.zip(d.all_sent_bytes).map(|(p, m)| total(p, m as f64 / batch(d))),
        later,
        dealer: None,
        service: None,
        ops: by_type(&layers),
        layers,
        times: networks.iter().map(time).collect(),
    }
}

/// Images of a query.
fn batch(d: &Document) -> f64 {
    d.query_batch.max(1) as f64
}

fn is(row: &LayerCost, node: &Node) -> bool {
    row.op == node.op && (row.name == node.name || node.layer.as_deref() == Some(row.name.as_str()))
}

/// Bytes of an operation that every query pays: nodes run by themselves after the images.
fn repeated(l: &LayerCost) -> (u64, u64) {
    (l.online_bytes.saturating_sub(l.once_bytes), l.received_bytes.saturating_sub(l.once_received_bytes))
}

/// Every operation that was predicted or measured to communicate; what is left of the total is the program's.
fn parts(cost: &Cost, d: &Document, steady: bool) -> Vec<MeasuredPart> {
    if d.layers.is_empty() {
        return vec![];
    }
    let part = |name: &str, op: &str, sent, received| MeasuredPart {
        name: name.into(),
        op: op.into(),
        count: 1,
        sent,
        received,
    };
    let mut rows: Vec<&LayerCost> = cost.per_layer.iter().filter(|l| l.class != PROGRAM).collect();
    let mut out = vec![];
    for node in &d.layers {
        let found = rows.iter().position(|row| is(row, node)).map(|i| rows.remove(i));
        let (sent, received) = found.map_or((0, 0), repeated);
        let beside = |predicted: u64, measured: u64| Compared {
            predicted: predicted as f64,
            measured: measured as f64 / batch(d),
        };
        let (sent, received) = (beside(sent, node.own.sent_bytes), beside(received, node.own.recv_bytes));
        if [sent, received].iter().any(|c| c.predicted > 0.0 || c.measured > 0.0) {
            out.push(part(found.map_or(&node.name, |l| &l.name), &node.op, sent, received));
        }
    }
    let gone = rows.into_iter().filter(|l| repeated(l) != (0, 0));
    out.extend(gone.map(|l| {
        let only = |v: u64| Compared { predicted: v as f64, measured: 0.0 };
        let (sent, received) = repeated(l);
        part(&l.name, &l.op, only(sent), only(received))
    }));
    let (mut sent, mut received) = (Compared::default(), Compared::default());
    for l in &cost.per_layer {
        let (s, r) = match l.class == PROGRAM {
            true => (l.online_bytes, l.received_bytes),
            false => (l.once_bytes, l.once_received_bytes),
        };
        sent.predicted += s as f64;
        received.predicted += r as f64;
    }
    let sum = |get: fn(&Traffic) -> u64| d.layers.iter().map(|n| get(&n.own)).sum::<u64>() as f64;
    sent.measured = (d.first.sent_bytes as f64 - sum(|t| t.sent_bytes)) / batch(d);
    received.measured = (d.first.recv_bytes as f64 - sum(|t| t.recv_bytes)) / batch(d);
    if steady && [sent, received].iter().any(|c| c.predicted != 0.0 || c.measured != 0.0) {
        out.push(part("set-up", PROGRAM, sent, received));
    }
    out
}

fn by_type(layers: &[MeasuredPart]) -> Vec<MeasuredPart> {
    let mut out: Vec<MeasuredPart> = vec![];
    for l in layers {
        match out.iter_mut().find(|o| o.op == l.op) {
            Some(o) => {
                o.count += 1;
                o.sent.add(l.sent);
                o.received.add(l.received);
            }
            None => out.push(MeasuredPart { name: l.op.clone(), ..l.clone() }),
        }
    }
    out
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
