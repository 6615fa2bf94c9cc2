//! relinc's graph crate: the IR and its text, the reference interpreter, the ONNX front end, the passes and the
//! back ends. Pure graph work: no training, no data sets.

pub mod front;
pub mod interp;
pub mod ir;
