//! `relinc inspect`

use super::args::{CostArgs, ImportArgs};
use super::{Global, print, print_json};
use crate::error::{Error, input};
use crate::model::Model;
use crate::report::count;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::text::{Constants, print as pir};
use relinc_passes::ir::{Facts, Op, dot};
use relinc_passes::pass::Options;
use relinc_runtime::cost;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Options of `relinc inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Print the canonical graph as .pir, or as Graphviz, instead
    #[arg(long, value_name = "FORM", value_parser = ["pir", "dot"])]
    graph: Option<String>,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    cost: CostArgs,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let m = Model::load(&a.model, &a.import.options()?, &Options::default(), None)?;
    let facts = infer(&m.graph).map_err(|e| input(&e[0]))?;
    if let Some(form) = &a.graph {
        let text = if form == "dot" { dot::to_dot(&m.graph) } else { pir(&m.graph, Constants::Opaque) };
        return match g.json {
            true => print_json(&json!({"form": form, "graph": text})),
            false => {
                print(&text);
                Ok(())
            }
        };
    }
    let v = describe(&m, &facts, &a)?;
    if g.json {
        return print_json(&v);
    }
    print(&text(&m, &v));
    Ok(())
}

fn describe(m: &Model, facts: &Facts, a: &Args) -> Result<Value, Error> {
    let totals = cost::totals(&m.graph, facts);
    let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
    for id in m.graph.ids().filter(|&id| !matches!(m.graph.op(id), Op::Const(_) | Op::Input(_))) {
        *ops.entry(m.graph.op(id).mnemonic()).or_default() += 1;
    }
    let layers: Vec<Value> = m
        .layers
        .iter()
        .map(|l| {
            json!({"name": l.name, "op": "relu", "shape": l.shape, "relus": l.relus(), "relus_before": l.relus(),
                   "source": m.graph.node(l.node).name, "action": "kept", "why": "nothing was compiled"})
        })
        .collect();
    let mut costs = vec![];
    for p in a.cost.protocols()? {
        let w = a.cost.weights().unwrap_or(p.default_weights);
        let priced = cost::price(&m.graph, facts, &p, w);
        for n in a.cost.networks()? {
            costs.push(crate::report::model::Cost::new(&p, &n, &priced, None));
        }
    }
    let shape = |t: &relinc_passes::ir::Type| t.to_string();
    Ok(json!({
        "model": crate::compile::describe::model_info(&m.info),
        "inputs": m.graph.inputs().iter().map(|&i| json!({"name": m.graph.node(i).name, "type": shape(facts.ty(i))})).collect::<Vec<_>>(),
        "outputs": m.graph.outputs().iter().map(|o| json!({"name": o.name, "type": shape(facts.ty(o.node))})).collect::<Vec<_>>(),
        "totals": totals,
        "layers": layers,
        "operations": ops,
        "cost": costs,
        "passes": crate::compile::describe::passes(m),
        "notices": m.notices,
    }))
}

fn text(m: &Model, v: &Value) -> String {
    let mut s = String::new();
    let opset = v["model"]["opset"].as_i64().map_or(String::new(), |o| format!(", opset {o}"));
    let producer = v["model"]["producer"].as_str().unwrap_or("unknown producer");
    let _ = writeln!(s, "{} ({producer}{opset})", m.info.path.display());
    for (what, list) in [("input ", &v["inputs"]), ("output", &v["outputs"])] {
        for i in list.as_array().into_iter().flatten() {
            let _ = writeln!(
                s,
                "  {what} {} {}",
                i["name"].as_str().unwrap_or(""),
                i["type"].as_str().unwrap_or("")
            );
        }
    }
    let t = &v["totals"];
    let n = |k: &str| count(t[k].as_u64().unwrap_or(0));
    let _ = writeln!(
        s,
        "\n{} ReLUs in {} layers, {} secure comparisons, {} multiply-accumulates, {} parameters\n",
        n("relus"),
        m.layers.len(),
        n("comparisons"),
        n("macs"),
        n("parameters")
    );
    let _ = writeln!(s, "{:<8} {:>14} {:>10}  exporter's name", "layer", "C×H×W", "ReLUs");
    for l in &m.layers {
        let shape = format!("{}×{}×{}", l.shape[0], l.shape[1], l.shape[2]);
        let exported = &m.graph.node(l.node).name;
        let _ = writeln!(s, "{:<8} {shape:>14} {:>10}  {exported}", l.name, count(l.relus() as u64));
    }
    let ops: Vec<String> =
        v["operations"].as_object().into_iter().flatten().map(|(k, n)| format!("{n} {k}")).collect();
    let _ = writeln!(s, "\noperations: {}", ops.join(", "));
    let _ = writeln!(
        s,
        "\n{:<18} {:<8} {:<8} {:>12} {:>12} {:>8} {:>10}",
        "cost, one image", "network", "weights", "ReLU MB", "total MB", "rounds", "latency s"
    );
    for c in v["cost"].as_array().into_iter().flatten() {
        let mb = |k: &str| format!("{:.3}", c[k].as_f64().unwrap_or(0.0) / 1e6);
        let gaps: Vec<&str> =
            c["not_modelled"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut flag = if gaps.is_empty() { String::new() } else { format!("  without {}", gaps.join(", ")) };
        if c["verified"] == false {
            flag += &format!("  ({})", cost::UNVERIFIED);
        }
        let _ = writeln!(
            s,
            "{:<18} {:<8} {:<8} {:>12} {:>12} {:>8.0} {:>10.3}{flag}",
            c["protocol"].as_str().unwrap_or(""),
            c["network"].as_str().unwrap_or(""),
            c["weights"].as_str().unwrap_or(""),
            mb("relu_bytes"),
            mb("online_bytes"),
            c["rounds"].as_f64().unwrap_or(0.0),
            c["latency_s"].as_f64().unwrap_or(0.0)
        );
    }
    for p in &m.passes {
        for r in &p.refused {
            let _ = writeln!(s, "\n{} left '{}': {}", p.name, r.node, r.why);
        }
    }
    for n in &m.notices {
        let _ = writeln!(s, "\nnote: {n}");
    }
    s
}
