//! relinc measuring itself, on networks it builds: no data needed.

pub mod gradients;
pub mod step;

use crate::error::{Error, input};
use relinc_passes::architecture::{Architecture, Kind};
use relinc_passes::back::onnx::{OnnxOptions, emit};
use relinc_passes::interp::Interp;
use relinc_passes::ir::infer::infer;
use relinc_passes::valid;
use relinc_runtime::cost;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One measurement.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Seconds, the smallest of the repetitions.
    pub seconds: f64,
    /// Peak memory of the process in bytes, the largest of the repetitions; where the system tells it.
    pub peak_bytes: Option<u64>,
    /// Size of the model file in bytes.
    pub model_bytes: Option<u64>,
    /// Images a second.
    pub images_per_second: Option<f64>,
    /// Floating-point operations a second, in 10⁹.
    pub gflops: Option<f64>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28} {:.3} s", self.name, self.seconds)?;
        if let (Some(p), Some(m)) = (self.peak_bytes, self.model_bytes) {
            let (p, m) = (p as f64, m as f64);
            write!(f, ", peak {:.0} MB = {:.2} × the model's {:.1} MB", p / 1e6, p / m, m / 1e6)?;
        }
        if let (Some(i), Some(g)) = (self.images_per_second, self.gflops) {
            write!(f, ", {i:.0} images/s, {g:.1} GFLOP/s")?;
        }
        Ok(())
    }
}

fn resnet(depth: usize) -> Architecture {
    Architecture { kind: Kind::Resnet, depth, width: None, classes: 10, input: [3, 32, 32] }
}

/// The largest resident memory this process has had, in bytes.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// Times `relinc compile` as a process of its own on ResNet-20 and ResNet-18, to both targets.
pub fn compile(repeat: usize) -> Result<Vec<Row>, Error> {
    let dir = tempfile::tempdir().map_err(input)?;
    [20, 18].into_iter().map(|depth| compile_one(dir.path(), depth, repeat)).collect()
}

fn compile_one(dir: &Path, depth: usize, repeat: usize) -> Result<Row, Error> {
    let model = dir.join(format!("resnet{depth}.onnx"));
    let graph = resnet(depth).build(0).map_err(input)?;
    let v = valid::check(&graph).map_err(|e| input(&e[0]))?;
    emit(&v, &model, &OnnxOptions::default()).map_err(input)?;
    let model_bytes = model.metadata().map_err(input)?.len();
    let (mut seconds, mut peak) = (f64::MAX, None);
    for _ in 0..repeat {
        let start = Instant::now();
        let out = Command::new(std::env::current_exe().map_err(input)?)
            .arg("compile")
            .arg(&model)
            .arg("-o")
            .arg(dir.join("out"))
            .args(["--target", "onnx", "--target", "spu", "-v", "--quiet"])
            .stdout(Stdio::null())
            .output()
            .map_err(input)?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
        let err = String::from_utf8_lossy(&out.stderr);
        if !out.status.success() {
            return Err(Error::Answer(format!("compile of ResNet-{depth} failed: {err}")));
        }
        let told = err
            .lines()
            .find_map(|l| l.strip_prefix("peak memory ")?.strip_suffix(" bytes")?.parse::<u64>().ok());
        peak = peak.max(told);
    }
    Ok(Row {
        name: format!("compile resnet{depth} onnx+spu"),
        seconds,
        peak_bytes: peak,
        model_bytes: Some(model_bytes),
        images_per_second: None,
        gflops: None,
    })
}

/// Times the reference interpreter on ResNet-20 and ResNet-18 at batch 128.
pub fn eval(repeat: usize) -> Result<Vec<Row>, Error> {
    [20, 18].into_iter().map(|depth| eval_one(depth, repeat)).collect()
}

fn eval_one(depth: usize, repeat: usize) -> Result<Row, Error> {
    const BATCH: usize = 128;
    let graph = resnet(depth).build(0).map_err(input)?;
    let facts = infer(&graph).map_err(|e| input(&e[0]))?;
    let macs = cost::totals(&graph, &facts).macs as f64;
    let interp = Interp::new(&graph).map_err(input)?;
    let x = crate::random::uniform(&[BATCH, 3, 32, 32], 0);
    let mut seconds = f64::MAX;
    for _ in 0..repeat {
        let start = Instant::now();
        interp.run(vec![x.clone()]).map_err(input)?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    Ok(Row {
        name: format!("eval resnet{depth} batch {BATCH}"),
        seconds,
        peak_bytes: None,
        model_bytes: None,
        images_per_second: Some(BATCH as f64 / seconds),
        gflops: Some(2.0 * macs * BATCH as f64 / seconds / 1e9),
    })
}
