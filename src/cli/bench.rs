//! `relinc bench`

use super::{Global, print, print_json};
use crate::bench;
use crate::error::Error;
use std::path::PathBuf;

/// Options of `relinc bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// compile (time and memory of compile), eval (images a second), train-step (an SGD step with masked ReLUs), gradients
    /// (the executor's against a file of benches/pytorch/gradients.py)
    #[arg(value_parser = ["compile", "eval", "train-step", "gradients"])]
    what: String,
    /// The model, for gradients
    model: Option<PathBuf>,
    /// The file to compare with, for gradients
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Print where the time goes (announced)
    #[arg(long)]
    profile: bool,
    /// Repetitions; the smallest time counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    if a.profile {
        return Err(Error::announced("--profile"));
    }
    let rows = match a.what.as_str() {
        "compile" => bench::compile(a.repeat as usize)?,
        "eval" => bench::eval(a.repeat as usize)?,
        "train-step" => bench::step::measure(a.repeat as usize)?,
        _ => return gradients(&a, g),
    };
    if g.json {
        return print_json(&rows);
    }
    for r in rows {
        print(&r.to_string());
    }
    Ok(())
}

fn gradients(a: &Args, g: &Global) -> Result<(), Error> {
    let (Some(model), Some(reference)) = (&a.model, &a.reference) else {
        return Err(Error::Input("bench gradients wants MODEL.onnx and --reference FILE".into()));
    };
    let p = bench::gradients::compare(model, reference)?;
    if g.json {
        return print_json(&p);
    }
    print(&format!(
        "loss {:.6} here, {:.6} there; largest relative difference of the gradients: parameters {:.1e} ({}, of {}), \
         input {:.1e}, masks {:.1e}",
        p.loss, p.reference_loss, p.parameters, p.worst, p.compared, p.input, p.masks
    ));
    Ok(())
}
