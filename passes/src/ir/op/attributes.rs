//! The attributes of operations, once for both directions: text is written and read by one walk over them.

use super::{Attr, Attrs, Binary, Compare, Conv, DynOp, Op, ReduceKind, SliceAxis, Unary, Window};
use crate::choice::{Choice, NO_CAP};
use crate::ir::shape::Dim;
use crate::ir::tensor::DType;

/// What an attribute can be.
trait Value: Sized {
    fn written(&self) -> Attr;
    fn read(a: &Attr) -> Option<Self>;
    /// What it must be, in words.
    fn want() -> String;
}

macro_rules! value {
    ($t:ty, $want:expr, |$v:ident| $written:expr, $($attr:pat => $read:expr),+) => {
        impl Value for $t {
            fn written(&self) -> Attr {
                let $v = self;
                $written
            }
            #[allow(unreachable_patterns, reason = "some take over whatever another reads")]
            fn read(a: &Attr) -> Option<$t> {
                match a {
                    $($attr => $read,)+
                    _ => None,
                }
            }
            fn want() -> String {
                $want.into()
            }
        }
    };
}

fn whole(v: &[usize]) -> Attr {
    Attr::Ints(v.iter().map(|&x| x.try_into().unwrap_or(i64::MAX)).collect())
}

value!(i64, "an integer", |v| Attr::Int(*v), Attr::Int(v) => Some(*v));
value!(usize, "a non-negative integer", |v| Attr::Int(*v as i64), Attr::Int(v) => usize::try_from(*v).ok());
value!(f32, "a number", |v| Attr::Float(*v), Attr::Float(v) => Some(*v), Attr::Int(v) => Some(*v as f32));
value!(bool, "true or false", |v| Attr::Bool(*v), Attr::Bool(v) => Some(*v));
value!(Vec<i64>, "a list of integers", |v| Attr::Ints(v.clone()), Attr::Ints(v) => Some(v.clone()),
    Attr::Dims(v) => v.iter().map(|d| Some(d.fixed()? as i64)).collect());
value!(Vec<usize>, "a list of non-negative integers", |v| whole(v),
    a => Vec::<i64>::read(a)?.into_iter().map(|x| usize::try_from(x).ok()).collect());
value!([usize; 2], "2 non-negative integers", |v| whole(v), a => Vec::read(a)?.try_into().ok());
value!([usize; 4], "4 non-negative integers", |v| whole(v), a => Vec::read(a)?.try_into().ok());
value!(Vec<Dim>, "a list of dimensions", |v| Attr::Dims(v.clone()), Attr::Dims(v) => Some(v.clone()),
    a => Some(Vec::<usize>::read(a)?.into_iter().map(Dim::Fixed).collect()));
value!(ReduceKind, "a known word", |v| Attr::Word(v.name().into()), Attr::Word(w) => ReduceKind::parse(w));
value!(DType, "a known word", |v| Attr::Word(v.name().into()), Attr::Word(w) => DType::parse(w));

/// What walks over attributes.
enum Walk<'a> {
    /// Collects them.
    Write(Attrs),
    /// Sets them; the names that were asked for, and what is wrong first.
    Read { attrs: &'a [(String, Attr)], seen: Vec<&'static str>, wrong: Option<String> },
}

