//! Masks: which activation elements keep their ReLU, read from and written to `masks.safetensors`.
//!
//! One `u8` tensor C×H×W per ReLU layer of the numbers of [`Choice`]s, and beside it the parameters that its channels give
//! them: `<layer>.slope`, `f32[C]`, scales the identity elements, `<layer>.quadratic`, `f32[C,3]`, holds a, b and c of the quadratic
//! ones. Metadata: `relinc_masks = 1`, the model's sha256, the budget,
//! and a checksum that is checked where there is one: other programs write such files, too.

#![deny(clippy::wildcard_enum_match_arm)]

mod file;

use crate::choice::{Choice, NO_CAP, comparisons_under};
use crate::driver::{self, Options, PassError};
use crate::ir::{Graph, NodeId, Op};
use crate::layers::ReluLayer;
use crate::passes::insert_masks::InsertMasks;
use std::collections::BTreeMap;

/// The mask of one ReLU layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerMask {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// What each element becomes, row-major.
    pub values: Vec<Choice>,
    /// The layer's cap, which is the network's and in no file; +∞ for none.
    pub cap: f32,
    /// What the channels give a choice that has parameters, one channel after the other; neutral where absent.
    pub parameters: BTreeMap<Choice, Vec<f32>>,
}

impl LayerMask {
    /// Of these elements, without parameters.
    pub fn new(shape: [usize; 3], values: Vec<Choice>) -> LayerMask {
        LayerMask { shape, values, cap: NO_CAP, parameters: BTreeMap::new() }
    }
    /// The same of a layer with this cap.
    pub fn with_cap(self, cap: f32) -> LayerMask {
        LayerMask { cap, ..self }
    }
    /// Every element the same.
    pub fn uniform(shape: [usize; 3], value: Choice) -> LayerMask {
        LayerMask::new(shape, vec![value; shape.iter().product()])
    }
    /// Takes the layer's cap. A ReLU without a cap is a ReLU in a layer that has none.
    pub fn put_under(&mut self, cap: f32) {
        self.cap = cap;
        if cap == NO_CAP {
            self.values.iter_mut().filter(|v| **v == Choice::Uncapped).for_each(|v| *v = Choice::Relu);
        }
    }
    /// The same with slopes of its identity elements, one a channel.
    pub fn with_slopes(mut self, slopes: Vec<f32>) -> LayerMask {
        self.parameters.insert(Choice::Identity, slopes);
        self
    }
    /// The same with (a, b, c) of its quadratic elements, one after the other for each channel.
    pub fn with_quadratics(mut self, coefficients: Vec<f32>) -> LayerMask {
        self.parameters.insert(Choice::Quadratic, coefficients);
        self
    }
    /// Slopes of the identity elements, one a channel, where there are some.
    pub fn slopes(&self) -> Option<&[f32]> {
        self.parameters.get(&Choice::Identity).map(Vec::as_slice)
    }
    /// What no element's result is above: the cap, +∞ for those without it; `None` where all are.
    pub fn ceilings(&self) -> Option<Vec<f32>> {
        let limits = |v: &Choice| match v {
            Choice::Relu => self.cap,
            Choice::Identity | Choice::Zero | Choice::Quadratic | Choice::Uncapped => NO_CAP,
        };
        let all: Vec<f32> = self.values.iter().map(limits).collect();
        all.iter().any(|&c| c != NO_CAP).then_some(all)
    }
    /// The operand of a masked ReLU and its mask; `None` for another node, or where its mask or parameters are no constants.
    pub fn of_node(g: &Graph, id: NodeId) -> Option<(NodeId, LayerMask)> {
        let Op::MaskedRelu { cap, given } = g.op(id) else { return None };
        let mask = g.const_operand(id, 1)?;
        let channels = mask.shape().first().copied().unwrap_or(1);
        let shape = [channels, mask.len() / channels.max(1), 1];
        let mut m = LayerMask::new(shape, Choice::of_codes(mask.as_u8()?).ok()?).with_cap(*cap);
        for (slot, &choice) in (2..).zip(given) {
            m.parameters.insert(choice, g.const_operand(id, slot)?.as_f32()?.to_vec());
        }
        Some((g.operand(id, 0)?, m))
    }
    /// Elements of a channel.
    pub fn plane(&self) -> usize {
        (self.shape[1] * self.shape[2]).max(1)
    }
    /// Each element with its channel's parameters.
    pub fn elements(&self) -> impl Iterator<Item = (Choice, &[f32])> {
        let plane = self.plane();
        self.values.iter().enumerate().map(move |(i, &c)| (c, self.of_channel(c, i / plane)))
    }
    /// Each choice that some element of a channel has, with that channel's parameters.
    pub fn kinds(&self) -> impl Iterator<Item = (Choice, &[f32])> {
        let plane = if self.parameters.is_empty() { self.values.len() } else { self.plane() };
        let has = |values: &[Choice], choice: Choice| choice.count(values) > 0;
        self.values.chunks(plane.max(1)).enumerate().flat_map(move |(k, values)| {
            Choice::ALL.into_iter().filter(move |&c| has(values, c)).map(move |c| (c, self.of_channel(c, k)))
        })
    }
    /// What a channel gives a choice.
    pub fn of_channel(&self, choice: Choice, channel: usize) -> &[f32] {
        let neutral = choice.neutral();
        let given = self.parameters.get(&choice).map(|p| &p[channel * neutral.len()..][..neutral.len()]);
        given.unwrap_or(neutral)
    }
    /// Is there a choice for every element, and what each of them needs for every channel?
    pub fn fits(&self) -> bool {
        let whole = |(c, p): (&Choice, &Vec<f32>)| p.len() == self.shape[0] * c.neutral().len();
        self.values.len() == self.shape.iter().product::<usize>() && self.parameters.iter().all(whole)
    }
    /// The layer has no ReLUs: every element is the identity, with the parameters it has, or quadratic as before.
    pub fn without_relus(&self) -> LayerMask {
        let one = |v: &Choice| match v {
            Choice::Quadratic => Choice::Quadratic,
            Choice::Identity | Choice::Relu | Choice::Zero | Choice::Uncapped => Choice::Identity,
        };
        LayerMask { values: self.values.iter().map(one).collect(), ..self.clone() }
    }
    /// What the elements are once some ReLUs have become what `becomes` says of their place and of what they are. A ReLU stays
    /// where its channel has parameters for that choice: it would be another function.
    pub fn relieved(&self, becomes: impl Fn(usize, Choice) -> Option<Choice>) -> Vec<Choice> {
        let plane = self.plane();
        let plain = |c: Choice, i: usize| self.of_channel(c, i / plane) == c.neutral();
        let one = |(i, &v): (usize, &Choice)| match becomes(i, v) {
            Some(c) if v.compares() && plain(c, i) => c,
            _ => v,
        };
        self.values.iter().enumerate().map(one).collect()
    }
    /// Secure comparisons that its elements keep.
    pub fn kept(&self) -> usize {
        // Counted choice by choice, without a branch for each element.
        Choice::ALL.into_iter().map(|c| self.count(c) * c.comparisons(self.cap)).sum()
    }
    /// Secure comparisons of the layer without a mask.
    pub fn all(&self) -> usize {
        self.values.len() * comparisons_under(self.cap)
    }
    /// Elements of this choice.
    pub fn count(&self, choice: Choice) -> usize {
        choice.count(&self.values)
    }
    /// Is every element of this choice?
    pub fn only(&self, choice: Choice) -> bool {
        self.values.iter().all(|&v| v == choice)
    }
}

