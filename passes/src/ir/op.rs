//! The operations, and the one table that names them and their attributes for text, Graphviz and hashing.

mod attributes;
mod kind;
pub mod unary;

pub use kind::Kind;
pub use unary::Unary;

use super::shape::{Dim, Type};
use super::tensor::{DType, Shared};
use crate::choice::{Choice, NO_CAP};

/// Convolution over the two trailing axes of `[N,C,H,W]` with weights `[O,C/group,kH,kW]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    /// Vertical and horizontal step.
    pub strides: [usize; 2],
    /// Zero padding: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Vertical and horizontal dilation.
    pub dilations: [usize; 2],
    /// Channel groups.
    pub group: usize,
}

/// A sliding window over the two trailing axes of `[N,C,H,W]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal step.
    pub strides: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Round the output size up instead of down.
    pub ceil: bool,
}

impl Window {
    /// The largest extent, step or margin of a window.
    pub const LARGEST: usize = 1 << 12;
}

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal, $onnx:literal, $hlo:literal;)* }) => {
        named_enum! { $(#[$doc])* $name { $($(#[$vdoc])* $variant = $text,)* } }
        impl $name {
            /// The name of the ONNX operation.
            pub fn onnx(self) -> &'static str { match self { $($name::$variant => $onnx,)* } }
            /// The inverse of `onnx`.
            pub fn of_onnx(s: &str) -> Option<$name> { Self::ALL.iter().copied().find(|v| v.onnx() == s) }
            /// The name in StableHLO.
            pub fn stablehlo(self) -> &'static str { match self { $($name::$variant => $hlo,)* } }
        }
    };
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }
        impl $name {
            /// Every variant.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// The spelling in `.pir`.
            pub fn name(self) -> &'static str { match self { $($name::$variant => $text,)* } }
            /// The inverse of `name`.
            pub fn parse(s: &str) -> Option<$name> { Self::ALL.iter().copied().find(|v| v.name() == s) }
        }
    };
}

named_enum! {
    /// Elementwise functions of two operands, broadcast as NumPy does.
    Binary {
        /// a + b
        Add = "add", "Add", "add";
        /// a − b
        Sub = "sub", "Sub", "subtract";
        /// a · b
        Mul = "mul", "Mul", "multiply";
        /// a / b
        Div = "div", "Div", "divide";
        /// the larger
        Max = "max", "Max", "maximum";
        /// the smaller
        Min = "min", "Min", "minimum";
        /// a to the power b
        Pow = "pow", "Pow", "power";
    }
}
named_enum! {
    /// Comparisons, broadcast; the result is `bool`.
    Compare {
        /// a > b
        Greater = "greater", "Greater", "GT";
        /// a ≥ b
        GreaterEqual = "greater_equal", "GreaterOrEqual", "GE";
        /// a < b
        Less = "less", "Less", "LT";
        /// a ≤ b
        LessEqual = "less_equal", "LessOrEqual", "LE";
        /// a = b
        Equal = "equal", "Equal", "EQ";
    }
}
named_enum! {
    /// How a reduction combines.
    ReduceKind {
        /// arithmetic mean
        Mean = "mean",
        /// sum
        Sum = "sum",
        /// largest
        Max = "max",
    }
}

/// One axis of a [`Op::Slice`]: elements `start, start+step, …` before `end` (ONNX semantics).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceAxis {
    /// Axis.
    pub axis: usize,
    /// First index; negative counts from the end.
    pub start: i64,
    /// Bound, exclusive; negative counts from the end, clamped.
    pub end: i64,
    /// Step, not 0.
    pub step: i64,
}

/// Operations whose parameters arrive as operands. `canonicalise` turns each into its static form;
/// [`crate::ir::infer::resolve`] is the one place that says how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DynOp {
    /// (x, shape): ONNX Reshape.
    Reshape {
        /// A 0 in the shape means 0, not "copy".
        allow_zero: bool,
    },
    /// (x, amounts[, value[, axes]]): ONNX Pad, constant mode.
    Pad,
    /// (x, starts, ends[, axes[, steps]]): ONNX Slice.
    Slice,
    /// (x[, min[, max]]): ONNX Clip; an absent operand is an empty constant.
    Clip,
    /// (x, axes): ONNX Reduce*.
    Reduce {
        /// How it combines.
        kind: ReduceKind,
        /// Keep reduced axes with size 1.
        keep: bool,
    },
    /// (x, axes).
    Squeeze,
    /// (x, axes).
    Unsqueeze,
    /// (x, shape): ONNX Expand.
    Expand,
    /// (shape): ONNX ConstantOfShape of an integer.
    FillInt {
        /// The value.
        value: i64,
    },
    /// (shape): ONNX ConstantOfShape of a float.
    FillFloat {
        /// The value.
        value: f32,
    },
}

