//! AutoAttack on networks whose answer is known.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::exec::value::upload;
use burn::tensor::{Device, Tensor as Burn};

const SHAPE: [usize; 3] = [1, 2, 2];
const SIZE: usize = 4;

fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut v = vec![0.0; n];
    super::super::noise::fill(&mut v, seed, 0, 0);
    v
}

/// Logits of a linear model.
fn linear(x: Burn<4>, classes: usize) -> Burn<2> {
    let w = upload(numbers(SIZE * classes, 6), &Device::flex()).reshape([SIZE, classes]);
    let n = x.dims()[0];
    x.reshape([n, SIZE]).matmul(w)
}

fn row(pixels: &[f32], logits: &dyn Fn(Burn<4>) -> Burn<2>) -> Vec<f32> {
    let x = upload(pixels.to_vec(), &Device::flex()).reshape([1, 1, 2, 2]);
    crate::exec::value::download(logits(x))
}

/// Images that the network gets right, but for every fifth.
fn images(n: usize, classes: usize, logits: &dyn Fn(Burn<4>) -> Burn<2>) -> Vec<Image> {
    let image = |number: usize| {
        let pixels: Vec<f32> = numbers(SIZE, 100 + number as u64).iter().map(|v| 0.5 + 0.5 * v).collect();
        let right = best_of(&row(&pixels, logits));
        let label = if number % 5 == 4 { (right + 1) % classes } else { right };
        Image { number, pixels, label }
    };
    (0..n).map(image).collect()
}

fn attack(images: &[Image], auto: &Auto, batch: usize, logits: &dyn Fn(Burn<4>) -> Burn<2>) -> Outcome {
    let logits = |x: Burn<4>| Ok(logits(x));
    let device = Device::flex();
    let victim = Victim { logits: &logits, device: &device, image: SHAPE, batch };
    run(images, auto, 3, &victim, &mut |_| {}).unwrap()
}

fn quick(epsilon: f32) -> Auto {
    Auto { epsilon, steps: 10, queries: 60 }
}

/// A linear model can be misled within the ball exactly where the best corner for some class does it.
#[test]
fn finds_what_there_is_on_a_linear_model() {
    let mut fell = 0;
    for classes in [2, 3, 4, 6] {
        let logits = |x: Burn<4>| linear(x, classes);
        let all = images(60, classes, &logits);
        let auto = quick(0.1);
        let found = attack(&all, &auto, 16, &logits);
        let mut standing = 0;
        for (i, broken) in all.iter().zip(&found.broken) {
            let corner = |side: usize| -> Vec<f32> {
                let at =
                    |(p, x): (usize, &f32)| (x + if side >> p & 1 == 1 { 0.1 } else { -0.1 }).clamp(0.0, 1.0);
                i.pixels.iter().enumerate().map(at).collect()
            };
            let can = (0..1 << SIZE).any(|side| best_of(&row(&corner(side), &logits)) != i.label);
            assert_eq!(broken.is_some(), can, "{classes} classes, image {}", i.number);
            standing += usize::from(broken.is_none());
        }
        let left: Vec<usize> = found.stages.iter().map(|s| s.left).collect();
        assert!(left.windows(2).all(|w| w[0] >= w[1]), "{left:?}");
        assert_eq!((left[0], *left.last().unwrap()), (48, standing));
        assert!(standing > 0, "{left:?}");
        assert_eq!(found.notes, Vec::<String>::new());
        fell += 48 - standing;
    }
    assert!(fell > 10, "{fell}");
}

#[test]
fn what_is_found_is_wrong_and_in_the_ball() {
    let logits = |x: Burn<4>| (linear(x, 4) * 3.0).tanh();
    let all = images(40, 4, &logits);
    let found = attack(&all, &quick(0.15), 8, &logits);
    let mut moved = 0;
    for (i, broken) in all.iter().zip(&found.broken) {
        let Some(p) = broken else { continue };
        assert_ne!(best_of(&row(p, &logits)), i.label);
        for (x, o) in p.iter().zip(&i.pixels) {
            assert!((0.0..=1.0).contains(x) && (x - o).abs() <= 0.15 + 1e-6, "{o} → {x}");
        }
        moved += usize::from(p != &i.pixels);
    }
    assert!(moved > 0);
}

