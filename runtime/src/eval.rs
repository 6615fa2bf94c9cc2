//! Accuracy: clean and on corrupted images in blocks of images or by the reference interpreter, under attack on burn; and
//! feeding a data set to a network in the layout it wants.

pub mod around;
pub mod attacked;
pub mod certified;
pub mod corrupted;
pub mod doubt;
pub mod emulated;
pub mod far;
pub mod interval;

use crate::blocks::Blocks;
use crate::data::Dataset;
use crate::picture::interleaved;
use crate::threads;
use crate::train::evaluate::best;
use relinc_passes::head;
use relinc_passes::interp::Interp;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Dim, Graph, Tensor, Type};
use std::ops::Range;
use std::time::Instant;

/// Images a batch.
pub const BATCH: usize = 128;
/// Images a batch for each thread at least.
const THREAD: usize = 32;

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Clean {
    /// Images.
    pub n: usize,
    /// Top-1 accuracy in percent.
    pub clean: f64,
    /// How sure that is: the 95 % interval.
    pub interval: [f64; 2],
    /// Classes of the network.
    pub classes: usize,
    /// How many different classes were predicted.
    pub classes_predicted: usize,
    /// Image by image: is the prediction right?
    #[serde(skip)]
    pub right: Vec<bool>,
    /// Images whose largest logit is more than [`far::FAR`] times the median image's.
    pub far: usize,
    /// Wall-clock time.
    pub seconds: f64,
    /// Throughput.
    pub images_per_second: f64,
}

/// The dimensions for one image of a value of `n` images; a batch of one may have lost its dimension.
///
/// # Errors
/// The output has no place for each image, as one whose batch is another axis, or that reads no image.
pub fn of_one_image(shape: &[usize], n: usize) -> Result<Vec<usize>, String> {
    match shape.split_first() {
        Some((&first, rest)) if first == n => Ok(rest.to_vec()),
        _ if n == 1 => Ok(shape.to_vec()),
        _ => Err(format!("its output is {shape:?} for {n} images, and not one row for each of them")),
    }
}

/// How many classes a network tells apart: the scores of its only output.
///
/// # Errors
/// Several outputs, or one that is no class scores.
pub fn classes(g: &Graph) -> Result<usize, String> {
    let facts = infer(g).map_err(|e| e.first().map_or_else(String::new, ToString::to_string))?;
    let output = g.only_output()?;
    let ty = facts.ty(output);
    head::classes(ty, head::batch(g).unwrap_or(Dim::Batch))
        .ok_or_else(|| format!("the model's output {ty} is no class scores, which are [N,classes]"))
}

/// How a network wants images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[N,C,H,W]`
    Nchw,
    /// `[N,H,W,C]`
    Nhwc,
    /// `[N,H,W]`: one channel.
    Nhw,
    /// `[N,H·W]`: one channel, row by row.
    Flat,
}

impl Layout {
    /// The dimensions of `n` images of C×H×W.
    pub fn dims(self, n: usize, [c, h, w]: [usize; 3]) -> Vec<usize> {
        match self {
            Layout::Nchw => vec![n, c, h, w],
            Layout::Nhwc => vec![n, h, w, c],
            Layout::Nhw => vec![n, h, w],
            Layout::Flat => vec![n, h * w],
        }
    }
}

/// How many channels images for a network's input have: 3, or 1.
///
/// # Errors
/// An input that is no image of either.
pub fn channels(input: &Type) -> Result<usize, String> {
    match input.per_sample()[..] {
        [_] | [_, _] => Ok(1),
        [c @ (1 | 3), _, _] | [_, _, c @ (1 | 3)] => Ok(c),
        _ => Err(format!("the model wants {input}; images have 1 or 3 channels")),
    }
}

/// The layout in which images of C×H×W fit the network's input.
pub fn layout(input: &Type, image: [usize; 3]) -> Result<Layout, String> {
    let [c, h, w] = image;
    match input.per_sample()[..] {
        [a, b, d] if [a, b, d] == [c, h, w] => Ok(Layout::Nchw),
        [a, b, d] if [a, b, d] == [h, w, c] => Ok(Layout::Nhwc),
        [a, b] if c == 1 && [a, b] == [h, w] => Ok(Layout::Nhw),
        [a] if c == 1 && a == h * w => Ok(Layout::Flat),
        _ => Err(format!("the model wants {input}, the data set has images of {c}×{h}×{w}")),
    }
}

