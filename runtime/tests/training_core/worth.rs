//! What ReLUs are worth, against what the interpreter's outputs do; and the search that goes by it alone.

use super::harness::{graph, interpret};
use super::resume::{Job, data, tiny};
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::Choice;
use relinc_passes::ir::Graph;
use relinc_passes::masks::{self, LayerMask, Masks};
use relinc_runtime::data::Split;
use relinc_runtime::exec::Norms;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::search::unstable::unstable;
use relinc_runtime::search::worth::{Shown, worth};
use relinc_runtime::train::evaluate::pixels_of;
use relinc_runtime::train::learners::oneshot;
use relinc_runtime::train::recipe::{Counts, SearchOptions};
use relinc_runtime::train::select::Granularity;
use relinc_runtime::train::{Ended, Kind, Method, Model};

const IMAGES: [usize; 3] = [0, 5, 9];
const CLASSES: usize = 10;

/// Linear after its one ReLU layer of 4×4×4, so that the first order is all there is.
fn net() -> Graph {
    net_of("relu(%c)")
}

fn net_of(relu: &str) -> Graph {
    let body = format!(
        "%w = const f32[4,3,8,8] rand(seed=1, scale=0.2)\n%b = const f32[4] [0.1, -0.2, 0.0, 0.3]
        %c = conv(%x, %w, %b) {{strides=[8,8]}}\n%r = {relu} @relu00\n%f = reshape(%r) {{dims=[N,64]}}
        %v = const f32[10,64] rand(seed=2)\n%y = linear(%f, %v)"
    );
    graph("f32[N,3,32,32]", &body)
}

/// `Σ_images (Σ_classes weight·logit)` for each image.
fn projected(g: &Graph, x: &[f32], weights: &[f32]) -> Vec<f64> {
    let (z, _) = interpret(g, x, &[IMAGES.len(), 3, 32, 32]);
    let row = |z: &[f32]| z.iter().zip(weights).map(|(z, w)| f64::from(*z) * f64::from(*w)).sum();
    z.chunks(CLASSES).map(row).collect()
}

/// The cost of each choice is the squared change of the loss when one element makes it, summed over images.
#[test]
fn costs_are_what_the_loss_does() {
    let (g, ds, device) = (net(), data(Split::Train), Device::flex());
    let m = Model::of_graph(&g, &ds, &device).unwrap();
    let weights: Vec<f32> = (0..CLASSES).map(|k| (k as f32 - 4.0) / 3.0).collect();
    let loss = |z: Burn<2>, _: &Shown<'_>| {
        let w = Burn::from_inner(upload(weights.clone(), &device)).reshape([1, CLASSES]);
        Ok((z * w).sum())
    };
    let found = worth(&m, &ds, &IMAGES, Norms::Running, &loss).unwrap();
    assert_eq!(found.len(), 1);
    let x = download(m.front.apply(pixels_of(&ds, &IMAGES, &device)).into_flat());
    let was = projected(&g, &x, &weights);
    for (choice, slope) in [(Choice::Identity, 1.0), (Choice::Identity, 0.25), (Choice::Zero, 1.0)] {
        let cheapest = found[0].cheapest(&[choice], Some(&[slope; 4]));
        assert_eq!(cheapest.len(), 64);
        for i in (0..64).step_by(5) {
            let mut mask = LayerMask::uniform([4, 4, 4], Choice::Relu).with_slopes(vec![slope; 4]);
            mask.values[i] = choice;
            let one = Masks { layers: [("relu00".to_string(), mask)].into(), ..Masks::default() };
            let is = projected(&masks::apply(&g, &one).unwrap(), &x, &weights);
            let want: f64 = was.iter().zip(is).map(|(a, b)| (a - b).powi(2)).sum();
            let got = cheapest[i].1;
            assert!((got - want).abs() <= 1e-3 * want + 1e-9, "{choice:?} of element {i}: {got}, not {want}");
        }
    }
}

