//! `relinc bench`

use super::{Global, print};
use crate::bench::pace::{Pace, Repeat};
use crate::bench::step::Step;
use crate::bench::{self, Plan, Subject};
use crate::error::{Result, input};
use relinc_runtime::device::{self, Chosen, DeviceSpec};
use relinc_runtime::exec::Precision;
use relinc_runtime::kernels::simd::Cpu;
use relinc_runtime::threads;
use std::io::BufRead;
use std::path::PathBuf;

/// Options of `relinc bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// compile (time and memory of compile), eval (images a second), train-step (an SGD step with masked ReLUs), robust-step
    /// (RLNet's: clean, AugMix and PGD-7), growth (of a step with batch, width, depth and resolution), gradients (the executor's
    /// against a file of benches/pytorch/gradients.py), convolutions (each way of their passes)
    #[arg(value_parser = ["compile", "eval", "train-step", "robust-step", "growth", "gradients", "convolutions"])]
    what: String,
    /// The model file, for gradients
    file: Option<PathBuf>,
    /// The networks to measure: resnet20, wrn28-10, resnet18@64 for images of 64×64; may be repeated [default: resnet20 and resnet18]
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<Subject>,
    /// Images of a batch [default: 128; a step of another network than resnet20: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    batch: Option<u64>,
    /// Threads that compute [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    threads: Option<u64>,
    /// What compile emits: onnx, spu; may be repeated [default: both]
    #[arg(long = "target", value_name = "T")]
    targets: Vec<String>,
    /// The file to compare with, for gradients
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// What a step or gradients are computed in: f32, f16, bf16 [default: f32]
    #[arg(long, value_name = "P")]
    precision: Option<Precision>,
    /// By the instructions of this kind of CPU, convolutions: amx-bf16, avx512-bf16, avx512, avx2, neon, plain [default: this machine's]
    #[arg(long, value_name = "KIND")]
    cpu: Option<Cpu>,
    /// Print where the time goes
    #[arg(long)]
    profile: bool,
    /// Repetitions; the smallest time counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// One repetition for each line on stdin, its seconds to stdout: for measurements that take turns with another program
    #[arg(long, conflicts_with = "repeat")]
    paced: bool,
}

/// Refuses options that what is measured has no use for.
fn fits(a: &Args) -> Result<()> {
    const STEPS: &[&str] = &["train-step", "robust-step", "eval"];
    const BUILT: &[&str] = &["train-step", "robust-step", "eval", "compile"];
    let given = [
        (a.profile, "--profile", STEPS),
        (a.batch.is_some(), "--batch", &["train-step", "robust-step", "eval", "convolutions"]),
        (a.precision.is_some(), "--precision", &["train-step", "robust-step", "gradients", "convolutions"]),
        (a.cpu.is_some(), "--cpu", &["convolutions"]),
        (!a.models.is_empty(), "--model", BUILT),
        (a.paced, "--paced", BUILT),
        (!a.targets.is_empty(), "--target", &["compile"]),
        (a.reference.is_some(), "--reference", &["gradients"]),
    ];
    match given.into_iter().find(|(given, _, of)| *given && !of.contains(&a.what.as_str())) {
        Some((_, option, of)) => Err(input(format!("bench {}: {option} is for {}", a.what, of.join(", ")))),
        None => Ok(()),
    }
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    fits(&a)?;
    if a.what == "gradients" {
        return gradients(&a, g);
    }
    if a.what == "growth" {
        let series = bench::growth::measure(a.repeat, a.threads.map(|n| n as usize))?;
        return show(&series, g);
    }
    if let Some(n) = a.threads {
        threads::set(n as usize).map_err(input)?;
    }
    if a.what == "convolutions" {
        let (cpu, images) = (a.cpu.unwrap_or(Cpu::here()), a.batch.unwrap_or(128) as usize);
        return show(
            &bench::convolutions::measure(cpu, a.precision.unwrap_or_default(), images, a.repeat)?,
            g,
        );
    }
    let mut repeat = Repeat::new(a.repeat);
    let pace: &mut dyn Pace = if a.paced { &mut Turns } else { &mut repeat };
    let models = if a.models.is_empty() {
        vec!["resnet20".parse().map_err(input)?, "resnet18".parse().map_err(input)?]
    } else {
        a.models.clone()
    };
    if a.what == "compile" {
        let targets =
            if a.targets.is_empty() { vec!["onnx".into(), "spu".into()] } else { a.targets.clone() };
        return show(&bench::compile::measure(&models, &targets, pace)?, g);
    }
    let step = a.what != "eval";
    let batch = |s: &Subject| match a.batch {
        Some(n) => n as usize,
        None if step && s.to_string() != "resnet20" => 32,
        None => 128,
    };
    let subjects = models.into_iter().map(|s| (s.clone(), batch(&s))).collect();
    let chosen = if step { asked(g)? } else { device::choose(&DeviceSpec::Cpu).map_err(input)? };
    let precision = a.precision.unwrap_or_default();
    precision.check(chosen.first()).map_err(input)?;
    let mut plan = Plan { subjects, pace, profile: a.profile, device: chosen.first(), precision };
    let rows = match a.what.as_str() {
        "eval" => bench::eval::measure(&mut plan)?,
        "train-step" => bench::step::measure(Step::Clean, &mut plan)?,
        _ => bench::step::measure(Step::Robust, &mut plan)?,
    };
    show(&rows, g)
}

/// The device that was asked for: the CPU unless one was, so that figures compare from machine to machine.
fn asked(g: &Global) -> Result<Chosen> {
    device::choose(&g.device.clone().unwrap_or(DeviceSpec::Cpu)).map_err(input)
}

/// Prints one result a line, or all as JSON.
fn show<T: serde::Serialize + std::fmt::Display>(rows: &[T], g: &Global) -> Result<()> {
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    g.show(&rows, lines.join("\n"))
}

/// A repetition for each line on stdin.
struct Turns;

impl Pace for Turns {
    fn next(&mut self, before: Option<f64>) -> Result<bool> {
        match before {
            None => print("ready")?,
            Some(seconds) => print(&seconds.to_string())?,
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|n| n > 0).map_err(input)
    }
}

fn gradients(a: &Args, g: &Global) -> Result<()> {
    let (Some(model), Some(reference)) = (&a.file, &a.reference) else {
        return Err(input("bench gradients wants MODEL.onnx and --reference FILE"));
    };
    let chosen = asked(g)?;
    let precision = a.precision.unwrap_or_default();
    precision.check(chosen.first()).map_err(input)?;
    let p = bench::gradients::compare(model, reference, chosen.first(), precision)?;
    let theirs = p.reference_distance.map_or(String::new(), |d| format!(" (PyTorch's in bf16 {d:.1e})"));
    let said = format!(
        "loss {:.6} here, {:.6} there; largest relative difference of the gradients: parameters {:.1e} ({}, of {}), \
         input {:.1e}, masks {:.1e}; distance of all parameters' together {:.1e}{theirs}",
        p.loss, p.reference_loss, p.parameters, p.worst, p.compared, p.input, p.masks, p.distance
    );
    g.show(&p, said)
}