/// The images of a range as network input.
pub fn feed(ds: &Dataset, range: Range<usize>, layout: Layout) -> (Tensor, Vec<usize>) {
    let [c, h, w] = ds.image_shape();
    let n = range.len();
    let (data, labels) = ds.batch(range);
    let t = match layout {
        Layout::Nchw | Layout::Nhw | Layout::Flat => Tensor::f32(layout.dims(n, [c, h, w]), data),
        Layout::Nhwc => Tensor::f32(layout.dims(n, [c, h, w]), interleaved(&data, [c, h, w])),
    };
    (t, labels)
}

/// Cuts the first `n` images into batches of at most `wish`; a fixed batch takes whole batches only, and none at all is an
/// error.
pub fn batches(input: &Type, n: usize, wish: usize) -> Result<Vec<Range<usize>>, String> {
    let (step, whole) = match input.fixed_batch() {
        Some(b) => (b, n / b * b),
        None => (wish.max(1), n),
    };
    if whole == 0 {
        return Err(format!("the model takes batches of {step}, there are {n} images; give more of them"));
    }
    Ok((0..whole).step_by(step).map(|s| s..(s + step).min(whole)).collect())
}

/// Index of the largest logit of each row; the first of equals.
pub fn arg_max(logits: &Tensor) -> Vec<usize> {
    let k = logits.shape().last().copied().unwrap_or(1).max(1);
    best(logits.as_f32().unwrap_or_default(), k).collect()
}

/// A network that classifies: in blocks of images where it can be, by the reference interpreter otherwise.
#[derive(Debug)]
pub enum Classifier<'g> {
    /// Images side by side.
    Blocks(Box<Blocks>),
    /// The interpreter.
    Interp(Interp<'g>),
}

impl<'g> Classifier<'g> {
    /// Makes a graph ready.
    ///
    /// # Errors
    /// A graph on a cycle, or of more than one output.
    pub fn new(g: &'g Graph) -> Result<Classifier<'g>, String> {
        g.only_output()?;
        match Blocks::new(g) {
            Ok(b) => Ok(Classifier::Blocks(Box::new(b))),
            Err(_) => Interp::new(g).map(Classifier::Interp).map_err(|e| e.to_string()),
        }
    }

    /// The output for a batch.
    ///
    /// # Errors
    /// A batch of another shape than the input's.
    pub fn run(&self, x: Tensor) -> Result<Tensor, String> {
        match self {
            Classifier::Blocks(b) => b.run(&x),
            Classifier::Interp(i) => {
                let out = i.run(vec![x]).map_err(|e| e.to_string())?;
                out.into_iter().next().ok_or_else(|| "the model has no output".into())
            }
        }
    }
}

/// Top-1 accuracy on the first `n` images. `tell` hears how many are done.
pub fn clean(g: &Graph, ds: &Dataset, n: usize, tell: &mut dyn FnMut(usize, usize)) -> Result<Clean, String> {
    clean_watched(g, ds, n, tell, &mut |_| {})
}

/// As [`clean`]; `see` gets the logits of every batch in order.
pub fn clean_watched(
    g: &Graph,
    ds: &Dataset,
    n: usize,
    tell: &mut dyn FnMut(usize, usize),
    see: &mut dyn FnMut(&Tensor),
) -> Result<Clean, String> {
    let start = Instant::now();
    let n = n.min(ds.len());
    let (mut right, mut classes) = (Vec::with_capacity(n), 0);
    let mut predicted = std::collections::BTreeSet::new();
    let mut largest = vec![];
    let (_, ty) = g.only_input()?;
    let layout = layout(ty, ds.image_shape())?;
    let network = Classifier::new(g)?;
    for range in batches(ty, n, BATCH.max(THREAD * threads::count()))? {
        let (x, labels) = feed(ds, range, layout);
        let logits = network.run(x)?;
        see(&logits);
        classes = logits.len() / labels.len().max(1);
        if let Some(l) = labels.iter().find(|&&l| l >= classes) {
            return Err(format!("the data set has a label {l}, the model only {classes} classes"));
        }
        largest.extend(far::largest(logits.as_f32().unwrap_or_default(), classes));
        for (p, l) in arg_max(&logits).into_iter().zip(labels) {
            right.push(p == l);
            predicted.insert(p);
        }
        tell(right.len(), n);
    }
    let seconds = start.elapsed().as_secs_f64();
    let (seen, hits) = (right.len(), right.iter().filter(|r| **r).count());
    Ok(Clean {
        n: seen,
        clean: 100.0 * hits as f64 / seen.max(1) as f64,
        interval: interval::wilson(hits as f64, seen),
        classes,
        classes_predicted: predicted.len(),
        right,
        far: far::count(&largest),
        seconds,
        images_per_second: seen as f64 / seconds.max(1e-9),
    })
}
