//! Attacks: the ball, the exact optimum where there is one, and that more effort never does less.

use super::harness;
use super::resume::{data, tiny};
use burn::tensor::{Device, Tensor as Burn};
use relinc_runtime::attack::{Attack, Goal, Target, noise};
use relinc_runtime::data::Split;
use relinc_runtime::exec::Branch;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::train::evaluate::{self, First};

const IMAGES: usize = 8;

/// Logits of a linear model on images of 4 pixels.
fn linear(x: Burn<4>, classes: usize) -> Burn<2> {
    let w = upload(harness::noise(4 * classes, 6), &Device::flex()).reshape([4, classes]);
    let n = x.dims()[0];
    x.reshape([n, 4]).matmul(w)
}

fn images() -> (Vec<f32>, Burn<4>) {
    let v: Vec<f32> =
        harness::noise(IMAGES * 4, 7).into_iter().map(|v| (0.75 * v + 0.5).clamp(0.0, 1.0)).collect();
    (v.clone(), upload(v, &Device::flex()).reshape([IMAGES, 1, 2, 2]))
}

fn labels(classes: usize) -> Vec<usize> {
    (0..IMAGES).map(|i| i % classes).collect()
}

fn attacks() -> Vec<Attack> {
    let texts = [
        "fgsm:eps=0.1",
        "pgd:steps=5,eps=0.1",
        "pgd:steps=7,eps=0.3,step=0.2,loss=margin",
        "pgd:steps=3,eps=1,step=0.5,loss=dlr",
    ];
    texts.iter().map(|t| t.parse().unwrap()).collect()
}

fn start(a: &Attack, round: u64) -> Option<Burn<4>> {
    let images: Vec<usize> = (0..IMAGES).collect();
    let shape = Burn::zeros([IMAGES, 1, 2, 2], &Device::flex());
    a.random_start.then(|| noise(&shape, 1, round, &images))
}

#[test]
fn epsilon_0_changes_nothing() {
    let (v, x) = images();
    for a in attacks() {
        let a = Attack { epsilon: 0.0, ..a };
        let found = a.run(&x, &Target::Labels(labels(3)), start(&a, 0), None, &|x| Ok(linear(x, 3))).unwrap();
        assert_eq!(download(found.pixels), v);
    }
}

#[test]
fn results_stay_in_the_ball_and_are_pixels() {
    let (v, x) = images();
    let target = Target::Logits(Box::new(linear(x.clone() * 0.5, 3)));
    for a in attacks() {
        for t in [Target::Labels(labels(3)), target.clone()] {
            let found = a.run(&x, &t, start(&a, 0), None, &|x| Ok(linear(x, 3))).unwrap();
            for (new, old) in download(found.pixels).into_iter().zip(&v) {
                assert!(
                    (0.0..=1.0).contains(&new) && (new - old).abs() <= a.epsilon + 1e-6,
                    "{a}: {old} → {new}"
                );
            }
        }
    }
}

/// With two classes the cross-entropy of a linear model is monotone in each pixel: the optimum is a corner of what is
/// allowed, and one step finds it.
#[test]
fn fgsm_is_exact_on_a_linear_model() {
    let (v, x) = images();
    let a: Attack = "fgsm:eps=0.2".parse().unwrap();
    let truth = labels(2);
    let found = a.run(&x, &Target::Labels(truth.clone()), None, None, &|x| Ok(linear(x, 2))).unwrap();
    let margins = |pixels: Vec<f32>| -> Vec<f32> {
        let z = download(linear(upload(pixels, &Device::flex()).reshape([IMAGES, 1, 2, 2]), 2));
        z.chunks(2).zip(&truth).map(|(z, &l)| z[1 - l] - z[l]).collect()
    };
    let corner = |side: usize| -> Vec<f32> {
        let at =
            |(i, p): (usize, &f32)| (p + if side >> (i % 4) & 1 == 1 { 0.2 } else { -0.2 }).clamp(0.0, 1.0);
        v.iter().enumerate().map(at).collect()
    };
    let got = margins(download(found.pixels));
    let corners: Vec<Vec<f32>> = (0..16).map(|side| margins(corner(side))).collect();
    for i in 0..IMAGES {
        let best = corners.iter().map(|c| c[i]).fold(f32::MIN, f32::max);
        assert!((got[i] - best).abs() < 1e-6, "{} against {best}", got[i]);
    }
}

