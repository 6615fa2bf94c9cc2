//! `relinc measure`

use super::Global;
use crate::compile::Target;
use crate::error::{Result, input};
use crate::folder::{Folder, Inputs};
use crate::measure::{Job, measure};
use crate::python;
use crate::report::{self, Report, text};
use relinc_runtime::cost::{self, Network, Weights};
use std::path::PathBuf;

/// Options of `relinc measure`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder that compile or run wrote
    dir: PathBuf,
    /// The artefact to run
    #[arg(long, value_name = "T", default_value = "spu")]
    target: String,
    /// The cost model to hold it against: cheetah, aby3, semi2k, or a file [default: the first of SPU in the report]
    #[arg(long, value_name = "P")]
    protocol: Option<String>,
    /// Who knows the model [default: the setting the report predicts for]
    #[arg(long, value_name = "WHO")]
    weights: Option<Weights>,
    /// Networks to give times for: lan, wan, mobile, or 'rtt=40ms;bandwidth=100Mbit'
    #[arg(long = "network", value_name = "N")]
    networks: Vec<String>,
    /// Seconds the run may take
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    timeout: u64,
    /// Queries whose mean is taken, of one image each or of as many as it was compiled for [default: 1, or 8 where the protocol draws its traffic at random]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    images: Option<u64>,
    /// Python with the runtime [default: $RELINC_PYTHON, else python3]
    #[arg(long, value_name = "PROGRAM")]
    python: Option<String>,
    /// Do not run every operation by itself: half the time, but totals only
    #[arg(long)]
    totals: bool,
    /// Also start a server and a client here, and who else belongs to the protocol, each a process, with TLS: seconds of a session's first query
    /// and of later ones, as many as --images, at least one
    #[arg(long)]
    serve: bool,
}

/// The first protocol of SPU that a report predicts for.
fn first(r: &Report) -> Result<String> {
    let on_spu = |name: &&String| cost::find(name).is_ok_and(|p| p.on_spu().is_some());
    r.cost.iter().map(|c| &c.protocol).find(on_spu).cloned().ok_or_else(|| {
        input("the report predicts for no protocol of SPU that relinc knows: name one, or its file, with --protocol")
    })
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    if a.target != "spu" {
        return Err(input(format!("--target {}: measure runs spu artefacts only", a.target)));
    }
    let mut folder = Folder::existing(&a.dir, "measure", &g.progress())?;
    let mut r = report::read(&a.dir)?;
    folder.manifest().verify(&a.dir, Target::Spu.files().iter().copied())?;
    let mut inputs = Inputs::default();
    let protocol = a.protocol.map_or_else(|| first(&r), Ok)?;
    inputs.protocol(&protocol);
    folder.claim(&inputs, &report::FILES.map(String::from), &[])?;
    let networks = if a.networks.is_empty() { vec!["lan".into(), "wan".into()] } else { a.networks };
    let protocol = cost::find(&protocol).map_err(input)?;
    let job = Job {
        images: a.images.unwrap_or(if protocol.tolerance.is_some() { 8 } else { 1 }),
        protocol,
        weights: a.weights,
        networks: networks.iter().map(|n| n.parse::<Network>().map_err(input)).collect::<Result<_, _>>()?,
        python: python::program(a.python.as_deref()),
        timeout: a.timeout,
        layers: !a.totals,
        serve: a.serve,
        dir: a.dir,
    };
    g.progress().step("running the artefact");
    let m = measure(&job, &r)?;
    r.measured.retain(|old| (&old.protocol, old.weights) != (&m.protocol, m.weights));
    r.measured.push(m.clone());
    let staging = folder.stage()?;
    report::write(staging.path(), &r).map_err(|e| staging.named(e))?;
    folder.amend(staging)?;
    g.show(&m, text::measured(&m))
}
