//! Networks built from a description, with random weights: `architecture:` in a pipeline, `relinc architecture`.

mod init;
mod resnet;
mod wide_resnet;

use crate::ir::Graph;
use serde::{Deserialize, Serialize};

/// A network family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// ResNets in their CIFAR forms: 18 and 34 (widths 64…512), 20, 32 and 56 (widths 16…64).
    Resnet,
    /// Wide ResNets, WRN-d-k: depth d = 6·n + 4, width k (widths 16k…64k).
    WideResnet,
}

/// What to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// The family.
    pub kind: Kind,
    /// The depth in its name.
    pub depth: usize,
    /// The factor k by which a wide ResNet is widened; only for [`Kind::WideResnet`], and needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Input channels, height, width.
    pub input: [usize; 3],
}

/// More weights than this are refused: 4 GiB of floats.
const MOST_WEIGHTS: usize = 1 << 30;
/// So are larger images,
const MOST_PIXELS: usize = 1 << 24;
/// and more classes.
const MOST_CLASSES: usize = 1 << 18;

impl Architecture {
    /// Builds the network with He-initialised weights that follow from the seed. Input `input` `[N,C,H,W]`, output
    /// `logits` `[N,classes]`.
    ///
    /// # Errors
    /// A sentence about what the family does not have: a depth, a width, or a size of 0.
    pub fn build(&self, seed: u64) -> Result<Graph, String> {
        if self.classes == 0 || self.input.contains(&0) {
            return Err("architecture: classes and input dimensions must be at least 1".into());
        }
        if self.classes > MOST_CLASSES {
            return Err(format!(
                "architecture: {} classes are more than the {MOST_CLASSES} that relinc takes",
                self.classes
            ));
        }
        let pixels = self.input.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if pixels.is_none_or(|n| n > MOST_PIXELS) {
            return Err(format!(
                "architecture: an input of {}×{}×{} is more than the {MOST_PIXELS} numbers that relinc takes",
                self.input[0], self.input[1], self.input[2]
            ));
        }
        match self.kind {
            Kind::Resnet if self.width.is_some() => {
                Err("architecture: a resnet has no width; remove it, or write kind: wide-resnet".into())
            }
            Kind::Resnet => resnet::build(self, seed),
            Kind::WideResnet => wide_resnet::build(self, seed),
        }
    }
}

#[cfg(test)]
mod tests;
