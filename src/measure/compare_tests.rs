#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::model::Later;
use relinc_runtime::cost::{find, price};

fn semi2k() -> Protocol {
    find("spu-semi2k").unwrap()
}

/// As protocols whose traffic is drawn at random.
fn drawn() -> Protocol {
    Protocol { tolerance: Some(0.1), ..semi2k() }
}

/// A convolution and a ReLU, priced on SEMI2K.
fn prediction() -> Cost {
    use relinc_passes::ir::{Conv, Dim, Graph, Op, Tensor, Type, infer::infer};
    let mut g = Graph::new("g");
    let x = g.add("x", Op::Input(Type::f32([Dim::Batch, Dim::Fixed(1), Dim::Fixed(4), Dim::Fixed(4)])), &[]);
    let w = g.constant("w", Tensor::f32([2, 1, 1, 1], vec![1.0; 2]));
    let c = Conv { strides: [1; 2], pads: [0; 4], dilations: [1; 2], group: 1 };
    let y = g.add("c", Op::Conv(c), &[x, w]);
    let z = g.add("r", Op::Relu, &[y]);
    g.set_layer(z, Some("relu00".into()));
    g.add_output("r", z);
    let p = semi2k();
    let priced = price(&g, &infer(&g).unwrap(), &p, p.default_weights);
    Cost::new(&p, &"wan".parse().unwrap(), &priced, None)
}

fn node(op: &str, name: &str, layer: Option<&str>, bytes: u64) -> Node {
    let (op, name, layer) = (op.into(), name.into(), layer.map(str::to_string));
    Node {
        op,
        name,
        layer,
        own: Traffic { sent_bytes: bytes, recv_bytes: bytes, send_actions: 1, seconds: 0.0 },
    }
}

#[test]
fn parts_add_up_to_the_run() {
    let cost = prediction();
    let layers = vec![
        node("conv", "c", None, 300),
        node("reshape", "flat", None, 0),
        node("relu", "r", Some("relu00"), 2304),
    ];
    let d = Document {
        first: Traffic { sent_bytes: 2700, recv_bytes: 2604, ..Traffic::default() },
        layers,
        ..Document::default()
    };
    let m = compare(&cost, &d, &["wan".parse().unwrap()], &semi2k());
    let names: Vec<&str> = m.layers.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["c", "relu00", "set-up"]);
    assert_eq!(m.layers[1].sent, Compared { predicted: 2304.0, measured: 2304.0 });
    assert_eq!((m.layers[2].sent.measured, m.layers[2].received.measured), (96.0, 0.0));
    assert_eq!(m.layers.iter().map(|l| l.sent.measured).sum::<f64>(), 2700.0);
    assert_eq!(m.sent.predicted, cost.after.online_bytes as f64);
    assert_eq!(m.ops.len(), 3);
    assert_eq!(m.times.len(), 1);
}

#[test]
fn without_single_operations_there_are_totals_only() {
    let first = Traffic { sent_bytes: 10, ..Traffic::default() };
    let m = compare(&prediction(), &Document { first, ..Document::default() }, &[], &semi2k());
    assert!(m.layers.is_empty() && m.ops.is_empty());
    assert_eq!(m.received.error(), None);
}

#[test]
fn what_all_parties_sent_is_held_against_its_own_prediction() {
    let cost = prediction();
    let d = Document { all_sent_bytes: Some(5_000), ..Document::default() };
    let all = compare(&cost, &d, &[], &drawn()).all_sent.unwrap();
    // Of two parties, one receives what the other sends.
    let predicted = cost.after.online_bytes + cost.after.received_bytes;
    assert_eq!(all, Compared { predicted: predicted as f64, measured: 5_000.0 });
    assert_eq!(compare(&cost, &Document::default(), &[], &drawn()).all_sent, None);
}

fn images(sent: &[u64]) -> Document {
    let image = |&sent_bytes| Traffic { sent_bytes, ..Traffic::default() };
    let per_image: Vec<Traffic> = sent.iter().map(image).collect();
    Document { first: per_image[0].clone(), per_image, ..Document::default() }
}

#[test]
fn several_images_are_averaged_where_all_pay_the_same() {
    let mut cost = prediction();
    cost.after.later = None;
    let m = compare(&cost, &images(&[10, 20]), &[], &drawn());
    assert_eq!((m.sent.measured, m.later), (15.0, None));
}

#[test]
fn later_queries_are_held_against_their_own_prediction() {
    let mut cost = prediction();
    let later =
        Later { online_bytes: 7, received_bytes: 0, rounds: 2.0, communication_s: 0.1, compute_s: None };
    cost.after.later = Some(later);
    let m = compare(&cost, &images(&[10, 6, 8]), &[], &semi2k());
    assert_eq!(m.sent.measured, 10.0);
    let later = m.later.expect("there were two");
    assert_eq!((later.queries, later.sent), (2, Compared { predicted: 7.0, measured: 7.0 }));
    assert_eq!(compare(&cost, &images(&[10]), &[], &semi2k()).later, None);
}

/// CHEETAH sends in chunks: their number is no number of exchanges, and no time follows from it.
#[test]
fn chunks_are_not_exchanges() {
    let cost = prediction();
    let wan = ["wan".parse().unwrap()];
    let d = Document {
        first: Traffic {
            sent_bytes: cost.after.online_bytes,
            recv_bytes: cost.after.received_bytes,
            send_actions: 4_000,
            seconds: 0.0,
        },
        ..Document::default()
    };
    let counted = compare(&cost, &d, &wan, &semi2k());
    assert!(counted.times[0].communication_s.measured > 40.0, "4,000 exchanges of 20 ms are 80 s");
    assert_eq!(counted.times[0].measured_from, measured_traffic());
    let chunks = compare(&cost, &d, &wan, &Protocol { actions: Actions::Chunks, ..semi2k() });
    assert!(chunks.actions_are_chunks && chunks.rounds.measured == 4_000.0);
    let time = chunks.times[0].communication_s;
    assert!((time.measured / time.predicted - 1.0).abs() < 1e-9, "{time:?}");
    assert!(chunks.times[0].measured_from.contains("predicted exchanges"));
    assert_eq!(find("spu-cheetah").unwrap().actions, Actions::Chunks);
}
