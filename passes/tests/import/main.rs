//! The ONNX front end against what real exporters produce.

mod models;
