//! Measuring a runtime's constants on this machine: micro-graphs, a fit, a protocol file.

mod graphs;
mod law;
mod runner;

pub use graphs::Micro;
pub use runner::{Call, Runner};

use crate::error::{Error, Result};
use crate::progress::Progress;
use law::{Measured, number};
use relinc_runtime::cost::{Protocol, Weights, find, parse};
use std::fmt::Write;

/// Sizes at which a fresh process is started to see what its first call pays for.
const FRESH: [usize; 3] = [1, 1_024, 16_384];

/// What to measure.
#[derive(Debug, Clone)]
pub struct Request {
    /// How to run.
    pub runner: Runner,
    /// The settings of the weights to measure.
    pub weights: Vec<Weights>,
    /// Calls of each program, the first apart.
    pub calls: usize,
    /// The name of the cost model.
    pub name: String,
}

/// Measures everything and returns the text of a protocol file, which has been read back once.
pub fn calibrate(r: &Request, progress: &Progress) -> Result<String> {
    let cheetah = r.runner.protocol == "cheetah";
    let mut ops = String::new();
    if cheetah {
        ops += &set_up(r, progress)?;
    }
    progress.step("operations");
    let micros = graphs::any(r.calls);
    let calls = r.runner.run(&micros, Weights::Secret)?;
    for kind in ["relu", "mul_const", "mul", "local"] {
        let text = Measured::new(&micros, &calls, kind, cheetah).law(kind, None, cheetah);
        ops += &text.map(|t| format!("  {kind}:\n    any: {t}\n")).unwrap_or_default();
    }
    // A mean is a sum, which is free, and a product by a constant.
    let truncated = Measured::new(&micros, &calls, "mul_const", cheetah).law("mean", None, cheetah);
    ops += &truncated.map(|t| format!("  mean:\n    any: {t}\n")).unwrap_or_default();
    let micros = graphs::weighted(r.calls);
    let mut by_setting = vec![];
    for &w in &r.weights {
        progress.step(&format!("operations with {w} weights"));
        by_setting.push((w, r.runner.run(&micros, w)?));
    }
    for kind in ["conv", "linear", "mul_weight", "add_weight"] {
        let _ = writeln!(ops, "  {kind}:");
        for (w, calls) in &by_setting {
            if let Some(text) = Measured::new(&micros, calls, kind, cheetah).law(kind, Some(*w), cheetah) {
                let _ = writeln!(ops, "    {w}: {text}");
            }
        }
    }
    let text = head(r) + "ops:\n" + &ops;
    parse(&r.name, &text).map_err(|e| Error::Answer(format!("the measured laws make no sense: {e}")))?;
    Ok(text)
}

fn head(r: &Request) -> String {
    let run = &r.runner;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let default = if r.runner.protocol == "cheetah" { Weights::Server } else { Weights::Secret };
    let default =
        if r.weights.contains(&default) { default } else { r.weights.first().copied().unwrap_or(default) };
    let own = match run.protocol.as_str() {
        "aby3" => "tolerance: 0.1\n",
        // SPU counts chunks of messages there, so exchanges are those of the built-in file.
        "cheetah" => "actions: chunks\ndirections: in_turn\ngroups: dense\n",
        _ => "",
    };
    format!(
        "name: {}\nruntime: spu\n{}parties: {}\nring: {}\ncounts: \"bytes one party (rank 0) sends while computing; dealing the \
         inputs and opening the outputs not counted\"\nsource: \"relinc calibrate-runtime: micro-graphs at eight sizes each, all \
         parties on one machine with {cores} cores over memory links; seconds are of that machine as it was then loaded\"\n\
         verified: true\n{own}default_weights: {default}\ndepthwise: dense\n",
        r.name,
        trust(&run.protocol),
        run.parties,
        run.ring
    )
}

/// The line `trust` of the built-in file for the same protocol: measuring again does not change whom it trusts.
fn trust(protocol: &str) -> String {
    let line = |p: Protocol| format!("trust: {}\n", serde_json::Value::from(p.trust()));
    find(&format!("spu-{protocol}")).map(line).unwrap_or_default()
}

/// What first calls of fresh processes pay on top of later ones.
fn set_up(r: &Request, progress: &Progress) -> Result<String> {
    let more = |calls: &[Call], get: fn(&Call) -> f64| match calls {
        [first, .., last] => (get(first) - get(last)).max(0.0),
        _ => 0.0,
    };
    let mut points = [vec![], vec![]];
    let mut largest = [0.0f64; 2];
    for n in FRESH {
        progress.step(&format!("set-up, {n} comparisons"));
        let calls = r.runner.run(&[graphs::relu(n, 2)], Weights::Secret)?;
        let calls = calls.first().map(Vec::as_slice).unwrap_or_default();
        for (i, get) in [(|c| c.sent_bytes) as fn(&Call) -> f64, |c| c.recv_bytes].into_iter().enumerate() {
            let v = more(calls, get);
            largest[i] = largest[i].max(v);
            points[i].push(format!("[{n}, {}]", number(v)));
        }
    }
    progress.step("set-up of products");
    let first: Vec<Micro> = graphs::weighted(2).into_iter().filter(|m| m.kind == "conv").take(1).collect();
    let calls = r
        .runner
        .run(&first, r.weights.iter().copied().find(|w| *w != Weights::Public).unwrap_or(Weights::Server))?;
    let calls = calls.first().map(Vec::as_slice).unwrap_or_default();
    let keys = [more(calls, |c| c.sent_bytes) - largest[0], more(calls, |c| c.recv_bytes) - largest[1]]
        .map(|v| v.max(0.0));
    let piecewise = |p: &[String]| format!("{{piecewise: {{of: elements, points: [{}]}}}}", p.join(", "));
    Ok(format!(
        "  setup:\n    any: {{sent: {}, recv: {}, rounds: 0, from: \"first call of a fresh process less its second\"}}\n  \
         setup_product:\n    any: {{sent: {{fixed: {}}}, recv: {{fixed: {}}}, rounds: 0, from: \"first convolution of a fresh \
         process less its second and less setup\"}}\n",
        piecewise(&points[0]),
        piecewise(&points[1]),
        number(keys[0]),
        number(keys[1])
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_calibrated_file_says_who_must_be_trusted() {
        for protocol in ["semi2k", "aby3", "cheetah"] {
            let runner = Runner {
                protocol: protocol.into(),
                parties: 2,
                ring: 64,
                python: "python".into(),
                timeout: 1,
            };
            let r = Request { runner, weights: vec![Weights::Secret], calls: 2, name: "mine".into() };
            let text =
                head(&r) + "ops:\n  local:\n    any: {sent: {}, recv: {}, rounds: 0, from: \"a test\"}\n";
            let built_in = find(&format!("spu-{protocol}")).unwrap();
            assert_eq!(parse("mine.yaml", &text).unwrap().trust(), built_in.trust());
        }
    }
}
