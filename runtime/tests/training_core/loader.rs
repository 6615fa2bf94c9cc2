//! Batches depend on the seed, the epoch and their number, and on nothing else.

use super::resume::data;
use relinc_runtime::data::Split;
use relinc_runtime::train::loader::{Batch, Loader, LoaderOptions, batch, order, steps};
use std::sync::Arc;

fn options() -> LoaderOptions {
    LoaderOptions { augment: true, augmix: true, seed: 5 }
}

/// The batches of 48 images in a drawn order.
fn drawn(seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let order = order(256, seed, epoch);
    order.chunks_exact(48).map(<[usize]>::to_vec).collect()
}

fn epoch(o: &LoaderOptions, epoch: usize, from: usize) -> Vec<Batch> {
    let batches = drawn(o.seed, epoch);
    Loader::start(Arc::new(data(Split::Train)), o, epoch, batches, from).collect()
}

fn same(a: &Batch, b: &Batch) -> bool {
    (a.step, &a.images, &a.labels, &a.clean, &a.augmix) == (b.step, &b.images, &b.labels, &b.clean, &b.augmix)
}

#[test]
fn batches_repeat() {
    let all = epoch(&options(), 3, 0);
    assert_eq!(all.len(), 256 / 48);
    assert!(all.iter().zip(epoch(&options(), 3, 0)).all(|(a, b)| same(a, &b)));
    let rest = epoch(&options(), 3, 2);
    assert_eq!(rest.len(), all.len() - 2);
    assert!(all[2..].iter().zip(&rest).all(|(a, b)| same(a, b)));
    assert_eq!(all[0].clean.len(), 48 * 3 * 32 * 32);
    assert_eq!(all[0].augmix.len(), 24 * 3 * 32 * 32);
}

#[test]
fn epochs_and_seeds_differ() {
    let base = epoch(&options(), 3, 0);
    for other in [epoch(&options(), 4, 0), epoch(&LoaderOptions { seed: 6, ..options() }, 3, 0)] {
        assert!(base.iter().zip(&other).all(|(a, b)| a.images != b.images && a.clean != b.clean));
    }
    // The same image looks different in another epoch.
    let first = base[0].images[0];
    let train = data(Split::Train);
    let of = |epoch| batch(&train, &options(), epoch, 0, vec![first]).clean;
    assert_ne!(of(3), of(4));
    assert_eq!(of(3), base[0].clean[..3 * 32 * 32]);
}

#[test]
fn threads_do_not_matter() {
    let train = data(Split::Train);
    let images: Vec<usize> = (0..48).collect();
    let made = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| batch(&train, &options(), 1, 0, images.clone()))
    };
    let one = made(1);
    assert!(same(&one, &made(2)) && same(&one, &made(7)));
}

#[test]
fn every_image_comes_once() {
    for epoch in 0..3 {
        let mut o = order(1000, 9, epoch);
        o.sort_unstable();
        assert!(o.into_iter().eq(0..1000));
    }
    assert_eq!(order(1, 0, 0), [0]);
    assert!(order(0, 0, 0).is_empty());
}

#[test]
fn batches_are_those_asked_for_with_their_labels() {
    let train = Arc::new(data(Split::Train));
    let asked = vec![vec![3, 1], vec![2, 200]];
    let all: Vec<Batch> = Loader::start(train.clone(), &options(), 0, asked.clone(), 0).collect();
    assert_eq!(all.iter().map(|b| b.images.clone()).collect::<Vec<_>>(), asked);
    assert!(all.iter().all(|b| b.labels.iter().zip(&b.images).all(|(l, &i)| *l == train.label(i))));
    assert_eq!((steps(256, 48), steps(256, 1000)), (5, 1));
}
