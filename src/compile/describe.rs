//! What goes into the report, in words and numbers.

use super::baseline::{Baseline, Column};
use super::make::SAMPLE;
use super::{MaskSource, Request, Source};
use crate::caps;
use crate::error::{Result, input};
use crate::images::Images;
use crate::model::Model;
use crate::report::{count, model as rm};
use relinc_passes::choice::Choice;
use relinc_passes::driver::valid::Valid;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo, import};
use relinc_passes::ir::{Facts, Graph, Op, Tensor, Type};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_runtime::cost;
use relinc_runtime::data::Dataset;
use relinc_runtime::eval;
use std::collections::HashMap;
use std::path::PathBuf;

/// Opens the network: its graph, where it came from, and notes.
pub fn open(source: Source) -> Result<(Graph, ModelInfo, Vec<String>)> {
    match source {
        Source::File(path, options) => {
            let i = import(&path, &ImportOptions { in_file: true, ..options }).map_err(input)?;
            Ok((i.graph, i.info, i.notices))
        }
        Source::Trained(g, info) => Ok((*g, *info, vec![])),
        Source::Built(g, name) => {
            let (path, producer) = (PathBuf::from(name), "relinc architecture".into());
            let note = "The weights are random: the network was built from a description, not trained.";
            Ok((*g, ModelInfo { path, producer, ..ModelInfo::default() }, vec![note.into()]))
        }
    }
}

/// The first held-out images in the layout of the network's input, or pseudo-random numbers where there is no data set.
pub fn sample(ty: &Type, ds: Option<&Dataset>, n: usize, seed: u64) -> Result<Tensor> {
    match ds {
        Some(ds) => {
            let layout = eval::layout(ty, ds.image_shape()).map_err(input)?;
            Ok(eval::feed(ds, 0..n.min(ds.len()), layout).0)
        }
        None => Ok(crate::random::uniform(&ty.at(4), seed)),
    }
}

/// A few inputs to execute after every pass: the first of the sample, at the network's batch.
pub fn probe_inputs(ty: &Type, sample: &Tensor) -> Result<Vec<Tensor>> {
    let shape = ty.at(sample.shape()[0].min(8));
    let n = shape.iter().product();
    let v = sample.as_f32().unwrap_or_default();
    if v.len() < n {
        return Err(input(format!("the model's fixed batch of {} is larger than the sample", shape[0])));
    }
    Ok(vec![Tensor::f32(shape, v[..n].to_vec())])
}

/// The held-out images that a request declares a range for lie in it; asked before anything is trained.
///
/// # Errors
/// One that does not, or images that do not fit the network.
pub fn range_holds(r: &Request, g: &Graph, images: &Images) -> Result<()> {
    let Some(range) = r.options.input_range() else { return Ok(()) };
    let held_out = images.open(r.options.accuracy.split(), Some(SAMPLE))?;
    let (_, wanted) = g.only_input().map_err(input)?;
    check_range(Some(range), &sample(wanted, Some(&held_out), SAMPLE, r.seed)?)
}

/// A declared input range must hold for the images at hand.
pub fn check_range(range: Option<(f32, f32)>, sample: &Tensor) -> Result<()> {
    let Some((low, high)) = range else { return Ok(()) };
    match sample.as_f32().unwrap_or_default().iter().find(|v| !(low..=high).contains(v)) {
        Some(v) => Err(input(format!(
            "--input-range {low},{high}: the data has the value {v}; declare the range of normalised inputs, or give --data \
             with images in that range"
        ))),
        None => Ok(()),
    }
}

/// The model in the report.
pub fn model_info(info: &ModelInfo) -> rm::Model {
    rm::Model {
        path: info.path.display().to_string(),
        sha256: info.sha256.clone(),
        opset: (info.opset > 0).then_some(info.opset),
        producer: Some(info.producer.clone()).filter(|p| !p.is_empty()),
    }
}

/// ReLUs of the emitted graph.
pub fn relu_count(v: &Valid<'_>) -> u64 {
    cost::totals(v.graph(), v.facts()).relus
}

/// Multiply-accumulates of the linear operations whose first ReLU downstream is each layer's.
fn macs_by_layer(g: &Graph, facts: &Facts) -> HashMap<String, u64> {
    let mut out = HashMap::new();
    for id in g.ids().filter(|&id| matches!(g.op(id), Op::Conv(_) | Op::Linear)) {
        let mut queue = std::collections::VecDeque::from([id]);
        let mut seen = std::collections::HashSet::new();
        while let Some(n) = queue.pop_front() {
            let node = g.node(n);
            if let (Some(_), Some(l)) = (node.op.relu_cap(), &node.layer) {
                *out.entry(l.clone()).or_default() += cost::macs(g, facts, id);
                break;
            }
            queue.extend(g.users(n).into_iter().map(|(u, _)| u).filter(|u| seen.insert(*u)));
        }
    }
    out
}

