#![allow(clippy::unwrap_used)]

use super::*;
use crate::cost::resnet::{Act, resnet20};
use crate::cost::{Priced, find, price, price_as};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Conv, Dim, Op, Tensor, Type};

fn choose(g: &Graph, protocol: &str, w: Weights, want: ConvForm) -> (Forms, Priced) {
    let (facts, p) = (infer(g).unwrap(), find(protocol).unwrap());
    let forms = Forms::choose(g, &facts, &p, w, &"lan".parse().unwrap(), want, 1);
    let priced = price_as(g, &facts, &p, w, &forms);
    (forms, priced)
}

/// One convolution 16 → 16 on 32×32.
fn convolution(kernel: usize, stride: usize, group: usize) -> Graph {
    let mut g = Graph::new("c");
    let dims = [Dim::Batch, Dim::Fixed(16), Dim::Fixed(32), Dim::Fixed(32)];
    let x = g.add("x", Op::Input(Type::f32(dims)), &[]);
    let shape = [16, 16 / group, kernel, kernel];
    let w = g.constant("w", Tensor::f32(shape, vec![0.1; shape.iter().product()]));
    let c = Conv { strides: [stride; 2], pads: [kernel / 2; 4], dilations: [1; 2], group };
    let y = g.add("y", Op::Conv(c), &[x, w]);
    g.add_output("y", y);
    g
}

#[test]
fn taps_open_the_input_once() {
    let g = convolution(3, 1, 1);
    let bytes = |want| choose(&g, "spu-semi2k", Weights::Secret, want).1.total;
    assert_eq!((bytes(ConvForm::Direct).sent, bytes(ConvForm::Direct).rounds), (1_263_616.0, 2.0));
    assert_eq!((bytes(ConvForm::Auto).sent, bytes(ConvForm::Auto).rounds), (215_040.0, 2.0));
    assert_eq!(choose(&g, "spu-semi2k-ring128", Weights::Secret, ConvForm::Auto).1.total.sent, 364_544.0);
}

#[test]
fn a_tie_stays_direct() {
    for g in [convolution(1, 1, 1), convolution(1, 2, 1)] {
        for p in ["spu-semi2k", "spu-aby3"] {
            assert!(choose(&g, p, Weights::Secret, ConvForm::Auto).0.taps.is_empty(), "{p}");
        }
    }
    let public = choose(&convolution(3, 1, 1), "spu-semi2k", Weights::Public, ConvForm::Auto);
    assert!(public.0.taps.is_empty());
}

#[test]
fn groups_stay_direct_even_when_asked() {
    assert!(choose(&convolution(3, 1, 16), "spu-semi2k", Weights::Secret, ConvForm::Taps).0.taps.is_empty());
}

/// Eight groups of two channels: apart they are eight convolutions, one after the other.
#[test]
fn groups_are_dense_where_that_is_faster() {
    let g = convolution(3, 1, 8);
    let (facts, conv) = (infer(&g).unwrap(), g.by_name("y").unwrap());
    let form =
        |dense: bool| Forms { dense: Some(dense.then_some(conv).into_iter().collect()), ..Forms::default() };
    for (protocol, w) in
        [("spu-semi2k", Weights::Secret), ("spu-aby3", Weights::Secret), ("spu-cheetah", Weights::Server)]
    {
        let p = find(protocol).unwrap();
        let rounds = |dense| price_as(&g, &facts, &p, w, &form(dense)).linear.rounds;
        // Of CHEETAH's larger convolutions computing hides half of the exchanges.
        let more = if protocol == "spu-cheetah" { 16.0 } else { 8.0 };
        assert!((rounds(false) / rounds(true) - more).abs() < 1e-9, "{protocol}");
        let forms = Forms::choose(&g, &facts, &p, w, &"wan".parse().unwrap(), ConvForm::Direct, 1);
        assert_eq!(forms.dense, Some(HashSet::from([conv])), "{protocol}");
    }
    // SEMI2K: every dense weight is opened, the zeros too.
    let p = find("spu-semi2k").unwrap();
    let sent = |dense| price_as(&g, &facts, &p, Weights::Secret, &form(dense)).total.sent;
    assert_eq!(sent(true) - sent(false), (8 * (16 * 16 * 9 - 16 * 2 * 9)) as f64);
    // Unless a form is chosen, CHEETAH's are dense and the others apart.
    let unsaid = |protocol: &str, w| price(&g, &facts, &find(protocol).unwrap(), w).linear.rounds;
    assert_eq!(unsaid("spu-cheetah", Weights::Server), 2.0);
    assert_eq!(unsaid("spu-semi2k", Weights::Secret), 16.0);
}

