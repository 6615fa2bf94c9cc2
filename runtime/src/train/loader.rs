//! Batches of augmented images, made ahead of time on another thread.
//!
//! What becomes of an image depends on the seed, the epoch and the image alone.

use crate::augment::{AugMix, Augmentation, Draw, augmented};
use crate::data::Dataset;
use crate::dice::Dice;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches made ahead.
const AHEAD: usize = 3;
/// Black border a random crop is cut from.
const PAD: usize = 4;

/// How batches are made.
#[derive(Debug, Clone)]
pub struct LoaderOptions {
    /// Random crop, and flip where a mirror image is of the same class.
    pub augment: bool,
    /// The first half also gets an AugMix view.
    pub augmix: bool,
    /// Seed of the augmentation.
    pub seed: u64,
}

/// One training batch; pixels are `[N,C,H,W]` in 0…1.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Number in its epoch.
    pub step: usize,
    /// Which images.
    pub images: Vec<usize>,
    /// Their labels.
    pub labels: Vec<usize>,
    /// Cropped and flipped.
    pub clean: Vec<f32>,
    /// AugMix views of the first half, or nothing.
    pub augmix: Vec<f32>,
}

/// The order of an epoch.
pub fn order(n: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    key[16..21].copy_from_slice(b"order");
    Dice::of(ChaCha8Rng::from_seed(key)).order(n)
}

/// Batches in an epoch of `n` images; an incomplete last one is dropped, unless it is the only one.
pub fn steps(n: usize, batch: usize) -> usize {
    (n / batch.max(1)).max(1)
}

/// Makes one batch.
pub fn batch(ds: &Dataset, o: &LoaderOptions, epoch: usize, step: usize, images: Vec<usize>) -> Batch {
    let crop = o.augment.then_some(PAD);
    let raw: Vec<(u64, &[u8])> = images.iter().map(|&i| (i as u64, ds.pixels(i))).collect();
    let view = |count: usize, view: u32, augmix: Option<AugMix>| {
        let draw = Draw { seed: o.seed, epoch: epoch as u32, view };
        let a = Augmentation { crop, flip: ds.may_be_mirrored(), augmix };
        augmented(&raw[..count], ds.image_shape(), &a, draw)
    };
    let clean = view(images.len(), 0, None);
    let augmix = if o.augmix { view(images.len() / 2, 1, Some(AugMix::default())) } else { vec![] };
    Batch { step, labels: images.iter().map(|&i| ds.label(i)).collect(), images, clean, augmix }
}

/// A batch as an epoch sees it that is none of a stage's: what statistics are measured on that training goes on from, or that belong to
/// weights trained so.
pub fn aside(ds: &Dataset, o: &LoaderOptions, images: Vec<usize>) -> Batch {
    batch(ds, o, u32::MAX as usize, 0, images)
}

/// The batches of an epoch, in order.
#[derive(Debug)]
pub struct Loader {
    receive: Option<Receiver<Batch>>,
    thread: Option<JoinHandle<()>>,
    waited: Duration,
}

impl Loader {
    /// Starts making an epoch's batches of these images from a step on.
    pub fn start(
        ds: Arc<Dataset>,
        o: &LoaderOptions,
        epoch: usize,
        batches: Vec<Vec<usize>>,
        from: usize,
    ) -> Loader {
        let (send, receive) = sync_channel(AHEAD);
        let o = o.clone();
        let thread = std::thread::spawn(move || {
            for (step, images) in batches.into_iter().enumerate().skip(from) {
                if send.send(batch(&ds, &o, epoch, step, images)).is_err() {
                    return;
                }
            }
        });
        Loader { receive: Some(receive), thread: Some(thread), waited: Duration::ZERO }
    }

    /// Time spent waiting for data.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Iterator for Loader {
    type Item = Batch;
    fn next(&mut self) -> Option<Batch> {
        let start = Instant::now();
        let b = self.receive.as_ref()?.recv().ok();
        self.waited += start.elapsed();
        b
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.receive = None;
        if let Some(t) = self.thread.take() {
            let _ = t.join();
        }
    }
}
