//! The ring against i128, truncations against their statistics, graphs against the f32 interpreter.
#![allow(clippy::unwrap_used)]

use super::lane::Parties;
use super::product::{Sizes, matmul};
use super::rules::Rules;
use super::*;
use relinc_passes::driver::valid;
use relinc_passes::ir::text::parse;
use relinc_passes::ir::{Conv, Tensor};
use relinc_passes::splitmix::SplitMix;

/// A signed number of about `bits` bits.
fn draw(d: &mut SplitMix, bits: u32) -> i64 {
    (d.next_u64() as i64) >> (64 - bits)
}

/// x modulo 2^64, as a signed number.
fn wrap(x: i128) -> i64 {
    x as i64
}

#[test]
fn products_wrap_as_i128_says() {
    let mut d = SplitMix::new(1);
    for bits in [20, 34, 63] {
        let (a, b): (Vec<i64>, Vec<i64>) = (0..35).map(|_| (draw(&mut d, bits), draw(&mut d, bits))).unzip();
        for transposed in [true, false] {
            let y = matmul(&a, &b, [5, 7, 5], transposed);
            for (i, j) in (0..5).flat_map(|i| (0..5).map(move |j| (i, j))) {
                let at = |k: usize| if transposed { b[j * 7 + k] } else { b[k * 5 + j] };
                let sum =
                    (0..7).fold(0i128, |s, k| s.wrapping_add(i128::from(a[i * 7 + k]) * i128::from(at(k))));
                assert_eq!(y[i * 5 + j], wrap(sum));
            }
        }
    }
}

/// A convolution by its definition, on i128.
fn by_definition(s: &Sizes<'_>, x: &[i64], w: &[i64]) -> Vec<i64> {
    let ([_, h, wd], [_, cin, kh, kw], [cout, oh, ow]) = (s.x, s.w, s.y);
    let c = s.conv;
    let mut y = vec![];
    for o in 0..cout {
        let group = o / (cout / c.group);
        for (oy, ox) in (0..oh).flat_map(|a| (0..ow).map(move |b| (a, b))) {
            let mut sum = 0i128;
            for i in 0..cin {
                for (ky, kx) in (0..kh).flat_map(|a| (0..kw).map(move |b| (a, b))) {
                    let iy = (oy * c.strides[0] + ky * c.dilations[0]) as i64 - c.pads[0] as i64;
                    let ix = (ox * c.strides[1] + kx * c.dilations[1]) as i64 - c.pads[1] as i64;
                    if (0..h as i64).contains(&iy) && (0..wd as i64).contains(&ix) {
                        let v = x[((group * cin + i) * h + iy as usize) * wd + ix as usize];
                        let k = w[((o * cin + i) * kh + ky) * kw + kx];
                        sum = sum.wrapping_add(i128::from(v) * i128::from(k));
                    }
                }
            }
            y.push(wrap(sum));
        }
    }
    y
}

#[test]
fn convolutions_are_their_definition() {
    let mut d = SplitMix::new(2);
    let cases = [([1, 1], [1; 4], [1, 1], 1), ([2, 1], [0, 1, 2, 0], [1, 2], 2), ([2, 2], [0; 4], [1, 1], 4)];
    for (strides, pads, dilations, group) in cases {
        let conv = Conv { strides, pads, dilations, group };
        let (x, w) = ([4, 9, 7], [8, 4 / group, 3, 3]);
        let out = |i: usize| (x[1 + i] + pads[i] + pads[i + 2] - dilations[i] * 2 - 1) / strides[i] + 1;
        let s = Sizes { conv: &conv, x, w, y: [8, out(0), out(1)] };
        for bits in [24, 60] {
            let xs: Vec<i64> = (0..4 * 63).map(|_| draw(&mut d, bits)).collect();
            let ws: Vec<i64> = (0..8 * s.depth()).map(|_| draw(&mut d, bits)).collect();
            assert_eq!(s.run(&xs, &ws), by_definition(&s, &xs, &ws), "{conv:?}");
        }
    }
}

