//! A graph on ring elements, one image at a time.

use super::FixedError;
use super::analyse::Settings;
use super::format::decode;
use super::lane::Word;
use super::ops::{compute, unsupported};
use super::rules::Rules;
use super::stand_in::stand_in;
use super::watch::Products;
use relinc_passes::driver::valid::Valid;
use relinc_passes::ir::schedule::last_uses;
use relinc_passes::ir::{NodeId, Op, Shared};
use relinc_passes::splitmix::SplitMix;
use std::collections::HashMap;
use std::sync::Arc;

/// A value during emulation; shapes have 1 for the batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<W> {
    /// Secret or public numbers.
    Ring(Vec<usize>, Vec<W>),
    /// Outcomes of comparisons.
    Bool(Vec<usize>, Vec<bool>),
    /// Public integers: indices.
    Public(Shared),
}

impl<W: Word> Value<W> {
    /// Shape and numbers.
    pub fn ring(&self) -> Result<(&[usize], &[W]), String> {
        match self {
            Value::Ring(s, v) => Ok((s, v)),
            _ => Err("an operand holds no numbers".into()),
        }
    }
    /// The real numbers, where there are any.
    pub fn decoded(&self, fraction: u32) -> Option<Vec<f64>> {
        let (_, v) = self.ring().ok()?;
        Some(v.iter().map(|&x| decode(x, fraction)).collect())
    }
    /// Shape and truth values.
    pub(super) fn bools(&self) -> Result<(&[usize], &[bool]), String> {
        match self {
            Value::Bool(s, v) => Ok((s, v)),
            _ => Err("its condition is no comparison".into()),
        }
    }
    /// Shape and positions of public indices on an axis of `dim` elements.
    pub(super) fn indices(&self, dim: usize) -> Result<(&[usize], Vec<usize>), String> {
        let Value::Public(t) = self else { return Err("its indices are computed from data".into()) };
        Ok((t.shape(), t.positions(dim)?))
    }
}

/// What becomes of operations without a fixed-point form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// The graph is refused.
    Refuse,
    /// They are computed on real numbers and encoded, without the error that a runtime's approximation adds.
    StandIn,
}

/// Hears every value: the node, its value, and its results before truncation where it multiplies or adds.
pub type Watch<'a, W> = dyn FnMut(NodeId, &Value<W>, Option<&Products>) + 'a;

/// A graph ready to run on ring elements: the constants are encoded once.
#[derive(Debug)]
pub struct Emulator<'g, W> {
    valid: &'g Valid<'g>,
    rules: Rules,
    seed: u64,
    stand_ins: Vec<String>,
    input: NodeId,
    output: NodeId,
    constants: HashMap<NodeId, Arc<Value<W>>>,
    /// For each step, the nodes whose values are not read after it.
    dying: Vec<Vec<NodeId>>,
}

