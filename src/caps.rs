//! What is said of ReLU layers that have a cap.

use crate::report::count;
use relinc_passes::layers::ReluLayer;
use relinc_runtime::data::Dataset;
use relinc_runtime::search::caps::caps;
use relinc_runtime::search::worth::first_images;
use relinc_runtime::train::Model;

/// What numbers of kept ReLUs count in a network of these layers: comparisons, where one has a cap.
pub fn counted(layers: &[ReluLayer]) -> &'static str {
    if layers.iter().any(ReluLayer::capped) { "comparisons" } else { "ReLUs" }
}

/// A sentence on what is counted; none where no layer has a cap.
pub fn said(layers: &[ReluLayer]) -> Option<String> {
    let capped: Vec<&ReluLayer> = layers.iter().filter(|l| l.capped()).collect();
    let (first, last) = (capped.first()?, capped.last()?);
    let which = match capped.len() {
        1 => format!("{} has a cap ({})", first.name, first.cap),
        n if n == layers.len() => format!("All {n} ReLU layers have a cap ({})", caps_of(&capped)),
        n => format!(
            "{n} of {} ReLU layers have a cap ({}; {} … {})",
            layers.len(),
            caps_of(&capped),
            first.name,
            last.name
        ),
    };
    Some(format!(
        "{which}: an element takes two comparisons with its cap and one without, and budgets and numbers of ReLUs count \
         comparisons."
    ))
}

/// Each cap once.
fn caps_of(layers: &[&ReluLayer]) -> String {
    let mut all: Vec<f32> = layers.iter().map(|l| l.cap).collect();
    all.sort_by(f32::total_cmp);
    all.dedup();
    let shown: Vec<String> = all.iter().take(3).map(f32::to_string).collect();
    format!("{}{}", shown.join(", "), if all.len() > 3 { ", …" } else { "" })
}

/// A sentence on the caps that the model's masks took away, judged on the first of so many images; none where no layer has one.
pub fn lost(m: &Model, ds: &Dataset, images: usize) -> Result<Option<String>, String> {
    if !m.net.relus().iter().any(ReluLayer::capped) {
        return Ok(None);
    }
    let images = first_images(m, images.min(ds.len()))?;
    let Some(c) = caps(m, ds, &images)? else { return Ok(None) };
    Ok(Some(format!(
        "Caps: {} of {} elements became ReLUs without their cap. {} of them were never above it on {} training images (on data: on \
         others they may be); for the others it is a change that the search found to cost little.",
        count(c.lost as u64),
        count(c.elements as u64),
        count(c.idle as u64),
        count(images.len() as u64),
    )))
}
