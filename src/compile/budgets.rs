//! What budgets cost before anything is trained: each is searched and priced as `compile` would, and nothing is emitted.

use super::baseline::{Baseline, Column};
use super::{MaskSource, Request, Search, fixed, make, search};
use crate::error::{Error, Result, input};
use crate::images::Images;
use crate::model::Model;
use crate::progress::Progress;
use crate::report::model::{BudgetCost, Cost};
use relinc_passes::choice::Choice;
use relinc_passes::driver::Options;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::passes::drop_redundant_relu::settle;
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_runtime::data::Dataset;

/// What the networks of budgets are held against.
#[derive(Debug, Clone)]
pub struct Prices {
    /// The figures of the file.
    pub file: Column,
    /// The columns beside those of budgets, with truncations that are right.
    pub baseline: Baseline,
}

/// A request with truncations that cost nothing, what its networks are held against, and images that say how often such go wrong.
struct Hopeful {
    request: Request,
    baseline: Baseline,
    held_out: Dataset,
}

impl Hopeful {
    /// `None` where no such truncations are asked for, or where no protocol has them, which is said.
    fn new(model: &Model, file: Column, r: &Request, notes: &mut Vec<String>) -> Result<Option<Hopeful>> {
        let Some(request) = fixed::hopeful(r, notes) else { return Ok(None) };
        let Some(data) = &r.data else {
            return Err(input("--truncation bounded: ranges are measured on images: add data"));
        };
        let images = Images::of(data, &model.graph, &model.info.path)?;
        let accuracy = &r.options.accuracy;
        let held_out = images.open(accuracy.split(), Some(fixed::IMAGES))?;
        let baseline = Baseline::new(file, model.clone(), &make::options(r), false, &request)?;
        Ok(Some(Hopeful { request, baseline, held_out }))
    }

    /// Why the network under these masks has to truncate safely; `None` where it need not.
    fn objection(&self, model: &Model, masks: &Masks, progress: &Progress) -> Result<Option<String>> {
        let r = &self.request;
        let options = Options { fold: r.fold(), ..make::options(r) }.with(InsertMasks(masks.clone()));
        let mut emitted = model.clone();
        emitted.lower(&options, None)?;
        let judged = fixed::judge(r, &emitted.valid()?, Some(&self.held_out), progress)?;
        Ok(judged.err())
    }
}

/// One row for each budget; one that cannot be met has a reason instead of figures. `model` is canonical, with `prices` its own.
///
/// # Errors
/// A budget that the network does not have, found before any image is looked at; images that do not fit.
pub fn costs(
    model: &Model,
    prices: Prices,
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
    let mut said = vec![];
    let hopeful = Hopeful::new(model, prices.file, r, &mut said)?;
    let rows = asked.into_iter().map(|(s, r)| {
        progress.step(&format!("budget {}", s.budget));
        let mut notes = std::mem::take(&mut said);
        let budget = s.budget.to_string();
        let masks = match search::masks(model, &lean, &r, None, progress, &mut notes) {
            Ok(masks) => masks,
            Err(Error::Answer(why)) => {
                return Ok(BudgetCost { budget, unmet: Some(why), ..BudgetCost::default() });
            }
            Err(e) => return Err(named(&s, e)),
        };
        if let Some(h) = &hopeful {
            match h.objection(model, &masks, progress)? {
                None => {
                    let masks_of = Request { masks: r.masks, ..h.request.clone() };
                    return row(budget, model, &h.baseline, masks, &masks_of, notes);
                }
                Some(why) => notes.push(format!(
                    "{budget}: --truncation {}: safe truncation is taken, for {why}.",
                    r.options.truncation
                )),
            }
        }
        row(budget, model, &prices.baseline, masks, &r, notes)
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