impl Walk<'_> {
    /// One that text may leave out: it then stays as it is.
    fn maybe<T: Value>(&mut self, name: &'static str, value: &mut T) {
        self.attribute(name, value, false);
    }
    /// One that text must give.
    fn must<T: Value>(&mut self, name: &'static str, value: &mut T) {
        self.attribute(name, value, true);
    }
    /// One that text leaves out where it is this.
    fn unless<T: Value + PartialEq>(&mut self, usual: T, name: &'static str, value: &mut T) {
        if matches!(self, Walk::Read { .. }) || *value != usual {
            self.maybe(name, value);
        }
    }
    fn attribute<T: Value>(&mut self, name: &'static str, value: &mut T, needed: bool) {
        match self {
            Walk::Write(to) => to.push((name, value.written())),
            Walk::Read { attrs, seen, .. } => {
                seen.push(name);
                match attrs.iter().find(|(k, _)| k == name).map(|(_, a)| T::read(a)) {
                    Some(Some(v)) => *value = v,
                    None if !needed => {}
                    _ => self.refuse(name, &T::want()),
                }
            }
        }
    }
    fn refuse(&mut self, name: &str, want: &str) {
        if let Walk::Read { wrong, .. } = self {
            wrong.get_or_insert_with(|| format!("attribute {name} must be {want}"));
        }
    }
    fn window(&mut self, w: &mut Window) {
        self.must("kernel", &mut w.kernel);
        self.maybe("strides", &mut w.strides);
        self.maybe("pads", &mut w.pads);
        self.maybe("ceil", &mut w.ceil);
    }
    fn slices(&mut self, s: &mut Vec<SliceAxis>) {
        let of = |f: fn(&SliceAxis) -> i64| s.iter().map(f).collect::<Vec<i64>>();
        let mut axes: Vec<usize> = s.iter().map(|a| a.axis).collect();
        let (mut starts, mut ends, mut steps) = (of(|a| a.start), of(|a| a.end), of(|a| a.step));
        self.must("axes", &mut axes);
        self.must("starts", &mut starts);
        self.must("ends", &mut ends);
        if let Walk::Read { .. } = self {
            steps = vec![1; axes.len()];
        }
        self.maybe("steps", &mut steps);
        for (name, v) in [("starts", &starts), ("ends", &ends), ("steps", &steps)] {
            if v.len() != axes.len() {
                return self.refuse(name, "as long as axes");
            }
        }
        if steps.contains(&0) {
            return self.refuse("steps", "non-zero");
        }
        *s = (0..axes.len())
            .map(|i| SliceAxis { axis: axes[i], start: starts[i], end: ends[i], step: steps[i] })
            .collect();
    }
}

impl Op {
    /// Walks over the attributes in the order they are printed.
    fn walk(&mut self, w: &mut Walk<'_>) {
        match self {
            Op::Conv(c) => {
                w.maybe("strides", &mut c.strides);
                w.maybe("pads", &mut c.pads);
                w.maybe("dilations", &mut c.dilations);
                w.maybe("group", &mut c.group);
            }
            Op::Gemm { alpha, beta, trans_a, trans_b } => {
                w.maybe("alpha", alpha);
                w.maybe("beta", beta);
                w.maybe("trans_a", trans_a);
                w.maybe("trans_b", trans_b);
            }
            Op::BatchNorm { eps } => w.maybe("eps", eps),
            Op::LeakyRelu { slope } => w.maybe("slope", slope),
            Op::Clip { min, max } => {
                w.maybe("min", min);
                w.maybe("max", max);
            }
            Op::CappedRelu { cap } => w.must("cap", cap),
            Op::MaskedRelu { cap, .. } => w.unless(NO_CAP, "cap", cap),
            Op::MaxPool(window) => w.window(window),
            Op::AvgPool { window, count_pad } => {
                w.window(window);
                w.maybe("count_pad", count_pad);
            }
            Op::GlobalMean { keep } => w.maybe("keep", keep),
            Op::Reduce { kind, axes, keep } => {
                w.must("kind", kind);
                w.must("axes", axes);
                w.maybe("keep", keep);
            }
            Op::Pad { before, after, value } => {
                w.must("before", before);
                w.must("after", after);
                w.maybe("value", value);
            }
            Op::Slice(s) => w.slices(s),
            Op::Concat { axis } | Op::Gather { axis } => w.must("axis", axis),
            Op::Softmax { axis } | Op::LogSoftmax { axis } => w.must("axis", axis),
            Op::Reshape(dims) | Op::Expand(dims) => w.must("dims", dims),
            Op::Transpose(perm) => w.must("perm", perm),
            Op::ArgMax { axis, keep } => {
                w.must("axis", axis);
                w.maybe("keep", keep);
            }
            Op::Cast(to) => w.must("to", to),
            Op::Shape { start, end } => {
                w.maybe("start", start);
                w.must("end", end);
            }
            Op::Dyn(DynOp::Reshape { allow_zero }) => w.maybe("allow_zero", allow_zero),
            Op::Dyn(DynOp::Reduce { kind, keep }) => {
                w.must("kind", kind);
                w.maybe("keep", keep);
            }
            Op::Dyn(DynOp::FillInt { value }) => w.maybe("value", value),
            Op::Dyn(DynOp::FillFloat { value }) => w.maybe("value", value),
            Op::Dyn(DynOp::Pad | DynOp::Slice | DynOp::Clip | DynOp::Expand) => {}
            Op::Dyn(DynOp::Squeeze | DynOp::Unsqueeze) => {}
            Op::Input(_) | Op::Const(_) | Op::Linear | Op::MatMul | Op::Relu | Op::PRelu => {}
            Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Where | Op::Identity | Op::Dropout => {}
        }
    }