/// What became of the elements without a ReLU.
fn linear(m: &LayerMask, counted: &str, number: fn(u64) -> String) -> String {
    // Quadratic elements are told where there are some.
    let told = |c: &Choice| !c.compares() && (*c != Choice::Quadratic || m.count(*c) > 0);
    let linear = Choice::ALL.into_iter().filter(told).enumerate();
    let said = linear.map(|(i, c)| {
        let counted = if i == 0 { counted } else { "" };
        format!("{}{counted} are {}", number(m.count(c) as u64), c.phrase())
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Why a redundant layer costs nothing.
pub const REDUNDANT: &str = "what it reads is never negative while the layers before it keep their ReLUs; it changes nothing and is left out";

/// One entry a ReLU layer, by the masks that were asked for and what was made of them.
pub fn layers(
    model: &Model,
    (given, masks): (&Masks, &Masks),
    original: &Graph,
    facts: &Facts,
) -> Vec<rm::Layer> {
    let macs = macs_by_layer(original, facts);
    let entry = |l: &ReluLayer| {
        let all = l.comparisons();
        let m = masks.layers.get(&l.name).filter(|m| m.kept() < all);
        let kept = m.map_or(all, LayerMask::kept);
        let untouched = given.layers.get(&l.name).is_some_and(|m| m.kept() == all);
        let (action, why) = match m {
            None => (rm::Action::Kept, "every element keeps its ReLU".to_string()),
            Some(m) if m.only(Choice::Uncapped) => {
                (rm::Action::Compacted, "every element is a ReLU without its cap".to_string())
            }
            Some(m) if m.only(Choice::Identity) && untouched => {
                (rm::Action::Redundant, REDUNDANT.to_string())
            }
            Some(m) if m.only(Choice::Identity) => (
                rm::Action::Linearized,
                "no element keeps its ReLU: the operation is gone, and its rounds with it".to_string(),
            ),
            Some(m) if m.only(Choice::Quadratic) => (
                rm::Action::Quadratic,
                "every element is quadratic: a product of values instead of comparisons".to_string(),
            ),
            Some(m) if kept == 0 && m.count(Choice::Quadratic) > 0 => (
                rm::Action::Quadratic,
                format!(
                    "no element keeps its ReLU: {}, placed by public indices",
                    linear(m, "", |n| n.to_string())
                ),
            ),
            Some(m) if kept == 0 => (
                rm::Action::Linearized,
                format!(
                    "no element keeps its ReLU: {}, placed by public indices",
                    linear(m, "", |n| n.to_string())
                ),
            ),
            Some(m) if l.capped() => (
                rm::Action::Compacted,
                format!(
                    "{} of {} comparisons are kept: {} elements keep their cap, {} are ReLUs without it; {}",
                    count(kept as u64),
                    count(all as u64),
                    count(m.count(Choice::Relu) as u64),
                    count(m.count(Choice::Uncapped) as u64),
                    linear(m, " elements", count)
                ),
            ),
            Some(m) => (
                rm::Action::Compacted,
                format!(
                    "{} of {} ReLUs gathered into one comparison; {}",
                    count(kept as u64),
                    count(all as u64),
                    linear(m, " elements", count)
                ),
            ),
        };
        rm::Layer {
            name: l.name.clone(),
            op: "relu".into(),
            shape: l.shape.to_vec(),
            cap: l.capped().then_some(l.cap),
            relus: kept as u64,
            relus_before: all as u64,
            macs: macs.get(&l.name).copied().unwrap_or(0),
            action,
            why,
            source: Some(original.node(l.node).name.clone()),
        }
    };
    model.layers.iter().map(entry).collect()
}

/// Every protocol on every network, and what the cost models remark.
pub fn costs(r: &Request, after: &Column, baseline: &Baseline, notes: &mut Vec<String>) -> Vec<rm::Cost> {
    let mut out = vec![];
    for (i, (p, now)) in r.protocols.iter().zip(&after.priced).enumerate() {
        let against = baseline.against(i, now);
        for n in &now.notes {
            let note = format!("{}: {n}", p.name);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        out.extend(r.networks.iter().map(|n| rm::Cost::new(p, n, now, Some(against))));
    }
    out
}

/// The masks, condensed to pictures.
pub fn mask_pictures(model: &Model, masks: &Masks) -> Vec<rm::Mask> {
    let of = |l: &ReluLayer| Some(rm::Mask::new(&l.name, masks.layers.get(&l.name)?));
    model.layers.iter().filter_map(of).collect()
}

/// What was asked for.
pub fn settings(r: &Request, masks: &Masks, images: Option<&Images>) -> rm::Settings {
    let method = match &r.masks {
        MaskSource::All => None,
        MaskSource::File(p) => Some(format!("file {}", p.display())),
        MaskSource::Search(_) => Some("oneshot".to_string()),
        MaskSource::Learned(_) => Some("learned".to_string()),
    };
    rm::Settings {
        targets: r.options.targets.iter().map(|t| t.name().to_string()).collect(),
        opset: r.options.targets.contains(&super::Target::Onnx).then_some(r.options.opset()),
        weights: r.options.weights,
        bn: r.learned.as_ref().and_then(|l| l.branch).map(|b| b.name().to_string()),
        budget: masks.budget.clone(),
        method,
        data: r.data.as_ref().map(|d| d.to_string()),
        classes: images.map(|i| i.catalogue.classes.clone()).unwrap_or_default(),
        seed: Some(r.seed),
        max_drop: r.options.max_drop.map(|p| p.0),
        allow_tails: r.options.allow_tails,
    }
}

/// Standing remarks, and what the layers call for.
pub fn notes(mut notes: Vec<String>, model: &Model, layers: &[rm::Layer]) -> Vec<String> {
    if let Some(said) = caps::said(&model.layers).filter(|said| !notes.contains(said)) {
        notes.push(said);
    }
    notes.push("Masks and indices are public: every party sees which elements keep their ReLU.".into());
    if layers.iter().any(|l| l.action == rm::Action::Compacted) {
        notes
            .push("Rounds fall only when a whole layer has no ReLU left; bytes fall with every ReLU.".into());
    }
    notes
}