#[test]
fn batches_and_neighbours_do_not_matter() {
    let logits = |x: Burn<4>| (linear(x, 4) * 3.0).tanh();
    let all = images(30, 4, &logits);
    let auto = quick(0.08);
    let whole = attack(&all, &auto, 64, &logits);
    assert_eq!(attack(&all, &auto, 7, &logits).broken, whole.broken);
    let half = attack(&all[15..], &auto, 64, &logits);
    assert_eq!(half.broken, whole.broken[15..]);
}

#[test]
fn nothing_moves_within_nothing() {
    let logits = |x: Burn<4>| linear(x, 3);
    let found = attack(&images(20, 3, &logits), &quick(0.0), 8, &logits);
    assert_eq!(found.stages.len(), 1);
    assert_eq!(found.broken.iter().filter(|b| b.is_none()).count(), 16);
}

/// A network in steps has no gradient; Square and corners find what APGD cannot.
#[test]
fn masked_gradients_are_said() {
    let logits = |x: Burn<4>| {
        let hidden = linear(x.clone(), 4) * 0.0;
        let stairs = (linear(x, 4).detach() * 8.0).round() * 0.5;
        hidden + stairs
    };
    let found = attack(&images(60, 4, &logits), &quick(0.2), 16, &logits);
    let left = |name: &str| found.stages.iter().find(|s| s.attack == name).unwrap().left;
    assert!(left("fgsm, corners") < left("apgd-ce"), "{:?}", found.stages);
    assert!(found.notes.iter().any(|n| n.contains("corners")), "{:?}", found.notes);
    assert!(found.notes.iter().any(|n| n.contains("nothing but zeros")), "{:?}", found.notes);
}

/// Each attack alone, where an adversarial point is known to exist.
#[test]
fn each_attack_breaks_a_linear_model_alone() {
    let logits = |x: Burn<4>| linear(x, 4);
    let all: Vec<Image> = images(60, 4, &logits).into_iter().filter(|i| i.number % 5 != 4).collect();
    let device = Device::flex();
    let answer = |x: Burn<4>| Ok(linear(x, 4));
    let victim = Victim { logits: &answer, device: &device, image: SHAPE, batch: 16 };
    let auto = quick(0.1);
    let optimum = attack(&all, &auto, 16, &logits).broken.iter().filter(|b| b.is_some()).count();
    let mut counts = vec![];
    for which in 0..4 {
        let mut quiet = |_| {};
        let mut run = Run {
            images: &all,
            auto: &auto,
            seed: 1,
            victim: &victim,
            cases: vec![],
            broken: vec![],
            stages: vec![],
            tell: &mut quiet,
        };
        run.clean().unwrap();
        match which {
            0 => run.apgd_ce(),
            1 => run.apgd_t(),
            2 => run.fab_t(),
            _ => run.square(),
        }
        .unwrap();
        counts.push(all.len() - run.left());
    }
    // The targeted ones are exact here; the others come near.
    assert_eq!((counts[1], counts[2]), (optimum, optimum), "{counts:?}");
    assert!(counts[0] * 10 >= optimum * 9 && counts[3] * 10 >= optimum * 8, "{counts:?} of {optimum}");
}

#[test]
fn square_asks_any_network() {
    let logits = |x: Burn<4>| linear(x, 4);
    let all: Vec<Image> = images(40, 4, &logits).into_iter().filter(|i| i.number % 5 != 4).collect();
    let mut asked = 0;
    let mut ask = |points: Vec<f32>, at: &[usize]| {
        asked += at.len();
        assert!(at.iter().all(|&i| i < all.len()));
        Ok(points.chunks(SIZE).flat_map(|p| row(p, &logits)).collect())
    };
    let found = square_alone(&all, SHAPE, &quick(0.1), 3, 16, &mut ask, &mut |_, _| {}).unwrap();
    let broken = found.iter().filter(|b| b.is_some()).count();
    assert!(broken > 0 && broken < all.len());
    // One that was found asks no more.
    assert!(asked < all.len() * 61, "{asked}");
}
