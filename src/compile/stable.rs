//! `--stable-sign`: ReLUs that did nothing on training images go, and held-out images tell what that changes.

use super::Request;
use crate::error::{Result, input};
use crate::model::Model;
use crate::progress::Progress;
use crate::report::count;
use relinc_passes::choice::Choice;
use relinc_passes::ir::Graph;
use relinc_passes::masks::{self, Masks};
use relinc_passes::passes::stable_sign::Signs;
use relinc_runtime::data::{Dataset, Split};
use relinc_runtime::eval;
use relinc_runtime::search::stable;

/// Images the network looks at together.
const BATCH: usize = 64;

/// Held-out images on which outputs are compared.
const COMPARED: usize = 512;

/// The signs over `images` training images under the given masks.
pub fn signs(model: &Model, r: &Request, images: usize, masks: &Masks, progress: &Progress) -> Result<Signs> {
    let data = r.data.as_ref().ok_or_else(|| {
        input("--stable-sign looks at real images: give them with --data, for instance --data cifar10:DIR")
    })?;
    let ds = data.open(Split::Train, Some(images)).map_err(input)?;
    let (_, ty) = model.graph.only_input().map_err(input)?;
    let layout = eval::layout(ty, ds.image_shape()).map_err(input)?;
    let ranges = eval::batches(ty, ds.len().min(images), BATCH).map_err(input)?;
    let batches: Vec<_> = ranges.into_iter().map(|range| eval::feed(&ds, range, layout).0).collect();
    let tell = &mut |i, n| progress.count("signs of activations", i, n);
    let found = stable::signs(&model.graph, &model.layers, masks, &batches, tell);
    found.map_err(|e| input(format!("{}: {e}", model.info.path.display())))
}

/// Sentences on what the masks lost, layer by layer.
pub fn counts(before: &Masks, after: &Masks, images: usize) -> String {
    let each: Vec<(&str, usize, usize)> = after
        .layers
        .iter()
        .filter_map(|(name, m)| {
            let was = before.layers.get(name)?;
            let lost = |c| m.count(c) - was.count(c);
            let (i, z) = (lost(Choice::Identity), lost(Choice::Zero));
            (i + z > 0).then_some((name.as_str(), i, z))
        })
        .collect();
    let total = |f: fn(&(&str, usize, usize)) -> usize| each.iter().map(f).sum::<usize>() as u64;
    let list: Vec<String> = each.iter().map(|(name, i, z)| format!("{name} {i} + {z}")).collect();
    let list = if list.is_empty() { String::new() } else { format!(": {}", list.join(", ")) };
    format!(
        "Stable signs: of {} ReLUs, {} were never negative on {} training images and became the identity, {} were never \
         positive and became zero{list}. On other images this is another function.",
        count(before.kept() as u64),
        count(total(|e| e.1)),
        count(images as u64),
        count(total(|e| e.2)),
    )
}

/// The largest change of an output on held-out images, and a sentence on it.
pub fn change(
    g: &Graph,
    before: &Masks,
    after: &Masks,
    ds: &Dataset,
    progress: &Progress,
) -> Result<(f64, String)> {
    let n = ds.len().min(COMPARED);
    let logits = |m: &Masks, what: &str| -> Result<(Vec<f32>, Vec<usize>)> {
        let (mut all, mut best) = (vec![], vec![]);
        let masked = masks::apply(g, m).map_err(input)?;
        let tell = &mut |i, n| progress.count(what, i, n);
        eval::clean_watched(&masked, ds, n, tell, &mut |y| {
            all.extend_from_slice(y.as_f32().unwrap_or_default());
            best.extend(eval::arg_max(y));
        })
        .map_err(input)?;
        Ok((all, best))
    };
    let (was, best_was) = logits(before, "outputs before stable signs")?;
    let (is, best_is) = logits(after, "outputs after stable signs")?;
    let largest = was.iter().zip(&is).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    let range = was.iter().fold(0f32, |m, v| m.max(v.abs()));
    let flips = best_was.iter().zip(&best_is).filter(|(a, b)| a != b).count();
    let said = format!(
        "Stable signs: on {} held-out images an output changes by at most {largest:.3e} (outputs reach {range:.3e}), and {} \
         arg max change.",
        best_was.len(),
        flips
    );
    Ok((largest, said))
}