#[test]
fn numbers_are_encoded_as_the_nearest() {
    let spu = Truncation::Probabilistic;
    for (v, how, want) in [
        (1.8, spu, 4),
        (-1.8, spu, -4),
        (1.6, Truncation::Crypten, 3),
        (-1.8, Truncation::Crypten3, -4),
        (1.8, Truncation::MpSpdz, 4),
        (-1.6, Truncation::MpSpdz, -3),
        (f32::NAN, spu, 0),
        (f32::NEG_INFINITY, spu, -(1 << 62)),
    ] {
        assert_eq!(encode::<i64>(v, 1, how), want, "{v} {how:?}");
    }
    assert_eq!(encode::<i32>(1e30, 8, spu), 1 << 30);
    assert_eq!(decode(encode::<i128>(-0.5, 26, spu), 26), -0.5);
}

/// Mean error and the errors seen, in units of the last place over many truncations.
fn errors(how: Truncation, bits: u32) -> (f64, f64, f64) {
    let mut d = SplitMix::new(3);
    let (mut sum, mut low, mut high) = (0.0, f64::MAX, f64::MIN);
    let n = 40_000;
    let width = how.safe_bits(Format { ring: 64, fraction: bits }) - 1;
    for _ in 0..n {
        let x = draw(&mut d, width.min(45));
        let e = x.truncate(how, bits, &mut d) as f64 - (x >> bits) as f64;
        let part = (x & ((1 << bits) - 1)) as f64 / f64::from(bits).exp2();
        sum += e - part;
        (low, high) = (f64::min(low, e), f64::max(high, e));
    }
    (sum / f64::from(n), low, high)
}

#[test]
fn truncations_have_their_bias_and_spread() {
    for bits in [8, 18, 30] {
        for (how, bias, low, high) in [
            (Truncation::Exact, -0.5, 0.0, 0.0),
            (Truncation::Probabilistic, 0.0, 0.0, 1.0),
            (Truncation::Local, -1.0, -1.0, 0.0),
            (Truncation::Cheetah, -0.5, -1.0, 1.0),
            (Truncation::Crypten, 0.0, 0.0, 1.0),
            (Truncation::Crypten3, 0.0, -2.0, 3.0),
            (Truncation::MpSpdz, 0.0, 0.0, 1.0),
        ] {
            let (mean, lo, hi) = errors(how, bits);
            assert!((mean - bias).abs() < 0.02, "{how:?} {bits}: {mean}");
            assert_eq!((lo, hi), (low, high), "{how:?} {bits}");
        }
    }
}

#[test]
fn probabilistic_truncation_is_right_in_its_range_and_wraps_outside() {
    let mut d = SplitMix::new(4);
    for x in [0, 1, -1, (1i64 << 62) - 1, -(1i64 << 62), 12345 << 18] {
        for _ in 0..200 {
            let y = x.truncate(Truncation::Probabilistic, 18, &mut d);
            assert!(y == x >> 18 || y == (x >> 18) + 1, "{x} gives {y}");
        }
    }
    let x = (1i64 << 62) + (1 << 60);
    let wrong = |d: &mut SplitMix| (x.truncate(Truncation::Probabilistic, 18, d) - (x >> 18)).abs() > 1;
    let share = (0..4000).filter(|_| wrong(&mut d)).count() as f64 / 4000.0;
    assert!((share - 0.125).abs() < 0.03, "{share}");
}

#[test]
fn local_truncation_fails_as_often_as_its_size_says() {
    let mut d = SplitMix::new(5);
    let x = 1i64 << 60;
    for how in [Truncation::Local, Truncation::Crypten, Truncation::Crypten3] {
        let wrong = |d: &mut SplitMix| (x.truncate(how, 18, d) - (x >> 18)).abs() > 2;
        let share = (0..20_000).filter(|_| wrong(&mut d)).count() as f64 / 20_000.0;
        assert!((share - 1.0 / 16.0).abs() < 0.01, "{how:?} {share}");
        assert!(how.fails_at_random());
    }
}