/// Under a cap likewise, that of a ReLU without it among them; and one that was never reached costs nothing.
#[test]
fn costs_under_a_cap_are_what_the_loss_does() {
    let cap = 0.5;
    let (g, ds, device) = (net_of("capped_relu(%c) {cap=0.5}"), data(Split::Train), Device::flex());
    let m = Model::of_graph(&g, &ds, &device).unwrap();
    let weights: Vec<f32> = (0..CLASSES).map(|k| (k as f32 - 4.0) / 3.0).collect();
    let loss = |z: Burn<2>, _: &Shown<'_>| {
        let w = Burn::from_inner(upload(weights.clone(), &device)).reshape([1, CLASSES]);
        Ok((z * w).sum())
    };
    let w = &worth(&m, &ds, &IMAGES, Norms::Running, &loss).unwrap()[0];
    let x = download(m.front.apply(pixels_of(&ds, &IMAGES, &device)).into_flat());
    let was = projected(&g, &x, &weights);
    let removed = |choice| w.cheapest(&[choice], None).into_iter().map(|c| c.1).collect::<Vec<_>>();
    let all = [
        (Choice::Identity, removed(Choice::Identity)),
        (Choice::Zero, removed(Choice::Zero)),
        (Choice::Uncapped, w.without_caps().to_vec()),
    ];
    for (choice, costs) in &all {
        for (i, got) in costs.iter().enumerate().step_by(3) {
            let mut mask = LayerMask::uniform([4, 4, 4], Choice::Relu).with_cap(cap);
            mask.values[i] = *choice;
            let one = Masks { layers: [("relu00".to_string(), mask)].into(), ..Masks::default() };
            let is = projected(&masks::apply(&g, &one).unwrap(), &x, &weights);
            let want: f64 = was.iter().zip(is).map(|(a, b)| (a - b).powi(2)).sum();
            assert!((got - want).abs() <= 1e-3 * want + 1e-9, "{choice:?} of element {i}: {got}, not {want}");
        }
    }
    let idle = all[2].1.iter().filter(|c| **c == 0.0).count();
    assert!((1..64).contains(&idle), "{idle} caps cost nothing");
    // Those go first: a budget of all comparisons but them costs nothing.
    let o = SearchOptions { keep: 128 - idle, rounds: 1, ..options(Granularity::Pixel, Counts::Global) };
    let found = oneshot::search(&m, &ds, &o, &mut |_, _| true).unwrap();
    let layer = &found.layers["relu00"];
    assert_eq!((layer.kept(), layer.all()), (128 - idle, 128));
}

#[test]
fn the_cheapest_choice_and_the_first_of_equals() {
    let (g, ds, device) = (net(), data(Split::Train), Device::flex());
    let m = Model::of_graph(&g, &ds, &device).unwrap();
    let sum = |z: Burn<2>, _: &Shown<'_>| Ok(z.sum());
    let w = &worth(&m, &ds, &IMAGES, Norms::Running, &sum).unwrap()[0];
    let [identity, zero] = [Choice::Identity, Choice::Zero].map(|c| w.cheapest(&[c], None));
    let both = w.cheapest(&[Choice::Identity, Choice::Zero], None);
    for i in 0..64 {
        let want = if zero[i].1 < identity[i].1 { zero[i] } else { identity[i] };
        assert_eq!(both[i], want);
    }
    assert!(both.iter().any(|b| b.0 == Choice::Zero) && both.iter().any(|b| b.0 == Choice::Identity));
    // No slope of the line costs less than the best one.
    let cost = |s: f32| w.cheapest(&[Choice::Identity], Some(&[s])).iter().map(|c| c.1).sum::<f64>();
    let best = w.best_slope(0..64);
    assert!((0.0..=1.0).contains(&best));
    assert!([0.0, best - 0.05, best + 0.05, 1.0].iter().all(|&s| cost(best) <= cost(s)), "{best}");
}

