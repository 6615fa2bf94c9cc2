//! A batch on two devices gives the gradients it gives on one.

use super::harness::{close, graph};
use super::resume::{data, tiny};
use burn::tensor::{Device, Tensor as Burn};
use relinc_runtime::data::{Normalize, Split};
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Gate, Network};
use relinc_runtime::train::loader::{Batch, LoaderOptions, batch};
use relinc_runtime::train::objective::{At, Objective};
use relinc_runtime::train::replicas::{Joined, Replicas, StepOptions, read};
use relinc_runtime::train::seen::Seen;
use relinc_runtime::train::{Kind, Method, Model, Recipe};

const AT: At = At { seed: 0, step: 0 };

/// No normalisation, whose statistics would be those of a part.
fn plain() -> Model {
    let body = "%w1 = const f32[6,3,3,3] rand(seed=1, scale=0.3)
        %c1 = conv(%x, %w1) {strides=[2,2], pads=[1,1,1,1]}\n%r1 = relu(%c1) @relu00\n%p = global_mean(%r1) {keep=false}
        %w = const f32[10,6] rand(seed=3, scale=0.5)\n%b = const f32[10] splat(0)\n%y = linear(%p, %w, %b)";
    let net = Network::new(&graph("f32[N,3,32,32]", body), false, &Device::flex()).unwrap();
    Model::new(net, &Normalize::NONE, [3, 32, 32]).unwrap()
}

fn made(n: usize, augmix: bool) -> Batch {
    let loader = LoaderOptions { augment: true, augmix, seed: 0 };
    batch(&data(Split::Train), &loader, 0, 0, (0..n).collect())
}

fn recipe(robust: bool) -> Recipe {
    let method = if robust { Method::Rlnet } else { Method::Gradual };
    let mut r = Recipe::new(Kind::Tune, Some(method), robust, 0.5, 1);
    r.objective.attention = 0.0;
    r
}

fn on(devices: usize, m: &Model, batch: &Batch, robust: bool) -> Joined {
    under(devices, m, &m.gates, batch, robust)
}

fn under(devices: usize, m: &Model, gates: &[Gate], batch: &Batch, robust: bool) -> Joined {
    let others = vec![Device::flex(); devices - 1];
    let teacher = plain();
    let o = recipe(robust).objective;
    let mut replicas = Replicas::new(&others, m, Some(&teacher));
    replicas.compute(step(&o, true), m, gates, Some(&teacher), batch).unwrap()
}

fn step(objective: &Objective, watch: bool) -> StepOptions<'_> {
    StepOptions { objective, scale: 1.0, watch, at: AT }
}

fn gradients(j: &Joined) -> Vec<Vec<f32>> {
    j.grads.iter().flatten().map(|g| download(g.clone())).collect()
}

fn none() -> Burn<1> {
    upload(vec![0.0], &Device::flex())
}

#[test]
fn two_devices_are_as_good_as_one() {
    let (m, b) = (plain(), made(12, false));
    let (one, two, three) = (on(1, &m, &b, false), on(2, &m, &b, false), on(3, &m, &b, false));
    for other in [&two, &three] {
        for (a, b) in gradients(&one).iter().zip(gradients(other)) {
            close(&b, a, 1e-6, "gradient");
        }
    }
    let (a, b) = (read(one.pending, none()), read(two.pending, none()));
    assert!((a.parts.total - b.parts.total).abs() < 1e-6);
    assert_eq!(a.correct, b.correct);
}

#[test]
fn a_robust_batch_is_cut_in_each_half() {
    let (m, b) = (plain(), made(12, true));
    let (one, two) = (on(1, &m, &b, true), on(2, &m, &b, true));
    assert_eq!((one.clean_rows, two.clean_rows), (6, 6));
    for (a, b) in gradients(&one).iter().zip(gradients(&two)) {
        close(&b, a, 1e-5, "gradient");
    }
}

#[test]
fn statistics_are_the_mean_of_the_parts() {
    let (m, b) = (tiny(false), made(12, false));
    let (one, two) = (on(1, &m, &b, false), on(2, &m, &b, false));
    let of = |j: &Joined| download(j.statistics[0].1[0].mean.clone());
    close(&of(&two), &of(&one), 1e-6, "mean of the first normalisation");
    assert_eq!(one.statistics[0].1[0].count, two.statistics[0].1[0].count);
}

/// What senet and rlnet rank by, and what snl descends along.
#[test]
fn a_learner_sees_the_whole_batch() {
    let m = plain();
    let halves: Vec<f32> = (0..m.net.relus()[0].relus()).map(|i| (i % 2) as f32).collect();
    let pos = Burn::ones([halves.len()], m.net.device());
    let soft = Gate::of_slopes(pos, Burn::from_inner(upload(halves, m.net.device())).require_grad());
    for robust in [false, true] {
        let of = |devices| under(devices, &m, std::slice::from_ref(&soft), &made(12, robust), robust).seen;
        let one = of(1);
        assert_eq!((one.differences.len(), one.slopes.len()), (1, 1));
        for other in [of(2), of(3)] {
            let both = |s: &Seen| [s.differences[0].clone(), s.slopes[0].clone().unwrap()].map(download);
            for (a, b) in both(&one).iter().zip(both(&other)) {
                assert!(a.iter().any(|v| *v != 0.0));
                close(&b, a, 1e-5, "seen");
            }
        }
    }
}

/// Every part has as many clean images as AugMix views, and no image is left out.
#[test]
fn odd_robust_batches_are_cut_too() {
    let (m, b) = (plain(), made(15, true));
    for devices in 2..=7 {
        let found = on(devices, &m, &b, true);
        assert_eq!(found.clean_rows, 7, "{devices} devices");
    }
}

#[test]
fn too_few_images_for_the_devices() {
    let (m, b, o) = (plain(), made(3, false), recipe(false).objective);
    let mut r = Replicas::new(&[Device::flex()], &m, None);
    let why = r.compute(step(&o, false), &m, &m.gates, None, &b).unwrap_err();
    assert!(why.contains("3 images") && why.contains("2 devices"), "{why}");
}
