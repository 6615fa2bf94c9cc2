//! Front ends: one folder per format in, all meeting in the IR.

pub mod onnx;
