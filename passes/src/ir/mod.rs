//! The intermediate representation: a petgraph of single-output operations on named, typed values.

pub mod axis;
pub mod comparisons;
pub mod dot;
pub mod geometry;
pub mod graph;
pub mod infer;
pub mod movement;
pub mod op;
pub mod scales;
pub mod schedule;
pub mod shape;
pub mod stored;
pub mod tensor;
pub mod text;

pub use comparisons::comparisons;
pub use graph::{Graph, Node, NodeId, Output};
pub use infer::{Fact, Facts};
pub use op::{Binary, Conv, Op, Unary, Window};
pub use shape::{Dim, SymInt, Type};
pub use tensor::{DType, Data, Shared, Tensor};
