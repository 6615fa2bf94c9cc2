//! Layers that are quadratic in training: values, gradients, stages, and what goes wrong.

use super::harness::noise;
use super::resume::{Job, data, tiny};
use burn::tensor::Tensor as Burn;
use relinc_passes::choice::Choice;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_runtime::data::Split;
use relinc_runtime::exec::squares::Rows;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Call, Norms, Value};
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::train::squares::with_fits;
use relinc_runtime::train::{Ended, Kind, Method, Model, StageError};
use std::path::Path;

/// The first layer quadratic, with what a trained one has.
fn quadratic() -> Model {
    let mut m = tiny(false);
    m.learn_squares();
    let row = |seed| noise(6, seed);
    let variance = noise(6, 5).iter().map(|v| 1.5 + v).collect();
    m.set_square(0, Rows { coefficients: [row(1), row(2), row(3)], moments: [row(4), variance] });
    m.set_masks(&first_quadratic());
    m
}

fn first_quadratic() -> Masks {
    let mask = LayerMask::uniform([6, 16, 16], Choice::Quadratic);
    Masks { layers: [("relu00".to_string(), mask)].into(), ..Masks::default() }
}

fn logits(m: &Model, params: &[Burn<1>], norms: Norms) -> Burn<1> {
    let x = upload(noise(4 * 3 * 1024, 9), m.net.device());
    let call = Call { params, ..m.call(norms) };
    m.net.forward(Value::new(x, [4, 3, 32, 32]), &call).unwrap().output.into_flat()
}

