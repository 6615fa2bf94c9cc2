//! What is looked at before an image is read: everything that the networks alone decide.

use super::spec::StageOptions;
use super::target::chooses_layers;
use super::{Plan, Planned};
use crate::caps::counted;
use crate::error::{Result, input};
use crate::maskable::maskable;
use crate::model::Model as Canonical;
use crate::vanish::Asked;
use relinc_passes::layers::ReluLayer;
use relinc_runtime::eval::{channels, classes};
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::train::sensitivity::preset;
use relinc_runtime::train::{Kind, Method};

/// Finds stages, masks and a teacher that do not fit the network.
///
/// # Errors
/// The first, by the stage's name.
pub(super) fn fits(plan: &Plan, form: &Canonical, teacher: Option<&Canonical>) -> Result<()> {
    let mut masks = plan.masks.clone();
    if let Some(m) = &mut masks {
        m.fit("the masks to begin with", &form.layers).map_err(input)?;
    }
    if let Some(t) = teacher {
        same_classes(form, t)?;
    }
    let mut kept = masks.map(|m| m.kept());
    for (s, name) in plan.stages.iter().zip(plan.names()) {
        let place = format!("{}: stage {name}", form.info.path.display());
        let attacks = s.options.steps.robust.unwrap_or_else(|| plan.robust());
        if s.options.steps.train_box.is_some() && !attacks {
            let said = "train_box: only robust stages attack images; add robust: true, or leave it out";
            return Err(input(said).at(place));
        }
        stage(s, form, teacher, &mut kept).map_err(|e| e.at(place))?;
    }
    Ok(())
}

/// Labels and images mean the same to both.
fn same_classes(form: &Canonical, teacher: &Canonical) -> Result<()> {
    let named = |m: &Canonical, e: String| input(format!("{}: {e}", m.info.path.display()));
    let of = |m: &Canonical| -> Result<(usize, usize)> {
        let outputs = classes(&m.graph).map_err(|e| named(m, e))?;
        let (_, input) = m.graph.only_input().map_err(|e| named(m, e))?;
        Ok((outputs, channels(input).map_err(|e| named(m, e))?))
    };
    let ((mine, channels), (theirs, others)) = (of(form)?, of(teacher)?);
    if mine != theirs {
        return Err(named(teacher, format!("the teacher has {theirs} classes, the model {mine}")));
    }
    if channels != others {
        return Err(named(teacher, format!("the teacher takes {others} channels, the model {channels}")));
    }
    Ok(())
}

/// One stage; `kept` are the comparisons that the masks before it keep, where that is known, and then those after it.
fn stage(s: &Planned, form: &Canonical, teacher: Option<&Canonical>, kept: &mut Option<usize>) -> Result<()> {
    let o = &s.options;
    let names: Vec<&str> = form.layers.iter().map(|l| l.name.as_str()).collect();
    // What only the teacher has was folded away.
    let attended =
        |n: &String| form.layers.iter().chain(teacher.iter().flat_map(|t| &t.layers)).any(|l| l.name == *n);
    if let Some(unknown) = o.steps.pram_at.iter().flatten().find(|n| !attended(n)) {
        return Err(input(format!("pram_at: there is no ReLU layer '{unknown}'; they are {}", span(&names))));
    }
    lists(o, &form.layers)?;
    if s.kind == Kind::Search {
        let budget = s.budget.as_ref().ok_or_else(|| input("a search needs a budget: 50000, 50k or 18%"))?;
        let keep = search(o, budget, form)?;
        if let (Some(have), Some(want)) = (*kept, keep)
            && have < want
        {
            return Err(input(format!(
                "the masks to begin with keep {have} {}, the budget is {want}; a search only removes",
                counted(&form.layers)
            )));
        }
        // Which layers become quadratic is found out later.
        let known = keep.filter(|_| !matches!(o.may_square(), Ok(true)));
        *kept = known.and_then(|k| room(&o.vanish(), &form.layers).map(|room| k.min(room)));
    }
    if let (true, Some(teacher)) = (s.kind != Kind::Teacher, teacher) {
        let method = (s.kind == Kind::Search || o.masks.method.is_some()).then(|| o.method()).transpose()?;
        let recipe = o.recipe(s.kind, method, false, true, 1.0, 0)?;
        let compares =
            recipe.objective.attention > 0.0 || matches!(method, Some(Method::Senet | Method::Rlnet));
        let shapes = |m: &Canonical| m.layers.iter().map(|l| l.shape).collect::<Vec<_>>();
        if compares && shapes(form) != shapes(teacher) {
            return Err(input(
                "the teacher has other ReLU layers than the model; senet, rlnet and attention compare them",
            ));
        }
    }
    Ok(())
}

/// Comparisons that a search in these layers is to keep; `None` for a time.
///
/// # Errors
/// A budget that the layers do not have, layers that are not there, and lists of another length.
pub fn search(o: &StageOptions, budget: &Budget, model: &Canonical) -> Result<Option<usize>> {
    let layers = &model.layers[..];
    maskable(model)?;
    lists(o, layers)?;
    o.vanish().check(layers)?;
    chooses_layers(budget, o)?;
    if let Budget::Latency(_) = budget {
        return Ok(None);
    }
    let all = layers.iter().filter(|l| !l.redundant).map(ReluLayer::comparisons).sum();
    let keep = budget.relus(all).map_err(input)?;
    o.search(keep, 0)?;
    Ok(Some(keep))
}

/// Lists with a number a ReLU layer have as many as there are layers.
fn lists(o: &StageOptions, layers: &[ReluLayer]) -> Result<()> {
    let named = o.steps.sensitivity.as_deref().filter(|_| o.masks.counts.is_none()).and_then(preset);
    let eta = o.masks.eta.as_ref().or(named.as_ref()).map(Vec::len);
    let lengths = [("sensitivities", eta), ("layer counts", o.masks.counts.as_ref().map(Vec::len))];
    for (what, n) in lengths {
        if let Some(n) = n.filter(|n| *n != layers.len()) {
            return Err(input(format!("{n} {what} are given for {} ReLU layers", layers.len())));
        }
    }
    let over = o.masks.counts.iter().flatten().zip(layers).find(|(n, l)| **n > l.comparisons());
    match over {
        Some((n, l)) => {
            let (has, what) = (l.comparisons(), counted(layers));
            Err(input(format!("counts: {} has {has} {what}, {n} are to stay", l.name)))
        }
        None => Ok(()),
    }
}

/// Comparisons of the layers that do not vanish; `None` where a search chooses the layers.
fn room(asked: &Asked, layers: &[ReluLayer]) -> Option<usize> {
    match asked.layers {
        Some(_) => None,
        None => {
            let closed = layers.iter().map(|l| asked.vanish.contains(&l.name)).collect();
            Some(Vanish::Given(closed).room(layers.iter().map(ReluLayer::comparisons)))
        }
    }
}

/// `relu00 to relu18`.
fn span(names: &[&str]) -> String {
    match names {
        [] => "none".to_string(),
        [one] => (*one).to_string(),
        [first, .., last] => format!("{first} to {last}"),
    }
}
