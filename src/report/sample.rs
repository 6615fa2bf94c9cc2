//! A report as a ResNet-20 compiled at a tenth of its ReLUs gives it, for tests and for looking at.
#![allow(clippy::unwrap_used)]

mod training;

use super::assemble::Against;
use super::model::*;
use relinc_passes::choice::Choice;
use relinc_passes::driver::Refusal;
use relinc_passes::driver::weigh::Candidate;
use relinc_passes::masks::LayerMask;
use relinc_runtime::cost::{Class, Network, NodeCost, Priced, Split, Totals, Weights, find};

const WIDTHS: [(usize, usize); 3] = [(16, 32), (32, 16), (64, 8)];
/// Kept share by layer.
const KEPT: [f64; 19] = [
    0.008, 0.061, 0.0, 0.0, 0.016, 0.166, 0.042, 0.118, 0.006, 0.141, 0.0, 0.037, 0.001, 0.374, 0.37, 0.734,
    0.45, 0.893, 0.0,
];

fn shape(layer: usize) -> [usize; 3] {
    let (c, h) = WIDTHS[if layer == 0 { 0 } else { (layer - 1) / 6 }];
    [c, h, h]
}

/// A mask whose middle keeps more than its border.
fn values(layer: usize, [c, h, w]: [usize; 3]) -> Vec<Choice> {
    let mut seed = 0x9e37_79b9u32.wrapping_mul(layer as u32 + 1);
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 8) / f64::from(1 << 24)
    };
    let one = |channel: usize, y: usize, x: usize| {
        let r = ((y as f64 + 0.5) / h as f64 - 0.5).hypot((x as f64 + 0.5) / w as f64 - 0.5);
        KEPT[layer] * (1.9 - 2.4 * r) * (0.5 + (channel % 5) as f64 / 4.0)
    };
    let mut v = vec![];
    for k in 0..c {
        for y in 0..h {
            for x in 0..w {
                v.push(match random() < one(k, y, x) {
                    true => Choice::Relu,
                    false if layer == 7 && random() < 0.05 => Choice::Zero,
                    false => Choice::Identity,
                });
            }
        }
    }
    v
}

fn name_of_complete(protocol: &str) -> bool {
    protocol != "spu-cheetah"
}

/// The price of a graph whose convolutions send so many bytes together.
fn priced(protocol: &str, weights: Weights, relus: &[u64], convolutions: f64) -> Priced {
    let p = find(protocol).unwrap();
    let law = |kind: &str| p.law(kind, weights);
    // One incomplete cost model, so that its warning can be looked at.
    let complete = name_of_complete(protocol);
    let relu = law("relu").unwrap();
    let mut out = Priced {
        protocol: p.name.clone(),
        ring: p.ring,
        weights,
        directions: p.directions,
        images: 1,
        nodes: vec![],
        total: Split::default(),
        once: Split::default(),
        relu: Split::default(),
        linear: Split::default(),
        offline: None,
        all: None,
        dealt: None,
        timed: false,
        not_modelled: if complete { vec![] } else { ["conv", "linear"].map(String::from).to_vec() },
        drawn: Default::default(),
        notes: vec![],
    };
    let mut push = |name: String, op: &str, class: Class, cost: Split, missing: Vec<String>| {
        for s in [&mut out.total, if class == Class::Relu { &mut out.relu } else { &mut out.linear }] {
            s.sent += cost.sent;
            s.recv += cost.recv;
            s.rounds += cost.rounds;
        }
        let layer = (class == Class::Relu).then(|| name.clone());
        out.nodes.push(NodeCost {
            name,
            layer,
            op: op.into(),
            class,
            cost,
            once: Split::default(),
            offline: None,
            not_modelled: missing,
        });
    };
    for (i, &n) in relus.iter().enumerate() {
        let cost = if complete { convolutions / 19.0 } else { 0.0 };
        let cost =
            Split { sent: cost, recv: cost, rounds: if complete { 2.0 } else { 0.0 }, ..Split::default() };
        let missing = if complete { vec![] } else { vec!["conv".to_string()] };
        push(format!("/layer{i}/conv/Conv"), "conv", Class::Linear, cost, missing);
        if n > 0 {
            let (sent, recv) = (relu.sent.elements * n as f64, relu.recv.elements * n as f64);
            push(
                format!("relu{i:02}"),
                "relu",
                Class::Relu,
                Split { sent, recv, rounds: relu.rounds.fixed, ..Split::default() },
                vec![],
            );
        }
    }
    out
}

