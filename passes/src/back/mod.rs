//! One folder a target format. Every back end takes a [`Valid`](crate::driver::valid::Valid) graph.

mod artefact;
pub mod crypten;
pub mod mp_spdz;
pub mod onnx;
pub mod owners;
pub mod simple;
pub mod spu;

use crate::ir::{DType, Graph, NodeId, Op};

/// A graph a back end cannot express, or a file it cannot write.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Operations the target has no form for; all are listed.
    #[error("target {target} cannot express: {}", .nodes.join("; "))]
    Unsupported {
        /// The target.
        target: &'static str,
        /// One sentence a node.
        nodes: Vec<String>,
    },
    /// A request the target cannot meet.
    #[error("target {target}: {why}")]
    Refused {
        /// The target.
        target: &'static str,
        /// Why, and what to do.
        why: String,
    },
    /// A file cannot be written.
    #[error("{file}: cannot be written: {why}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        why: std::io::Error,
    },
}

/// Weights larger than this in all go to a file of their own beside an ONNX model, whose size protobuf limits.
pub const EXTERNAL_OVER: usize = 1 << 30;

/// Is a constant a weight (it follows the weights setting), rather than public? Single numbers are public, unless they
/// are weights or biases of a linear operation.
pub fn is_weight(g: &Graph, id: NodeId) -> bool {
    let linear = |(user, slot): (NodeId, usize)| slot > 0 && matches!(g.op(user), Op::Conv(_) | Op::Linear);
    g.const_of(id)
        .is_some_and(|t| t.dtype() == DType::F32 && (t.len() > 1 || g.users(id).into_iter().any(linear)))
}