#[test]
fn crypten_divides_shares_by_any_number() {
    let mut d = SplitMix::new(6);
    for (parties, spread) in [(Parties::Two, 1), (Parties::Three, 8)] {
        for (x, by) in [(7_000_000_007i64, 49), (-7_000_000_007, 49), (1 << 40, 64), (5, 3)] {
            for _ in 0..200 {
                let y = x.share_out(by, parties, &mut d);
                assert!((y - x.div_euclid(by)).abs() <= spread, "{x} / {by} = {y}");
            }
        }
    }
}

#[test]
fn mp_spdz_loses_what_lies_above_its_bits() {
    let mut d = SplitMix::new(7);
    let how = Truncation::MpSpdz;
    let f = Format::new(64, 16).unwrap();
    assert_eq!((how.width(64), how.value_bits(64), how.safe_bits(f)), (31, 30, 46));
    for (x, kept) in [((1i64 << 46) - 1, (1i64 << 46) - 1), (1 << 46, -(1 << 46)), (3 << 46, -(1 << 46))] {
        let y = x.truncate(how, 16, &mut d);
        assert!((y - (kept >> 16)).abs() <= 1, "{x}: {y}");
    }
    let r = Rules { format: f, truncation: how };
    assert!(r.below(-1i64, 0) && !r.below(1i64, 0));
    assert!(r.below(1i64 << 30, 0), "bit 30 is the sign");
    assert_eq!(r.larger(1i64 << 31, -5), 1 << 31);
    assert!(how.check(Format::new(64, 30).unwrap()).is_err());
    assert!(Truncation::Crypten.check(Format::new(128, 26).unwrap()).is_err());
}

#[test]
fn wrapped_results_are_recovered() {
    let x = [3i64 << 40, -(1i64 << 40), 5];
    let w = [1i64 << 25, 1 << 25, 7];
    let y: Vec<i64> = x.iter().zip(w).map(|(a, b)| a.wrapping_mul(b)).collect();
    let judge = || x.iter().zip(w).map(|(&a, b)| a as f64 * b as f64).collect();
    let p = Products::of(2, &y, 1e30, 62, judge);
    assert_eq!((p.outside, p.first), (2, Some(3.0 * 65f64.exp2())));
    assert_eq!(p.largest, 3.0 * 65f64.exp2());
}

const GRAPH: &str = r#"graph net {
  %x = input f32[N,3,8,8]
  %w1 = const f32[8,3,3,3] rand(seed=1)
  %b1 = const f32[8] rand(seed=2)
  %c1 = conv(%x, %w1, %b1) {strides=[1,1], pads=[1,1,1,1], dilations=[1,1], group=1}
  %r1 = relu(%c1) @relu00
  %w2 = const f32[8,1,3,3] rand(seed=3)
  %c2 = conv(%r1, %w2) {strides=[1,1], pads=[1,1,1,1], dilations=[1,1], group=8}
  %s = add(%c2, %r1)
  %p = max_pool(%s) {kernel=[2,2], strides=[2,2], pads=[0,0,0,0], ceil=false}
  %a = avg_pool(%p) {kernel=[3,3], strides=[1,1], pads=[1,1,1,1], ceil=false, count_pad=false}
  %k = clip(%a) {min=-1.0, max=2.0}
  %m = global_mean(%k) {keep=false}
  %w3 = const f32[5,8] rand(seed=4)
  %b3 = const f32[5] rand(seed=5)
  %y = linear(%m, %w3, %b3)
  output "logits" = %y
}"#;

fn images(n: usize) -> Tensor {
    let mut d = SplitMix::new(9);
    Tensor::f32([n, 3, 8, 8], (0..n * 192).map(|_| 2.0 * d.uniform() - 1.0).collect())
}

fn settings(ring: u32, fraction: u32, truncation: Truncation) -> Settings {
    Settings {
        format: Format::new(ring, fraction).unwrap(),
        truncation,
        seed: 0,
        headroom: 8.0,
        unknown: Unknown::Refuse,
    }
}

