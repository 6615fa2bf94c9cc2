//! The sum of branches from one value as one convolution.

use super::branch::{Branch, Weights};
use crate::ir::Tensor;
use crate::ir::op::Conv;
use crate::passes::merge_conv::axis::{gcd, zeros_behind};

/// A convolution and its constants.
#[derive(Debug)]
pub(super) struct Sum {
    pub conv: Conv,
    pub weight: Tensor,
    pub bias: Option<Vec<f32>>,
}

/// Sizes of the value that the branches start from and of their sum: `[C, H, W]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub from: [usize; 3],
    pub to: [usize; 3],
}

/// One axis of the sum: tap t reads `i·stride + t·dilation − pad`.
struct Axis {
    taps: usize,
    dilation: usize,
    pad: [usize; 2],
}

/// Adds branches of equal strides, up to a number of weights, zeros in a sketch; or says why not.
pub(super) fn add(branches: &[Branch<'_>], sizes: Sizes, most: usize, sketch: bool) -> Result<Sum, String> {
    let strides = branches.first().map_or([1, 1], |b| b.strides);
    let [rows, columns] = [0, 1].map(|i| axis(branches, i, strides[i], sizes.from[1 + i], sizes.to[1 + i]));
    let (Some(rows), Some(columns)) = (rows, columns) else {
        return Err("no padding gives the merged kernel their size".into());
    };
    let ([inputs, ..], [out, ..]) = (sizes.from, sizes.to);
    let group = branches.iter().fold(0, |g, b| gcd(g, groups(b, sizes))).max(1);
    let depth = inputs / group;
    let origin = |o: usize| o / (out / group) * depth;
    let weights = [out, depth, rows.taps, columns.taps].iter().fold(1, |p: usize, &n| p.saturating_mul(n));
    if weights > most {
        return Err(format!("their sum would have {weights} weights, more than {most}"));
    }
    let mut w = vec![0f64; weights];
    let mut bias: Option<Vec<f64>> = None;
    for branch in branches {
        if let Weights::Conv { b: Some(b), .. } = &branch.weights {
            let sum = bias.get_or_insert_with(|| vec![0.0; out]);
            sum.iter_mut().zip(*b).for_each(|(s, &b)| *s += f64::from(b));
        }
        if sketch {
            continue;
        }
        for (a, &y) in branch.offsets[0].iter().enumerate() {
            for (b, &x) in branch.offsets[1].iter().enumerate() {
                let (ty, tx) = (rows.tap(y), columns.tap(x));
                let mut put = |o: usize, c: usize, v: f64| {
                    w[((o * depth + c - origin(o)) * rows.taps + ty) * columns.taps + tx] += v;
                };
                match &branch.weights {
                    Weights::Channels { first } => (0..inputs).for_each(|c| put(first + c, c, 1.0)),
                    Weights::Conv { w, depth, group, .. } => {
                        let taps = [branch.offsets[0].len(), branch.offsets[1].len()];
                        let w = w.as_f32().ok_or("weights are no floats")?;
                        for o in 0..out {
                            for j in 0..*depth {
                                let v = w[((o * depth + j) * taps[0] + a) * taps[1] + b];
                                put(o, o / (out / group) * depth + j, f64::from(v));
                            }
                        }
                    }
                }
            }
        }
    }
    let pads = [rows.pad[0], columns.pad[0], rows.pad[1], columns.pad[1]];
    let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect::<Vec<_>>();
    Ok(Sum {
        conv: Conv { strides, pads, dilations: [rows.dilation, columns.dilation], group },
        weight: Tensor::f32([out, depth, rows.taps, columns.taps], narrow(w)),
        bias: bias.map(narrow),
    })
}

/// Groups that a branch keeps apart; 0 for any number.
fn groups(b: &Branch<'_>, s: Sizes) -> usize {
    match b.weights {
        Weights::Conv { group, .. } => group,
        Weights::Channels { first: 0 } if s.from[0] == s.to[0] => 0,
        Weights::Channels { .. } => 1,
    }
}

impl Axis {
    fn tap(&self, offset: isize) -> usize {
        (offset + self.pad[0] as isize) as usize / self.dilation
    }
}

fn axis(branches: &[Branch<'_>], i: usize, stride: usize, input: usize, output: usize) -> Option<Axis> {
    let all = || branches.iter().flat_map(|b| b.offsets[i].iter().copied());
    let before = (-all().min()?).max(0);
    let last = (all().max()? + before) as usize;
    let dilation = all().fold(0, |g, o| gcd(g, (o + before) as usize)).max(1);
    let before = before as usize;
    let behind = zeros_behind(input, output, last + 1, stride, before);
    let size = (input + before + behind).checked_sub(last + 1)? / stride + 1;
    (size == output).then_some(Axis { taps: last / dilation + 1, dilation, pad: [before, behind] })
}
