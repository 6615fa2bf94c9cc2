//! Images that are answered with numbers far beyond the usual.

/// Times the median image's largest logit from which on an answer is far beyond the usual.
pub const FAR: f32 = 20.0;

/// The largest |logit| of each row of `classes`; +∞ where one is no number.
pub fn largest(logits: &[f32], classes: usize) -> impl Iterator<Item = f32> + '_ {
    let size = |v: &f32| if v.is_nan() { f32::INFINITY } else { v.abs() };
    logits.chunks(classes.max(1)).map(move |row| row.iter().map(size).fold(0.0, f32::max))
}

/// What is beyond this is far; 0 where the usual logits are.
pub fn limit(largest: &[f32]) -> f32 {
    let mut sorted = largest.to_vec();
    sorted.sort_by(f32::total_cmp);
    FAR * sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// How many are far; none of networks whose usual logits are 0.
pub fn count(largest: &[f32]) -> usize {
    let limit = limit(largest);
    if limit > 0.0 { largest.iter().filter(|l| **l > limit).count() } else { 0 }
}