#[test]
fn by_running_statistics_it_is_the_plain_quadratic() {
    let m = quadratic();
    let plain = m.with_squares(first_quadratic());
    assert_eq!(plain.layers["relu00"].parameters[&Choice::Quadratic].len(), 18);
    let mut other = tiny(false);
    other.set_masks(&plain);
    let [a, b] = [&m, &other].map(|m| download(logits(m, &m.params, Norms::Running)));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    // Taken up again, it is what it was.
    let mut again = m.clone();
    again.set_masks(&plain);
    let b = download(logits(&again, &again.params, Norms::Running));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn gradients_are_finite_differences() {
    let mut m = quadratic();
    for blend in [1.0, 0.4] {
        m.set_blend(blend);
        let weights = noise(40, 11);
        let loss = |params: &[Burn<1>]| -> f64 {
            let y = download(logits(&m, params, Norms::Batch));
            y.iter().zip(&weights).map(|(y, w)| f64::from(y * w)).sum()
        };
        let leaves = m.net.leaves(&m.params);
        let y = logits(&m, &leaves, Norms::Batch);
        let grads = (y * Burn::from_inner(upload(weights.clone(), m.net.device()))).sum().backward();
        for (i, p) in m.net.params().iter().enumerate().filter(|(_, p)| p.role.trainable()) {
            let Some(found) = leaves[i].grad(&grads).map(download) else { continue };
            let at = found.len() / 2;
            let moved = |d: f32| {
                let mut params = m.params.clone();
                let mut values = download(params[i].clone());
                values[at] += d;
                params[i] = upload(values, m.net.device());
                loss(&params)
            };
            let h = 2e-3;
            let want = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
            let far = (f64::from(found[at]) - want).abs();
            assert!(far < 0.05 * want.abs().max(0.2), "{} at {blend}: {} and {want}", p.name, found[at]);
        }
        let coefficients = m.net.params().iter().filter(|p| p.name.starts_with("relu00.square/"));
        assert_eq!(coefficients.filter(|p| p.role.trainable()).count(), 3);
    }
}

/// What the network itself answers with numbers far out pulls on what is before a square by the penalty.
#[test]
fn by_running_statistics_training_keeps_its_numbers_where_an_image_is_far_out() {
    let m = quadratic();
    let leaves = m.net.leaves(&m.params);
    let x: Vec<f32> = noise(4 * 3 * 1024, 9).iter().map(|v| v * 1e15).collect();
    let answer = |tails| {
        let call = Call { params: &leaves, tails, ..m.call(Norms::Running) };
        m.net.forward(Value::new(upload(x.clone(), m.net.device()), [4, 3, 32, 32]), &call).unwrap()
    };
    let largest = |y: &Value| download(y.flat().inner()).iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let out = answer(true);
    // A square is given 100 at most, the line all of it.
    assert!(largest(&answer(false).output) > 1e25 && largest(&out.output) < 1e18);
    let grads = out.tails.unwrap().backward();
    let found: Vec<Vec<f32>> = leaves.iter().filter_map(|l| l.grad(&grads)).map(download).collect();
    assert!(found.iter().flatten().all(|g| g.is_finite()) && found.iter().flatten().any(|g| *g != 0.0));
}

/// A search that goes on from masks blends only what leaves now.
#[test]
fn what_has_left_before_is_not_blended_again() {
    let mut m = quadratic();
    let whole = download(logits(&m, &m.params, Norms::Running));
    m.set_blend(0.2);
    assert_ne!(download(logits(&m, &m.params, Norms::Running)), whole);
    m.settle(&first_quadratic());
    m.set_blend(0.1);
    assert_eq!(download(logits(&m, &m.params, Norms::Running)), whole);
    assert!(m.is_settled(0) && !m.is_settled(1));
}

/// A search in which the first layer becomes quadratic and the second keeps 300 ReLUs.
fn job(folder: &Path) -> Job {
    let mut job = Job::new(Kind::Search, Some(Method::Gradual), folder);
    let s = job.recipe.search.as_mut().unwrap();
    (s.keep, s.vanish, s.squares) = (300, Vanish::Given(vec![true, false]), vec![true, false]);
    s.choices.push(Choice::Quadratic);
    job.recipe.blend = 0.5;
    job
}

#[test]
fn a_search_is_resumed_in_the_same_bits_and_leaves_coefficients() {
    let dir = tempfile::tempdir().unwrap();
    let done = super::resume::survives(job(dir.path()), &[(1, 3), (2, 7)]);
    let first = &done.masks.layers["relu00"];
    assert!(first.only(Choice::Quadratic) && done.masks.kept() == 300);
    let coefficients = &first.parameters[&Choice::Quadratic];
    assert!(coefficients.iter().all(|c| c.is_finite()) && coefficients.iter().any(|c| *c != 0.0));
    assert!(done.log.iter().all(|r| r.largest.is_some_and(f64::is_finite)));
    // Tuning takes them up, and learns on.
    let dir = tempfile::tempdir().unwrap();
    let mut tune = Job { masks: done.masks.clone(), ..Job::new(Kind::Tune, None, dir.path()) };
    tune.recipe.freeze = Some(0.6);
    let tuned = super::resume::survives(tune, &[(2, 3)]);
    let after = &tuned.masks.layers["relu00"].parameters[&Choice::Quadratic];
    assert!(after != coefficients && after.iter().all(|c| c.is_finite()));
}

#[test]
fn what_fails_ends_in_words_with_the_last_good_state() {
    let dir = tempfile::tempdir().unwrap();
    let stopped = Job { stop_at: Some((2, 1)), ..job(dir.path()) }.run();
    assert_eq!(stopped.ended, Ended::Stopped);
    let kept = std::fs::read(dir.path().join("s.safetensors")).unwrap();
    // Steps without a number are left out, but not for ever.
    let mut bad = Job { resume: true, ..job(dir.path()) };
    (bad.recipe.rate, bad.recipe.clip) = (1e30, 0.0);
    let said = match bad.try_run() {
        Err(e @ (StageError::NotFinite { .. } | StageError::Collapsed { .. })) => e.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(said.contains("the last good state is kept in") && said.contains("'rate'"), "{said}");
    assert_eq!(std::fs::read(dir.path().join("s.safetensors")).unwrap(), kept);
}

#[test]
fn fits_are_finite_and_near_the_relus() {
    let (m, train) = (tiny(false), data(Split::Train));
    let masks = with_fits(&m, &train, 64, first_quadratic()).unwrap();
    let mut fitted = m.clone();
    fitted.set_masks(&masks);
    let [a, b] = [&m, &fitted].map(|m| download(logits(m, &m.params, Norms::Running)));
    let (top, far) =
        a.iter().zip(&b).fold((0.0f32, 0.0f32), |(t, f), (a, b)| (t.max(a.abs()), f.max((a - b).abs())));
    assert!(far < 0.5 * top, "{far} of {top}");
}
