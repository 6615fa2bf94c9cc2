//! `--stable-sign`: ReLUs that did nothing on training images go, and held-out images tell what that changes.

use super::Request;
use crate::error::{Result, input};
use crate::model::Model;
use crate::progress::Progress;
use crate::report::count;
use relinc_passes::choice::{Choice, NO_CAP};
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
    let each: Vec<(&str, [usize; 3])> = after
        .layers
        .iter()
        .filter_map(|(name, m)| {
            let was = before.layers.get(name)?;
            let pairs = || was.values.iter().zip(&m.values);
            let became = |c| pairs().filter(|(was, is)| **was != c && **is == c).count();
            let n = [Choice::Identity, Choice::Zero, Choice::Uncapped].map(became);
            (n != [0; 3]).then_some((name.as_str(), n))
        })
        .collect();
    let total = |k: usize| each.iter().map(|(_, n)| n[k]).sum::<usize>() as u64;
    let caps = before.layers.values().any(|m| m.cap != NO_CAP);
    let one = |(name, [i, z, u]): &(&str, [usize; 3])| {
        format!("{name} {i} + {z}{}", if caps { format!(" + {u}") } else { String::new() })
    };
    let list: Vec<String> = each.iter().map(one).collect();
    let list = if list.is_empty() { String::new() } else { format!(": {}", list.join(", ")) };
    let uncapped = match caps {
        true => format!(", {} others were never above their cap and lost it", count(total(2))),
        false => String::new(),
    };
    let relus: usize = before.layers.values().map(|m| m.values.iter().filter(|v| v.compares()).count()).sum();
    format!(
        "Stable signs: of {} ReLUs, {} were never negative on {} training images and became the identity, {} were never \
         positive and became zero{uncapped}{list}. On other images this is another function.",
        count(relus as u64),
        count(total(0)),
        count(images as u64),
        count(total(1)),
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
