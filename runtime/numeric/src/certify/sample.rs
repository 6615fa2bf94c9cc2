//! The box of a network's inputs that stands for an image and all that is near it.

/// A box of network inputs, element by element, in the network's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The least values.
    pub low: Vec<f32>,
    /// The largest.
    pub high: Vec<f32>,
}
