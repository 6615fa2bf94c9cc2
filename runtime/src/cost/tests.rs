#![allow(clippy::unwrap_used)]

use super::protocol::BUILT_IN;
use super::resnet::{Act, resnet20};
use super::*;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Dim, Graph, Op, Tensor, Type, Window, comparisons};

fn priced(g: &Graph, protocol: &str, w: Weights) -> Priced {
    price(g, &infer(g).unwrap(), &find(protocol).unwrap(), w)
}

/// Sent, received, rounds.
fn cost(p: &Priced) -> (f64, f64, f64) {
    (p.total.sent, p.total.recv, p.total.rounds)
}

/// The text of a protocol file whose ReLU has eight rounds.
fn semi2k() -> &'static str {
    BUILT_IN.iter().find(|b| b.0 == "spu-semi2k.yaml").unwrap().1
}

#[test]
fn built_in_files_parse() {
    for (file, text) in BUILT_IN {
        let p = parse(file, text).unwrap();
        assert_eq!(format!("{}.yaml", p.name), *file);
        assert!(p.law("relu", p.default_weights).is_some() && p.law("local", p.default_weights).is_some());
        let literature = *file == "garbled-circuit.yaml";
        assert_eq!(p.verified, !literature, "{file}: every other built-in number is measured");
        assert!(p.verified || p.source.contains(UNVERIFIED) && p.counts.contains(UNVERIFIED), "{file}");
        assert!(!text.contains("memory]"), "{file}: nothing from memory");
    }
    assert_eq!(protocols().len(), BUILT_IN.len());
}

/// What runs with the wheels as they come: private between organisations are CHEETAH and ABY3 only.
#[test]
fn every_built_in_protocol_says_who_must_be_trusted() {
    for p in protocols() {
        let deals = ["semi2k", "crypten"].iter().any(|n| p.name.contains(n));
        let private = ["aby3", "cheetah", "mp-spdz-rep"].iter().any(|n| p.name.contains(n));
        let trust = p.trust();
        assert_eq!(trust.contains("not private between"), deals, "{}", p.name);
        assert_eq!(trust.contains("deals the multiplication triples itself"), deals, "{}", p.name);
        assert_eq!(trust.contains("(semi-honest)"), private, "{}", p.name);
        assert_eq!(trust.starts_with("not stated:"), !p.verified, "{}", p.name);
        let end = trust
            .char_indices()
            .filter(|(i, c)| *c == '.' && !trust[i + 1..].starts_with(|c: char| c.is_alphanumeric()));
        assert_eq!(end.count(), 1, "{}: one sentence", p.name);
    }
}

/// Runners lie beside every artefact and cannot read protocol files: they hold the same sentences.
#[test]
fn runners_say_the_same_of_trust_as_the_protocol_files() {
    use relinc_passes::back::{crypten, spu};
    // Adjacent literals are one string to Python.
    let joined = |text: &str| text.lines().map(str::trim).collect::<String>().replace("\"\"", "");
    let runners = [("spu-", joined(spu::RUN_PY)), ("crypten-", joined(crypten::RUN_PY))];
    for p in protocols() {
        for (_, text) in runners.iter().filter(|(part, _)| p.name.starts_with(part)) {
            assert!(text.contains(p.trust()), "{}", p.name);
        }
    }
}

#[test]
fn a_protocol_file_without_trust_says_so() {
    let text = "name: mine\nruntime: r\nparties: 2\nring: 64\ncounts: c\nsource: s\nverified: true\ndefault_weights: secret\nops: {}\n";
    assert_eq!(parse("mine.yaml", text).unwrap().trust(), TRUST_NOT_STATED);
    let folded = format!("{text}trust: >\n  Nobody must\n  be trusted.\n");
    assert_eq!(parse("mine.yaml", &folded).unwrap().trust(), "Nobody must be trusted.");
    let empty = parse("mine.yaml", &format!("{text}trust: ' '\n")).unwrap_err().to_string();
    assert!(empty.contains("mine.yaml: trust: empty"), "{empty}");
}

