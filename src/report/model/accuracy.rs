//! How often networks are right, and how sure that is.

use serde::{Deserialize, Serialize};

/// Accuracy before and after, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The original or the teacher, with all its ReLUs.
    pub before: Option<Scores>,
    /// Which network that is, in words.
    pub before_is: Option<String>,
    /// That network is the original or its teacher. False where only a model that was itself trained under masks was at hand.
    #[serde(default = "yes")]
    pub before_is_original: bool,
    /// The emitted model.
    pub after: Option<Scores>,
    /// From before to after on the same clean images.
    pub change: Option<ScoreChange>,
    /// The data set.
    pub data: String,
    /// Which part of it.
    pub split: String,
    /// Images.
    pub n: u64,
    /// Classes of the model.
    pub classes: Option<u64>,
    /// What the network knew of these images; absent where nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

fn yes() -> bool {
    true
}

/// What training had to do with the images of an accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// They are training images.
    Trained,
    /// They chose the epoch that was kept.
    Chose,
}

impl Seen {
    /// A sentence for the reader.
    pub fn sentence(self) -> &'static str {
        match self {
            Seen::Trained => {
                "These are training images, which the network may have learned by heart: on new images it is worse."
            }
            Seen::Chose => {
                "These are validation images, which choose the epoch that is kept: on new images it is a little worse."
            }
        }
    }
}

/// Accuracies in percent, null where not measured, with 95 % intervals by Wilson.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// On the images as they are.
    pub clean: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// Mean over the corruptions.
    pub corrupted: Option<f64>,
    /// Its interval, as if all corruptions of an image were one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupted_interval: Option<[f64; 2]>,
    /// Under attack.
    pub adversarial: Option<f64>,
    /// Its interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversarial_interval: Option<[f64; 2]>,
    /// Under attack, through the batch normalisation for clean images: the path one folded model has.
    pub adversarial_clean_bn: Option<f64>,
    /// Its interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversarial_clean_bn_interval: Option<[f64; 2]>,
    /// Right, and proven to stay so within a radius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certified: Option<f64>,
    /// Its interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certified_interval: Option<[f64; 2]>,
}

/// How an accuracy changed between two networks on the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoreChange {
    /// After less before, in points.
    pub points: f64,
    /// Its 95 % interval, from the images on which only one of the two is right.
    pub interval: [f64; 2],
    /// Images that only the network before gets right.
    pub lost: u64,
    /// Images that only the network after gets right.
    pub won: u64,
}

impl ScoreChange {
    /// Could the change be chance?
    pub fn within_chance(&self) -> bool {
        self.interval[0] <= 0.0 && self.interval[1] >= 0.0
    }
}
