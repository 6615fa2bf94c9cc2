//! Networks that classify, fast: each thread takes sixteen images through all layers, side by side in the lanes of vectors
//! ([`crate::kernels::block`]), with batch normalisations, residuals and activations in the convolutions before them.
//!
//! The reference interpreter is the judge of it, and computes what has no kernel here, sixteen images at a time.

mod affine;
mod build;
mod plain;
mod step;

#[cfg(test)]
mod tests;

use crate::kernels::block::{Convolution, LANES, Planes, Scratch};
use rayon::prelude::*;
use relinc_passes::ir::{Graph, Shared, Tensor};
use std::sync::{Mutex, PoisonError};
use step::Step;

/// How the value of a node is held between steps.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// Side by side, in one of the buffers.
    Block(Planes, usize),
    /// As a tensor of the block's images.
    Plain,
}

/// A network scheduled for blocks of images.
#[derive(Debug)]
pub struct Blocks {
    steps: Vec<Step>,
    kernels: Vec<Convolution>,
    values: Vec<Held>,
    /// Lengths of the buffers that blocks lie in.
    buffers: Vec<usize>,
    /// Dimensions of an image and of what comes out for one.
    input: Vec<usize>,
    output: Vec<usize>,
    result: usize,
    idle: Mutex<Vec<Memory>>,
}

/// Working memory of a thread.
#[derive(Debug, Default)]
struct Memory {
    buffers: Vec<Vec<f32>>,
    scratch: Scratch,
}

impl Blocks {
    /// Schedules a graph.
    ///
    /// # Errors
    /// A graph that mixes the images of a batch, or has more than one input or output, or other inputs than floats of a free
    /// batch.
    pub fn new(g: &Graph) -> Result<Blocks, String> {
        build::build(g)
    }

    /// The first output for a batch `[N, …]` of any size.
    ///
    /// # Errors
    /// Images of another shape; operations that the interpreter refuses.
    pub fn run(&self, x: &Tensor) -> Result<Tensor, String> {
        let images = x.as_f32().filter(|_| x.shape().get(1..) == Some(&self.input[..]));
        let images = images.ok_or_else(|| format!("the network wants images of {:?}", self.input))?;
        let (each, out): (usize, usize) = (self.input.iter().product(), self.output.iter().product());
        let n = x.shape()[0];
        let mut shape = vec![n];
        shape.extend(&self.output);
        let mut result = vec![0.0; n * out];
        let blocks =
            result.par_chunks_mut((LANES * out).max(1)).zip(images.par_chunks((LANES * each).max(1)));
        blocks.try_for_each(|(result, images)| {
            let mut memory =
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let done = self.block(images, result, &mut memory);
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            done
        })?;
        Ok(Tensor::f32(shape, result))
    }

    /// One block of images.
    fn block(&self, images: &[f32], result: &mut [f32], memory: &mut Memory) -> Result<(), String> {
        memory.buffers.resize(self.buffers.len(), Vec::new());
        for (buffer, &len) in memory.buffers.iter_mut().zip(&self.buffers) {
            buffer.resize(len, 0.0);
        }
        let mut tensors: Vec<Option<Shared>> = vec![None; self.values.len()];
        for s in &self.steps {
            s.run(self, images, memory, &mut tensors)?;
        }
        let last = tensors[self.result].take().ok_or("the output was not computed")?;
        let last = last.as_f32().filter(|v| v.len() == result.len()).ok_or("the output has another shape")?;
        result.copy_from_slice(last);
        Ok(())
    }
}
