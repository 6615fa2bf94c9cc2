//! The stages of a training log in figures.

#[cfg(test)]
mod tests;

use relinc_runtime::train::Record;

/// What the accuracy on training images is worth.
pub const SEEN: &str = "on images the network was trained on: no measure of how good it is on new ones";
/// What the accuracy on validation images is worth.
pub const CHOSE: &str = "on validation images: they choose the epoch that is kept, unless the last was asked for, and the network that was read may have been trained on them";

/// One stage in figures.
#[derive(Debug)]
pub struct StageSummary<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its epochs.
    pub records: Vec<&'a Record>,
    /// The last one.
    pub last: &'a Record,
    /// The one with the highest clean accuracy plus, where attacked images were validated, adversarial accuracy.
    pub best: Option<&'a Record>,
    /// Training images a second over all epochs, without validation.
    pub images_per_second: Option<f64>,
    /// Share of the training time spent waiting for data, 0 to 1.
    pub data_wait: Option<f64>,
}

/// The stages in the order they began.
pub fn stages(records: &[Record]) -> Vec<StageSummary<'_>> {
    let mut groups: Vec<Vec<&Record>> = vec![];
    for r in records {
        match groups.iter_mut().find(|g| g.first().is_some_and(|f| f.stage == r.stage)) {
            Some(g) => g.push(r),
            None => groups.push(vec![r]),
        }
    }
    groups.into_iter().filter_map(summary).collect()
}

fn summary(records: Vec<&Record>) -> Option<StageSummary<'_>> {
    let last = *records.last()?;
    let score = |r: &Record| Some(r.val_clean? + r.val_adversarial.unwrap_or(0.0)).filter(|s| s.is_finite());
    let mut best: Option<(f64, &Record)> = None;
    for &r in &records {
        if let Some(s) = score(r).filter(|s| best.is_none_or(|(b, _)| *s > b)) {
            best = Some((s, r));
        }
    }
    // Epochs have equal images, so their times are to each other as 1 / speed.
    let timed = || records.iter().filter(|r| r.images_per_second > 0.0 && r.images_per_second.is_finite());
    let time: f64 = timed().map(|r| 1.0 / r.images_per_second).sum();
    let waited: f64 = timed().map(|r| r.data_wait / r.images_per_second).sum();
    Some(StageSummary {
        name: &last.stage,
        last,
        best: best.map(|(_, r)| r),
        images_per_second: (time > 0.0).then(|| timed().count() as f64 / time),
        data_wait: (time > 0.0).then(|| waited / time).filter(|w| w.is_finite()),
        records,
    })
}
