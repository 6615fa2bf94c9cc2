//! Time and memory of `relinc compile`, as a process of its own.

use super::pace::Pace;
use super::{Row, Subject};
use crate::error::{Error, Result, input};
use relinc_passes::back::onnx::{OnnxOptions, emit};
use relinc_passes::choice::Choice;
use relinc_passes::driver::valid;
use relinc_passes::ir::Graph;
use relinc_passes::ir::infer::infer;
use relinc_passes::layers::name_layers;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::splitmix::SplitMix;
use relinc_passes::unfinished::{self, Thing};
use std::path::Path;
use std::process::{Command, Stdio};

/// Compiles each network with a drawn half of its ReLUs to the targets.
pub fn measure(subjects: &[Subject], targets: &[String], pace: &mut dyn Pace) -> Result<Vec<Row>> {
    let (dir, _mark) =
        unfinished::begin(tempfile::tempdir, |d| Thing::Tree(d.path().into())).map_err(input)?;
    subjects.iter().map(|s| one(dir.path(), s, targets, pace)).collect()
}

fn one(dir: &Path, subject: &Subject, targets: &[String], pace: &mut dyn Pace) -> Result<Row> {
    let (model, masks) = (dir.join(format!("{subject}.onnx")), dir.join(format!("{subject}.safetensors")));
    let graph = subject.0.build(0).map_err(input)?;
    half(&graph)?.write(&masks).map_err(input)?;
    let v = valid::check(&graph).map_err(|e| input(&e[0]))?;
    emit(&v, &model, &OnnxOptions::default()).map_err(input)?;
    drop(graph);
    let model_bytes = model.metadata().map_err(input)?.len();
    let (mut peak, out) = (None, dir.join("out"));
    let seconds = pace.run(&mut || {
        let mut command = Command::new(std::env::current_exe().map_err(input)?);
        command.arg("compile").arg(&model).arg("-o").arg(&out).arg("--masks").arg(&masks);
        targets.iter().for_each(|t| {
            command.args(["--target", t]);
        });
        let ran = command.args(["-v", "--quiet"]).stdout(Stdio::null()).output().map_err(input)?;
        let err = String::from_utf8_lossy(&ran.stderr);
        if !ran.status.success() {
            return Err(Error::Answer(format!("compile of {subject} failed: {err}")));
        }
        let told = err
            .lines()
            .find_map(|l| l.strip_prefix("peak memory ")?.strip_suffix(" bytes")?.parse::<u64>().ok());
        peak = peak.max(told);
        // A new folder each time, removed within the time, as other programs in a comparison do.
        std::fs::remove_dir_all(&out).map_err(input)
    })?;
    Ok(Row {
        name: format!("compile {subject} {}", targets.join("+")),
        seconds: seconds.best,
        median_seconds: seconds.median,
        threads: relinc_runtime::threads::count(),
        peak_bytes: peak,
        model_bytes: Some(model_bytes),
        ..Row::default()
    })
}

/// Masks that keep every second ReLU, by chance.
fn half(graph: &Graph) -> Result<Masks> {
    let mut graph = graph.clone();
    let facts = infer(&graph).map_err(|e| input(&e[0]))?;
    let mut dice = SplitMix::new(1);
    let layers = name_layers(&mut graph, &facts).into_iter().map(|l| {
        let mut draw = || if dice.uniform() < 0.5 { Choice::Identity } else { Choice::Relu };
        let drawn = (0..l.relus()).map(|_| draw()).collect();
        (l.name, LayerMask::new(l.shape, drawn))
    });
    Ok(Masks { layers: layers.collect(), ..Masks::default() })
}
