//! Running micro-graphs on SPU.

use super::graphs::Micro;
use crate::error::{Error, Result, input};
use crate::folder::unwritable;
use crate::python;
use relinc_passes::back::spu::RUN_PY;
use relinc_passes::unfinished::{self, Thing};
use relinc_runtime::cost::Weights;
use serde::Deserialize;
use std::process::Command;
use std::time::Duration;

const MICRO_PY: &str = include_str!("micro.py");
const GRACE_S: u64 = 20;

/// How to run.
#[derive(Debug, Clone)]
pub struct Runner {
    /// `semi2k`, `aby3` or `cheetah`.
    pub protocol: String,
    /// Parties.
    pub parties: u32,
    /// Ring size in bits.
    pub ring: u32,
    /// Python with the runtime.
    pub python: String,
    /// Seconds one batch may take.
    pub timeout: u64,
}

/// Traffic of one call, rank 0.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Call {
    /// Bytes sent.
    pub sent_bytes: f64,
    /// Bytes received.
    pub recv_bytes: f64,
    /// Times it sent.
    pub send_actions: f64,
    /// Seconds.
    pub seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Graph {
    calls: Vec<Call>,
}

#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    graphs: Vec<Graph>,
    usage: Option<String>,
    error: Option<String>,
}

impl Runner {
    /// Runs all graphs in one fresh process; the calls of each, in order.
    pub fn run(&self, graphs: &[Micro], weights: Weights) -> Result<Vec<Vec<Call>>> {
        let make = || tempfile::Builder::new().prefix("relinc-calibrate-").tempdir();
        let (dir, _mark) =
            unfinished::begin(make, |d| Thing::Tree(d.path().into())).map_err(python::no_room)?;
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).map_err(|e| unwritable(&path, &e))
        };
        write("run.py", RUN_PY)?;
        write("micro.py", MICRO_PY)?;
        let job = serde_json::json!({
            "protocol": self.protocol, "parties": self.parties, "field": self.ring, "fraction": 0,
            "weights": weights.name(), "timeout": self.timeout, "graphs": graphs,
        });
        write("job.json", &job.to_string())?;
        let mut command = Command::new(&self.python);
        command.arg(dir.path().join("micro.py")).arg(dir.path());
        let ended = python::run(&mut command, Duration::from_secs(self.timeout + GRACE_S))?;
        let Ok(text) = std::fs::read_to_string(dir.path().join("out.json")) else {
            return Err(match ended.status {
                None => Error::Answer(format!(
                    "spu: no result after {} s; raise --timeout",
                    self.timeout + GRACE_S
                )),
                Some(s) if s.code() == Some(2) => Error::Input(ended.complaint()),
                Some(s) => {
                    Error::Answer(format!("{}: the runner failed ({s})\n{}", self.python, ended.complaint()))
                }
            });
        };
        let answer: Answer = serde_json::from_str(&text).map_err(input)?;
        match (answer.usage, answer.error) {
            (Some(why), _) => Err(input(format!("spu: {why}"))),
            (_, Some(why)) => Err(Error::Answer(format!("spu: {why}"))),
            _ => Ok(answer.graphs.into_iter().map(|g| g.calls).collect()),
        }
    }
}
