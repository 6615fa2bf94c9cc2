//! Networks built from a description, with random weights: `architecture:` in a pipeline, `relinc architecture`.

mod init;
mod resnet;

use crate::ir::Graph;
use serde::{Deserialize, Serialize};

/// A network family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// ResNets in their CIFAR forms: 18 and 34 (widths 64…512), 20, 32 and 56 (widths 16…64).
    Resnet,
}

/// What to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// The family.
    pub kind: Kind,
    /// The depth in its name.
    pub depth: usize,
    /// Number of classes.
    pub classes: usize,
    /// Input channels, height, width.
    pub input: [usize; 3],
}

impl Architecture {
    /// Builds the network with He-initialised weights that follow from the seed. Input `input` `[N,C,H,W]`, output
    /// `logits` `[N,classes]`.
    pub fn build(&self, seed: u64) -> Result<Graph, String> {
        if self.classes == 0 || self.input.contains(&0) {
            return Err("architecture: classes and input dimensions must be at least 1".into());
        }
        let Kind::Resnet = self.kind;
        resnet::build(self, seed)
    }
}