#[test]
fn the_comparisons_that_are_counted_are_those_that_are_priced() {
    let g = relinc_passes::ir::text::parse(
        "graph all { %x = input f32[N,4,6,6]
         %s = const f32[4,1,1] splat(0.5)
         %m = const u8[4,6,6] rand(seed=1, density=0.5)
         %a = relu(%x) %b = masked_relu(%x, %m) %c = leaky_relu(%x) %d = prelu(%x, %s)
         %e = clip(%x) {min=0, max=6} %f = clip(%x) {min=-1} %g = clip(%x) {min=0} %h = clip(%x)
         %i = abs(%x) %j = hard_swish(%x) %k = hard_sigmoid(%x) %l = silu(%x) %o = exp(%x)
         %p = max(%x, %a) %q = min(%x, %a) %r = greater(%x, %a) %t = where(%r, %x, %a)
         %u = max_pool(%x) {kernel=[3,3], strides=[2,2]} %v = reduce(%x) {kind=max, axes=[2,3]}
         %w = reduce(%x) {kind=mean, axes=[2,3]} %y = softmax(%x) {axis=1}
         %z = log_softmax(%x) {axis=3} %aa = arg_max(%x) {axis=1}
         output o = %x }",
    )
    .unwrap();
    let facts = infer(&g).unwrap();
    let mut compared = 0;
    for p in protocols() {
        for id in g.ids() {
            let width = match g.op(id) {
                Op::Softmax { axis } | Op::LogSoftmax { axis } | Op::ArgMax { axis, .. } => {
                    [4, 4, 6, 6][*axis]
                }
                _ => 1,
            };
            let of = |c: &Charge| match c.kind {
                "relu" | "max" | "max_pool_comparison" | "compare" | "abs" => c.q.elements,
                "clip" => 2.0 * c.q.elements,
                "softmax" | "log_softmax" => c.q.elements - c.q.elements / f64::from(width),
                "arg_max" => c.q.elements * f64::from(width - 1),
                _ => 0.0,
            };
            let priced: f64 = charges(&g, &facts, id, p, Weights::Secret).iter().map(of).sum();
            let counted = comparisons(&g, &facts, id);
            assert_eq!(priced, counted as f64, "{}: {}", p.name, g.node(id).name);
            compared += usize::from(counted > 0);
        }
    }
    assert_eq!(compared, 18 * protocols().len());
}

#[test]
fn every_protocol_file_is_built_in() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/protocols");
    for e in std::fs::read_dir(dir).unwrap() {
        let name = e.unwrap().file_name().into_string().unwrap();
        assert!(BUILT_IN.iter().any(|(f, _)| *f == name), "{name}");
    }
}

#[test]
fn semi2k_resnet20_law_is_exact() {
    for (act, layers) in
        [(Act::Full, 19), (Act::Gathered, 19), (Act::Gathered, 10), (Act::Full, 7), (Act::None, 0)]
    {
        let (g, relus) = resnet20(act, layers);
        let p = priced(&g, "spu-semi2k", Weights::Secret);
        let bytes = 15_066_280.0 + 72.0 * relus as f64;
        assert_eq!(cost(&p), (bytes, bytes, 41.0 + 8.0 * layers as f64));
        assert!(p.complete());
        assert_eq!(p.linear.sent, 15_066_024.0);
        assert_eq!(p.relu.sent, 72.0 * relus as f64);
        assert_eq!(p.offline, None);
    }
    assert_eq!(priced(&resnet20(Act::Full, 19).0, "spu-semi2k", Weights::Secret).total.sent, 28_632_232.0);
}

#[test]
fn measured_resnet20_runs_are_met() {
    let (full, _) = resnet20(Act::Full, 19);
    let at = |p, w| cost(&priced(&full, p, w));
    assert_eq!(at("spu-semi2k", Weights::Public), (14_319_912.0, 14_319_912.0, 173.0));
    assert_eq!(at("spu-semi2k", Weights::Server), (28_632_232.0, 28_632_232.0, 193.0));
    assert_eq!(at("spu-semi2k-ring128", Weights::Secret), (55_003_176.0, 55_003_176.0, 212.0));
    assert_eq!(at("spu-semi2k-3pc", Weights::Secret), (194_808_736.0, 194_808_736.0, 690.0));
    let (none, _) = resnet20(Act::None, 0);
    // ABY3 draws its traffic at random: one run sent 3,277,264 and received 3,145,976.
    let (sent, recv, _) = cost(&priced(&none, "spu-aby3", Weights::Secret));
    assert!(
        (sent / 3_277_264.0 - 1.0).abs() < 0.1 && (recv / 3_145_976.0 - 1.0).abs() < 0.1,
        "{sent} {recv}"
    );
    let (sent, recv, _) = at("spu-aby3", Weights::Secret);
    assert!(
        (sent / 14_615_504.0 - 1.0).abs() < 0.1 && (recv / 11_568_080.0 - 1.0).abs() < 0.1,
        "{sent} {recv}"
    );
}