/// Computing decides where the link does not: a dense product of many groups is mostly zeros.
#[test]
fn computing_counts_in_the_choice_of_a_form() {
    let g = convolution(3, 1, 8);
    let (facts, p) = (infer(&g).unwrap(), find("spu-cheetah").unwrap());
    let dense = |network: &str| {
        let n = network.parse().unwrap();
        Forms::choose(&g, &facts, &p, Weights::Server, &n, ConvForm::Auto, 1).dense.unwrap().len()
    };
    assert_eq!((dense("wan"), dense("0.01ms;100Gbit;compute=100")), (1, 0));
}

#[test]
fn aby3_stays_direct_and_prices_what_is_forced() {
    let g = convolution(3, 1, 1);
    let (forms, auto) = choose(&g, "spu-aby3", Weights::Secret, ConvForm::Auto);
    assert!(forms.taps.is_empty());
    let (forms, forced) = choose(&g, "spu-aby3", Weights::Secret, ConvForm::Taps);
    assert_eq!(forms.taps.len(), 1);
    assert!(forced.total.sent > 4.0 * auto.total.sent && forced.complete());
}

#[test]
fn protocols_without_a_law_stay_direct() {
    let (g, _) = resnet20(Act::Full, 19);
    for p in ["spu-cheetah", "spu-semi2k-3pc", "crypten-2pc"] {
        assert!(choose(&g, p, Weights::Secret, ConvForm::Auto).0.taps.is_empty(), "{p}");
    }
    let forced = choose(&g, "spu-cheetah", Weights::Server, ConvForm::Taps).1;
    assert!(forced.not_modelled.contains(&"conv_taps".to_string()));
}

#[test]
fn resnet20_is_chosen_and_named() {
    let (g, relus) = resnet20(Act::Gathered, 19);
    let (forms, p) = choose(&g, "spu-semi2k", Weights::Secret, ConvForm::Auto);
    assert_eq!(forms.taps.len(), 19);
    // 8 B an input and a weight, 4 B an output of 19 convolutions; the linear layer and the mean.
    assert_eq!(p.total.sent, 4_394_368.0 + 5_672.0 + 256.0 + 72.0 * relus as f64);
    assert_eq!(p.nodes.iter().filter(|n| n.op == "conv_taps").count(), 19);
    let direct = price(&g, &infer(&g).unwrap(), &find("spu-semi2k").unwrap(), Weights::Secret);
    assert_eq!(p.total.rounds, direct.total.rounds);
}

#[test]
fn forms_parse() {
    for f in [ConvForm::Auto, ConvForm::Fastest, ConvForm::Direct, ConvForm::Taps] {
        assert_eq!(f.name().parse(), Ok(f));
    }
    assert!(
        "winograd".parse::<ConvForm>().unwrap_err().to_string().contains("auto, fastest, direct or taps")
    );
}

/// A convolution and a strip over its first row, added up: one product of both's weights, and one truncation of the sum.
#[test]
fn a_sum_shares_a_product() {
    let text = "graph g {\n%x = input f32[N,16,8,8]\n%w = const f32[16,16,5,5] rand(seed=1)\n%b = const f32[16] rand(seed=2)\n\
                %a = conv(%x, %w, %b) {pads=[2, 2, 2, 2]}\n%s = slice(%x) {axes=[2], starts=[0], ends=[1], steps=[1]}\n\
                %v = const f32[16,16,1,5] rand(seed=3)\n%t = conv(%s, %v) {pads=[0, 2, 0, 2]}\n\
                %p = pad(%t) {before=[0, 0, 0, 0], after=[0, 0, 7, 0], value=0.0}\n%y = add(%a, %p)\noutput \"y\" = %y\n}\n";
    let g = relinc_passes::ir::text::parse(text).unwrap();
    let (forms, p) = choose(&g, "spu-semi2k", Weights::Secret, ConvForm::Auto);
    assert_eq!(forms.taps.len(), 2);
    let product = p.nodes.iter().find(|n| n.op == "conv_taps").unwrap();
    assert_eq!(product.name, "a");
    let weights = 16 * 16 * (25 + 5);
    assert_eq!(product.cost.sent, (8 * (1024 + weights) + 4 * 1024) as f64);
    assert_eq!(product.cost.rounds, 2.0);
    assert_eq!(p.nodes.iter().filter(|n| n.cost.rounds > 0.0).count(), 1);
    let direct = choose(&g, "spu-semi2k", Weights::Secret, ConvForm::Direct).1;
    assert_eq!(direct.nodes.iter().filter(|n| n.op == "conv").map(|n| n.cost.rounds).sum::<f64>(), 4.0);
    assert!(choose(&g, "spu-cheetah", Weights::Server, ConvForm::Auto).0.taps.is_empty());
}

