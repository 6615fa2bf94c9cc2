//! The steps of a schedule.

use super::{Blocks, Held, Memory};
use crate::kernels::block::{self, Activation, Finish, LANES, Planes};
use crate::kernels::clock::timed_in_parallel;
use relinc_passes::interp::eval_const;
use relinc_passes::ir::{Op, Shared, Tensor};
use std::sync::Arc;

/// A value as a tensor.
pub(super) type Value = Arc<Tensor>;

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
pub(super) enum Step {
    /// The images, as a block or as a tensor.
    Load { to: usize },
    /// A convolution and what follows it.
    Conv {
        kernel: usize,
        name: String,
        from: usize,
        residual: Option<usize>,
        activation: Activation,
        to: usize,
    },
    /// Element by element: scale and shift of each channel, a residual, an activation.
    Pointwise {
        from: usize,
        factors: Option<(Vec<f32>, Vec<f32>)>,
        residual: Option<usize>,
        activation: Activation,
        to: usize,
    },
    /// A part of a value.
    Part { window: Window, from: usize, to: usize },
    /// The mean of each channel, with these dimensions of an image.
    Mean { from: usize, dims: Vec<usize>, to: usize },
    /// From a block to a tensor.
    Store { from: usize, to: usize },
    /// From a tensor to a block.
    Fill { from: usize, to: usize },
    /// What the interpreter computes.
    Plain { op: Op, args: Vec<Arg>, to: usize },
}

impl Step {
    /// What it reads.
    pub(super) fn reads(&self) -> Vec<usize> {
        match self {
            Step::Load { .. } => vec![],
            Step::Conv { from, residual, .. } | Step::Pointwise { from, residual, .. } => {
                [Some(*from), *residual].into_iter().flatten().collect()
            }
            Step::Part { from, .. } | Step::Mean { from, .. } => vec![*from],
            Step::Store { from, .. } | Step::Fill { from, .. } => vec![*from],
            Step::Plain { args, .. } => {
                args.iter().filter_map(|a| if let Arg::Value(v) = a { Some(*v) } else { None }).collect()
            }
        }
    }

    /// What it writes.
    pub(super) fn writes(&self) -> usize {
        match self {
            Step::Load { to }
            | Step::Conv { to, .. }
            | Step::Pointwise { to, .. }
            | Step::Part { to, .. }
            | Step::Mean { to, .. }
            | Step::Store { to, .. }
            | Step::Fill { to, .. }
            | Step::Plain { to, .. } => *to,
        }
    }

    /// What it is called, and on what it works, for a profile.
    fn kind(&self, b: &Blocks) -> (&'static str, String) {
        let on = |v: usize| match b.values[v] {
            Held::Block(p, _) => format!("{}×{}×{}", p.channels, p.rows, p.columns),
            Held::Plain => String::new(),
        };
        match self {
            Step::Load { to } => ("images", on(*to)),
            Step::Conv { name, .. } => ("convolution", name.clone()),
            Step::Pointwise { to, .. } => ("elementwise", on(*to)),
            Step::Part { to, .. } => ("slice and pad", on(*to)),
            Step::Mean { from, .. } => ("mean", on(*from)),
            Step::Store { from, .. } => ("from blocks", on(*from)),
            Step::Fill { to, .. } => ("to blocks", on(*to)),
            Step::Plain { op, .. } => ("interpreter", op.mnemonic().into()),
        }
    }

    /// Computes it for a block of images.
    pub(super) fn run(
        &self,
        b: &Blocks,
        images: &[f32],
        memory: &mut Memory,
        tensors: &mut [Option<Value>],
    ) -> Result<(), String> {
        let flops = || match self {
            Step::Conv { kernel, .. } => 2 * b.kernels[*kernel].multiplications(),
            _ => 0,
        };
        // The output's buffer is taken out while others are read.
        let to = self.writes();
        let mut out = match b.values[to] {
            Held::Block(_, buffer) => std::mem::take(&mut memory.buffers[buffer]),
            Held::Plain => vec![],
        };
        let what = || self.kind(b).1;
        let done = timed_in_parallel(self.kind(b).0, what, flops, || {
            self.compute(b, images, memory, tensors, &mut out)
        });
        if let Held::Block(_, buffer) = b.values[to] {
            memory.buffers[buffer] = out;
        }
        if let Some(t) = done? {
            tensors[to] = Some(t);
        }
        Ok(())
    }

    fn compute(
        &self,
        b: &Blocks,
        images: &[f32],
        memory: &mut Memory,
        tensors: &[Option<Value>],
        out: &mut [f32],
    ) -> Result<Option<Value>, String> {
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
        match self {
            Step::Load { to } => match &b.values[*to] {
                Held::Block(p, _) => block::load(images, p, out),
                Held::Plain => return Ok(batched(&b.input, images.to_vec())),
            },
            Step::Conv { kernel, from, residual, activation, .. } => {
                let residual = residual.map(block).transpose()?;
                b.kernels[*kernel].run(block(*from)?.0, Finish { residual, activation }, out, scratch);
            }
            Step::Pointwise { from, factors, residual, activation, to } => {
                let residual = residual.map(block).transpose()?;
                let factors = factors.as_ref().map(|(scale, shift)| (&scale[..], &shift[..]));
                let Held::Block(p, _) = &b.values[*to] else { return Err("a value is no block".into()) };
                block::pointwise(block(*from)?, factors, Finish { residual, activation }, (out, p));
            }
            Step::Part { window, from, to } => {
                let Held::Block(p, _) = &b.values[*to] else { return Err("a value is no block".into()) };
                window.copy(block(*from)?, (out, p));
            }
            Step::Mean { from, dims, .. } => {
                let (x, p) = block(*from)?;
                let mut means = vec![0.0; count * p.channels];
                block::mean(x, p, &mut means);
                return Ok(batched(dims, means));
            }
            Step::Store { from, .. } => {
                let (x, p) = block(*from)?;
                let mut v = vec![0.0; count * p.image()];
                block::store(x, p, &mut v);
                return Ok(batched(&[p.channels, p.rows, p.columns], v));
            }
            Step::Fill { from, to } => {
                let x = tensor(*from)?.as_f32().ok_or("a value is no float")?;
                let Held::Block(p, _) = &b.values[*to] else { return Err("a value is no block".into()) };
                block::load(x, p, out);
            }
            Step::Plain { op, args, .. } => {
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