/// An operation. Operands are written in parentheses; optional ones in brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A graph input.
    Input(Type),
    /// A constant.
    Const(Shared),
    /// (x, w[, b]): convolution.
    Conv(Conv),
    /// (x, w[, b]): `x·wᵀ + b` over the last axis, w is `[out, in]`.
    Linear,
    /// (a, b[, c]): `alpha·A·B + beta·C`.
    Gemm {
        /// Factor of the product.
        alpha: f32,
        /// Factor of the addend.
        beta: f32,
        /// Transpose A.
        trans_a: bool,
        /// Transpose B.
        trans_b: bool,
    },
    /// (a, b): matrix product over the two last axes.
    MatMul,
    /// (x, scale, shift, mean, var): inference batch normalisation over axis 1.
    BatchNorm {
        /// Added to the variance.
        eps: f32,
    },
    /// (x): max(x, 0).
    Relu,
    /// (x): min(max(x, 0), cap): the activation of a layer, as ReLU is. A [`Op::Clip`] of these bounds is a gate.
    CappedRelu {
        /// Above 0, finite.
        cap: f32,
    },
    /// (x, mask, parameters…): per element, the [`Choice`] whose number the mask holds.
    MaskedRelu {
        /// The layer's cap, +∞ for none.
        cap: f32,
        /// The choices whose parameters are given, in the order of the operands.
        given: Vec<Choice>,
    },
    /// (x): x where positive, slope·x elsewhere.
    LeakyRelu {
        /// Slope of the negative side.
        slope: f32,
    },
    /// (x, slope): LeakyRelu with a broadcast slope.
    PRelu,
    /// (x): min(max(x, min), max).
    Clip {
        /// Lower bound, −∞ for none.
        min: f32,
        /// Upper bound, +∞ for none.
        max: f32,
    },
    /// (x): elementwise function.
    Unary(Unary),
    /// (a, b): elementwise function.
    Binary(Binary),
    /// (a, b): elementwise comparison.
    Compare(Compare),
    /// (cond, a, b): a where cond, else b.
    Where,
    /// (x): largest of each window.
    MaxPool(Window),
    /// (x): mean of each window.
    AvgPool {
        /// The window.
        window: Window,
        /// Padded zeros count in the divisor.
        count_pad: bool,
    },
    /// (x): mean over all axes from the third on.
    GlobalMean {
        /// Keep the reduced axes with size 1.
        keep: bool,
    },
    /// (x): reduction over axes.
    Reduce {
        /// How it combines.
        kind: ReduceKind,
        /// Reduced axes, sorted.
        axes: Vec<usize>,
        /// Keep reduced axes with size 1.
        keep: bool,
    },
    /// (x): constant padding.
    Pad {
        /// Elements put before, per axis.
        before: Vec<usize>,
        /// Elements put after, per axis.
        after: Vec<usize>,
        /// What is put there.
        value: f32,
    },
    /// (x): strided slice.
    Slice(Vec<SliceAxis>),
    /// (a, b, …): concatenation.
    Concat {
        /// Axis.
        axis: usize,
    },
    /// (x, indices): picks along an axis.
    Gather {
        /// Axis.
        axis: usize,
    },
    /// (x): the same elements under other dimensions.
    Reshape(Vec<Dim>),
    /// (x): permutes axes; output axis i is input axis `perm[i]`.
    Transpose(Vec<usize>),
    /// (x): broadcast to these dimensions.
    Expand(Vec<Dim>),
    /// (x): softmax over one axis.
    Softmax {
        /// Axis.
        axis: usize,
    },
    /// (x): logarithm of softmax over one axis.
    LogSoftmax {
        /// Axis.
        axis: usize,
    },
    /// (x): index of the largest element.
    ArgMax {
        /// Axis.
        axis: usize,
        /// Keep the axis with size 1.
        keep: bool,
    },
    /// (x): x.
    Identity,
    /// (x): x, at inference.
    Dropout,
    /// (x): element type conversion.
    Cast(DType),
    /// (x): dimensions `start..end` as integers.
    Shape {
        /// First dimension.
        start: usize,
        /// One past the last.
        end: usize,
    },
    /// Parameters still operands.
    Dyn(DynOp),
}

