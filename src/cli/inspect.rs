//! `relinc inspect`

use super::Global;
use super::args::{finds_nothing, untrained};
use crate::caps;
use crate::compile::baseline::{Baseline, Column};
use crate::compile::budgets::Prices;
use crate::compile::describe::REDUNDANT;
use crate::compile::{Request, Target, TruncationMode, budgets};
use crate::error::{Error, Result, input};
use crate::images::Images;
use crate::model::Model;
use crate::options::{CompileOptions, ModelOptions, ReportOptions};
use crate::report::count;
use crate::report::model::Cost;
use crate::report::shape::Shape;
use crate::report::text::{budgets as budget_table, costs};
use crate::training::spec::MaskOptions;
use relinc_passes::driver::Options;
use relinc_passes::front::onnx::{Need, import};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::text::{Constants, print as pir};
use relinc_passes::ir::{Graph, Op, dot};
use relinc_passes::layers::ReluLayer;
use relinc_runtime::cost::{self, Weights};
use relinc_runtime::data::DataSpec;
use relinc_runtime::search::budget::Budget;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Options of `relinc inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Print the canonical graph as .pir, or as Graphviz, instead
    #[arg(long, value_name = "FORM", value_parser = ["pir", "dot"])]
    graph: Option<String>,
    /// Instead, a table of what these budgets cost before any training, separated by commas: 50%,10%,50k,latency=2s@semi2k/wan
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "data", conflicts_with = "graph")]
    budgets: Vec<Budget>,
    /// Images that the masks of the budgets are found on: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D", requires = "budgets")]
    data: Option<DataSpec>,
    /// Who knows the model: secret, server or public [default: the protocol's]
    #[arg(long, value_name = "WHO")]
    weights: Option<Weights>,
    /// How SPU's SEMI2K drops fraction bits: safe, or bounded[=P], each party by itself, where a query goes wrong with probability P at
    /// most [default: safe; P: 1e-4]
    #[arg(long, value_name = "HOW", requires = "budgets")]
    truncation: Option<TruncationMode>,
    #[command(flatten)]
    found: MaskOptions,
    #[command(flatten)]
    report: ReportOptions,
    #[command(flatten)]
    import: ModelOptions,
}

/// What the two columns of a price are.
const COLUMNS: &str = "
original: the file as a runtime would run it, convolutions direct. compiled, all ReLUs: what
compile makes of it without removing any (SPU: with --target spu); what --budget or --masks saves
comes on top.
";

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let mut import_options = a.import.import(a.data.as_ref());
    if a.budgets.is_empty() {
        finds_nothing(&a.found, "--budgets")?;
        import_options.scores.iter_mut().for_each(|s| s.need = Need::OrAll);
    }
    let options = Options::default();
    // Nothing is removed and nothing is written; protocols of SPU get the programs of its target.
    let asked = CompileOptions {
        targets: vec![Target::Spu],
        weights: a.weights,
        truncation: a.truncation.unwrap_or_default(),
        report: a.report,
        ..CompileOptions::default()
    };
    let mut r = asked.request("inspect", Path::new(""), a.data.as_ref(), g.seed())?;
    a.budgets.iter().try_for_each(|b| r.price_at(b))?;
    let searches =
        a.budgets.iter().map(|b| untrained(&a.found, b, g.device())).collect::<Result<Vec<_>>>()?;
    let i = import(&a.model, &import_options).map_err(input)?;
    if let Some(d) = &a.data {
        r.data = Some(Images::of(d, &i.graph, &a.model)?.spec);
    }
    let file = Column::of_file(&i.graph, &r)?;
    let mut m = Model::canonical(i.graph, i.info, &options, None)?;
    m.notices.splice(0..0, i.notices);
    let whole = m.whole()?;
    if let Some(form) = &a.graph {
        let text = if form == "dot" { dot::to_dot(&whole) } else { pir(&whole, Constants::Opaque) };
        return g.show(&json!({"form": form, "graph": text}), &text);
    }
    let baseline = Baseline::new(file.clone(), m.clone(), &options, false, &r)?;
    let cost = priced(&baseline, &r);
    let mut v = describe(&m, &m.lean()?.whole()?, &baseline, &cost, &r)?;
    if a.budgets.is_empty() {
        return g.show(&v, text(&m, &v, &cost));
    }
    let progress = g.progress();
    let prices = Prices { file, baseline };
    let found = budgets::costs(&m, prices, searches, &r, &progress);
    progress.finish();
    let rows = found.map_err(|e| e.at(a.model.display()))?;
    v["budgets"] = json!(rows);
    let layers = m.layers.iter().filter(|l| !l.redundant).count();
    let all = (m.relus() as u64, caps::counted(&m.layers));
    g.show(&v, format!("{}\n{}", a.model.display(), budget_table(&rows, all, layers)))?;
    match rows.into_iter().filter_map(|r| r.unmet).collect::<Vec<_>>() {
        unmet if unmet.is_empty() => Ok(()),
        unmet => Err(Error::Answer(unmet.join("\n"))),
    }
}

/// Every protocol on every network. Nothing is removed, so an entry's own figures are those of the lossless column.
fn priced(b: &Baseline, r: &Request) -> Vec<Cost> {
    let Some(lossless) = &b.lossless else { return vec![] };
    let entries = |(i, p)| {
        let now = &lossless.priced[i];
        r.networks.iter().map(move |n| Cost::new(p, n, now, Some(b.against(i, now))))
    };
    r.protocols.iter().enumerate().flat_map(entries).collect()
}

/// A model, and in figures the graph of what costs something.
fn describe(m: &Model, graph: &Graph, b: &Baseline, cost: &[Cost], r: &Request) -> Result<Value> {
    let facts = &infer(graph).map_err(|e| input(&e[0]))?;
    let totals = cost::totals(graph, facts);
    let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
    for id in graph.ids().filter(|&id| !matches!(graph.op(id), Op::Const(_) | Op::Input(_))) {
        *ops.entry(graph.op(id).mnemonic()).or_default() += 1;
    }
    let layers: Vec<Value> = m
        .layers
        .iter()
        .map(|l| {
            let (relus, action, why) = match l.redundant {
                true => (0, "redundant", REDUNDANT),
                false => (l.comparisons(), "kept", "nothing was compiled"),
            };
            let mut v = json!({"name": l.name, "op": "relu", "shape": l.shape, "relus": relus,
                   "relus_before": l.comparisons(), "source": m.graph.node(l.node).name, "action": action, "why": why});
            if l.capped() {
                v["cap"] = json!(l.cap);
            }
            v
        })
        .collect();
    let shape = |t: &relinc_passes::ir::Type| t.to_string();
    let notices: Vec<String> = m.notices.iter().cloned().chain(b.notes(r)).collect();
    Ok(json!({
        "model": crate::compile::describe::model_info(&m.info),
        "inputs": graph.inputs().iter().map(|&i| json!({"name": graph.node(i).name, "type": shape(facts.ty(i))})).collect::<Vec<_>>(),
        "outputs": graph.outputs().iter().map(|o| json!({"name": o.name, "type": shape(facts.ty(o.node))})).collect::<Vec<_>>(),
        "totals": totals,
        "lossless": b.lossless.as_ref().map(|l| l.totals),
        "before": b.file.totals,
        "layers": layers,
        "operations": ops,
        "cost": cost,
        "passes": m.passes,
        "notices": notices,
    }))
}

fn text(m: &Model, v: &Value, cost: &[Cost]) -> String {
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
    let counted = caps::counted(&m.layers);
    let n = |k: &str| count(t[k].as_u64().unwrap_or(0));
    let _ = writeln!(
        s,
        "\n{} {counted} in {} layers, {} secure comparisons, {} multiply-accumulates, {} parameters\n",
        n("relus"),
        m.layers.iter().filter(|l| !l.redundant).count(),
        n("comparisons"),
        n("macs"),
        n("parameters")
    );
    let capped = m.layers.iter().any(ReluLayer::capped);
    let cap = |shown: &str| if capped { format!(" {shown:>6}") } else { String::new() };
    let heading = if capped { "compared" } else { "ReLUs" };
    let _ = writeln!(s, "{:<8} {:>14} {heading:>10}{}  exporter's name", "layer", "C×H×W", cap("cap"));
    for l in &m.layers {
        let shape = format!("{}×{}×{}", l.shape[0], l.shape[1], l.shape[2]);
        let relus = if l.redundant { "none" } else { &count(l.comparisons() as u64) };
        let cap = if l.capped() { cap(&l.cap.to_string()) } else { cap("") };
        let exported = &m.graph.node(l.node).name;
        let _ = writeln!(s, "{:<8} {shape:>14} {relus:>10}{cap}  {exported}", l.name);
    }
    if let Some(said) = caps::said(&m.layers) {
        let _ = writeln!(s, "{said}");
    }
    if m.layers.iter().any(|l| l.redundant) {
        let _ = writeln!(s, "none: {REDUNDANT}");
    }
    let ops: Vec<String> =
        v["operations"].as_object().into_iter().flatten().map(|(k, n)| format!("{n} {k}")).collect();
    let _ = writeln!(s, "\noperations: {}", ops.join(", "));
    s += &costs(Shape::Lossless, cost);
    if !cost.is_empty() {
        s += COLUMNS;
    }
    for p in &m.passes {
        for r in &p.refused {
            let _ = writeln!(s, "\n{} left '{}': {}", p.name, r.node, r.why);
        }
    }
    for n in v["notices"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(s, "\nnote: {n}");
    }
    s
}
