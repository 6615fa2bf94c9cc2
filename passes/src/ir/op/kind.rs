//! What sort of operation an operation is: the answer to questions that do not ask for more.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Op;

/// Sorts of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads no elements: inputs, constants, dimensions, parameters that are operands.
    Source,
    /// Convolutions and matrix products.
    Product,
    /// Batch normalisation.
    Norm,
    /// ReLU and its kin.
    Activation,
    /// Each element by itself, or with one of another value.
    Elementwise,
    /// Combines elements: pools and reductions.
    Pool,
    /// Moves elements.
    Move,
    /// Looks at all elements of an axis.
    Row,
}

impl Op {
    /// What sort it is.
    pub fn kind(&self) -> Kind {
        match self {
            Op::Input(_) | Op::Const(_) | Op::Shape { .. } | Op::Dyn(_) => Kind::Source,
            Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul => Kind::Product,
            Op::BatchNorm { .. } => Kind::Norm,
            Op::Relu | Op::CappedRelu { .. } | Op::MaskedRelu { .. } => Kind::Activation,
            Op::LeakyRelu { .. } | Op::PRelu | Op::Clip { .. } => Kind::Activation,
            Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Where | Op::Cast(_) => Kind::Elementwise,
            Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } | Op::Reduce { .. } => Kind::Pool,
            Op::Pad { .. } | Op::Slice(_) | Op::Concat { .. } | Op::Gather { .. } | Op::Reshape(_) => {
                Kind::Move
            }
            Op::Transpose(_) | Op::Expand(_) | Op::Identity | Op::Dropout => Kind::Move,
            Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::ArgMax { .. } => Kind::Row,
        }
    }
}