/// A run, made up.
fn measured() -> Measured {
    let same = |v: f64| Compared { predicted: v, measured: v };
    let part = |name: &str, op: &str, sent| MeasuredPart {
        name: name.into(),
        op: op.into(),
        count: 1,
        sent,
        received: same(80_000.0),
    };
    let off = Compared { predicted: 90_000.0, measured: 100_000.0 };
    Measured {
        protocol: "spu-semi2k".into(),
        trust: relinc_runtime::cost::find("spu-semi2k").map(|p| p.trust().to_string()).unwrap_or_default(),
        runtime: "spu".into(),
        weights: Weights::Secret,
        ring: 64,
        parties: 2,
        seconds: 2.5,
        sent: off,
        received: same(80_000.0),
        all_sent: Some(same(170_000.0)),
        rounds: same(41.0),
        actions_are_chunks: false,
        later: None,
        dealer: None,
        service: None,
        ops: vec![part("conv", "conv", off)],
        layers: vec![part("/layer0/conv/Conv", "conv", off)],
        times: vec![MeasuredTime {
            network: "wan".into(),
            communication_s: same(1.5),
            measured_from: measured_traffic(),
        }],
    }
}

/// Of 10,000 images, 9,173 and 8,290 right.
fn accuracy() -> Accuracy {
    let scores = |clean, interval, corrupted| Scores {
        clean: Some(clean),
        interval: Some(interval),
        corrupted: Some(corrupted),
        ..Scores::default()
    };
    Accuracy {
        before: Some(scores(91.73, [91.2, 92.3], 72.4)),
        before_is: Some("the original".into()),
        before_is_original: true,
        after: Some(scores(82.9, [82.2, 83.6], 66.1)),
        change: Some(ScoreChange { points: -8.83, interval: [-9.5, -8.2], lost: 1_034, won: 151 }),
        data: "cifar10:../data?normalize=imagenet".into(),
        split: "test".into(),
        n: 10_000,
        classes: Some(10),
        seen: None,
    }
}

/// Two layers that are not worth their exchanges, made up.
fn conclusion() -> Conclusion {
    let saved = |rounds, seconds| Saved { rounds, online_bytes: 3_024, seconds };
    let drop = |layer: &str, relus, seconds| Drop { layer: layer.into(), relus, saved: saved(8.0, seconds) };
    Conclusion {
        protocol: "spu-semi2k".into(),
        network: "wan".into(),
        link: Link { rtt_s: 0.04, bandwidth_bit_s: 1e8 },
        latency_is: LatencyIs::Query,
        drop: vec![drop("relu00", 42, 0.164), drop("relu07", 9, 0.161)],
        together: saved(16.0, 0.325),
        next: vec![
            "relinc compile m.onnx --masks out/masks.safetensors --vanish relu00,relu07 -o out-without"
                .into(),
        ],
    }
}