/// An attribute value in text.
#[derive(Debug, Clone, PartialEq)]
pub enum Attr {
    /// Integer.
    Int(i64),
    /// Float.
    Float(f32),
    /// Truth value.
    Bool(bool),
    /// Integers.
    Ints(Vec<i64>),
    /// Dimensions.
    Dims(Vec<Dim>),
    /// A bare word.
    Word(String),
}

/// Named attributes in declaration order.
pub type Attrs = Vec<(&'static str, Attr)>;

impl Op {
    /// The operation's name in `.pir`.
    pub fn mnemonic(&self) -> &'static str {
        match self {
            Op::Input(_) => "input",
            Op::Const(_) => "const",
            Op::Conv(_) => "conv",
            Op::Linear => "linear",
            Op::Gemm { .. } => "gemm",
            Op::MatMul => "matmul",
            Op::BatchNorm { .. } => "batch_norm",
            Op::Relu => "relu",
            Op::CappedRelu { .. } => "capped_relu",
            Op::MaskedRelu { .. } => "masked_relu",
            Op::LeakyRelu { .. } => "leaky_relu",
            Op::PRelu => "prelu",
            Op::Clip { .. } => "clip",
            Op::Unary(u) => u.name(),
            Op::Binary(b) => b.name(),
            Op::Compare(c) => c.name(),
            Op::Where => "where",
            Op::MaxPool(_) => "max_pool",
            Op::AvgPool { .. } => "avg_pool",
            Op::GlobalMean { .. } => "global_mean",
            Op::Reduce { .. } => "reduce",
            Op::Pad { .. } => "pad",
            Op::Slice(_) => "slice",
            Op::Concat { .. } => "concat",
            Op::Gather { .. } => "gather",
            Op::Reshape(_) => "reshape",
            Op::Transpose(_) => "transpose",
            Op::Expand(_) => "expand",
            Op::Softmax { .. } => "softmax",
            Op::LogSoftmax { .. } => "log_softmax",
            Op::ArgMax { .. } => "arg_max",
            Op::Identity => "identity",
            Op::Dropout => "dropout",
            Op::Cast(_) => "cast",
            Op::Shape { .. } => "shape",
            Op::Dyn(d) => match d {
                DynOp::Reshape { .. } => "dyn.reshape",
                DynOp::Pad => "dyn.pad",
                DynOp::Slice => "dyn.slice",
                DynOp::Clip => "dyn.clip",
                DynOp::Reduce { .. } => "dyn.reduce",
                DynOp::Squeeze => "dyn.squeeze",
                DynOp::Unsqueeze => "dyn.unsqueeze",
                DynOp::Expand => "dyn.expand",
                DynOp::FillInt { .. } => "dyn.fill_int",
                DynOp::FillFloat { .. } => "dyn.fill_float",
            },
        }
    }

    /// A ReLU with this cap, +∞ for none.
    pub fn relu(cap: f32) -> Op {
        if cap == NO_CAP { Op::Relu } else { Op::CappedRelu { cap } }
    }

    /// The cap of a ReLU, with a mask or without: +∞ for none. `None` for another operation.
    #[allow(clippy::wildcard_enum_match_arm, reason = "these are all ReLUs")]
    pub fn relu_cap(&self) -> Option<f32> {
        match *self {
            Op::Relu => Some(NO_CAP),
            Op::CappedRelu { cap } | Op::MaskedRelu { cap, .. } => Some(cap),
            _ => None,
        }
    }

    /// The name of an operand, where it has one in `.pir`.
    pub fn operand_name(&self, slot: usize) -> Option<&'static str> {
        let Op::MaskedRelu { given, .. } = self else { return None };
        Some(given.get(slot.checked_sub(2)?)?.parameters()?.name)
    }

    /// Builds an operation from its name, the names of those of its operands that have one, and its attributes; a missing
    /// attribute takes its usual default.
    pub fn from_parts(mnemonic: &str, operands: &[String], attrs: &[(String, Attr)]) -> Result<Op, String> {
        attributes::operation(mnemonic, operands, attrs)
    }
}