/// The masks of a model, by layer name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Masks {
    /// Layer name → mask.
    pub layers: BTreeMap<String, LayerMask>,
    /// sha256 of the model file they were made for.
    pub model_sha256: Option<String>,
    /// The budget they were made for, as the user wrote it.
    pub budget: Option<String>,
}

/// What is wrong with a mask file.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// The file cannot be read or written.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// A mask does not fit its layer in a graph.
    #[error("mask of '{node}': {why}")]
    Refused {
        /// The layer's node.
        node: String,
        /// Why.
        why: String,
    },
    /// Masks could not be put on a graph.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// Some layers do not fit the model; the first of many are listed.
    #[error("{file}: {}", some(.problems))]
    Layers {
        /// The file.
        file: String,
        /// One sentence a layer.
        problems: Vec<String>,
    },
}

/// The first problems, and how many there are besides. Names in a file may have any length.
fn some(problems: &[String]) -> String {
    const FIRST: usize = 8;
    const LONG: usize = 400;
    let short = |p: &String| match p.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &p[..end]),
        None => p.clone(),
    };
    let mut said: Vec<String> = problems.iter().take(FIRST).map(short).collect();
    if problems.len() > FIRST {
        said.push(format!("and {} more", problems.len() - FIRST));
    }
    said.join("; ")
}

impl Masks {
    /// Secure comparisons kept in all layers.
    pub fn kept(&self) -> usize {
        self.layers.values().map(LayerMask::kept).sum()
    }

    /// The same mask value everywhere.
    pub fn uniform(layers: &[ReluLayer], value: Choice) -> Masks {
        let of = |l: &ReluLayer| (l.name.clone(), LayerMask::uniform(l.shape, value).with_cap(l.cap));
        Masks { layers: layers.iter().map(of).collect(), ..Masks::default() }
    }

    /// Fits masks of a file to a model's layers, from which they take the caps: every mask must name a layer and have its shape.
    /// Layers without a mask keep all their ReLUs.
    pub fn fit(&mut self, file: &str, layers: &[ReluLayer]) -> Result<(), MaskError> {
        let mut problems = vec![];
        for (name, m) in &mut self.layers {
            let layer = layers.iter().find(|l| l.name == *name);
            m.put_under(layer.map_or(NO_CAP, |l| l.cap));
            match layer.map(|l| l.shape) {
                None => problems.push(format!(
                    "layer {name} does not exist in the model, whose ReLU layers are {}",
                    span(layers)
                )),
                Some(s) if s != m.shape => problems.push(format!(
                    "layer {name}: the mask is {}×{}×{}, the layer is {}×{}×{} (C×H×W)",
                    m.shape[0], m.shape[1], m.shape[2], s[0], s[1], s[2]
                )),
                Some(_) => {}
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(MaskError::Layers { file: file.into(), problems }) }
    }
}

/// The graph with every masked layer a `masked_relu`; layers without a mask keep all their ReLUs.
///
/// # Errors
/// A mask that does not fit its layer.
pub fn apply(g: &Graph, masks: &Masks) -> Result<Graph, MaskError> {
    let mut g = g.clone();
    let outcome = driver::run(&InsertMasks(masks.clone()), &mut g, &Options::default())?;
    match outcome.refused.into_iter().next() {
        Some(r) => Err(MaskError::Refused { node: r.node, why: r.why }),
        None => Ok(g),
    }
}

/// Is a masked ReLU of the graph scaled when its operand is, by a positive factor?
pub fn homogeneous(g: &Graph, id: NodeId) -> bool {
    LayerMask::of_node(g, id).is_some_and(|(_, m)| m.kinds().all(|(c, p)| c.homogeneous(m.cap, p)))
}

fn span(layers: &[ReluLayer]) -> String {
    match layers {
        [] => "none".into(),
        [only] => only.name.clone(),
        [a, .., b] => format!("{} … {}", a.name, b.name),
    }
}
