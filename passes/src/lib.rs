//! relinc's graph crate: the IR and its text, the reference interpreter, the ONNX front end, the passes and the
//! back ends. Pure graph work: no training, no data sets.

pub mod architecture;
pub mod back;
pub mod choice;
pub mod driver;
pub mod files;
pub mod free_batch;
pub mod front;
pub mod head;
pub mod interp;
pub mod ir;
pub mod layers;
pub mod masks;
pub mod npy;
pub mod passes;
pub mod proto;
pub mod quotient;
pub mod seal;
pub mod splitmix;
pub mod unfinished;
pub mod words;

pub use passes::PASSES;
