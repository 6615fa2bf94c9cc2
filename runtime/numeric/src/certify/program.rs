//! What a network computes of one sample, in the few kinds of work that bounds know.

use super::function::Function;
use crate::kernels::conv::ConvShape;

/// A network: steps in order, the first of which is the input and the last the logits.
#[derive(Debug, Clone)]
pub struct Program {
    /// Every step reads steps before it.
    pub(super) steps: Vec<Step>,
    /// ReLU layers by name, and the steps that are their gates.
    pub(super) layers: Vec<(String, usize)>,
}

/// One value of a sample, and the work that makes it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub work: Work,
    /// Elements.
    pub len: usize,
}

/// What makes a value of others, which are numbers of steps.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// The sample itself.
    Input,
    /// A convolution of one image, with its weights and their magnitudes; a matrix product is one of a map of one column.
    Conv { from: usize, shape: ConvShape, weights: Vec<f32>, magnitudes: Vec<f32>, bias: Option<Vec<f32>> },
    /// `factor·x + offset`, numbers for each element.
    Scale { from: usize, factor: Vec<f32>, offset: Vec<f32> },
    /// The sum of two values of one size.
    Sum(usize, usize),
    /// Elements moved, and sums of few of them.
    Sparse { from: usize, entries: Vec<Entry> },
    /// A function of each element: the `of[i]`-th of them.
    Gate { from: usize, functions: Vec<Function>, of: Vec<u32> },
}

/// `y[to] += factor·x[from]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub to: u32,
    pub from: u32,
    pub factor: f32,
}

impl Work {
    /// A convolution.
    pub fn convolution(from: usize, shape: ConvShape, weights: Vec<f32>, bias: Option<Vec<f32>>) -> Work {
        let magnitudes = weights.iter().map(|w| w.abs()).collect();
        Work::Conv { from, shape, weights, magnitudes, bias }
    }

    /// The steps that are read.
    pub fn reads(&self) -> impl Iterator<Item = usize> {
        let [a, b] = match *self {
            Work::Input => [None, None],
            Work::Conv { from, .. }
            | Work::Scale { from, .. }
            | Work::Sparse { from, .. }
            | Work::Gate { from, .. } => [Some(from), None],
            Work::Sum(a, b) => [Some(a), Some(b)],
        };
        a.into_iter().chain(b)
    }
}

impl Program {
    /// Elements of the network's input.
    pub fn inputs(&self) -> usize {
        self.steps.first().map_or(0, |s| s.len)
    }
    /// Logits.
    pub fn outputs(&self) -> usize {
        self.steps.last().map_or(0, |s| s.len)
    }
    /// Elements that go through a function with a bend or a curve.
    pub fn bent(&self) -> usize {
        let bent = |s: &Step| match &s.work {
            Work::Gate { functions, of, .. } => {
                of.iter().filter(|&&k| functions[k as usize].is_bent()).count()
            }
            Work::Input | Work::Conv { .. } | Work::Scale { .. } | Work::Sum(..) | Work::Sparse { .. } => 0,
        };
        self.steps.iter().map(bent).sum()
    }
}
