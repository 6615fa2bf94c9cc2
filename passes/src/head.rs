//! The head of a classifier: what makes probabilities of its logits.
//!
//! Whoever compares scores wants the logits: a loss that takes probabilities for logits hardly moves, an attack stops where
//! a softmax saturates, and removals look cheap there. [`split`] takes the head off the end of a canonical graph and
//! [`Head::attach`] puts it back on what is written, so that everything between the two works on logits and nobody else
//! has to know of heads.
//!
//! A head ends in a softmax, log-softmax, sigmoid or hard sigmoid of the logits. What follows that and keeps the order of
//! the classes belongs to it: other dimensions, a logarithm, a positive factor, an addend, a clip. Without one of the four
//! only the dimensions are left, where scores are not `[N,classes]` but `[N,classes,1,1]`, or without a batch.

use crate::interp::Interp;
use crate::ir::infer::infer;
use crate::ir::{Binary, DType, Dim, Facts, Graph, NodeId, Op, Shared, Tensor, Type, Unary};
use crate::passes::canonicalise::hard_sigmoid_of;

/// The number of classes that a value has scores for, in a network whose inputs begin with `batch`: one axis of any size,
/// all others but the batch of size 1. `None` for other values.
pub fn classes(ty: &Type, batch: Dim) -> Option<usize> {
    let dims = of_one_image(ty, batch)?;
    let wide = dims.iter().filter(|&&d| d != 1).count();
    (ty.dtype == DType::F32 && !dims.is_empty() && wide <= 1).then(|| dims.iter().product())
}

/// What the inputs of a graph begin with.
pub fn batch(g: &Graph) -> Option<Dim> {
    let first = |&id: &NodeId| match g.op(id) {
        Op::Input(ty) => ty.dims.first().copied(),
        _ => None,
    };
    g.inputs().iter().filter_map(first).max_by_key(|d| *d == Dim::Batch)
}

/// Does a value begin with the batch?
fn has_batch(ty: &Type, batch: Dim) -> bool {
    ty.dims.first() == Some(&batch)
}

/// The dimensions for one image: of a batch of one also those of a value that has lost it.
fn of_one_image(ty: &Type, batch: Dim) -> Option<Vec<usize>> {
    let from = match has_batch(ty, batch) {
        true => 1,
        false if batch == Dim::Fixed(1) => 0,
        false => return None,
    };
    ty.dims[from..].iter().map(|d| d.fixed()).collect()
}

/// One operation of a head.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// The same elements under the dimensions of one image, after the batch or without it.
    Shape { dims: Vec<usize>, batch: bool },
    /// Over an axis of one image.
    Softmax { axis: usize },
    /// Over an axis of one image.
    LogSoftmax { axis: usize },
    /// Elementwise, with constants in later slots.
    Each { op: Op, constants: Vec<Shared> },
}

/// What an operation does to the order of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only dimensions change.
    Shape,
    /// Another number for each class, in the same order.
    Ordered,
    /// As that, but different numbers may become equal.
    Level,
}

/// An operation between logits and output.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub node: NodeId,
    pub kind: Kind,
    /// Makes probabilities, or their logarithms, of logits.
    normalises: bool,
    step: Step,
}

fn link(g: &Graph, facts: &Facts, node: NodeId, batch: Dim) -> Option<Link> {
    let x = g.operand(node, 0).filter(|&x| g.const_of(x).is_none())?;
    let (from, to) = (facts.ty(x), facts.ty(node));
    let n = classes(from, batch)?;
    if classes(to, batch) != Some(n) {
        return None;
    }
    // Of one class nothing is left by a softmax.
    let over = |axis: usize| {
        (n > 1 && from.dims.get(axis) == Some(&Dim::Fixed(n)))
            .then(|| axis - usize::from(has_batch(from, batch)))
    };
    let each = |kind, normalises, constants| {
        let step = Step::Each { op: g.op(node).clone(), constants };
        Some(Link { node, kind, normalises, step })
    };
    let number = || {
        let t = g.const_operand(node, 1).filter(|t| t.len() == 1 && from == to)?;
        Some((t.clone(), *t.as_f32()?.first()?))
    };
    match g.op(node) {
        Op::Reshape(_) => {
            let step = Step::Shape { dims: of_one_image(to, batch)?, batch: has_batch(to, batch) };
            Some(Link { node, kind: Kind::Shape, normalises: false, step })
        }
        Op::Softmax { axis } => {
            let step = Step::Softmax { axis: over(*axis)? };
            Some(Link { node, kind: Kind::Ordered, normalises: true, step })
        }
        Op::LogSoftmax { axis } => {
            let step = Step::LogSoftmax { axis: over(*axis)? };
            Some(Link { node, kind: Kind::Ordered, normalises: true, step })
        }
        Op::Unary(Unary::Sigmoid) => each(Kind::Ordered, true, vec![]),
        Op::Unary(Unary::HardSigmoid) => each(Kind::Level, true, vec![]),
        Op::Unary(Unary::Exp | Unary::Log) => each(Kind::Ordered, false, vec![]),
        // A hard sigmoid, whose factor and addend may have gone into the layer before.
        Op::Clip { min, max } => each(Kind::Level, [*min, *max] == [0.0, 1.0], vec![]),
        Op::Binary(Binary::Mul | Binary::Div) => {
            let (c, _) = number().filter(|(_, v)| *v > 0.0)?;
            let below = |id| g.users(id).first().map(|(user, _)| *user);
            let gate = below(node).and_then(below).is_some_and(|gate| hard_sigmoid_of(g, gate) == Some(x));
            each(Kind::Ordered, gate, vec![c])
        }
        Op::Binary(Binary::Add | Binary::Sub) => each(Kind::Ordered, false, vec![number()?.0]),
        _ => None,
    }
}

