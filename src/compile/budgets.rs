//! What budgets cost before anything is trained: each is searched and priced as `compile` would, and nothing is emitted.

use super::baseline::{Baseline, Column};
use super::{MaskSource, Request, Search, make, search};
use crate::error::{Error, Result, input};
use crate::model::Model;
use crate::progress::Progress;
use crate::report::model::{BudgetCost, Cost};
use relinc_passes::choice::Choice;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::passes::drop_redundant_relu::settle;

/// One row for each budget; one that cannot be met has a reason instead of figures. `model` is canonical, with `baseline` its prices.
///
/// # Errors
/// A budget that the network does not have, found before any image is looked at; images that do not fit.
pub fn costs(
    model: &Model,
    baseline: &Baseline,
    searches: Vec<Search>,
    r: &Request,
    progress: &Progress,
) -> Result<Vec<BudgetCost>> {
    let lean = model.lean()?;
    let named = |b: &Search, e: Error| e.at(format!("--budgets: {}", b.budget));
    let mut asked = vec![];
    for s in searches {
        let one = Request { masks: MaskSource::Search(Box::new(s.clone())), ..r.clone() };
        search::given(model, &lean, &one).map_err(|e| named(&s, e))?;
        asked.push((s, one));
    }
    let rows = asked.into_iter().map(|(s, r)| {
        progress.step(&format!("budget {}", s.budget));
        let mut notes = vec![];
        let budget = s.budget.to_string();
        match search::masks(model, &lean, &r, None, progress, &mut notes) {
            Ok(masks) => row(budget, model, baseline, masks, &r, notes),
            Err(Error::Answer(why)) => Ok(BudgetCost { budget, unmet: Some(why), ..BudgetCost::default() }),
            Err(e) => Err(named(&s, e)),
        }
    });
    rows.collect()
}

fn row(
    budget: String,
    model: &Model,
    baseline: &Baseline,
    masks: Masks,
    r: &Request,
    notes: Vec<String>,
) -> Result<BudgetCost> {
    let mut settled = masks.clone();
    settle(&model.graph, &mut settled, None).map_err(input)?;
    let after = Column::lowered(model.clone(), masks, &make::options(r), r)?;
    let cost = |(i, p)| {
        let now = &after.priced[i];
        r.networks.iter().map(move |n| Cost::new(p, n, now, Some(baseline.against(i, now))).without_layers())
    };
    let of = |which: fn(&LayerMask) -> bool| -> Vec<String> {
        let layers = model.layers.iter().filter(|l| !l.redundant);
        let names = layers.filter(|l| settled.layers.get(&l.name).is_some_and(which));
        names.map(|l| l.name.clone()).collect()
    };
    Ok(BudgetCost {
        budget,
        unmet: None,
        kept: settled.kept() as u64,
        layers: of(|m| m.kept() > 0),
        quadratic: of(|m| m.kept() == 0 && m.count(Choice::Quadratic) > 0),
        vanished: of(|m| m.kept() == 0 && m.count(Choice::Quadratic) == 0),
        cost: r.protocols.iter().enumerate().flat_map(cost).collect(),
        notes,
    })
}
