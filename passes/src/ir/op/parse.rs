//! From names and attributes to operations.

use super::{Attr, Binary, Compare, Conv, DynOp, Op, ReduceKind, SliceAxis, Unary, Window};
use crate::choice::Choice;
use crate::ir::shape::Dim;
use crate::ir::tensor::DType;

/// See [`Op::from_parts`].
pub(super) fn operation(mnemonic: &str, operands: &[String], attrs: &[(String, Attr)]) -> Result<Op, String> {
    let a = Reader { op: mnemonic, attrs, seen: Default::default() };
    let op = match (mnemonic, operands) {
        ("masked_relu", names) => {
            Op::MaskedRelu(names.iter().map(|n| with_parameters(n)).collect::<Result<_, _>>()?)
        }
        (_, []) => a.build()?,
        (_, [name, ..]) => return Err(format!("{mnemonic}: no operand is called {name}")),
    };
    a.finish()?;
    Ok(op)
}

struct Reader<'a> {
    op: &'a str,
    attrs: &'a [(String, Attr)],
    seen: std::cell::RefCell<Vec<&'static str>>,
}

/// The choice whose parameters have this name.
fn with_parameters(name: &str) -> Result<Choice, String> {
    let found = Choice::ALL.into_iter().find(|c| c.parameters().is_some_and(|p| p.name == name));
    found.ok_or_else(|| format!("masked_relu: no operand is called {name}"))
}

