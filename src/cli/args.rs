//! Options several commands share.

use crate::cli_options::{NETWORKS, PROTOCOLS, scores};
use crate::error::{Error, input};
use crate::folder::{Begin, Inputs};
use clap::Args;
use relinc_passes::front::onnx::ImportOptions;
use relinc_runtime::cost::{self, Network, Protocol};
use relinc_runtime::data::DataSpec;

/// How a model file is read.
#[derive(Debug, Clone, Default, Args)]
pub struct ImportArgs {
    /// Fix a symbolic dimension of the model's inputs
    #[arg(long = "dim", value_name = "NAME=N")]
    dims: Vec<String>,
    /// Leave a batch that is fixed at 1 as it is
    #[arg(long)]
    keep_batch: bool,
    /// Which of several outputs holds the class scores [default: the only one that can]
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
}

impl ImportArgs {
    /// For a command that needs class scores, of the classes of `data` where it has some.
    pub fn options(&self, data: Option<&DataSpec>) -> Result<ImportOptions, Error> {
        let parse = |d: &String| {
            let (name, n) = d.split_once('=')?;
            Some((name.to_string(), n.parse::<usize>().ok().filter(|&n| n > 0)?))
        };
        let dims = self
            .dims
            .iter()
            .map(|d| {
                parse(d).ok_or_else(|| Error::Input(format!("--dim {d}: write NAME=N with N at least 1")))
            })
            .collect::<Result<_, _>>()?;
        let scores = Some(scores(self.output.clone(), data));
        Ok(ImportOptions { keep_batch: self.keep_batch, dims, scores, ..ImportOptions::default() })
    }
}

/// What to price, and for whom.
#[derive(Debug, Clone, Default, Args)]
pub struct CostArgs {
    /// Cost model: spu-semi2k, spu-aby3, … (see relinc protocols), or a file; may be repeated
    #[arg(long = "protocol", value_name = "P")]
    protocols: Vec<String>,
    /// lan, wan, mobile, or 'rtt=40ms;bandwidth=100Mbit'; may be repeated
    #[arg(long = "network", value_name = "N")]
    networks: Vec<String>,
    /// Who knows the model: secret, server or public [default: the protocol's]
    #[arg(long, value_name = "WHO")]
    weights: Option<cost::Weights>,
}

/// What becomes of a run that lies in the output folder.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct BeginArgs {
    /// Continue an interrupted run where its last checkpoint is; what is finished stays as it is
    #[arg(long)]
    pub resume: bool,
    /// Make a run anew that lies in the output folder; what it replaces is kept until the new one is complete
    #[arg(long, conflicts_with = "resume")]
    pub restart: bool,
}

impl BeginArgs {
    pub fn begin(self) -> Begin {
        match (self.resume, self.restart) {
            (true, _) => Begin::Resume,
            (_, true) => Begin::Restart,
            _ => Begin::Fresh,
        }
    }
}

impl CostArgs {
    /// The protocol files that are read.
    pub fn read(&self, inputs: &mut Inputs) {
        self.protocols.iter().for_each(|p| inputs.protocol(p));
    }
    pub fn protocols(&self) -> Result<Vec<Protocol>, Error> {
        let names = if self.protocols.is_empty() {
            PROTOCOLS.map(String::from).to_vec()
        } else {
            self.protocols.clone()
        };
        names.iter().map(|n| cost::find(n).map_err(input)).collect()
    }
    pub fn networks(&self) -> Result<Vec<Network>, Error> {
        let names = if self.networks.is_empty() {
            NETWORKS.map(String::from).to_vec()
        } else {
            self.networks.clone()
        };
        names.iter().map(|n: &String| n.parse().map_err(input)).collect()
    }
    pub fn weights(&self) -> Option<cost::Weights> {
        self.weights
    }
}
