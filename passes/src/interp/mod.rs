//! The f32 reference interpreter: every [`Op`](crate::ir::Op) on concrete tensors, with a batch taken from the inputs.
//!
//! [`Interp`] plans a graph once and runs it many times; a value is dropped after its last reader, and a reader
//! that is the last one may work in its operand's buffer.

mod arg;
mod conv;
mod depthwise;
mod elementwise;
mod error;
mod exec;
mod im2col;
mod matmul;
mod norm;
mod par;
mod peak;
mod plan;
mod pool;
mod reduce;
mod run;
mod sgemm;
mod zip;

pub use error::InterpError;
pub use exec::eval_const;
pub use peak::gemm_peak;
pub use run::Interp;

#[cfg(test)]
mod tests;
