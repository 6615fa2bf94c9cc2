//! Running an emitted artefact on the installed runtime and holding it against its prediction.

mod compare;
mod dealing;
mod document;
mod serving;

pub use compare::compare;
pub use document::{Document, Node, Traffic};

use crate::error::{Error, Result, input};
use crate::python;
use crate::report::Report;
use crate::report::model::{Compared, Cost, Measured, MeasuredDealer, MeasuredService};
use relinc_runtime::cost::{Network, Protocol, Weights};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Seconds the runner has to end itself before it is killed.
const GRACE_S: u64 = 20;

/// What to run and against what.
#[derive(Debug, Clone)]
pub struct Job {
    /// The folder compile wrote.
    pub dir: PathBuf,
    /// The cost model.
    pub protocol: Protocol,
    /// Who knows the weights; the prediction's setting when not said.
    pub weights: Option<Weights>,
    /// Networks to give times for.
    pub networks: Vec<Network>,
    /// Python with the runtime.
    pub python: String,
    /// Seconds.
    pub timeout: u64,
    /// Also run every operation by itself.
    pub layers: bool,
    /// Queries whose mean is taken.
    pub images: u64,
    /// Also start both ends of a service.
    pub serve: bool,
}

/// The name SPU gives a cost model's protocol.
fn spu_name(p: &Protocol) -> Result<&'static str> {
    let known = ["cheetah", "aby3", "semi2k"];
    let found = known.into_iter().find(|k| p.name.contains(k));
    found.ok_or_else(|| input(format!("--protocol {}: the spu target runs {}", p.name, known.join(", "))))
}

/// The prediction in the report that the run is held against.
fn prediction<'a>(r: &'a Report, job: &Job) -> Result<&'a Cost> {
    let fits = |c: &&Cost| c.protocol == job.protocol.name && job.weights.is_none_or(|w| c.weights == w);
    r.cost.iter().find(fits).ok_or_else(|| {
        let weights = job.weights.map(|w| format!(" --weights {w}")).unwrap_or_default();
        input(format!(
            "{}: no prediction for {}{}; compile again with --protocol {}{weights}",
            job.dir.join("report.json").display(),
            job.protocol.name,
            job.weights.map(|w| format!(" with {w} weights")).unwrap_or_default(),
            job.protocol.name,
        ))
    })
}

/// Runs the artefact and compares.
pub fn measure(job: &Job, r: &Report) -> Result<Measured> {
    let cost = prediction(r, job)?;
    // Where the runtime draws each party's part of the traffic at random, the difference of two runs is no set-up, and the
    // sum over all parties is what one run can be judged by.
    let steady = job.protocol.tolerance.is_none();
    let layers: &[&str] = if job.layers { &["--layers"] } else { &[] };
    let images = job.images * cost.images_per_query;
    let mut document = execute(job, cost.weights, images, layers)?;
    if !steady && counts_all(job) {
        document.all_sent_bytes =
            execute(job, cost.weights, cost.images_per_query, &["--all-parties"])?.all_sent_bytes;
    }
    let mut measured = compare(cost, &document, &job.networks, &job.protocol);
    if let Some(predicted) = cost.after.dealer.filter(|_| knows_dealers(job)) {
        let one = cost.images_per_query;
        let (_, asked) = dealing::beside(|dealer| execute(job, cost.weights, one, dealer))?;
        let beside = |predicted: f64, n: u64| Compared { predicted, measured: n as f64 / one as f64 };
        measured.dealer = Some(MeasuredDealer {
            requests: beside(predicted.requests, asked.requests),
            bytes: beside(predicted.bytes as f64, asked.bytes),
        });
    }
    measured.service = job.serve.then(|| serve(cost, job)).transpose()?;
    Ok(measured)
}

/// Both ends of a service, an image a query at least; the first query of the session, and the mean of the others.
fn serve(cost: &Cost, job: &Job) -> Result<MeasuredService> {
    let images = cost.images_per_query;
    let all = serving::answered(job, job.images.max(2) * images)?;
    let Some((first, others)) = all.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(Error::Answer("the server's log says nothing of its queries; compile again".into()));
    };
    let share = 1.0 / images as f64;
    let mean = |get: fn(&Traffic) -> f64| others.iter().map(get).sum::<f64>() / others.len() as f64 * share;
    let spent = &cost.after;
    let (sent, received, computing) = match spent.later {
        Some(l) => (l.online_bytes, l.received_bytes, l.compute_s),
        None => (spent.online_bytes, spent.received_bytes, spent.compute_s),
    };
    Ok(MeasuredService {
        queries: others.len() as u64,
        sent: Compared { predicted: sent as f64, measured: mean(|t| t.sent_bytes as f64) },
        received: Compared { predicted: received as f64, measured: mean(|t| t.recv_bytes as f64) },
        first_s: first.seconds * share,
        first_predicted_s: spent.compute_s,
        later_s: mean(|t| t.seconds),
        later_predicted_s: computing,
    })
}

/// Can the runner ask a dealer? Those of earlier versions cannot.
fn knows_dealers(job: &Job) -> bool {
    std::fs::read_to_string(job.dir.join("spu").join("run.py"))
        .is_ok_and(|text| text.contains("--dealer-key"))
}

/// Can the runner count all parties? Those of earlier versions cannot.
fn counts_all(job: &Job) -> bool {
    std::fs::read_to_string(job.dir.join("spu").join("run.py"))
        .is_ok_and(|text| text.contains("--all-parties"))
}

/// Runs `run.py` on some images and reads what it prints.
fn execute(job: &Job, weights: Weights, images: u64, more: &[&str]) -> Result<Document> {
    let script = job.dir.join("spu").join("run.py");
    if !script.is_file() {
        return Err(input(format!("{}: missing; compile with --target spu", script.display())));
    }
    let mut command = Command::new(&job.python);
    command.arg(&script).args(["--protocol", spu_name(&job.protocol)?]);
    command.args(["--weights", weights.name(), "--json"]);
    command.args(["--parties", &job.protocol.parties.to_string(), "--field", &job.protocol.ring.to_string()]);
    command.args(["--timeout", &job.timeout.to_string()]);
    command.args(["--n", &images.to_string()]).args(more);
    let ended = python::run(&mut command, Duration::from_secs(job.timeout + GRACE_S))?;
    let kept = format!("what compile wrote to {} is unchanged", job.dir.display());
    let Some(status) = ended.status else {
        return Err(Error::Answer(format!(
            "{}: still running after {} s and was ended; {kept}",
            script.display(),
            job.timeout + GRACE_S
        )));
    };
    match status.code() {
        Some(0) => read(&script, &ended.stdout),
        Some(2) => Err(input(format!("{}\n{kept}", ended.complaint()))),
        _ => Err(Error::Answer(format!("{}\n{} ({status}); {kept}", ended.complaint(), script.display()))),
    }
}

fn read(script: &Path, text: &str) -> Result<Document> {
    serde_json::from_str(text).map_err(|e| {
        input(format!(
            "{}: printed no figures ({e}); compile again, it may be of another version",
            script.display()
        ))
    })
}
