//! Which of several outputs are the class scores.

use super::{ImportOptions, Need, Wanted};
use crate::head::{batch, classes};
use crate::ir::op::DynOp;
use crate::ir::{Dim, Facts, Graph, NodeId, Op, Unary};

/// Keeps the output that is wanted, and says so where others of the file go.
///
/// # Errors
/// No output of the name that was asked for; without a name, none that fits or more than one. All are listed.
pub fn choose(
    g: &mut Graph,
    facts: &Facts,
    file: &[String],
    options: &ImportOptions,
) -> Result<Option<String>, String> {
    let Some(wanted) = &options.scores else { return Ok(None) };
    let batch = batch(g).unwrap_or(Dim::Batch);
    let of = |id: NodeId| classes(facts.ty(id), batch);
    let all: Vec<(String, NodeId)> = g.outputs().iter().map(|o| (o.name.clone(), o.node)).collect();
    let taken = match (&wanted.output, &all[..]) {
        (Some(name), _) => {
            all.iter().find(|o| o.0 == *name).ok_or_else(|| missing(name, &all, facts))?.clone()
        }
        (None, [only]) => only.clone(),
        (None, _) => match (only(g, &all, of, wanted), wanted.need) {
            (Ok(i), _) => all[i].clone(),
            (Err(_), Need::OrAll) => return Ok(Some(undecided(&all, facts))),
            (Err(why), Need::One | Need::Scores) => {
                return Err(format!("{why}; name it with --output NAME: {}", list(&all, facts)));
            }
        },
    };
    let (name, node) = taken;
    if wanted.need == Need::Scores && of(node).is_none() {
        let ty = facts.ty(node);
        return Err(match all.len() {
            1 => format!("its output '{name}' is {ty} and no class scores, which are [N,classes]"),
            _ => format!(
                "output '{name}' is {ty} and no class scores, which are [N,classes]; the outputs are {}",
                list(&all, facts)
            ),
        });
    }
    let others: Vec<String> = file.iter().filter(|o| **o != name).map(|o| format!("'{o}'")).collect();
    let said = (!others.is_empty()).then(|| {
        let (ty, others) = (facts.ty(node), others.join(", "));
        format!("output '{name}' {ty} is taken as the class scores; left out, with all that only they need: {others}")
    });
    g.retain_outputs(|o| o == name);
    Ok(said)
}

/// The only output that fits, by its index.
fn only(
    g: &Graph,
    all: &[(String, NodeId)],
    of: impl Fn(NodeId) -> Option<usize>,
    wanted: &Wanted,
) -> Result<usize, String> {
    let fitting = |n: Option<usize>| -> Vec<usize> {
        let fits = |i: &usize| of(all[*i].1).is_some_and(|k| n.map_or(k > 1, |n| k == n));
        (0..all.len()).filter(fits).collect()
    };
    let exact = wanted.classes.map(|n| fitting(Some(n))).filter(|f| !f.is_empty());
    let mut fits = exact.unwrap_or_else(|| fitting(None));
    // Logits and their softmax are the same scores.
    let roots: Vec<NodeId> = fits.iter().map(|&i| logits(g, all[i].1)).collect();
    let mut at = 0;
    fits.retain(|_| {
        at += 1;
        !roots[..at - 1].contains(&roots[at - 1])
    });
    match fits[..] {
        [i] => Ok(i),
        [] => Err(format!("none of its {} outputs is class scores, [N,classes]", all.len())),
        _ => Err(match wanted.classes {
            Some(n) if fits.iter().all(|&i| of(all[i].1) == Some(n)) => {
                format!("more than one of its outputs has scores for the data set's {n} classes")
            }
            _ => "more than one of its outputs can be the class scores".into(),
        }),
    }
}

/// What an output shows before a softmax and its kind, as the file writes them.
fn logits(g: &Graph, mut at: NodeId) -> NodeId {
    loop {
        let same = matches!(
            g.op(at),
            Op::Softmax { .. }
                | Op::LogSoftmax { .. }
                | Op::Unary(Unary::Sigmoid | Unary::HardSigmoid)
                | Op::Identity
                | Op::Dropout
                | Op::Cast(_)
                | Op::Reshape(_)
                | Op::Dyn(DynOp::Reshape { .. } | DynOp::Squeeze | DynOp::Unsqueeze)
        );
        match g.operand(at, 0).filter(|_| same) {
            Some(x) => at = x,
            None => return at,
        }
    }
}

fn list(all: &[(String, NodeId)], facts: &Facts) -> String {
    let each: Vec<String> = all.iter().map(|(n, id)| format!("'{n}' {}", facts.ty(*id))).collect();
    each.join(", ")
}

fn missing(name: &str, all: &[(String, NodeId)], facts: &Facts) -> String {
    format!("there is no output '{name}'; the outputs are {}", list(all, facts))
}

fn undecided(all: &[(String, NodeId)], facts: &Facts) -> String {
    format!(
        "the outputs are {}; all of them are shown here. Commands that need class scores, and the names of ReLU layers, go by one \
         of them: say which with --output NAME",
        list(all, facts)
    )
}
