//! Why a graph cannot be run.

/// Why a graph cannot be run on these inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpError {
    /// The graph has a cycle.
    #[error("'{node}' is part of a cycle")]
    Cycle {
        /// A value on the cycle.
        node: String,
    },
    /// The wrong number of inputs.
    #[error("{got} inputs given, the graph takes {want}")]
    Arity {
        /// Inputs given.
        got: usize,
        /// Inputs the graph has.
        want: usize,
    },
    /// An input of another type or shape than the graph declares.
    #[error("input '{input}' is {got}, the graph wants {want}")]
    Input {
        /// The input's name.
        input: String,
        /// Type and shape given.
        got: String,
        /// Type and shape declared, with the batch the other inputs fixed, if any.
        want: String,
    },
    /// A node cannot be computed.
    #[error("{op} '{node}': {why}")]
    Node {
        /// The value's name.
        node: String,
        /// The operation.
        op: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A request about the graph as a whole that it cannot serve.
    #[error("{0}")]
    Request(String),
}