fn options(granularity: Granularity, counts: Counts) -> SearchOptions {
    let recipe = Job::new(Kind::Search, Some(Method::Oneshot), std::path::Path::new("")).recipe;
    SearchOptions { granularity, counts, ..recipe.search.unwrap() }
}

#[test]
fn one_shot_meets_its_budget_at_every_granularity() {
    let (m, ds) = (tiny(false), data(Split::Train));
    for granularity in [Granularity::Pixel, Granularity::Channel, Granularity::Layer] {
        let o = options(granularity, Counts::Global);
        let mut rounds = vec![];
        let search = |tell: &mut dyn FnMut(usize, usize) -> bool| oneshot::search(&m, &ds, &o, tell).unwrap();
        let found = search(&mut |i, n| {
            rounds.push((i, n));
            true
        });
        assert_eq!((found.kept(), rounds), (o.keep, vec![(1, 3), (2, 3), (3, 3)]));
        assert_eq!(search(&mut |_, _| true), found, "the same again");
    }
    let o = options(Granularity::Pixel, Counts::Measured);
    assert!(oneshot::search(&m, &ds, &o, &mut |i, _| i < 2).unwrap_err().contains("round 2 of 3"));
    let found = oneshot::search(&m, &ds, &o, &mut |_, _| true).unwrap();
    assert!(found.kept() == o.keep && found.layers.values().all(|l| l.kept() > 0));
}

#[test]
fn one_shot_fits_slopes_that_cost_less() {
    let (mut m, ds) = (tiny(false), data(Split::Train));
    m.learn_slopes(true);
    let o = SearchOptions { keep: 200, ..options(Granularity::Pixel, Counts::Global) };
    let found = oneshot::search(&m, &ds, &o, &mut |_, _| true).unwrap();
    let slopes: Vec<f32> =
        found.layers.values().filter_map(LayerMask::slopes).flat_map(<[f32]>::to_vec).collect();
    assert!(
        slopes.iter().any(|&s| s != 1.0) && slopes.iter().all(|s| relinc_passes::quotient::nearest(*s) == *s)
    );
    assert_eq!(found.kept(), 200);
}

/// As a stage it takes no step, changes no weight, and its checkpoint is taken up.
#[test]
fn one_shot_is_a_stage_without_steps() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::new(Kind::Search, Some(Method::Oneshot), dir.path());
    let done = job.try_run().unwrap();
    assert_eq!((done.ended, done.log.len(), done.masks.kept()), (Ended::Finished, 0, 600));
    let before: Vec<Vec<u32>> = tiny(false).export().iter().map(|(_, v)| super::resume::bits(v)).collect();
    assert_eq!(done.params.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>(), before);
    let again = Job { resume: true, ..job }.try_run().unwrap();
    assert_eq!((again.masks, again.params), (done.masks, done.params));
}

/// The wider the ball, the more operands may have either sign; in none of it none, in all of it nearly all.
#[test]
fn more_elements_may_flip_in_a_wider_ball() {
    let (m, ds) = (tiny(false), data(Split::Val));
    let shares = [1e-9, 2e-3, 2e-2, 1.0].map(|epsilon| unstable(&m, &ds, &[0, 1, 2], epsilon).unwrap());
    let sizes: Vec<usize> = m.net.relus().iter().map(|r| r.relus()).collect();
    let mean = |s: &Vec<Vec<f64>>| s.concat().iter().sum::<f64>() / s.concat().len() as f64;
    for s in &shares {
        assert_eq!(s.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert!(s.concat().iter().all(|v| (0.0..=1.0 + 1e-9).contains(v)));
    }
    for pair in shares.windows(2) {
        assert!(pair[0].concat().iter().zip(pair[1].concat()).all(|(a, b)| *a <= b + 1e-9));
    }
    assert!(mean(&shares[0]) < 0.01 && mean(&shares[3]) > 0.5, "{:?}", shares.each_ref().map(mean));
}
