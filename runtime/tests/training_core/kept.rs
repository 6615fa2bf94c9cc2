//! Which weights a stage leaves, and that averaged ones have statistics of their own.

use super::resume::{Job, data, tiny};
use relinc_runtime::data::Split;
use relinc_runtime::exec::value::download;
use relinc_runtime::train::insert_norm::remeasure;
use relinc_runtime::train::loader::{LoaderOptions, aside};
use relinc_runtime::train::objective::At;
use relinc_runtime::train::recipe::Keep;
use relinc_runtime::train::{Kind, Model};

/// Tuning without checkpoints, with long steps.
fn job() -> Job {
    let mut job = Job { folder: None, ..Job::new(Kind::Tune, None, std::path::Path::new(".")) };
    job.recipe.rate = 0.3;
    job
}

fn values(params: &[(String, Vec<u32>)]) -> Vec<Vec<f32>> {
    params.iter().map(|(_, v)| v.iter().map(|&b| f32::from_bits(b)).collect()).collect()
}

#[test]
fn the_last_epoch_is_kept_where_that_is_asked_for() {
    let mut job = job();
    job.recipe.val_images = 0;
    let unvalidated = job.run();
    job.recipe.val_images = 64;
    let best = job.run();
    let score = |at: usize| best.log[at].val_clean.unwrap();
    assert!((0..2).any(|e| score(e) >= score(2)), "{:?}", [score(0), score(1), score(2)]);
    let early = score(0) >= score(1).max(score(2));
    assert_eq!(best.notes.iter().any(|n| n.contains("keeps epoch 1 of 3")), early, "{:?}", best.notes);
    job.recipe.keep = Keep::Last;
    let last = job.run();
    assert!(last.notes.is_empty());
    assert_eq!(last.params, unvalidated.params);
    assert_ne!(last.params, best.params);
}

#[test]
fn averaged_weights_have_statistics_of_their_own() {
    let mut job = job();
    (job.recipe.average, job.recipe.keep) = (0.9, Keep::Last);
    let done = job.run();
    let mut model: Model = tiny(false);
    model.import(values(&done.params));
    let there: Vec<Vec<f32>> = model.params.iter().map(|p| download(p.clone())).collect();
    let train = data(Split::Train);
    let options = LoaderOptions { augment: true, augmix: false, seed: job.recipe.seed };
    let batches: Vec<_> = [0..128, 128..256].map(|at| aside(&train, &options, at.collect())).into();
    remeasure(&mut model, &batches, &job.recipe.objective, At { seed: 0, step: 0 }).unwrap();
    for (found, want) in there.iter().zip(&model.params) {
        super::harness::close(found, &download(want.clone()), 1e-6, "statistics");
    }
}
