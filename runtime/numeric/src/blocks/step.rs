//! The steps of a schedule.

use super::{Blocks, Held, Memory};
use crate::kernels::block::{self, Activation, Finish, LANES, Planes};
use crate::kernels::clock::timed_share;
use relinc_passes::interp::eval_const;
use relinc_passes::ir::{Op, Shared, Tensor};
use std::sync::Arc;

/// Where an operand of the interpreter comes from.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Value(usize),
    Const(Shared),
}

/// The elements of a value that another takes over: each axis from a first one on, in steps; channels that are not there are
/// zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Channels of zeros before the first.
    pub skipped: usize,
    /// First row, and the distance to the next.
    pub rows: (usize, usize),
    /// First column, and the distance to the next.
    pub columns: (usize, usize),
}

/// One step. Values are numbers of [`Blocks::values`].
#[derive(Debug)]
pub(super) struct Step {
    /// What is computed.
    pub work: Work,
    /// The values it reads; a residual comes second.
    pub reads: Vec<usize>,
    /// The value it writes.
    pub to: usize,
}

/// What a step computes.
#[derive(Debug)]
pub(super) enum Work {
    /// The images, as a block or as a tensor.
    Load,
    /// A convolution and what follows it.
    Conv { kernel: usize, name: String, activation: Activation },
    /// Element by element: scale and shift of each channel, a residual, an activation.
    Pointwise { factors: Option<(Vec<f32>, Vec<f32>)>, activation: Activation },
    /// A part of a value.
    Part(Window),
    /// The mean of each channel, with these dimensions of an image.
    Mean(Vec<usize>),
    /// From a block to a tensor.
    Store,
    /// From a tensor to a block.
    Fill,
    /// What the interpreter computes.
    Plain { op: Op, args: Vec<Arg> },
}

impl Step {
    /// What it is called, and on what it works, for a profile.
    fn kind(&self, b: &Blocks) -> (&'static str, String) {
        let on = |v: usize| match b.values[v] {
            Held::Block(p, _) => format!("{}×{}×{}", p.channels, p.rows, p.columns),
            Held::Plain => String::new(),
        };
        match &self.work {
            Work::Load => ("images", on(self.to)),
            Work::Conv { name, .. } => ("convolution", name.clone()),
            Work::Pointwise { .. } => ("elementwise", on(self.to)),
            Work::Part(_) => ("slice and pad", on(self.to)),
            Work::Mean(_) => ("mean", on(self.reads[0])),
            Work::Store => ("from blocks", on(self.reads[0])),
            Work::Fill => ("to blocks", on(self.to)),
            Work::Plain { op, .. } => ("interpreter", op.mnemonic().into()),
        }
    }

    /// Computes it for a block of images.
    pub(super) fn run(
        &self,
        b: &Blocks,
        images: &[f32],
        memory: &mut Memory,
        tensors: &mut [Option<Shared>],
    ) -> Result<(), String> {
        let flops = || match self.work {
            Work::Conv { kernel, .. } => 2 * b.kernels[kernel].multiplications(),
            _ => 0,
        };
        // The output's buffer is taken out while others are read.
        let mut out = match b.values[self.to] {
            Held::Block(_, buffer) => std::mem::take(&mut memory.buffers[buffer]),
            Held::Plain => vec![],
        };
        let what = || self.kind(b).1;
        let share = 1.0 / rayon::current_num_threads() as f64;
        let done = timed_share(share, self.kind(b).0, what, flops, || {
            self.compute(b, images, memory, tensors, &mut out)
        });
        if let Held::Block(_, buffer) = b.values[self.to] {
            memory.buffers[buffer] = out;
        }
        if let Some(t) = done? {
            tensors[self.to] = Some(t);
        }
        Ok(())
    }

    fn compute(
        &self,
        b: &Blocks,
        images: &[f32],
        memory: &mut Memory,
        tensors: &[Option<Shared>],
        out: &mut [f32],
    ) -> Result<Option<Shared>, String> {
        let count = images.len() / b.input.iter().product::<usize>().max(1);
        let Memory { buffers, scratch } = memory;
        let block = |v: usize| match &b.values[v] {
            Held::Block(p, buffer) => Ok((&buffers[*buffer][..], p)),
            Held::Plain => Err("a value is no block"),
        };
        let tensor = |v: usize| tensors[v].as_ref().ok_or("a value was not computed");
        let batched = |dims: &[usize], v: Vec<f32>| {
            let shape: Vec<usize> = std::iter::once(count).chain(dims.iter().copied()).collect();
            Some(Arc::new(Tensor::f32(shape, v)))
        };
        let to = || match &b.values[self.to] {
            Held::Block(p, _) => Ok(p),
            Held::Plain => Err("a value is no block"),
        };
        let finish = |activation| {
            let residual = self.reads.get(1).copied().map(block).transpose()?;
            Ok::<_, &str>(Finish { residual, activation })
        };
        match &self.work {
            Work::Load => match &b.values[self.to] {
                Held::Block(p, _) => block::load(images, p, out),
                Held::Plain => return Ok(batched(&b.input, images.to_vec())),
            },
            Work::Conv { kernel, activation, .. } => {
                b.kernels[*kernel].run(block(self.reads[0])?.0, finish(activation)?, out, scratch);
            }
            Work::Pointwise { factors, activation } => {
                let factors = factors.as_ref().map(|(scale, shift)| (&scale[..], &shift[..]));
                block::pointwise(block(self.reads[0])?, factors, finish(activation)?, (out, to()?));
            }
            Work::Part(window) => window.copy(block(self.reads[0])?, (out, to()?)),
            Work::Mean(dims) => {
                let (x, p) = block(self.reads[0])?;
                let mut means = vec![0.0; count * p.channels];
                block::mean(x, p, &mut means);
                return Ok(batched(dims, means));
            }
            Work::Store => {
                let (x, p) = block(self.reads[0])?;
                let mut v = vec![0.0; count * p.image()];
                block::store(x, p, &mut v);
                return Ok(batched(&[p.channels, p.rows, p.columns], v));
            }
            Work::Fill => {
                let x = tensor(self.reads[0])?.as_f32().ok_or("a value is no float")?;
                block::load(x, to()?, out);
            }
            Work::Plain { op, args } => {
                let args = args
                    .iter()
                    .map(|a| match a {
                        Arg::Value(v) => tensor(*v).map(|t| &**t),
                        Arg::Const(t) => Ok(&**t),
                    })
                    .collect::<Result<Vec<&Tensor>, _>>()?;
                return eval_const(op, &args).map(|t| Some(Arc::new(t)));
            }
        }
        Ok(None)
    }
}

impl Window {
    fn copy(&self, (x, from): (&[f32], &Planes), (out, to): (&mut [f32], &Planes)) {
        for (channel, out) in out.chunks_exact_mut(to.plane()).take(to.channels).enumerate() {
            let source = channel.checked_sub(self.skipped).filter(|c| *c < from.channels);
            for row in 0..to.rows {
                let start = to.at(row, 0);
                let out = &mut out[start..start + to.columns * LANES];
                let Some(c) = source else {
                    out.fill(0.0);
                    continue;
                };
                let start = c * from.plane() + from.at(self.rows.0 + row * self.rows.1, self.columns.0);
                let vectors = x[start..].chunks(LANES).step_by(self.columns.1);
                out.chunks_exact_mut(LANES).zip(vectors).for_each(|(out, v)| out.copy_from_slice(v));
            }
        }
    }
}