    /// The attributes, in the order they are printed.
    pub fn attrs(&self) -> Attrs {
        let mut w = Walk::Write(vec![]);
        self.clone().walk(&mut w);
        if let Walk::Write(attrs) = w { attrs } else { vec![] }
    }
}

/// Operations of this name, with what text may leave out.
fn plain(name: &str) -> Option<Op> {
    let window = Window { kernel: [0; 2], strides: [1; 2], pads: [0; 4], ceil: false };
    let (axis, kind) = (0, ReduceKind::Sum);
    let all = [
        Op::Conv(Conv { strides: [1; 2], pads: [0; 4], dilations: [1; 2], group: 1 }),
        Op::Linear,
        Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false },
        Op::MatMul,
        Op::BatchNorm { eps: 1e-5 },
        Op::Relu,
        Op::CappedRelu { cap: NO_CAP },
        Op::LeakyRelu { slope: 0.01 },
        Op::PRelu,
        Op::Clip { min: f32::NEG_INFINITY, max: f32::INFINITY },
        Op::Where,
        Op::MaxPool(window.clone()),
        Op::AvgPool { window, count_pad: false },
        Op::GlobalMean { keep: true },
        Op::Reduce { kind, axes: vec![], keep: true },
        Op::Pad { before: vec![], after: vec![], value: 0.0 },
        Op::Slice(vec![]),
        Op::Concat { axis },
        Op::Gather { axis },
        Op::Reshape(vec![]),
        Op::Transpose(vec![]),
        Op::Expand(vec![]),
        Op::Softmax { axis },
        Op::LogSoftmax { axis },
        Op::ArgMax { axis, keep: false },
        Op::Identity,
        Op::Dropout,
        Op::Cast(DType::F32),
        Op::Shape { start: 0, end: 0 },
        Op::Dyn(DynOp::Reshape { allow_zero: false }),
        Op::Dyn(DynOp::Pad),
        Op::Dyn(DynOp::Slice),
        Op::Dyn(DynOp::Clip),
        Op::Dyn(DynOp::Reduce { kind, keep: true }),
        Op::Dyn(DynOp::Squeeze),
        Op::Dyn(DynOp::Unsqueeze),
        Op::Dyn(DynOp::Expand),
        Op::Dyn(DynOp::FillInt { value: 0 }),
        Op::Dyn(DynOp::FillFloat { value: 0.0 }),
    ];
    let elementwise = Unary::parse(name).map(Op::Unary).or_else(|| Binary::parse(name).map(Op::Binary));
    let elementwise = elementwise.or_else(|| Compare::parse(name).map(Op::Compare));
    elementwise.or_else(|| all.into_iter().find(|op| op.mnemonic() == name))
}

/// The choice whose parameters have this name.
fn with_parameters(name: &str) -> Result<Choice, String> {
    let found = Choice::ALL.into_iter().find(|c| c.parameters().is_some_and(|p| p.name == name));
    found.ok_or_else(|| format!("masked_relu: no operand is called {name}"))
}

/// See [`Op::from_parts`].
pub(super) fn operation(name: &str, operands: &[String], attrs: &[(String, Attr)]) -> Result<Op, String> {
    let mut op = match (name, operands) {
        ("masked_relu", names) => {
            let given = names.iter().map(|n| with_parameters(n)).collect::<Result<_, _>>()?;
            Op::MaskedRelu { cap: NO_CAP, given }
        }
        (_, []) => plain(name).ok_or_else(|| format!("unknown operation {name}"))?,
        (_, [operand, ..]) => return Err(format!("{name}: no operand is called {operand}")),
    };
    let mut w = Walk::Read { attrs, seen: vec![], wrong: None };
    op.walk(&mut w);
    let Walk::Read { seen, wrong, .. } = w else { return Ok(op) };
    let unknown = || attrs.iter().find(|(k, _)| !seen.iter().any(|s| s == k));
    match wrong.or_else(|| unknown().map(|(k, _)| format!("unknown attribute {k}"))) {
        Some(why) => Err(format!("{name}: {why}")),
        None => Ok(op),
    }
}