#[test]
fn cheetah_meets_the_measured_first_calls() {
    let relu = |n: usize| {
        let mut g = Graph::new("r");
        let x = g.add("x", Op::Input(Type::f32([Dim::Batch, Dim::Fixed(n)])), &[]);
        let y = g.add("y", Op::Relu, &[x]);
        g.add_output("y", y);
        let p = priced(&g, "cheetah", Weights::Server);
        (p.total.sent, p.total.recv)
    };
    assert_eq!(relu(16_384), (2_738_508.0, 1_821_004.0));
    assert_eq!(relu(40_000), (4_562_844.0, 2_322_844.0));
    assert_eq!(relu(262_144), (22_255_986.0, 7_043_404.0));
}

/// Sent + received bytes of single runs on spu 0.9.5, set-up included.
#[test]
fn cheetah_meets_the_measured_resnets() {
    for (act, layers, weights, measured) in [
        (Act::Full, 19, Weights::Server, 58_436_304.0),
        (Act::Gathered, 19, Weights::Server, 41_736_480.0),
        (Act::Full, 19, Weights::Secret, 75_350_000.0),
        (Act::Gathered, 19, Weights::Secret, 58_380_000.0),
        (Act::None, 0, Weights::Secret, 56_260_000.0),
    ] {
        let p = priced(&resnet20(act, layers).0, "spu-cheetah", weights);
        let sum = p.total.sent + p.total.recv;
        assert!(
            p.complete() && (sum / measured - 1.0).abs() < 0.02,
            "{weights} {layers}: {sum} for {measured}"
        );
    }
}

/// One run of a ResNet-20 whose ReLUs stand in ten layers; each party's part of it was drawn at random.
#[test]
fn all_parties_of_aby3_are_met() {
    let (g, relus) = resnet20(Act::Gathered, 10);
    let all = priced(&g, "spu-aby3", Weights::Secret).all.unwrap();
    assert_eq!(all, 13_040_620.0 + 172.0 * (relus as f64 - 18_841.0));
    let p = priced(&g, "spu-cheetah", Weights::Server);
    assert_eq!(p.all, Some(p.total.sent + p.total.recv));
}

/// Of later queries of a ResNet-20 with all its ReLUs three in four sent a refill of what comparisons use up: 36,461,291 bytes in the mean of
/// four, and 36,061,458 where none was.
#[test]
fn cheetahs_later_queries_refill_what_comparisons_use_up() {
    let p = priced(&resnet20(Act::Full, 19).0, "spu-cheetah", Weights::Server);
    let later = p.later().unwrap();
    let off = (later.sent + later.recv) / 36_461_291.0 - 1.0;
    assert!(off.abs() < 1e-3, "{off}");
}

#[test]
fn totals_of_resnet20() {
    let (g, _) = resnet20(Act::Full, 19);
    let t = totals(&g, &infer(&g).unwrap());
    assert_eq!((t.relus, t.comparisons, t.nonlinear_layers), (188_416, 188_416, 19));
    assert_eq!((t.macs, t.parameters), (40_551_040, 269_034));
    let (g, kept) = resnet20(Act::Gathered, 10);
    let t = totals(&g, &infer(&g).unwrap());
    assert_eq!((t.relus, t.nonlinear_layers), (kept as u64, 10));
}

#[test]
fn a_dense_mask_saves_nothing_and_says_so() {
    let full = priced(&resnet20(Act::Full, 19).0, "spu-semi2k", Weights::Secret);
    let masked = priced(&resnet20(Act::Masked, 19).0, "spu-semi2k", Weights::Secret);
    assert_eq!(cost(&full), cost(&masked));
    assert!(full.notes.is_empty() && masked.notes[0].starts_with("19 ReLU layer(s) carry a dense mask"));
    let (g, _) = resnet20(Act::Masked, 19);
    assert_eq!(totals(&g, &infer(&g).unwrap()).relus, 188_416);
}