/// The sample.
pub fn report() -> Report {
    let masks: Vec<Mask> = (0..19)
        .map(|i| Mask::new(format!("relu{i:02}"), &LayerMask::new(shape(i), values(i, shape(i)))))
        .collect();
    let after: Vec<u64> = masks.iter().map(|m| m.kept).collect();
    let before: Vec<u64> = (0..19).map(|i| shape(i).iter().product::<usize>() as u64).collect();
    let totals = |relus: &[u64]| Totals {
        relus: relus.iter().sum(),
        comparisons: relus.iter().sum(),
        macs: 40_551_040,
        parameters: 269_034,
        nonlinear_layers: relus.iter().filter(|&&n| n > 0).count() as u64,
    };
    let layers = (0..19)
        .map(|i| Layer {
            cap: None,
            name: format!("relu{i:02}"),
            op: "relu".into(),
            shape: shape(i).to_vec(),
            relus: after[i],
            relus_before: before[i],
            macs: 2_359_296,
            action: if after[i] == 0 { Action::Linearized } else { Action::Compacted },
            why: match (after[i], i) {
                (0, 2) => "no ReLU is left; conv2 → conv3 not merged: the second pads by 1 and the border would change".into(),
                (0, _) => "no ReLU is left, the layer costs no rounds".into(),
                _ => "kept elements are gathered, the rest passes unchanged".into(),
            },
            source: Some(format!("/layer{}/relu/Relu", i / 6 + 1)),
        })
        .collect();
    let mut cost = vec![];
    for (name, weights) in
        [("spu-semi2k", Weights::Secret), ("spu-aby3", Weights::Secret), ("spu-cheetah", Weights::Server)]
    {
        let p = find(name).unwrap();
        let of = |relus, convolutions| priced(name, weights, relus, convolutions);
        let (a, l, b) = (of(&after, 4_460_352.0), of(&before, 4_460_352.0), of(&before, 15_060_352.0));
        let against = Against { lossless: &l, before: &b, before_is: BeforeIs::File };
        for n in Network::named() {
            cost.push(Cost::new(&p, &n, &a, Some(against)));
        }
    }
    let pass = |name: &str, guarantee: &str, applied, d| Pass {
        name: name.into(),
        guarantee: guarantee.into(),
        applied,
        refused: vec![],
        candidates: vec![],
        max_abs_difference: d,
    };
    let mut passes = vec![
        pass("canonicalise", "exact", 42, Some(0.0)),
        pass("fold-batch-norm", "exact", 19, Some(1.9e-6)),
        pass("compact-relu", "exact", 15, Some(0.0)),
        pass("merge-conv", "exact", 1, Some(4.8e-7)),
    ];
    passes[3].refused.push(Refusal {
        node: "conv2 → conv3".into(),
        why: "the second convolution pads by 1 and the border would change".into(),
    });
    let candidate = |node: &str, taken, why: &str| Candidate { node: node.into(), taken, why: why.into() };
    passes[3].candidates = vec![
        candidate("conv5", true, "5.5 MB instead of 5.8 MB"),
        candidate("conv9", false, "6.1 MB instead of 5.8 MB"),
    ];
    Report {
        relinc_report: FORM,
        relinc: "0.2.0".into(),
        model: Model {
            path: "models/resnet20.onnx".into(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            opset: Some(17),
            producer: Some("pytorch 2.2.2".into()),
        },
        verdict: Some(Verdict {
            level: Level::Alarm,
            sentences: vec!["Accuracy fell from 91.7 to 82.9 % on 10,000 images.".into(), "Train.".into()],
            next: vec![
                "relinc search models/resnet20.onnx --data 'cifar10:../data' --budget 10% -o out-searched"
                    .into(),
            ],
        }),
        conclusions: vec![conclusion()],
        totals: totals(&after),
        lossless: Some(totals(&before)),
        before: Some(totals(&before)),
        layers,
        cost,
        measured: vec![measured()],
        accuracy: Some(accuracy()),
        training: Some(training::training()),
        evaluations: training::evaluations(),
        passes,
        fixed_point: None,
        fixed_points: vec![],
        tails: None,
        other_branch: vec![],
        masks,
        settings: Settings {
            targets: vec!["onnx".into(), "spu".into()],
            opset: Some(17),
            weights: Some(Weights::Secret),
            bn: Some("clean".into()),
            budget: Some("10%".into()),
            method: Some("gradual".into()),
            data: Some("cifar10:../data".into()),
            classes: ["airplane", "automobile", "bird"].map(String::from).to_vec(),
            seed: Some(0),
            max_drop: None,
            allow_tails: false,
        },
        artefacts: vec![
            Artefact { path: "model.onnx".into(), bytes: 1_312_000 },
            Artefact { path: "masks.safetensors".into(), bytes: 190_464 },
            Artefact { path: "spu/model.mlir".into(), bytes: 412_003 },
        ],
        notes: vec![
            "Masks and gather indices are public: every party sees which ReLUs were kept.".into(),
            "The offline phase is not counted where a trusted party deals the triples.".into(),
        ],
    }
}
