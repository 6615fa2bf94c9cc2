//! From an operation of the graph to the operations a protocol has laws for.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Weights;
use super::forms::{Forms, Share};
use super::law::{Law, Once, Quantities, Terms};
use super::price::Split;
use super::protocol::{Depthwise, Protocol, Truncates};
use super::totals::macs;
use relinc_passes::back::spu::{is_grouped, taps_of};
use relinc_passes::choice::{Choice, NO_CAP};
use relinc_passes::ir::op::{Kind, ReduceKind};
use relinc_passes::ir::{Binary, DType, Facts, Graph, NodeId, Op, Unary};

/// The kinds of operation that are none of functions of one operand; a protocol file may give laws for them. `program` is charged once for a program that pads or
/// sums a secret (twice with a softmax), `setup` once for a program with a comparison or a product, its elements being all
/// comparisons, `setup_product` once for a program with a convolution or a matrix product by weights that are not public,
/// `setup_multiply` the same for elementwise products; `gather` takes elements at public indices, and is `local` to a protocol without such a law; `max_pool_comparison` has outputs × (window − 1) elements and its rounds are those of one of
/// ⌈log₂ window⌉ levels.
const KINDS: &[&str] = &[
    "program",
    "setup",
    "setup_product",
    "setup_multiply",
    "local",
    "relu",
    "clip",
    "max",
    "max_pool_comparison",
    "compare",
    "select",
    "conv",
    "conv_taps",
    "linear",
    "matmul",
    "mul_const",
    "mul",
    "mul_weight",
    "add_weight",
    "mean",
    "div",
    "sqrt",
    "rsqrt",
    "pow",
    "softmax",
    "log_softmax",
    "arg_max",
    "gather",
    "gather_secret",
    "conv_secret",
    "unresolved",
];

/// All kinds: those above and what functions of one operand are priced as.
pub fn kinds() -> Vec<&'static str> {
    let functions = Unary::ALL.iter().flat_map(|u| u.function().priced);
    let mut all: Vec<&str> = vec![];
    KINDS.iter().chain(functions).for_each(|k| {
        if !all.contains(k) {
            all.push(k)
        }
    });
    all
}

/// What a value is to the parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Depends on a graph input.
    Activation,
    /// Made of floating-point constants of more than one element: follows the weight setting.
    Weight,
    /// Made of integers, masks and scalars: always public.
    Public,
}

/// The role of every node, by index.
#[allow(clippy::wildcard_enum_match_arm, reason = "what reads values is what they are")]
pub(super) fn roles(g: &Graph, order: &[NodeId]) -> Vec<Role> {
    let size = g.ids().map(|n| n.index() + 1).max().unwrap_or(0);
    let mut roles = vec![Role::Public; size];
    for &id in order {
        roles[id.index()] = match g.op(id) {
            Op::Input(_) => Role::Activation,
            Op::Const(t) if t.dtype() == DType::F32 && t.len() > 1 => Role::Weight,
            // Reads dimensions only.
            Op::Shape { .. } => Role::Public,
            _ => {
                let of: Vec<Role> = g.operands(id).iter().map(|o| roles[o.index()]).collect();
                [Role::Activation, Role::Weight].into_iter().find(|r| of.contains(r)).unwrap_or(Role::Public)
            }
        };
    }
    roles
}

/// One call of an operation a protocol may have a law for.
#[derive(Debug, Clone, PartialEq)]
pub struct Charge {
    /// One of [`kinds`].
    pub kind: &'static str,
    /// Its sizes.
    pub q: Quantities,
    /// Who knows the weights it reads.
    pub weights: Weights,
    /// How often its rounds are paid, one after the other.
    pub levels: f64,
    /// What of the law is paid.
    pub part: Part,
}

/// What a call pays of its law.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// The truncation alone: the product is another's.
    Truncation,
}