/// A convolution and a projection that read one value, in a sum with another.
fn block() -> Graph {
    relinc_passes::ir::text::parse(
        "graph block {
           %x = input f32[N,16,32,32]
           %w1 = const f32[32,16,3,3] rand(seed=1)
           %a = conv(%x, %w1) {strides=[2, 2], pads=[1, 1, 1, 1]}
           %r = relu(%a)
           %w2 = const f32[32,32,3,3] rand(seed=2)
           %b = conv(%r, %w2) {pads=[1, 1, 1, 1]}
           %w3 = const f32[32,16,1,1] rand(seed=3)
           %s = conv(%x, %w3) {strides=[2, 2], pads=[0, 0, 0, 0]}
           %y = add(%b, %s)
           output \"y\" = %y
         }",
    )
    .unwrap()
}

#[test]
fn a_value_that_two_products_read_is_opened_once() {
    let g = block();
    let (forms, priced) = choose(&g, "spu-semi2k", Weights::Secret, ConvForm::Auto);
    assert_eq!((forms.siblings.len(), forms.taps.len()), (1, 3));
    let opened = 8 * (16 * 32 * 32 + 16 * 32 * 10) + 8 * (32 * 16 * 16 + 32 * 32 * 9);
    let (relu, truncated) = (72 * 32 * 16 * 16, 3 * 4 * 32 * 16 * 16);
    assert_eq!((priced.total.sent, priced.total.rounds), (f64::from(opened + relu + truncated), 13.0));
    assert_eq!(priced.once.sent, f64::from(8 * (16 * 32 * 10 + 32 * 32 * 9)));
    assert!(choose(&g, "spu-cheetah", Weights::Secret, ConvForm::Auto).0.siblings.is_empty());
    assert!(choose(&g, "spu-semi2k", Weights::Secret, ConvForm::Direct).0.siblings.is_empty());
}

#[test]
fn truncations_by_each_party_alone_cost_nothing() {
    let (g, p) = (block(), find("spu-semi2k").unwrap().truncating_alone().unwrap());
    let (facts, network) = (infer(&g).unwrap(), "lan".parse().unwrap());
    let forms = Forms::choose(&g, &facts, &p, Weights::Secret, &network, ConvForm::Auto, 1);
    let alone = price_as(&g, &facts, &p, Weights::Secret, &forms);
    let safe = price_as(&g, &facts, &p.truncating_safely(), Weights::Secret, &forms);
    assert_eq!((safe.total.rounds, alone.total.rounds), (13.0, 10.0));
    assert_eq!(safe.total.sent - alone.total.sent, f64::from(3 * 4 * 32 * 16 * 16));
    for p in ["spu-aby3", "spu-cheetah", "spu-semi2k-3pc", "spu-semi2k-ring32", "spu-semi2k-ring128"] {
        assert!(find(p).unwrap().truncating_alone().is_none(), "{p}");
    }
}

#[test]
fn images_of_a_query_share_its_exchanges_and_its_weights() {
    let g = block();
    let (facts, p, network) = (infer(&g).unwrap(), find("spu-semi2k").unwrap(), "wan".parse().unwrap());
    let of = |images| {
        let forms = Forms::choose(&g, &facts, &p, Weights::Secret, &network, ConvForm::Taps, images);
        price_as(&g, &facts, &p, Weights::Secret, &forms)
    };
    let (one, eight) = (of(1), of(8));
    assert_eq!((one.total.rounds, eight.total.rounds * 8.0), (13.0, 13.0));
    let later = |p: &Priced| p.later().unwrap().sent;
    assert_eq!(later(&one), later(&eight));
    assert_eq!(one.once.sent, eight.once.sent * 8.0);
}

/// With a stride the product over all taps is four times as large as what is needed.
#[test]
fn the_fastest_form_counts_computing_and_later_queries() {
    let p = find("spu-semi2k").unwrap();
    let taps = |g: &Graph, network: &str, want| {
        let n = network.parse().unwrap();
        Forms::choose(g, &infer(g).unwrap(), &p, Weights::Secret, &n, want, 1).taps.len()
    };
    let (plain, strided) = (convolution(3, 1, 1), convolution(3, 2, 1));
    for network in ["lan", "wan"] {
        assert_eq!(taps(&plain, network, ConvForm::Auto), 1, "{network}");
        assert_eq!(taps(&plain, network, ConvForm::Fastest), 1, "{network}");
        assert_eq!(taps(&strided, network, ConvForm::Auto), 1, "{network}");
    }
    assert_eq!(taps(&strided, "lan", ConvForm::Fastest), 0);
    // A slow link decides by its bytes.
    assert_eq!(taps(&strided, "rtt=40ms;bandwidth=1Mbit", ConvForm::Fastest), 1);
}