#[test]
fn layers_name_their_costs() {
    let p = priced(&resnet20(Act::Gathered, 19).0, "spu-semi2k", Weights::Secret);
    let relus: Vec<_> = p.nodes.iter().filter(|n| n.class == Class::Relu).collect();
    assert_eq!(relus.len(), 19);
    assert_eq!((relus[3].layer.as_deref(), relus[3].cost.sent), (Some("relu03"), 72.0 * 1639.0));
    let sum: f64 = p.nodes.iter().map(|n| n.cost.sent).sum();
    assert_eq!(sum, p.total.sent);
}

#[test]
fn softmax_and_pooling_meet_the_measured_micro_graphs() {
    let mut g = Graph::new("s");
    let x = g.add("x", Op::Input(Type::f32([Dim::Batch, Dim::Fixed(10)])), &[]);
    let y = g.add("y", Op::Softmax { axis: 1 }, &[x]);
    g.add_output("y", y);
    assert_eq!(cost(&priced(&g, "spu-semi2k", Weights::Secret)), (6898.0, 6898.0, 87.0));

    let mut g = Graph::new("p");
    let dims = [Dim::Batch, Dim::Fixed(2), Dim::Fixed(8), Dim::Fixed(8)];
    let x = g.add("x", Op::Input(Type::f32(dims)), &[]);
    let w = Window { kernel: [3, 3], strides: [2, 2], pads: [1; 4], ceil: false };
    let y = g.add("y", Op::MaxPool(w), &[x]);
    g.add_output("y", y);
    let bytes = 72.0 * (2 * 4 * 4 * 8) as f64;
    let p = priced(&g, "spu-semi2k", Weights::Secret);
    assert_eq!(cost(&p), (bytes, bytes, 32.0));
    assert_eq!(p.relu.sent, 0.0);
    let bytes = 232.0 * (2 * 4 * 4 * 8) as f64;
    assert_eq!(cost(&priced(&g, "crypten-2pc", Weights::Secret)), (bytes, bytes, 36.0));
}

#[test]
fn constants_follow_the_weight_setting_and_scalars_are_public() {
    let product = |c: Tensor, w| {
        let mut g = Graph::new("m");
        let x = g.add("x", Op::Input(Type::f32([Dim::Batch, Dim::Fixed(8)])), &[]);
        let c = g.constant("c", c);
        let y = g.add("y", Op::Binary(relinc_passes::ir::Binary::Mul), &[x, c]);
        g.add_output("y", y);
        cost(&priced(&g, "spu-semi2k", w)).0
    };
    let vector = || Tensor::f32([8], vec![2.0; 8]);
    assert_eq!(product(vector(), Weights::Secret), 160.0);
    assert_eq!(product(vector(), Weights::Public), 32.0);
    assert_eq!(product(Tensor::scalar(2.0), Weights::Secret), 32.0);
}

#[test]
fn a_depthwise_convolution_is_priced_dense() {
    let mut g = Graph::new("d");
    let dims = [Dim::Batch, Dim::Fixed(8), Dim::Fixed(8), Dim::Fixed(8)];
    let x = g.add("x", Op::Input(Type::f32(dims)), &[]);
    let w = g.constant("w", Tensor::f32([8, 1, 3, 3], vec![0.1; 72]));
    let c = relinc_passes::ir::Conv { strides: [1; 2], pads: [1; 4], dilations: [1; 2], group: 8 };
    let y = g.add("y", Op::Conv(c), &[x, w]);
    g.add_output("y", y);
    let bytes = (4608 * 8 + 576 * 8 + 512 * 4) as f64;
    assert_eq!(cost(&priced(&g, "spu-semi2k", Weights::Secret)), (bytes, bytes, 2.0));
}