/// The operations between the logits and an output that shows class scores, the output's own first.
pub(crate) fn chain(g: &Graph, facts: &Facts, output: NodeId) -> Vec<Link> {
    let Some(batch) = batch(g) else { return vec![] };
    let (mut links, mut at): (Vec<Link>, _) = (vec![], output);
    let alone = |at: NodeId| match at == output {
        true => g.users(at).is_empty(),
        false => g.use_count(at) == 1,
    };
    while let Some(l) = link(g, facts, at, batch).filter(|_| alone(at)) {
        at = g.operand(at, 0).unwrap_or(at);
        links.push(l);
    }
    let source = |l: &Link| g.operand(l.node, 0).unwrap_or(l.node);
    let plain = |id: NodeId| facts.ty(id).rank() == 2 && has_batch(facts.ty(id), batch);
    let head = links.iter().rposition(|l| l.normalises).map_or(0, |last| last + 1);
    // Dimensions before it, where the logits are not `[N,classes]` yet and become it.
    let shapes = match head.checked_sub(1).map_or(output, |last| source(&links[last])) {
        logits if plain(logits) => 0,
        _ => {
            let shapes = links[head..].iter().take_while(|l| l.kind == Kind::Shape);
            shapes.map(source).position(plain).map_or(0, |i| i + 1)
        }
    };
    links.truncate(head + shapes);
    links
}

/// What was taken off the end of a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    /// From the logits to the output, with the nodes' names.
    steps: Vec<(String, Step)>,
    /// A softmax at the end that is over something else than the classes, and stays.
    left: Option<String>,
}

/// Takes the head off a canonical graph of one output: the output then shows the logits, `[N,classes]`, under its name. A
/// graph whose output is no class scores is left as it is.
pub fn split(g: &mut Graph, facts: &Facts) -> Head {
    let mut head = Head::default();
    let (Some(batch), [output]) = (batch(g), g.outputs()) else { return head };
    let output = output.node;
    let Some(classes) = classes(facts.ty(output), batch) else { return head };
    let links = chain(g, facts, output);
    let name = |l: &Link| g.node(l.node).name.clone();
    head.steps = links.iter().rev().map(|l| (name(l), l.step.clone())).collect();
    head.left = left(g, facts, output).filter(|_| links.iter().all(|l| l.kind == Kind::Shape));
    let mut logits = links.last().and_then(|l| g.operand(l.node, 0)).unwrap_or(output);
    let ty = facts.ty(logits);
    if ty.rank() != 2 || !has_batch(ty, batch) {
        let back = of_one_image(ty, batch).map(|dims| Step::Shape { dims, batch: has_batch(ty, batch) });
        head.steps.splice(0..0, back.map(|s| (g.node(logits).name.clone(), s)));
        logits = g.add("logits", Op::Reshape(vec![batch, Dim::Fixed(classes)]), &[logits]);
    }
    g.set_output(0, logits);
    g.remove_unread(output);
    head
}

/// Says of a softmax at the very end that it is not over the classes.
fn left(g: &Graph, facts: &Facts, output: NodeId) -> Option<String> {
    let mut at = output;
    while matches!(g.op(at), Op::Reshape(_)) {
        at = g.operand(at, 0)?;
    }
    let (Op::Softmax { axis } | Op::LogSoftmax { axis }) = g.op(at) else { return None };
    let (name, ty) = (&g.node(at).name, facts.ty(at));
    Some(format!(
        "{} '{name}' is over axis {axis} of {ty}, not over the classes; it counts as part of the network",
        g.op(at).mnemonic()
    ))
}

