//! What a training run and later evaluations leave in a report.

use super::{Report, Scores};
use relinc_runtime::eval::interval::of_percent;
use relinc_runtime::exec::Branch;
use relinc_runtime::train::Record;
use serde::{Deserialize, Serialize};

/// A training run: its log, and what the log does not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// One a finished epoch; stage after stage, epochs rising.
    pub records: Vec<Record>,
    /// The data set, as given.
    pub data: Option<String>,
    /// On how many images it trained and validated.
    #[serde(default)]
    pub n: TrainingCounts,
    /// Clean and adversarial images have batch normalisations of their own, BN_c and BN_a.
    pub dual_bn: Option<bool>,
    /// The attack on validation images, in words.
    pub attack: Option<String>,
    /// What happened to the log, in sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Images of a training run; null where not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingCounts {
    /// In an epoch.
    pub train: Option<u64>,
    /// Validated as they are.
    pub validation: Option<u64>,
    /// Validated under attack.
    pub attacked: Option<u64>,
}

/// The accuracies of one network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Which network: `teacher`, `tuned`, …
    pub what: String,
    /// The batch normalisation all images went through, where the network was fixed to one. Null where it has only
    /// one, and where each kind of image takes its own: BN_a under attack, else BN_c.
    pub branch: Option<Branch>,
    /// In percent.
    #[serde(flatten)]
    pub scores: Scores,
    /// The attack, in words.
    pub attack: Option<String>,
    /// The largest change of a pixel within which images are certified, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius: Option<String>,
    /// Images.
    #[serde(default)]
    pub n: ImageCounts,
}

/// Images of an evaluation; null where not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCounts {
    /// As they are.
    pub clean: Option<u64>,
    /// Of each corruption and severity, or of all together where they are drawn.
    pub corrupted: Option<u64>,
    /// Under attack.
    pub adversarial: Option<u64>,
    /// Certified or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certified: Option<u64>,
}

/// One kind of accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Images as they are.
    Clean,
    /// Mean over the corruptions.
    Corrupted,
    /// Under attack.
    Adversarial,
    /// Under attack, through BN_c.
    AdversarialCleanBn,
    /// Proven within a radius, whatever the attack.
    Certified,
}

impl Metric {
    /// In the order they are shown.
    pub const ALL: [Metric; 5] = [
        Metric::Clean,
        Metric::Corrupted,
        Metric::Adversarial,
        Metric::AdversarialCleanBn,
        Metric::Certified,
    ];

    /// What the images are.
    pub fn images(self) -> &'static str {
        match self {
            Metric::Clean => "clean",
            Metric::Corrupted => "corrupted",
            Metric::Adversarial | Metric::AdversarialCleanBn => "adversarial",
            Metric::Certified => "certified",
        }
    }
    /// The head of its column.
    pub fn heading(self) -> &'static str {
        if self == Metric::AdversarialCleanBn { "adversarial, BN_c" } else { self.images() }
    }
    /// Accuracy in percent, where it was measured.
    pub fn of(self, s: &Scores) -> Option<f64> {
        match self {
            Metric::Clean => s.clean,
            Metric::Corrupted => s.corrupted,
            Metric::Adversarial => s.adversarial,
            Metric::AdversarialCleanBn => s.adversarial_clean_bn,
            Metric::Certified => s.certified,
        }
    }
    /// Its interval, where it was measured.
    pub fn interval(self, s: &Scores) -> Option<[f64; 2]> {
        match self {
            Metric::Clean => s.interval,
            Metric::Corrupted => s.corrupted_interval,
            Metric::Adversarial => s.adversarial_interval,
            Metric::AdversarialCleanBn => s.adversarial_clean_bn_interval,
            Metric::Certified => s.certified_interval,
        }
    }
    /// Images it was measured on.
    pub fn n(self, n: &ImageCounts) -> Option<u64> {
        match self {
            Metric::Clean => n.clean,
            Metric::Corrupted => n.corrupted,
            Metric::Adversarial | Metric::AdversarialCleanBn => n.adversarial,
            Metric::Certified => n.certified,
        }
    }
}

impl Evaluation {
    /// Gives every accuracy its interval by the images it was measured on.
    pub fn with_intervals(mut self) -> Evaluation {
        let of = |v: Option<f64>, n: Option<u64>| Some(of_percent(v?, usize::try_from(n?).ok()?));
        let (s, n) = (&mut self.scores, self.n);
        s.interval = of(s.clean, n.clean);
        s.corrupted_interval = of(s.corrupted, n.corrupted);
        s.adversarial_interval = of(s.adversarial, n.adversarial);
        s.adversarial_clean_bn_interval = of(s.adversarial_clean_bn, n.adversarial);
        s.certified_interval = of(s.certified, n.certified);
        self
    }
    /// The batch normalisation the images of a metric went through; `None` where the network has only one.
    pub fn through(&self, m: Metric) -> Option<Branch> {
        match (m, self.branch) {
            (Metric::AdversarialCleanBn, _) => Some(Branch::Clean),
            (_, Some(b)) => Some(b),
            // Only a network with two has an adversarial accuracy through BN_c.
            (_, None) if !self.chosen_by_kind() => None,
            (Metric::Adversarial, None) => Some(Branch::Adversarial),
            (_, None) => Some(Branch::Clean),
        }
    }
    /// Each kind of image took its own batch normalisation.
    pub fn chosen_by_kind(&self) -> bool {
        self.branch.is_none() && self.scores.adversarial_clean_bn.is_some()
    }
}

/// `BN_c` or `BN_a`.
pub fn branch_name(b: Branch) -> &'static str {
    match b {
        Branch::Clean => "BN_c",
        Branch::Adversarial => "BN_a",
    }
}

/// The branch that the emitted graph was folded with, by the settings of its report.
pub fn folded(r: &Report) -> Option<Branch> {
    [Branch::Clean, Branch::Adversarial].into_iter().find(|b| r.settings.bn.as_deref() == Some(b.name()))
}
