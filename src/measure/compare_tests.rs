#![allow(clippy::unwrap_used)]

use super::*;
use relinc_runtime::cost::{find, price};

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
    let p = find("spu-semi2k").unwrap();
    let priced = price(&g, &infer(&g).unwrap(), &p, p.default_weights);
    Cost::new(&p, &"wan".parse().unwrap(), &priced, None)
}

fn node(op: &str, name: &str, layer: Option<&str>, bytes: u64) -> Node {
    let (op, name, layer) = (op.into(), name.into(), layer.map(str::to_string));
    Node { op, name, layer, sent_bytes: bytes, recv_bytes: bytes, send_actions: 1, seconds: 0.0 }
}

#[test]
fn parts_add_up_to_the_run() {
    let cost = prediction();
    let layers = vec![
        node("conv", "c", None, 300),
        node("reshape", "flat", None, 0),
        node("relu", "r", Some("relu00"), 2304),
    ];
    let d = Document { sent_bytes: 2700, recv_bytes: 2604, layers, ..Document::default() };
    let m = compare(&cost, &d, &["wan".parse().unwrap()], true);
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
    let m = compare(&prediction(), &Document { sent_bytes: 10, ..Document::default() }, &[], true);
    assert!(m.layers.is_empty() && m.ops.is_empty());
    assert_eq!(m.received.error(), None);
}

#[test]
fn what_all_parties_sent_is_held_against_its_own_prediction() {
    let cost = prediction();
    let d = Document { all_sent_bytes: Some(5_000), ..Document::default() };
    let all = compare(&cost, &d, &[], false).all_sent.unwrap();
    // Of two parties, one receives what the other sends.
    let predicted = cost.after.online_bytes + cost.after.received_bytes;
    assert_eq!(all, Compared { predicted: predicted as f64, measured: 5_000.0 });
    assert_eq!(compare(&cost, &Document::default(), &[], false).all_sent, None);
}

#[test]
fn several_images_are_averaged() {
    let image = |sent_bytes| Image { sent_bytes, ..Image::default() };
    let d = Document { sent_bytes: 10, per_image: vec![image(10), image(20)], ..Document::default() };
    assert_eq!(compare(&prediction(), &d, &[], false).sent.measured, 15.0);
}