#[test]
fn fixed_point_follows_the_interpreter() {
    let g = parse(GRAPH).unwrap();
    let v = valid::check(&g).unwrap();
    for (ring, fraction, limit) in [(32, 10, 0.05), (64, 18, 2e-4), (128, 26, 1e-5)] {
        for how in Truncation::ALL.into_iter().filter(|t| t.check(Format { ring, fraction }).is_ok()) {
            let (a, out) = analyse(&v, &images(5), &settings(ring, fraction, how), &mut |_, _| {}).unwrap();
            assert_eq!((a.overflows, out.width, out.fixed.len()), (0, 5, 25));
            if ring == 32 && how == Truncation::Local {
                // A ring this small: it fails about once in ten images.
                assert!(a.expected_local_failures > 0.01, "{}", a.expected_local_failures);
                continue;
            }
            assert!(a.output_error_max < limit, "{ring},{fraction} {how:?}: {}", a.output_error_max);
            assert!(a.output_error_max > 0.0 && a.headroom_bits > 0.0);
            let c1 = a.layers.iter().find(|l| l.node == "c1").unwrap();
            assert_eq!(c1.layer.as_deref(), Some("relu00"));
        }
    }
}

#[test]
fn an_overflow_is_found_and_named() {
    let g =
        parse(&GRAPH.replace("const f32[8,1,3,3] rand(seed=3)", "const f32[8,1,3,3] splat(9000.0)")).unwrap();
    let v = valid::check(&g).unwrap();
    let (a, _) =
        analyse(&v, &images(3), &settings(64, 24, Truncation::Probabilistic), &mut |_, _| {}).unwrap();
    assert_eq!((a.overflowed_images, a.overflow.len()), (3, 3));
    let first = &a.overflow[0];
    assert_eq!((first.node.as_str(), first.op.as_str(), first.image), ("c2", "conv", 0));
    assert!(first.value.abs() >= first.limit && first.limit == 14f64.exp2());
    assert!(a.headroom_bits < 0.0 && a.tightest.unwrap().contains("'c2'"));
    assert_eq!(a.target, 6);
    let p = a.proposal.unwrap();
    assert!(p.fraction < 24 && p.headroom_bits >= 8.0 && p.headroom_bits < 10.0, "{p:?}");
    let (a, _) = analyse(&v, &images(3), &settings(64, p.fraction, a.truncation), &mut |_, _| {}).unwrap();
    assert_eq!(a.overflows, 0);
    assert!((a.headroom_bits - p.headroom_bits).abs() < 0.1, "{} {p:?}", a.headroom_bits);
}

#[test]
fn large_layers_are_proposed_for_rescaling() {
    let text = GRAPH.replace("{min=-1.0, max=2.0}", "{min=-1.0}").replace("clip(%a)", "relu(%a)");
    let text = text.replace("relu(%a) {min=-1.0}", "relu(%a)").replace("rand(seed=1)", "splat(700.0)");
    let g = parse(&text).unwrap();
    let v = valid::check(&g).unwrap();
    let s = settings(64, 22, Truncation::Probabilistic);
    let a = analyse(&v, &images(3), &s, &mut |_, _| {}).unwrap().0;
    assert_eq!(a.target, 10);
    assert!(a.rescaling.iter().any(|r| r.node == "c1" && r.shift > 0), "{:?}", a.rescaling);
}

