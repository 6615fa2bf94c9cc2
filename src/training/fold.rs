//! Folding before fine-tuning: what merges once whole ReLU layers are gone is merged with its padding moved outwards, and the
//! merged network is tuned.

use crate::error::{Result, input};
use crate::model::Model as Canonical;
use relinc_passes::choice::Choice;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::driver::{Options, Phase};
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::{Graph, NodeId, Op};
use relinc_passes::masks::{self, Masks};
use relinc_passes::passes;
use relinc_passes::passes::drop_linearized_relu::DropLinearizedRelu;
use relinc_runtime::exec::Branch;
use relinc_runtime::train::Model;

/// What folding made.
pub(super) struct Folded {
    /// The folded network without normalisations, and what merged; `None` where nothing merges. Its ReLU layers have the names
    /// they had.
    pub form: Option<Canonical>,
    /// What was done, for the user.
    pub said: String,
}

/// Takes the ReLU layers out that keep nothing but the identity, and merges what that lets merge, in one branch of the student.
pub(super) fn fold(
    student: &Model,
    branch: Branch,
    info: &ModelInfo,
    masks: &Masks,
    fold: &Fold,
) -> Result<Folded> {
    let gone: Vec<&String> = masks
        .layers
        .iter()
        .filter(|(_, m)| m.slopes().is_none() && m.only(Choice::Identity))
        .map(|(name, _)| name)
        .collect();
    let nothing =
        |why: &str| Folded { form: None, said: format!("Nothing was folded before tuning: {why}.") };
    if gone.is_empty() {
        return Ok(nothing("no ReLU layer has vanished"));
    }
    let graph = student.graph(branch);
    let mut form = Canonical::plain(graph.clone(), info.clone())?;
    // Trained weights may give two branches of one structure each other's name.
    for l in &mut form.layers {
        if let Some(name) = graph.contains(l.node).then(|| graph.node(l.node).layer.clone()).flatten() {
            form.graph.set_layer(l.node, Some(name.clone()));
            l.name = name;
        }
    }
    let only = gone.iter().filter_map(|n| Some(((*n).clone(), masks.layers.get(*n)?.clone()))).collect();
    let only = Masks { layers: only, ..Masks::default() };
    form.graph = masks::apply(&form.graph, &only).map_err(input)?;
    let options = Options { fold: fold.clone(), ..Options::default() };
    form.run(&DropLinearizedRelu, &options, None)?;
    let before = convolutions(&form.graph);
    let weighed: Vec<_> = passes::of(Phase::FoldingBeforeTuning, &options).collect();
    form.in_turn(&weighed, &options, None)?;
    for p in passes::of(Phase::Cleanup, &options) {
        form.run(p, &options, None)?;
    }
    let records = form.passes.iter().filter(|r| weighed.iter().any(|p| p.name() == r.name));
    let (taken, left) = records
        .fold((0, 0), |(t, l), r| (t + r.applied, l + r.candidates.iter().filter(|c| !c.taken).count()));
    if taken == 0 {
        return Ok(nothing(match left {
            0 => "no two operations around a vanished ReLU layer can be merged",
            _ => "no merge pays by the cost model",
        }));
    }
    let said = format!(
        "Folded before tuning: {} ReLU layers vanished ({}), and {before} convolutions became {}, their padding moved outwards{}. The \
         remaining layers are numbered anew.",
        gone.len(),
        gone.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", "),
        convolutions(&form.graph),
        match left {
            0 => String::new(),
            n => format!("; {n} more merges were left, for they do not pay"),
        }
    );
    form.passes.retain(|r| weighed.iter().any(|p| p.name() == r.name));
    Ok(Folded { form: Some(form), said })
}

fn convolutions(g: &Graph) -> usize {
    g.ids().filter(|&id| matches!(g.op(id), Op::Conv(_))).count()
}

/// The masks under the names that the layers of a trained graph get when it is compiled.
pub(super) fn renamed(masks: Masks, g: &Graph, info: &ModelInfo) -> Result<Masks> {
    let compiled = Canonical::plain(g.clone(), info.clone())?;
    let mut layers = masks.layers;
    let old = |node: NodeId| g.contains(node).then(|| g.node(node).layer.clone()).flatten();
    let layers = compiled.layers.into_iter().filter_map(|l| Some((l.name, layers.remove(&old(l.node)?)?)));
    Ok(Masks { layers: layers.collect(), ..masks })
}