impl<'g, W: Word> Emulator<'g, W> {
    /// Prepares a graph with one input and one output, both f32; `W` has as many bits as the format's ring. Operations
    /// without a fixed-point form are named at once, or computed on real numbers and encoded.
    pub fn new(valid: &'g Valid<'g>, s: &Settings) -> Result<Self, FixedError> {
        let Settings { format, truncation, seed, unknown, .. } = *s;
        let g = valid.graph();
        let refuse = |why: &str| Err(FixedError::Graph(why.into()));
        if W::BITS != format.ring {
            return refuse("the ring has another size than its elements");
        }
        truncation.check(format).map_err(FixedError::Graph)?;
        let [input] = *g.inputs() else { return refuse("the model must have exactly one input") };
        let [ref output] = *g.outputs() else { return refuse("the model must have exactly one output") };
        let without: Vec<_> =
            valid.order().iter().filter_map(|&id| Some((id, unsupported(truncation, g.op(id))?))).collect();
        let named = |id: NodeId| format!("{} '{}'", g.op(id).mnemonic(), g.node(id).name);
        let stand_ins: Vec<String> = without.iter().map(|&(id, _)| named(id)).collect();
        if unknown == Unknown::Refuse && !without.is_empty() {
            let why = without.iter().map(|&(id, why)| format!("{}: {why}", named(id)));
            return Err(FixedError::Unsupported(why.collect()));
        }
        let rules = Rules { format, truncation };
        let constants = valid.order().iter().filter_map(|&id| {
            let t = g.const_of(id)?;
            let value = match t.as_f32() {
                Some(v) => Value::Ring(t.shape().to_vec(), v.iter().map(|&x| rules.number(x)).collect()),
                None => match t.as_bool() {
                    Some(v) => Value::Bool(t.shape().to_vec(), v.to_vec()),
                    None => Value::Public(t.clone()),
                },
            };
            Some((id, Arc::new(value)))
        });
        let constants = constants.collect();
        let order = valid.order();
        let place: HashMap<NodeId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i)).collect();
        let reads: Vec<Vec<usize>> =
            order.iter().map(|&id| g.operands(id).iter().map(|o| place[o]).collect()).collect();
        let dying = last_uses(&reads, order.len(), &[place[&output.node]]);
        let dying = dying.into_iter().map(|d| d.into_iter().map(|i| order[i]).collect()).collect();
        Ok(Emulator { valid, rules, seed, stand_ins, input, output: output.node, constants, dying })
    }

    /// Runs one image, given as the model's input without the batch; `index` is its number, which with the seed decides
    /// every random truncation. Returns the output.
    pub fn run(&self, image: &[f32], index: usize, watch: &mut Watch<'_, W>) -> Result<Value<W>, FixedError> {
        let g = self.valid.graph();
        let shape = self.valid.facts().ty(self.input).at(1);
        if shape.iter().product::<usize>() != image.len() || shape.first() != Some(&1) {
            return Err(FixedError::Graph(format!(
                "the input is {shape:?} for one image, which has {} numbers; the batch must be free or 1",
                image.len()
            )));
        }
        let mut values: HashMap<NodeId, Arc<Value<W>>> = self.constants.clone();
        for (step, &id) in self.valid.order().iter().enumerate() {
            let op = g.op(id);
            let value = match op {
                Op::Const(_) => continue,
                Op::Input(_) => {
                    let value =
                        Value::Ring(shape.clone(), image.iter().map(|&x| self.rules.number(x)).collect());
                    watch(id, &value, None);
                    value
                }
                op => {
                    let operands = g.operands(id);
                    let args: Option<Vec<_>> = operands.iter().map(|o| values.get(o).cloned()).collect();
                    let name = |why: String| {
                        FixedError::Graph(format!("{} '{}': {why}", op.mnemonic(), g.node(id).name))
                    };
                    let args = args.ok_or_else(|| name("an operand was not computed".into()))?;
                    let args: Vec<&Value<W>> = args.iter().map(|a| &**a).collect();
                    let out = self.valid.facts().ty(id).at(1);
                    let mut dice = SplitMix::new(mix(self.seed, index as u64, step as u64));
                    let done = match unsupported(self.rules.truncation, op) {
                        Some(_) => stand_in(self.rules, op, &args),
                        None => compute(self.rules, op, &args, &out, &mut dice),
                    };
                    let (value, seen) = done.map_err(name)?;
                    watch(id, &value, seen.as_ref());
                    self.dying[step].iter().for_each(|v| drop(values.remove(v)));
                    value
                }
            };
            values.insert(id, Arc::new(value));
        }
        let out = values.get(&self.output).ok_or_else(|| FixedError::Graph("there is no output".into()))?;
        Ok(Value::clone(out))
    }

    /// The operations that are computed on real numbers: what they are and their names.
    pub fn stand_ins(&self) -> &[String] {
        &self.stand_ins
    }
}

/// One seed from three numbers.
fn mix(seed: u64, image: u64, step: u64) -> u64 {
    let first = SplitMix::new(seed).next_u64();
    let second = SplitMix::new(first ^ image).next_u64();
    SplitMix::new(second ^ step.rotate_left(32)).next_u64()
}