#[test]
fn the_same_seed_gives_the_same_outputs() {
    let g = parse(GRAPH).unwrap();
    let v = valid::check(&g).unwrap();
    let run = |seed| {
        let s = Settings { seed, ..settings(64, 12, Truncation::Probabilistic) };
        analyse(&v, &images(40), &s, &mut |_, _| {}).unwrap().1
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn what_cannot_be_emulated_is_named_at_once() {
    let g =
        parse(r#"graph g { %x = input f32[N,4] %e = exp(%x) %s = softmax(%e) {axis=1} output "y" = %s }"#)
            .unwrap();
    let v = valid::check(&g).unwrap();
    let e =
        analyse(&v, &Tensor::f32([1, 4], vec![0.0; 4]), &settings(64, 18, Truncation::Exact), &mut |_, _| {})
            .unwrap_err()
            .to_string();
    assert!(e.contains("exp 'e'") && e.contains("softmax 's'") && e.contains("--drop-softmax"), "{e}");
}

#[test]
fn what_cannot_be_emulated_is_stood_in_for() {
    let text = r#"graph g { %x = input f32[N,4] %e = exp(%x) %s = softmax(%e) {axis=1}
        %c = const f32[4] [1.0, 2.0, 3.0, 4.0] %y = mul(%s, %c) output "y" = %y }"#;
    let g = parse(text).unwrap();
    let v = valid::check(&g).unwrap();
    let x = Tensor::f32([2, 4], vec![0.0, 1.0, -1.0, 0.5, 2.0, 1.0, 1.5, 0.0]);
    let s = Settings { unknown: Unknown::StandIn, ..settings(64, 18, Truncation::Probabilistic) };
    let (a, _) = analyse(&v, &x, &s, &mut |_, _| {}).unwrap();
    assert_eq!(a.stand_ins, ["exp 'e'", "softmax 's'"]);
    assert!(a.output_error_max > 0.0 && a.output_error_max < 1e-4, "{}", a.output_error_max);
    assert_eq!((a.overflows, a.flips), (0, 0));
    let x = Tensor::f32([1, 4], vec![60.0, 1.0, -1.0, 0.5]);
    let (a, _) = analyse(&v, &x, &s, &mut |_, _| {}).unwrap();
    assert_eq!(a.overflow[0].node, "e", "e^60 does not fit");
}

#[test]
fn stacks_of_matrices_and_floors() {
    let text = r#"graph g { %x = input f32[N,3,2,4]
        %w = const f32[4,3] rand(seed=1) %a = matmul(%x, %w) %t = transpose(%x) {perm=[0,1,3,2]}
        %b = matmul(%t, %a) %f = floor(%b) %s = add(%f, %b) output "y" = %s }"#;
    let g = parse(text).unwrap();
    let v = valid::check(&g).unwrap();
    let mut d = SplitMix::new(8);
    let x = Tensor::f32([2, 3, 2, 4], (0..48).map(|_| 4.0 * d.uniform()).collect());
    let (a, _) = analyse(&v, &x, &settings(64, 20, Truncation::Probabilistic), &mut |_, _| {}).unwrap();
    assert!(a.output_error_max < 1e-3, "{}", a.output_error_max);
    let by = |name: &str| a.layers.iter().find(|l| l.node == name).unwrap();
    assert_eq!(by("f").largest, by("f").largest_float);
}

#[test]
fn moved_classes_and_errors_are_counted() {
    let text = r#"graph g { %x = input f32[N,2] %w = const f32[2,2] [1.0, 0.0, 0.0, 1.0] %y = linear(%x, %w) output "y" = %y }"#;
    let g = parse(text).unwrap();
    let v = valid::check(&g).unwrap();
    // With one fraction bit 1.3 and 1.4 are both 1.5.
    let x = Tensor::f32([4, 2], vec![1.3, 1.4, 1.0, 0.0, 1.3, 1.4, 0.0, 1.0]);
    let (a, _) = analyse(&v, &x, &settings(64, 1, Truncation::Exact), &mut |_, _| {}).unwrap();
    assert_eq!((a.n, a.flips, a.argmax_agreement), (4, 2, 0.5));
    assert_eq!(a.flips_at_most, at_most(2, 4));
    assert!((a.output_error_share - 2.0).abs() < 1e-4, "{}", a.output_error_share);
}

#[test]
fn a_failed_truncation_is_told_from_an_overflow() {
    let text = r#"graph g { %x = input f32[N,4] %w = const f32[4,4] splat(1000.0) %y = linear(%x, %w)
        %v = const f32[3,4] splat(0.01) %z = linear(%y, %v) output "y" = %z }"#;
    let g = parse(text).unwrap();
    let v = valid::check(&g).unwrap();
    let x = Tensor::f32([40, 4], vec![2000.0; 160]);
    let (a, _) = analyse(&v, &x, &settings(64, 18, Truncation::Crypten), &mut |_, _| {}).unwrap();
    assert!(a.failed_images > 0, "expected in an image: {}", a.expected_local_failures);
    assert_eq!((a.overflows, a.overflowed_images), (0, 0));
}