#[test]
fn endings_find_a_protocol_unless_ambiguous() {
    assert_eq!(find("cheetah").unwrap().name, "spu-cheetah");
    assert_eq!(find("semi2k").unwrap().name, "spu-semi2k");
    let e = find("3pc").unwrap_err().to_string();
    assert!(e.contains("spu-semi2k-3pc") && e.contains("crypten-3pc"), "{e}");
    let e = find("delphi").unwrap_err().to_string();
    assert!(e.contains("delphi") && e.contains("spu-aby3"), "{e}");
}

#[test]
fn a_bad_file_names_itself_and_the_place() {
    let text = semi2k();
    let e = |t: String| parse("my.yaml", &t).unwrap_err().to_string();
    let m = e(text.replace("  relu:", "  rleu:"));
    assert!(m.starts_with("my.yaml: ops: no operation is called 'rleu'"), "{m}");
    let m = e(text.replace("parties: 2", "partys: 2"));
    assert!(m.contains("partys"), "{m}");
    let m = e(text.replace("{elements: 72}", "{elements: -72}"));
    assert!(m.contains("negative"), "{m}");
    let m = find("/nowhere/x.yaml").unwrap_err().to_string();
    assert!(m.starts_with("/nowhere/x.yaml: "), "{m}");
}

#[test]
fn networks_parse() {
    let n = |s: &str| s.parse::<Network>().map(|n| (n.rtt_s, n.bandwidth_bit_s));
    assert_eq!(n("wan").unwrap(), (0.04, 1e8));
    assert_eq!(n("rtt=40ms;bandwidth=100Mbit").unwrap(), (0.04, 1e8));
    assert_eq!(n("bandwidth=2Gbit;rtt=1s").unwrap(), (1.0, 2e9));
    assert_eq!("rtt=1ms;bandwidth=1Gbit;compute=2.5".parse::<Network>().unwrap().compute, 2.5);
    assert!("rtt=1ms;bandwidth=1Gbit;compute=0".parse::<Network>().is_err());
    assert_eq!(n("40ms,100Mbit/s").unwrap(), (0.04, 1e8));
    for bad in
        ["dialup", "40,100", "rtt=40ms", "rtt=1ms;rtt=2ms", "rtt=40ms;bandwidth=0Mbit", "a=1ms;b=2Mbit"]
    {
        assert!(n(bad).unwrap_err().to_string().contains(bad), "{bad}");
    }
    assert_eq!("mobile".parse::<Network>().unwrap().describe(), "80 ms, 20 Mbit/s");
}

#[test]
fn rounds_are_a_number_or_terms() {
    let text = semi2k();
    let with =
        |rounds: &str| parse("my.yaml", &text.replacen("rounds: 8,", &format!("rounds: {rounds},"), 1));
    let at = |rounds: &str, n| {
        with(rounds).unwrap().law("relu", Weights::Secret).unwrap().rounds.at(&Quantities::elementwise(n))
    };
    assert_eq!((at("8", 1), at("8", 5_000)), (8.0, 8.0));
    let grows = "{fixed: 8, blocks: [{of: elements, size: 4096, bytes: 2, full: true}]}";
    assert_eq!((at(grows, 1), at(grows, 9_000)), (8.0, 12.0));
    let e = with("-1").unwrap_err().to_string();
    assert!(e.contains("ops.relu.any: rounds: a coefficient is negative"), "{e}");
    let e = with("many").unwrap_err().to_string();
    assert!(e.contains("give a number, or terms"), "{e}");
}

#[test]
fn directions_in_turn_both_take_time() {
    let (g, _) = resnet20(Act::Full, 19);
    let p = priced(&g, "spu-cheetah", Weights::Server);
    let wan: Network = "wan".parse().unwrap();
    let bytes = p.total.sent + p.total.recv;
    assert!(
        (wan.communication(&p.total, p.directions) - p.total.rounds * 0.02 - bytes * 8.0 / 1e8).abs() < 1e-9
    );
}

#[test]
fn latency_is_rounds_and_the_larger_direction() {
    let p = priced(&resnet20(Act::Full, 19).0, "spu-semi2k", Weights::Secret);
    let wan = "wan".parse().unwrap();
    let computing = computing(&p, &wan).unwrap_or(0.0);
    assert!((latency(&p, &wan) - computing - (193.0 * 0.02 + 28_632_232.0 * 8.0 / 1e8)).abs() < 1e-9);
}
