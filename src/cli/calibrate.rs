//! `relinc calibrate-runtime`

use super::Global;
use crate::calibrate::{Request, Runner, calibrate};
use crate::error::{Result, input};
use crate::folder::{self, Inputs, Single, SingleKind};
use crate::python;
use relinc_runtime::cost::Weights;
use std::path::PathBuf;

/// Options of `relinc calibrate-runtime`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The runtime
    #[arg(long, value_name = "T", default_value = "spu")]
    target: String,
    /// cheetah, aby3 or semi2k
    #[arg(long, value_name = "P", value_parser = ["cheetah", "aby3", "semi2k"])]
    protocol: String,
    /// Bits of the ring
    #[arg(long, value_name = "BITS", default_value_t = 64)]
    ring: u32,
    /// Who knows the weights: secret, server or public; may be repeated [default: all three]
    #[arg(long, value_name = "WHO")]
    weights: Vec<Weights>,
    /// The protocol file to write, NAME.yaml
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Later calls of each program, whose mean is taken
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1000))]
    repeats: u64,
    /// Seconds each of the runs may take
    #[arg(long, value_name = "S", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    timeout: u64,
    /// Python with the runtime [default: $RELINC_PYTHON, else python3]
    #[arg(long, value_name = "PROGRAM")]
    python: Option<String>,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    if a.target != "spu" {
        return Err(input(format!("--target {}: calibrate-runtime measures spu only", a.target)));
    }
    if ![32, 64, 128].contains(&a.ring) || (a.protocol == "cheetah" && a.ring != 64) {
        return Err(input(format!("--ring {}: say 32, 64 or 128; cheetah is measured at 64", a.ring)));
    }
    let yaml = a.out.extension().is_some_and(|e| e == "yaml" || e == "yml");
    let Some(stem) = a.out.file_stem().and_then(|s| s.to_str()).filter(|_| yaml) else {
        return Err(input(format!("-o {}: a protocol file ends in .yaml", a.out.display())));
    };
    // The runner finds SPU's protocol in the name.
    let name = if stem.contains(&a.protocol) { stem.to_string() } else { format!("{stem}-{}", a.protocol) };
    let all = vec![Weights::Secret, Weights::Server, Weights::Public];
    let request = Request {
        runner: Runner {
            parties: if a.protocol == "aby3" { 3 } else { 2 },
            protocol: a.protocol,
            ring: a.ring,
            python: python::program(a.python.as_deref()),
            timeout: a.timeout,
        },
        weights: if a.weights.is_empty() { all } else { a.weights },
        calls: a.repeats as usize + 1,
        name,
    };
    let out = Single::new("-o", &a.out, SingleKind::Protocol, &Inputs::default(), &g.progress())?;
    let text = calibrate(&request, &g.progress())?;
    folder::write(out.path(), text)?;
    let file = a.out.display().to_string();
    let said = format!("wrote {file}; use it with --protocol {file}");
    g.show(&serde_json::json!({"protocol": request.name, "file": file}), said)
}