#[test]
fn bounds_hold_or_name_the_first_that_does_not() {
    let text = r#"graph g { %x = input f32[N,2] %w = const f32[1,2] [3.0, -5.0] %b = const f32[1] [1.0]
        %y = linear(%x, %w, %b) %r = relu(%y) @relu00 %z = mul(%r, %r) output "y" = %z }"#;
    let g = parse(text).unwrap();
    let v = valid::check(&g).unwrap();
    let of = |ring, fraction, range| {
        bounds(&v, Format::new(ring, fraction).unwrap(), Truncation::Probabilistic, range)
    };
    let b = of(64, 18, (-1.0, 1.0));
    // The largest number is 9², with 36 fraction bits of 62.
    assert!(b.fits && b.first.is_none());
    assert!((b.headroom_bits.unwrap() - (26.0 - 81f64.log2())).abs() < 0.01, "{:?}", b.headroom_bits);
    assert_eq!(b.tightest.as_deref(), Some("mul 'z'"));
    let first = of(64, 30, (-1.0, 1.0)).first.unwrap();
    assert_eq!((first.node.as_str(), first.layer.as_deref()), ("y", Some("relu00")));
    assert_eq!((first.bound, first.limit), (Some(8.0), 4.0));
}

#[test]
fn formats_are_checked() {
    assert_eq!("64,18".parse::<Format>().unwrap(), Format { ring: 64, fraction: 18 });
    for bad in ["64", "48,10", "64,0", "64,32", "a,b"] {
        assert!(bad.parse::<Format>().is_err(), "{bad}");
    }
}

/// The largest error of a function of one operand over a range, in CrypTen's arithmetic.
fn crypten_error(op: &str, low: f32, high: f32) -> f64 {
    let text = format!("graph g {{ %x = input f32[N,8] %y = {op} output \"y\" = %y }}");
    let g = parse(&text).unwrap();
    let v = valid::check(&g).unwrap();
    let n = 40;
    let at = |i: usize| low + (high - low) * i as f32 / (8 * n - 1) as f32;
    let x = Tensor::f32([n, 8], (0..8 * n).map(at).collect());
    let (a, _) = analyse(&v, &x, &settings(64, 16, Truncation::Crypten), &mut |_, _| {}).unwrap();
    assert!(a.stand_ins.is_empty());
    a.output_error_max
}

#[test]
fn crypten_approximates_well_where_it_does_and_badly_where_it_does_not() {
    for (op, low, high, least, most) in [
        ("exp(%x)", -4.0, 1.0, 1e-4, 0.05),
        ("sigmoid(%x)", -6.0, 6.0, 1e-4, 0.01),
        ("sqrt(%x)", 0.1, 10.0, 1e-4, 0.1),
        ("softmax(%x) {axis=1}", -3.0, 3.0, 1e-5, 0.05),
        ("log_softmax(%x) {axis=1}", -1.0, 1.0, 1e-5, 0.1),
        ("erf(%x)", -0.1, 0.1, 0.0, 0.001),
        // Its powers from the fifth on are others: x⁶ for x⁵. CrypTen 0.4 itself is off by 0.00928 at 1.1.
        ("erf(%x)", 0.9, 1.1, 0.008, 0.011),
        // Below −512 the limit's base is under −1.
        ("exp(%x)", -900.0, -600.0, 1e3, f64::INFINITY),
    ] {
        let e = crypten_error(op, low, high);
        assert!((least..=most).contains(&e), "{op} from {low} to {high}: {e}");
    }
}