impl Reader<'_> {
    fn get(&self, name: &'static str) -> Option<&Attr> {
        self.seen.borrow_mut().push(name);
        self.attrs.iter().find(|(k, _)| k == name).map(|(_, v)| v)
    }
    fn bad<T>(&self, name: &str, want: &str) -> Result<T, String> {
        Err(format!("{}: attribute {name} must be {want}", self.op))
    }
    fn int(&self, name: &'static str, default: Option<i64>) -> Result<i64, String> {
        match (self.get(name), default) {
            (Some(Attr::Int(v)), _) => Ok(*v),
            (None, Some(d)) => Ok(d),
            _ => self.bad(name, "an integer"),
        }
    }
    fn axis(&self, name: &'static str, default: Option<i64>) -> Result<usize, String> {
        let v = self.int(name, default)?;
        usize::try_from(v).or_else(|_| self.bad(name, "a non-negative integer"))
    }
    fn float(&self, name: &'static str, default: f32) -> Result<f32, String> {
        match self.get(name) {
            Some(Attr::Float(v)) => Ok(*v),
            Some(Attr::Int(v)) => Ok(*v as f32),
            None => Ok(default),
            _ => self.bad(name, "a number"),
        }
    }
    fn flag(&self, name: &'static str, default: bool) -> Result<bool, String> {
        match self.get(name) {
            Some(Attr::Bool(v)) => Ok(*v),
            None => Ok(default),
            _ => self.bad(name, "true or false"),
        }
    }
    fn signed(&self, name: &'static str) -> Result<Option<Vec<i64>>, String> {
        match self.get(name) {
            Some(Attr::Ints(v)) => Ok(Some(v.clone())),
            Some(Attr::Dims(v)) => v
                .iter()
                .map(|d| d.fixed().map(|n| n as i64))
                .collect::<Option<Vec<_>>>()
                .map(Some)
                .map_or_else(|| self.bad(name, "a list of integers"), Ok),
            None => Ok(None),
            _ => self.bad(name, "a list of integers"),
        }
    }
    fn list(&self, name: &'static str) -> Result<Vec<usize>, String> {
        match self.signed(name)? {
            Some(v) if v.iter().all(|&x| x >= 0) => Ok(v.into_iter().map(|x| x as usize).collect()),
            _ => self.bad(name, "a list of non-negative integers"),
        }
    }
    fn fixed<const K: usize>(
        &self,
        name: &'static str,
        default: Option<usize>,
    ) -> Result<[usize; K], String> {
        if let (None, Some(d)) = (self.get(name), default) {
            return Ok([d; K]);
        }
        self.list(name)?.try_into().or_else(|_| self.bad(name, &format!("{K} non-negative integers")))
    }
    fn dims(&self, name: &'static str) -> Result<Vec<Dim>, String> {
        match self.get(name) {
            Some(Attr::Dims(v)) => Ok(v.clone()),
            Some(Attr::Ints(v)) if v.iter().all(|&x| x >= 0) => {
                Ok(v.iter().map(|&x| Dim::Fixed(x as usize)).collect())
            }
            _ => self.bad(name, "a list of dimensions"),
        }
    }
    fn word<T>(&self, name: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, String> {
        match self.get(name) {
            Some(Attr::Word(w)) => parse(w).map_or_else(|| self.bad(name, "a known word"), Ok),
            _ => self.bad(name, "a word"),
        }
    }
    fn window(&self) -> Result<Window, String> {
        Ok(Window {
            kernel: self.fixed("kernel", None)?,
            strides: self.fixed("strides", Some(1))?,
            pads: self.fixed("pads", Some(0))?,
            ceil: self.flag("ceil", false)?,
        })
    }
    fn slices(&self) -> Result<Vec<SliceAxis>, String> {
        let axes = self.list("axes")?;
        let n = axes.len();
        let of = |name| -> Result<Vec<i64>, String> {
            match self.signed(name)? {
                Some(v) if v.len() == n => Ok(v),
                None if name == "steps" => Ok(vec![1; n]),
                _ => self.bad(name, "as long as axes"),
            }
        };
        let (starts, ends, steps) = (of("starts")?, of("ends")?, of("steps")?);
        if steps.contains(&0) {
            return self.bad("steps", "non-zero");
        }
        Ok((0..n)
            .map(|i| SliceAxis { axis: axes[i], start: starts[i], end: ends[i], step: steps[i] })
            .collect())
    }
    fn finish(self) -> Result<(), String> {
        let seen = self.seen.borrow();
        match self.attrs.iter().find(|(k, _)| !seen.iter().any(|s| s == k)) {
            Some((k, _)) => Err(format!("{}: unknown attribute {k}", self.op)),
            None => Ok(()),
        }
    }

    fn build(&self) -> Result<Op, String> {
        if let Some(u) = Unary::parse(self.op) {
            return Ok(Op::Unary(u));
        }
        if let Some(b) = Binary::parse(self.op) {
            return Ok(Op::Binary(b));
        }
        if let Some(c) = Compare::parse(self.op) {
            return Ok(Op::Compare(c));
        }
        Ok(match self.op {
            "conv" => Op::Conv(Conv {
                strides: self.fixed("strides", Some(1))?,
                pads: self.fixed("pads", Some(0))?,
                dilations: self.fixed("dilations", Some(1))?,
                group: self.axis("group", Some(1))?,
            }),
            "linear" => Op::Linear,
            "gemm" => Op::Gemm {
                alpha: self.float("alpha", 1.0)?,
                beta: self.float("beta", 1.0)?,
                trans_a: self.flag("trans_a", false)?,
                trans_b: self.flag("trans_b", false)?,
            },
            "matmul" => Op::MatMul,
            "batch_norm" => Op::BatchNorm { eps: self.float("eps", 1e-5)? },
            "relu" => Op::Relu,
            "leaky_relu" => Op::LeakyRelu { slope: self.float("slope", 0.01)? },
            "prelu" => Op::PRelu,
            "clip" => Op::Clip {
                min: self.float("min", f32::NEG_INFINITY)?,
                max: self.float("max", f32::INFINITY)?,
            },
            "where" => Op::Where,
            "max_pool" => Op::MaxPool(self.window()?),
            "avg_pool" => Op::AvgPool { window: self.window()?, count_pad: self.flag("count_pad", false)? },
            "global_mean" => Op::GlobalMean { keep: self.flag("keep", true)? },
            "reduce" => Op::Reduce {
                kind: self.word("kind", ReduceKind::parse)?,
                axes: self.list("axes")?,
                keep: self.flag("keep", true)?,
            },
            "pad" => Op::Pad {
                before: self.list("before")?,
                after: self.list("after")?,
                value: self.float("value", 0.0)?,
            },
            "slice" => Op::Slice(self.slices()?),
            "concat" => Op::Concat { axis: self.axis("axis", None)? },
            "gather" => Op::Gather { axis: self.axis("axis", None)? },
            "reshape" => Op::Reshape(self.dims("dims")?),
            "transpose" => Op::Transpose(self.list("perm")?),
            "expand" => Op::Expand(self.dims("dims")?),
            "softmax" => Op::Softmax { axis: self.axis("axis", None)? },
            "log_softmax" => Op::LogSoftmax { axis: self.axis("axis", None)? },
            "arg_max" => Op::ArgMax { axis: self.axis("axis", None)?, keep: self.flag("keep", false)? },
            "identity" => Op::Identity,
            "dropout" => Op::Dropout,
            "cast" => Op::Cast(self.word("to", DType::parse)?),
            "shape" => Op::Shape { start: self.axis("start", Some(0))?, end: self.axis("end", None)? },
            "dyn.reshape" => Op::Dyn(DynOp::Reshape { allow_zero: self.flag("allow_zero", false)? }),
            "dyn.pad" => Op::Dyn(DynOp::Pad),
            "dyn.slice" => Op::Dyn(DynOp::Slice),
            "dyn.clip" => Op::Dyn(DynOp::Clip),
            "dyn.reduce" => Op::Dyn(DynOp::Reduce {
                kind: self.word("kind", ReduceKind::parse)?,
                keep: self.flag("keep", true)?,
            }),
            "dyn.squeeze" => Op::Dyn(DynOp::Squeeze),
            "dyn.unsqueeze" => Op::Dyn(DynOp::Unsqueeze),
            "dyn.expand" => Op::Dyn(DynOp::Expand),
            "dyn.fill_int" => Op::Dyn(DynOp::FillInt { value: self.int("value", Some(0))? }),
            "dyn.fill_float" => Op::Dyn(DynOp::FillFloat { value: self.float("value", 0.0)? }),
            other => return Err(format!("unknown operation {other}")),
        })
    }
}
