//! What a compilation is asked.

use super::{Bounded, FoldMode, Search};
use crate::error::{Result, input};
use crate::folder::Inputs;
use crate::options::CompileOptions;
use crate::report::model as rm;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::ir::Graph;
use relinc_passes::masks::Masks;
use relinc_runtime::cost::{self, Network, Protocol};
use relinc_runtime::data::DataSpec;
use relinc_runtime::exec::Branch;
use relinc_runtime::search::budget::Budget;
use std::path::PathBuf;

/// Where the masks come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum MaskSource {
    /// Keep every ReLU.
    #[default]
    All,
    /// A mask file.
    File(PathBuf),
    /// Masks learned here.
    Learned(Masks),
    /// A search that trains nothing.
    Search(Box<Search>),
}

/// Everything `compile` is asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The output folder.
    pub out: PathBuf,
    /// The command that asks.
    pub by: &'static str,
    /// What it reads.
    pub inputs: Inputs,
    /// Masks.
    pub masks: MaskSource,
    /// Images for calibration, accuracy and the sample input.
    pub data: Option<DataSpec>,
    /// What else was asked.
    pub options: CompileOptions,
    /// Protocols to price.
    pub protocols: Vec<Protocol>,
    /// Networks to price.
    pub networks: Vec<Network>,
    /// Seed of everything random.
    pub seed: u64,
    /// The network whose accuracy is the one before.
    pub before: Before,
    /// The graph that was imported, where the one to compile was made of it; costs are compared with it.
    pub original: Option<Graph>,
    /// What merged in the original before the network was tuned.
    pub merged: Option<Vec<rm::Pass>>,
    /// Layers that keep none of the ReLUs that given masks leave them.
    pub vanish: Vec<String>,
    /// Truncations that cost nothing, once they are found to be rare enough in going wrong.
    pub bounded: Option<Bounded>,
    /// What training found, for the report.
    pub learned: Option<Learned>,
}

impl Request {
    /// What the passes are told about merging.
    pub fn fold(&self) -> Fold {
        self.options.fold.options(self)
    }

    /// Is the network folded before it is tuned?
    pub fn folds_before_tuning(&self) -> bool {
        self.options.fold == FoldMode::BeforeTune
    }

    /// Prices where a budget in seconds holds, too. Where nobody names protocols, the budget's is the first: what is chosen by price is
    /// chosen for it.
    pub fn price_at(&mut self, b: &Budget) -> Result<()> {
        self.inputs.budget(b);
        let Budget::Latency(l) = b else { return Ok(()) };
        let p = cost::find(&l.protocol).map_err(input)?;
        if self.options.report.protocols.is_empty() {
            self.protocols.retain(|known| *known != p);
            self.protocols.insert(0, p);
        } else if !self.protocols.contains(&p) {
            self.protocols.push(p);
        }
        if !self.networks.contains(&l.network) {
            self.networks.push(l.network.clone());
        }
        Ok(())
    }
}

/// A network in words.
#[derive(Debug, Clone)]
pub struct Named {
    /// What it is: "the original".
    pub text: String,
    /// It is the original or its teacher.
    pub original: bool,
}

/// The network whose accuracy is the one before.
#[derive(Debug, Clone)]
pub enum Before {
    /// The model with all its ReLUs.
    Own(Named),
    /// Another one with all its ReLUs.
    Network(Box<Graph>, Named),
    /// There was none: training began with random weights.
    Nothing,
}

impl Default for Before {
    fn default() -> Before {
        Before::Own(Named { text: "the original".into(), original: true })
    }
}

/// What training adds to a report.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// Its log.
    pub training: rm::Training,
    /// Accuracies of the networks of the run.
    pub evaluations: Vec<rm::Evaluation>,
    /// How the model's file was read.
    pub import: ImportOptions,
    /// The branch that is exported, of dual batch normalisations.
    pub branch: Option<Branch>,
    /// Sentences.
    pub notes: Vec<String>,
}

/// Where the network comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// An ONNX file.
    File(PathBuf, ImportOptions),
    /// A graph built here, and a name for it.
    Built(Box<Graph>, String),
    /// A graph trained here, and where it came from.
    Trained(Box<Graph>, Box<ModelInfo>),
}

impl Source {
    /// How the file is read; by default where there is none.
    pub fn import(&self) -> ImportOptions {
        match self {
            Source::File(_, o) => o.clone(),
            Source::Built(..) | Source::Trained(..) => ImportOptions::default(),
        }
    }
}
