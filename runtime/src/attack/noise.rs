//! Random starts that depend on the seed, the restart and the image, and on nothing else.

use crate::exec::value::upload;
use burn::tensor::Tensor as Burn;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;

/// Uniform noise in −1…1 of the shape of `pixels`, `[N,C,H,W]`, and on their device. `images` name the N images; `round` tells
/// restarts and training steps apart.
pub fn noise(pixels: &Burn<4>, seed: u64, round: u64, images: &[usize]) -> Burn<4> {
    let [n, c, h, w] = pixels.dims();
    upload(uniform(seed, round, images, c * h * w), &pixels.device()).reshape([n, c, h, w])
}

/// The same, `len` values for each image.
fn uniform(seed: u64, round: u64, images: &[usize], len: usize) -> Vec<f32> {
    let mut out = vec![0.0; images.len() * len];
    out.par_chunks_mut(len.max(1)).zip(images).for_each(|(row, &image)| fill(row, seed, round, image));
    out
}

/// The same of one image.
pub(super) fn fill(row: &mut [f32], seed: u64, round: u64, image: usize) {
    let mut rng = dice(seed, round, image);
    row.iter_mut().for_each(|v| *v = (rng.next_u32() >> 8) as f32 / (1u32 << 23) as f32 - 1.0);
}

/// What all chance of an attack on one image comes from.
pub(super) fn dice(seed: u64, round: u64, image: usize) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&round.to_le_bytes());
    key[16..24].copy_from_slice(&(image as u64).to_le_bytes());
    key[24..30].copy_from_slice(b"attack");
    ChaCha8Rng::from_seed(key)
}