impl Charge {
    fn new(kind: &'static str, q: Quantities, weights: Weights) -> Charge {
        Charge { kind, q, weights, levels: 1.0, part: Part::Whole }
    }
    /// Bytes and rounds by a law of a protocol.
    pub(super) fn split(&self, p: &Protocol, law: &Law) -> Split {
        let paid = match (self.part, p.truncates) {
            (Part::Whole, _) => p.pays(law, &self.q),
            (Part::Truncation, Truncates::Safely) => law.truncating(&self.q),
            (Part::Truncation, Truncates::Alone) => Split::default(),
        };
        Split { rounds: paid.rounds * self.levels, ..paid }
    }
    /// Bytes that all parties send together, where the law knows them.
    pub(super) fn all(&self, law: &Law) -> Option<f64> {
        match self.part {
            Part::Whole => law.all.as_ref(),
            Part::Truncation => law.truncation.as_ref()?.all.as_ref(),
        }
        .map(|t| t.at(&self.q))
    }
    /// Bytes that a dealer answers with, where the law knows them.
    pub(super) fn dealt(&self, p: &Protocol, law: &Law) -> Option<f64> {
        let at = |t: &Terms| t.at(&self.q);
        let truncation = match &law.truncation {
            Some(t) => t.dealer.as_ref().map(at),
            None => Some(0.0),
        };
        match (self.part, p.truncates) {
            (Part::Truncation, Truncates::Safely) => truncation,
            (Part::Truncation, Truncates::Alone) => Some(0.0),
            (Part::Whole, Truncates::Safely) => law.dealer.as_ref().map(at),
            (Part::Whole, Truncates::Alone) => {
                law.dealer.as_ref().map(at).zip(truncation).map(|(all, t)| all - t)
            }
        }
    }
    /// What of that only the first query of a session pays: a set-up all of it.
    pub(super) fn once(&self, p: &Protocol, law: &Law) -> Split {
        if matches!(self.kind, "setup" | "setup_product" | "setup_multiply") {
            return self.split(p, law).less(self.bytes(&law.again));
        }
        if self.part == Part::Truncation {
            return Split::default();
        }
        self.bytes(&law.once)
    }

    fn bytes(&self, of: &Once) -> Split {
        Split { sent: of.sent.at(&self.q), recv: of.recv.at(&self.q), ..Split::default() }
    }
}

fn log2_ceil(n: usize) -> f64 {
    n.next_power_of_two().trailing_zeros() as f64
}

/// The calls a node is priced as, in order; empty for inputs and for values that need no secret computation.
/// Convolutions are direct. Facts must hold the node and its operands, otherwise the result is empty.
pub fn charges(g: &Graph, facts: &Facts, id: NodeId, p: &Protocol, w: Weights) -> Vec<Charge> {
    let Ok(order) = g.topo() else { return vec![] };
    Charging { g, facts, roles: &roles(g, &order), p, w, forms: &Forms::default() }.node(id)
}

/// Prices nodes of one graph.
pub(super) struct Charging<'a> {
    pub g: &'a Graph,
    pub facts: &'a Facts,
    pub roles: &'a [Role],
    pub p: &'a Protocol,
    pub w: Weights,
    pub forms: &'a Forms,
}

