//! `relinc architecture`

use super::Global;
use crate::error::{Result, input};
use crate::folder::{Inputs, Single, SingleKind};
use relinc_passes::architecture::{Architecture, Kind};
use relinc_passes::back::onnx::{OnnxOptions, emit};
use relinc_passes::driver::valid;
use relinc_runtime::cost;
use std::path::PathBuf;

/// Options of `relinc architecture`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The family: resnet or wide-resnet
    #[arg(long, default_value = "resnet", value_parser = ["resnet", "wide-resnet"])]
    kind: String,
    /// The depth; resnet: 18, 20, 32, 34 or 56; wide-resnet: 6·n + 4, such as 16, 22 or 28
    #[arg(long)]
    depth: usize,
    /// The widening factor of a wide-resnet: 8 for WRN-22-8
    #[arg(long)]
    width: Option<usize>,
    /// Number of classes
    #[arg(long, default_value_t = 10)]
    classes: usize,
    /// Channels, height, width
    #[arg(long, value_name = "C,H,W", value_delimiter = ',', num_args = 3, default_values_t = [3, 32, 32])]
    input: Vec<usize>,
    /// The ONNX file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let input_shape: [usize; 3] =
        a.input.try_into().map_err(|_| input("--input takes three numbers: channels, height, width"))?;
    let kind = if a.kind == "wide-resnet" { Kind::WideResnet } else { Kind::Resnet };
    let arch = Architecture { kind, depth: a.depth, width: a.width, classes: a.classes, input: input_shape };
    let graph = arch.build(g.seed()).map_err(input)?;
    let v = valid::check(&graph).map_err(|e| input(&e[0]))?;
    let out = Single::new("-o", &a.out, SingleKind::Model, &Inputs::default(), &g.progress())?;
    emit(&v, out.path(), &OnnxOptions::default()).map_err(input)?;
    let totals = cost::totals(v.graph(), v.facts());
    let said = format!(
        "wrote {}: {} ReLUs, {} parameters, random weights of seed {}",
        a.out.display(),
        totals.relus,
        totals.parameters,
        g.seed()
    );
    g.show(&serde_json::json!({"file": a.out, "totals": totals, "seed": g.seed()}), said)
}