impl Head {
    /// Is the output the logits as they are?
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// A sentence for the user, where there is something to say.
    pub fn said(&self) -> Option<String> {
        let named = self.steps.iter().filter_map(|(_, s)| match s {
            Step::Softmax { .. } => Some("softmax"),
            Step::LogSoftmax { .. } => Some("log-softmax"),
            Step::Each { op: Op::Unary(Unary::Sigmoid), .. } => Some("sigmoid"),
            Step::Each { op: Op::Unary(Unary::HardSigmoid), .. } => Some("hard sigmoid"),
            Step::Each { .. } | Step::Shape { .. } => None,
        });
        let mut named: Vec<&str> = named.collect();
        let clip =
            |(_, s): &(String, Step)| matches!(s, Step::Each { op: Op::Clip { min: 0.0, max: 1.0 }, .. });
        if named.is_empty() && self.steps.iter().any(clip) {
            named.push("hard sigmoid");
        }
        if named.is_empty() {
            return self.left.clone();
        }
        Some(format!(
            "The network ends with a {}: accuracies, losses, attacks and mask searches take the logits before it, and it is back in \
             what is written.",
            named.join(" and a ")
        ))
    }

    /// Puts the head on a graph whose output is logits `[N,classes]`. Where that has a free batch and the head was made for
    /// one image without it, the output keeps its batch.
    ///
    /// # Errors
    /// A graph that does not type, or that is not the network the head was taken from.
    pub fn attach(&self, g: &mut Graph) -> Result<(), String> {
        if self.is_empty() {
            return Ok(());
        }
        let facts = infer(g).map_err(|e| e.first().map(ToString::to_string).unwrap_or_default())?;
        let [output] = g.outputs() else { return Err("the network has not one output".into()) };
        let logits = output.node;
        let ty = facts.ty(logits);
        let batch = *ty.dims.first().ok_or("the logits have no dimension")?;
        let free = batch == Dim::Batch;
        let mut at = logits;
        let mut steps = &self.steps[..];
        // What split put before the logits is not needed under them.
        if let (Op::Reshape(_), Some((_, Step::Shape { dims, batch: b })), Some(x)) =
            (g.op(at), steps.first(), g.operand(at, 0))
            && facts.ty(x).dims == shaped(dims, free || *b, batch)
        {
            (at, steps) = (x, &steps[1..]);
        }
        let mut dims = facts.ty(at).dims.clone();
        let mut has_batch = dims.first() == Some(&batch) && dims.len() > 1;
        for (name, step) in steps {
            let shift = usize::from(has_batch);
            let op = match step {
                Step::Shape { dims: to, batch: b } => {
                    has_batch = free || *b;
                    let to = shaped(to, has_batch, batch);
                    if std::mem::replace(&mut dims, to.clone()) == to {
                        continue;
                    }
                    Op::Reshape(to)
                }
                Step::Softmax { axis } => Op::Softmax { axis: axis + shift },
                Step::LogSoftmax { axis } => Op::LogSoftmax { axis: axis + shift },
                Step::Each { op, .. } => op.clone(),
            };
            let mut operands = vec![at];
            if let Step::Each { constants, .. } = step {
                let add = |c: &Shared| g.add(format!("{name}.k"), Op::Const(c.clone()), &[]);
                operands.extend(constants.iter().map(add));
            }
            at = g.add(name.clone(), op, &operands);
        }
        g.set_output(0, at);
        g.remove_unread(logits);
        infer(g).map(drop).map_err(|e| e.first().map(ToString::to_string).unwrap_or_default())
    }

    /// What the network puts out for these logits `[n,classes]`.
    ///
    /// # Errors
    /// Logits of another network.
    pub fn apply(&self, logits: &Tensor) -> Result<Tensor, String> {
        if self.is_empty() {
            return Ok(logits.clone());
        }
        let dims = logits.shape().iter().skip(1).map(|&d| Dim::Fixed(d));
        let ty = Type::f32([Dim::Batch].into_iter().chain(dims).collect::<Vec<_>>());
        let mut g = Graph::new("head");
        let x = g.add("logits", Op::Input(ty), &[]);
        g.add_output("output", x);
        self.attach(&mut g)?;
        let out = Interp::new(&g).and_then(|i| i.run(vec![logits.clone()])).map_err(|e| e.to_string())?;
        out.into_iter().next().ok_or_else(|| "the head has no output".into())
    }
}

fn shaped(dims: &[usize], has_batch: bool, batch: Dim) -> Vec<Dim> {
    has_batch.then_some(batch).into_iter().chain(dims.iter().map(|&d| Dim::Fixed(d))).collect()
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
