//! A network that answers with scores and with gradients by the pixels.

use crate::exec::value::{download, upload};
use burn::tensor::{Device, Tensor as Burn};

/// A network under attack.
pub struct Victim<'a> {
    /// From pixels `[N,C,H,W]` in 0…1 to logits; differentiable.
    pub logits: &'a dyn Fn(Burn<4>) -> Result<Burn<2>, String>,
    /// Where it computes.
    pub device: &'a Device,
    /// C, H, W of an image.
    pub image: [usize; 3],
    /// Images that it looks at together.
    pub batch: usize,
}

impl Victim<'_> {
    /// Scores of images, one row after the other.
    pub(super) fn scores(&self, pixels: Vec<f32>) -> Result<Vec<f32>, String> {
        (self.logits)(self.tensor(pixels)).map(download)
    }

    /// The same, and for each image the gradient by its pixels of Σ pull·score; `pull` has a weight for each score of a row.
    pub(super) fn gradients(
        &self,
        pixels: Vec<f32>,
        pull: &dyn Fn(usize, &[f32]) -> Vec<f32>,
    ) -> Result<(Vec<f32>, Vec<f32>), String> {
        let leaf = Burn::from_inner(self.tensor(pixels)).require_grad();
        let z = (self.logits)(leaf.clone())?;
        let [n, classes] = z.dims();
        let scores = download(z.clone().inner());
        let pulls: Vec<f32> =
            scores.chunks(classes.max(1)).enumerate().flat_map(|(i, row)| pull(i, row)).collect();
        let pulls = Burn::from_inner(upload(pulls, self.device).reshape([n, classes]));
        let grads = (z * pulls).sum().backward();
        let g = leaf.grad(&grads).ok_or("the network does not depend on its input")?;
        Ok((scores, download(g)))
    }

    fn tensor(&self, pixels: Vec<f32>) -> Burn<4> {
        let [c, h, w] = self.image;
        let n = pixels.len() / (c * h * w).max(1);
        upload(pixels, self.device).reshape([n, c, h, w])
    }
}
