//! `relinc verify --fixed-point`: one model in floating point against another, or itself, on ring elements.

use super::Global;
use super::verify::{Args, Given, execute};
use crate::error::{Error, Result, input};
use crate::fixed_point::{place, render};
use crate::folder::unwritable;
use crate::probe::{max_abs_difference, range};
use relinc_passes::driver::valid;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::{files, npy};
use relinc_runtime::eval;
use relinc_runtime::fixed::{Format, Settings, Truncation, Unknown, analyse};
use serde_json::json;
use std::path::PathBuf;

/// Options that go with `--fixed-point`.
#[derive(Debug, Clone, clap::Args)]
pub struct FixedArgs {
    /// Run the second model (or the first, when there is one) on integers modulo 2^RING with FRACTION fraction bits
    #[arg(long, value_name = "RING,FRACTION")]
    pub fixed_point: Option<Format>,
    /// How products lose their fraction bits: probabilistic (SPU SEMI2K and ABY3), local, cheetah, crypten, crypten-3pc, mp-spdz or
    /// exact
    #[arg(long, value_name = "HOW", default_value = "probabilistic", requires = "fixed_point")]
    truncation: Truncation,
    /// Bits of head-room that the proposed number of fraction bits shall leave
    #[arg(long, value_name = "BITS", default_value_t = 8.0, requires = "fixed_point")]
    headroom: f64,
    /// Arg-max flips that are allowed [default: one in a hundred images]
    #[arg(long, value_name = "N", requires = "fixed_point")]
    max_flips: Option<usize>,
    /// Write the fixed-point outputs as an .npy file
    #[arg(long, value_name = "FILE", requires = "fixed_point")]
    pub save_outputs: Option<PathBuf>,
}

/// Share of labels that the rows of logits meet, in percent.
fn accuracy(logits: &Tensor, labels: &[usize]) -> f64 {
    let right = eval::arg_max(logits).iter().zip(labels).filter(|(p, l)| p == l).count();
    100.0 * right as f64 / labels.len().max(1) as f64
}

/// Runs the comparison of `first`, the float model of `given`, with the fixed-point one.
pub fn run(a: &Args, format: Format, first: &Graph, given: &Given, g: &Global) -> Result<()> {
    let f = &a.fixed;
    if a.oracle.is_some() {
        return Err(input("--oracle is another engine in floating point; leave --fixed-point out"));
    }
    f.truncation
        .check(format)
        .map_err(|why| input(format!("--truncation {}: {why}", f.truncation.name())))?;
    if !f.headroom.is_finite() {
        return Err(input("--headroom must be a number of bits"));
    }
    f.save_outputs.iter().try_for_each(|file| files::writable(file).map_err(|e| unwritable(file, &e)))?;
    let path = a.second_file().unwrap_or_else(|| a.a.clone());
    let named = |e: String| input(format!("{}: {e}", path.display()));
    let second = a.second(&path)?;
    let graph = valid::check(&second).map_err(|e| named(e[0].to_string()))?;
    let settings = Settings {
        format,
        truncation: f.truncation,
        seed: g.seed(),
        headroom: f.headroom,
        unknown: Unknown::Refuse,
    };
    let float = execute(first, &given.batch).map_err(|e| input(format!("{}: {e}", a.a.display())))?;
    let progress = g.progress();
    let tell = &mut |i, n| progress.count("fixed point", i, n);
    let result = analyse(&graph, &given.batch, &settings, tell);
    progress.finish();
    let (analysis, out) = result.map_err(|e| named(e.to_string()))?;
    let fixed = Tensor::f32([analysis.n, out.width], out.fixed);
    if float.len() != fixed.len() {
        let (x, y) = (float.shape(), fixed.shape());
        return Err(Error::Answer(format!("the outputs have different shapes: {x:?} and {y:?}")));
    }
    let float = float.reshaped(fixed.shape());
    if let Some(file) = &f.save_outputs {
        files::create_atomically(file, |w| npy::write_npy(w, &fixed)).map_err(|e| unwritable(file, &e))?;
    }
    let flips = eval::arg_max(&float).iter().zip(eval::arg_max(&fixed)).filter(|(a, b)| **a != *b).count();
    let allowed = f.max_flips.unwrap_or(analysis.n / 100);
    let equivalent = flips <= allowed && analysis.overflows == 0;
    let labels = given.labels.as_deref();
    let (before, after) = (labels.map(|l| accuracy(&float, l)), labels.map(|l| accuracy(&fixed, l)));
    let max = max_abs_difference(&float, &fixed);
    let (x, y) = (float.as_f32().unwrap_or_default(), fixed.as_f32().unwrap_or_default());
    let mean = x.iter().zip(y).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / x.len().max(1) as f64;
    let mut fixed_point = serde_json::to_value(&analysis).map_err(input)?;
    fixed_point["flips"] = json!(flips);
    fixed_point["max_flips"] = json!(allowed);
    fixed_point["accuracy"] = json!({"float": before, "fixed": after});
    if f.save_outputs.is_some() {
        fixed_point["labels"] = json!(given.labels);
    }
    let found = json!({
        "max_abs_difference": max, "mean_abs_difference": mean, "n": analysis.n, "tolerance": a.tolerance,
        "argmax_agreement": 1.0 - flips as f64 / analysis.n.max(1) as f64, "range": range(&float),
        "equivalent": equivalent, "fixed_point": fixed_point,
    });
    let scores = match (before, after) {
        (Some(b), Some(a)) => format!(", accuracy {b:.2} % in float and {a:.2} % in fixed point"),
        _ => String::new(),
    };
    let said = format!(
        "{} on {} inputs: {flips} arg-max flips (allowed {allowed}), {} overflows{scores}; largest difference {max:.3e}, \
         mean {mean:.3e}\n{}",
        if equivalent { "survives fixed point" } else { "does not survive fixed point" },
        analysis.n,
        analysis.overflows,
        render(&analysis)
    );
    g.show(&found, said)?;
    match equivalent {
        true => Ok(()),
        false if analysis.overflows > 0 => {
            let first = analysis.overflow.first();
            let place = first.map_or(String::new(), |o| {
                let at = place(&o.op, &o.node, &o.layer);
                format!(": {at} reaches {:.4e} in image {}, the ring holds {:.4e}", o.value, o.image, o.limit)
            });
            Err(Error::Answer(format!("{} overflows the ring {format}{place}", path.display())))
        }
        false => Err(Error::Answer(format!(
            "{} changes the class of {flips} of {} images in the ring {format}; {allowed} are allowed",
            path.display(),
            analysis.n
        ))),
    }
}
