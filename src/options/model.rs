//! How a model's file is read.

use super::text::list;
use relinc_passes::front::onnx::{ImportOptions, Need, Wanted};
use relinc_runtime::data::DataSpec;
use serde::Deserialize;
use std::str::FromStr;

/// How a model's file is read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "How the model is read")]
pub struct ModelOptions {
    /// Fix a symbolic dimension of the model's inputs
    #[arg(long = "dim", value_name = "NAME=N")]
    #[serde(deserialize_with = "list")]
    dims: Vec<Dim>,
    /// Leave a batch that the file fixes as it is
    #[arg(long)]
    keep_batch: bool,
    /// Which of several outputs holds the class scores [default: the only one that can]
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
}

/// A symbolic dimension and its size.
#[derive(Debug, Clone, PartialEq)]
struct Dim(String, usize);

impl FromStr for Dim {
    type Err = String;
    fn from_str(s: &str) -> Result<Dim, String> {
        let parsed = s.split_once('=').and_then(|(name, n)| {
            Some(Dim(name.to_string(), n.trim().parse().ok().filter(|&n: &usize| n > 0)?))
        });
        parsed.ok_or_else(|| format!("{s}: write NAME=N with N at least 1"))
    }
}

impl ModelOptions {
    /// For a command that needs class scores: the output of this name, or the one that fits the classes of `data`.
    pub fn import(&self, data: Option<&DataSpec>) -> ImportOptions {
        let classes = data.and_then(|d| d.catalogue().ok()).map(|c| c.classes.len());
        let need = if data.is_some() { Need::Scores } else { Need::One };
        let scores = Some(Wanted { output: self.output.clone(), classes, need });
        let dims = self.dims.iter().map(|Dim(name, n)| (name.clone(), *n)).collect();
        ImportOptions { keep_batch: self.keep_batch, dims, scores, ..ImportOptions::default() }
    }
}