/// N-FGSM by its formulas: noise of k·ε, one step of ε on the sign of the gradient there, clipped to pixels alone.
#[test]
fn nfgsm_is_one_step_from_noise_outside_the_ball() {
    let (v, x) = images();
    let (epsilon, k, classes) = (0.2f32, 2.0f32, 3);
    let a = Attack::nfgsm(epsilon, k);
    assert_eq!("nfgsm:eps=0.2,k=2".parse::<Attack>().unwrap(), a);
    let truth = labels(classes);
    let found =
        a.run(&x, &Target::Labels(truth.clone()), start(&a, 4), None, &|x| Ok(linear(x, classes))).unwrap();
    let noise = download(start(&a, 4).unwrap());
    let w = harness::noise(4 * classes, 6);
    let mut outside = 0;
    for (i, (got, &label)) in download(found.pixels).chunks(4).zip(&truth).enumerate() {
        let begun: Vec<f32> =
            (0..4).map(|p| (v[4 * i + p] + k * epsilon * noise[4 * i + p]).clamp(0.0, 1.0)).collect();
        let z: Vec<f32> = (0..classes).map(|c| (0..4).map(|p| begun[p] * w[p * classes + c]).sum()).collect();
        let sum: f32 = z.iter().map(|z| z.exp()).sum();
        for p in 0..4 {
            let of = |c: usize| z[c].exp() / sum - if c == label { 1.0 } else { 0.0 };
            let gradient: f32 = (0..classes).map(|c| of(c) * w[p * classes + c]).sum();
            let want = (begun[p] + epsilon * gradient.signum()).clamp(0.0, 1.0);
            assert!((got[p] - want).abs() < 1e-6, "{} against {want}", got[p]);
            outside += usize::from((got[p] - v[4 * i + p]).abs() > epsilon + 1e-6);
        }
    }
    assert!(outside > 0);
}

#[test]
fn more_steps_never_unbreak_an_image() {
    let (_, x) = images();
    let truth = labels(4);
    let model = |x: Burn<4>| Ok((linear(x, 4) * 3.0).tanh());
    for a in attacks() {
        let mut before = vec![false; IMAGES];
        for steps in 1..8 {
            let a = Attack { steps, ..a };
            let found =
                a.run(&x, &Target::Labels(truth.clone()), start(&a, 0), Some(&truth), &model).unwrap();
            assert!(
                before.iter().zip(&found.broken).all(|(b, f)| !b | f),
                "{a}: {before:?}, {:?}",
                found.broken
            );
            before = found.broken;
        }
    }
}

#[test]
fn robust_accuracy_falls_with_effort() {
    let m = tiny(false);
    let val = data(Split::Val);
    let r = m.runnable();
    let first = |batch| First { images: &val, n: 64, batch };
    let clean = evaluate::clean(&r, Branch::Clean, first(24), &mut |_, _| {}).unwrap();
    let under = |a: &Attack, batch| {
        evaluate::adversarial(&r, Branch::Clean, first(batch), a, 5, &mut |_, _| {}).unwrap()
    };
    let weak = Attack { random_start: true, ..Attack::pgd(2, 0.02, 0.01) };
    assert_eq!(under(&Attack { epsilon: 0.0, ..weak }, 24), clean);
    let one = under(&weak, 24);
    assert!(one <= clean);
    assert!(under(&Attack { restarts: 3, ..weak }, 24) <= one);
    // Random starts belong to images, not to batches.
    assert_eq!(under(&weak, 64), one);
    assert_eq!(under(&Attack { goal: Goal::Dlr, ..weak }, 7), under(&Attack { goal: Goal::Dlr, ..weak }, 64));
}