impl Charging<'_> {
    fn role(&self, id: NodeId, slot: usize) -> Option<Role> {
        self.g.operand(id, slot).map(|o| self.roles[o.index()])
    }
    fn elements(&self, id: NodeId, slot: usize) -> usize {
        self.g.operand(id, slot).and_then(|o| self.facts.get(o)).map_or(0, |f| f.ty.elements())
    }
    /// The setting for a constant operand: the user's for weights, public for scalars, masks and indices.
    fn setting(&self, role: Option<Role>) -> Weights {
        if role == Some(Role::Weight) { self.w } else { Weights::Public }
    }

    /// A product of an activation with weights; `None` when neither or both are activations.
    fn product(&self, id: NodeId, kind: &'static str, weight_slot: usize) -> Vec<Charge> {
        let out = self.facts.get(id).map_or(0, |f| f.ty.elements());
        let q = Quantities {
            inputs: self.elements(id, 1 - weight_slot) as f64,
            weights: self.elements(id, weight_slot) as f64,
            macs: macs(self.g, self.facts, id) as f64,
            ..Quantities::elementwise(out)
        };
        let columns = self.columns(id, weight_slot).max(1.0);
        let q = Quantities { rows: q.outputs / columns, inner: q.weights / columns, columns, ..q };
        let mut c = vec![Charge::new(kind, q, self.setting(self.role(id, weight_slot)))];
        c.extend(self.addend(id, 2, out));
        c
    }

    /// Output channels of a convolution, columns of a product of matrices.
    fn columns(&self, id: NodeId, weight_slot: usize) -> f64 {
        let Some(out) = self.facts.get(id).map(|f| f.ty.at(1)) else { return 1.0 };
        let axis = match (self.g.op(id), weight_slot) {
            (Op::Conv(_), _) => 1,
            (_, 0) => out.len().saturating_sub(2),
            _ => out.len().saturating_sub(1),
        };
        out.get(axis).copied().unwrap_or(1) as f64
    }

    /// Adding the operand in a slot to `n` secret elements.
    fn addend(&self, id: NodeId, slot: usize, n: usize) -> Option<Charge> {
        let role = self.role(id, slot)?;
        let kind = if role == Role::Weight { "add_weight" } else { "local" };
        Some(Charge::new(kind, Quantities::elementwise(n), self.setting(Some(role))))
    }

    fn conv(&self, id: NodeId, group: usize) -> Vec<Charge> {
        if self.role(id, 1) == Some(Role::Activation) {
            return vec![self.plain(id, "conv_secret")];
        }
        let dims = |slot| self.g.operand(id, slot).and_then(|o| self.facts.get(o)).map(|f| f.ty.at(1));
        let (Some(x), Some(w)) = (dims(0), dims(1)) else { return vec![] };
        let mut charges = self.product(id, "conv", 1);
        let Some(c) = charges.first_mut() else { return charges };
        match self.forms.share(id) {
            Some(Share::Nothing) => return charges.split_off(1),
            Some(Share::Truncation) => {
                (c.kind, c.part) = ("conv_taps", Part::Truncation);
                return charges;
            }
            Some(Share::All(s)) => {
                c.kind = "conv_taps";
                let as_numbers = [s.inputs, s.weights, s.products, s.outputs].map(|n| n as f64);
                [c.q.inputs, c.q.weights, c.q.products, c.q.outputs] = as_numbers;
                (c.q.elements, c.q.macs) = (c.q.outputs, s.macs as f64);
                return charges;
            }
            None => {}
        }
        if self.forms.taps.contains(&id)
            && let Some(t) = taps_of(self.g, self.facts, id)
        {
            c.kind = "conv_taps";
            (c.q.inputs, c.q.products) = (t.inputs() as f64, t.products() as f64);
            return charges;
        }
        // The windows of all groups together are those of one dense convolution.
        c.q.im2col = c.q.outputs / w[0] as f64 * (x[1] * w[2] * w[3]) as f64;
        c.q.inner = (x[1] * w[2] * w[3]) as f64;
        let padded = self.p.depthwise == Depthwise::Dense && group == x[1];
        if group > 1 && (padded || self.forms.is_dense(self.p, self.g, self.facts, id)) {
            c.q.weights *= group as f64;
            c.q.macs *= group as f64;
        } else if group > 1 && is_grouped(self.g, self.facts, id) && self.p.on_spu().is_some() {
            let whole = charges.remove(0);
            let part = Charge { q: whole.q.of_one_group(group as f64), ..whole };
            charges.splice(0..0, std::iter::repeat_n(part, group));
        }
        charges
    }

    fn matmul(&self, id: NodeId) -> Vec<Charge> {
        let rank = |slot| self.g.operand(id, slot).and_then(|o| self.facts.get(o)).map_or(0, |f| f.ty.rank());
        let act = |slot| self.role(id, slot) == Some(Role::Activation);
        match (act(0), act(1)) {
            (true, false) if rank(1) == 2 => self.product(id, "linear", 1),
            (false, true) if rank(0) == 2 => self.product(id, "linear", 0),
            _ => vec![self.plain(id, "matmul")],
        }
    }

    /// Largest of groups of `window` elements.
    fn maximum(&self, out: usize, window: usize) -> Vec<Charge> {
        if window < 2 {
            return vec![];
        }
        let q = Quantities::elementwise(out * (window - 1));
        vec![Charge { levels: log2_ceil(window), ..Charge::new("max_pool_comparison", q, self.w) }]
    }

    fn plain(&self, id: NodeId, kind: &'static str) -> Charge {
        let n = self.facts.get(id).map_or(0, |f| f.ty.elements());
        Charge::new(kind, Quantities::elementwise(n), self.w)
    }

    /// An elementwise product of the operands in two slots, with their sizes before broadcasting.
    fn elementwise_product(&self, id: NodeId, kind: &'static str, [x, w]: [usize; 2]) -> Charge {
        let mut c = Charge { weights: self.setting(self.role(id, w)), ..self.plain(id, kind) };
        c.q.inputs = self.elements(id, x) as f64;
        c.q.weights = self.elements(id, w) as f64;
        c
    }

    fn binary(&self, id: NodeId, b: Binary) -> Vec<Charge> {
        use Role::*;
        let (Some(l), Some(r)) = (self.role(id, 0), self.role(id, 1)) else { return vec![] };
        let (other, slots) = if l == Activation { (r, [0, 1]) } else { (l, [1, 0]) };
        let one = |kind| vec![Charge { weights: self.setting(Some(other)), ..self.plain(id, kind) }];
        match (b, l, r) {
            (Binary::Add | Binary::Sub, ..) if other == Weight => one("add_weight"),
            (Binary::Add | Binary::Sub, ..) => one("local"),
            (Binary::Mul, Activation, Activation) => {
                vec![Charge { weights: self.w, ..self.elementwise_product(id, "mul", slots) }]
            }
            (Binary::Mul, ..) if other == Weight => vec![self.elementwise_product(id, "mul_weight", slots)],
            (Binary::Mul, ..) => one("mul_const"),
            (Binary::Div, Activation, Public) => one("mul_const"),
            (Binary::Div, Activation, Weight) if self.w == Weights::Public => one("mul_const"),
            (Binary::Div, Public, _) => {
                let unit = self.g.const_operand(id, 0).and_then(|t| t.splat_value()) == Some(1.0);
                if unit { one("reciprocal") } else { [one("reciprocal"), one("mul_const")].concat() }
            }
            (Binary::Div, ..) => one("div"),
            (Binary::Max | Binary::Min, ..) => one("max"),
            (Binary::Pow, ..) => match self.g.const_operand(id, 1).and_then(|t| t.splat_value()) {
                Some(2.0) => one("mul"),
                Some(0.5) => one("sqrt"),
                Some(-0.5) => one("rsqrt"),
                Some(-1.0) => one("reciprocal"),
                _ => one("pow"),
            },
        }
    }

    fn softmax(&self, id: NodeId, axis: usize) -> Vec<Charge> {
        if self.p.ops.contains_key("softmax") {
            return vec![self.plain(id, "softmax")];
        }
        let Some(fact) = self.facts.get(id) else { return vec![] };
        let (n, width) = (fact.ty.elements(), fact.ty.at(1).get(axis).copied().unwrap_or(1).max(1));
        let mut c = self.maximum(n / width, width);
        c.extend([self.plain(id, "exp"), self.plain(id, "div")]);
        c
    }

    /// The calls one node is priced as, for all images of a query.
    pub(super) fn node(&self, id: NodeId) -> Vec<Charge> {
        let mut all = self.of_one_image(id);
        let images = self.forms.images() as f64;
        if images > 1.0 {
            all.iter_mut().for_each(|c| c.q = c.q.of_images(images, c.kind == "mul"));
        }
        all
    }

    fn of_one_image(&self, id: NodeId) -> Vec<Charge> {
        let Some(fact) = self.facts.get(id) else { return vec![] };
        // What does not depend on an input is computed before the protocol starts.
        if self.roles[id.index()] != Role::Activation || matches!(self.g.op(id), Op::Input(_)) {
            return vec![];
        }
        let n = fact.ty.elements();
        let one = |kind| vec![self.plain(id, kind)];
        match self.g.op(id) {
            Op::Input(_) | Op::Const(_) | Op::Shape { .. } => vec![],
            Op::Conv(c) => self.conv(id, c.group),
            Op::Linear if self.role(id, 1) == Some(Role::Activation) => one("matmul"),
            Op::Linear => self.product(id, "linear", 1),
            Op::Gemm { alpha, beta, .. } => {
                let mut c = self.matmul(id);
                c.extend((*alpha != 1.0).then(|| self.plain(id, "mul_const")));
                if *beta != 1.0 && self.role(id, 2) == Some(Role::Activation) {
                    c.push(self.plain(id, "mul_const"));
                }
                c
            }
            Op::MatMul => self.matmul(id),
            // With the statistics folded into the scale and the shift.
            Op::BatchNorm { .. } => {
                let weights = self.setting(self.role(id, 1));
                let shift = Charge { weights, ..self.plain(id, "add_weight") };
                vec![self.elementwise_product(id, "mul_weight", [0, 1]), shift]
            }
            Op::Relu => one("relu"),
            // A ReLU on every element, then a choice by the public mask.
            Op::CappedRelu { .. } => one("clip"),
            Op::MaskedRelu { cap, given } => {
                let mut c = one(if *cap == NO_CAP { "relu" } else { "clip" });
                for (slot, choice) in
                    (2..).zip(given).filter(|(slot, _)| self.role(id, *slot) == Some(Role::Weight))
                {
                    let weighted = || self.elementwise_product(id, "mul_weight", [0, slot]);
                    match choice {
                        Choice::Identity => c.push(weighted()),
                        Choice::Quadratic => {
                            let square = self.elementwise_product(id, "mul", [0, 0]);
                            c.extend([weighted(), Charge { weights: self.w, ..square }]);
                        }
                        Choice::Relu | Choice::Zero | Choice::Uncapped => {}
                    }
                }
                c
            }
            Op::LeakyRelu { .. } => vec![self.plain(id, "mul_const"), self.plain(id, "max")],
            Op::PRelu => {
                vec![self.elementwise_product(id, "mul_weight", [0, 1]), self.plain(id, "max")]
            }
            Op::Clip { min, max } => match (min.is_finite(), max.is_finite()) {
                (true, true) => one("clip"),
                (false, false) => one("local"),
                (true, false) if *min == 0.0 => one("relu"),
                _ => one("max"),
            },
            Op::Unary(u) => u.function().priced.iter().map(|kind| self.plain(id, kind)).collect(),
            Op::Binary(b) => self.binary(id, *b),
            Op::Compare(_) => one("compare"),
            Op::Where if self.role(id, 0) == Some(Role::Activation) => one("select"),
            Op::Where => one("local"),
            Op::MaxPool(w) => self.maximum(n, w.kernel[0] * w.kernel[1]),
            Op::AvgPool { .. } | Op::GlobalMean { .. } => one("mean"),
            Op::Reduce { kind: ReduceKind::Mean, .. } => one("mean"),
            Op::Reduce { kind: ReduceKind::Sum, .. } => one("local"),
            Op::Reduce { kind: ReduceKind::Max, .. } => self.maximum(n, self.elements(id, 0) / n.max(1)),
            Op::Gather { .. } if self.role(id, 1) == Some(Role::Activation) => one("gather_secret"),
            Op::Gather { .. } => one(self.p.gather()),
            Op::Pad { .. }
            | Op::Slice(_)
            | Op::Concat { .. }
            | Op::Reshape(_)
            | Op::Transpose(_)
            | Op::Expand(_)
            | Op::Identity
            | Op::Dropout
            | Op::Cast(_) => one("local"),
            Op::Softmax { axis } => self.softmax(id, *axis),
            Op::LogSoftmax { .. } => one("log_softmax"),
            Op::ArgMax { .. } => one("arg_max"),
            Op::Dyn(_) => one("unresolved"),
        }
    }

    /// How many shares of zero the program makes, for `program`: a padding or a sum makes one, a softmax one more.
    pub(super) fn zero_shares(&self, order: &[NodeId]) -> usize {
        let active = |id: &&NodeId| self.roles[id.index()] == Role::Activation;
        let ops = || order.iter().filter(active).map(|&id| self.g.op(id));
        let sums = ops().any(|op| match op.kind() {
            Kind::Pool => true,
            Kind::Product | Kind::Move | Kind::Row => {
                matches!(op, Op::Conv(c) if c.pads != [0; 4])
                    || matches!(op, Op::Pad { .. } | Op::Softmax { .. })
            }
            Kind::Source | Kind::Norm | Kind::Activation | Kind::Elementwise => false,
        });
        usize::from(sums) + usize::from(ops().any(|op| matches!(op, Op::Softmax { .. })))
    }
}
