//! Low accuracy, and whether another normalisation of the images or another order of the labels explains it.

use super::{Classifier, arg_max, batches, feed, layout};
use crate::data::{Dataset, Normalize};
use relinc_passes::ir::Graph;

/// Images on which explanations are compared.
pub const IMAGES: usize = 200;
/// Of them those on which all normalisations are tried; the best go on to the others.
const FIRST: usize = 64;
/// Fewer images tell nothing.
const FEWEST: usize = 20;
/// Points of accuracy that an explanation adds at least, and by which a normalisation may be behind and still go on.
const POINTS: f64 = 10.0;

/// Whether an accuracy in percent is low for so many classes: under 60 %, under three times chance, and where that would be more
/// than anybody reaches, under the middle between chance and all.
pub fn is_low(accuracy: f64, classes: usize) -> bool {
    let chance = 100.0 / classes.max(1) as f64;
    accuracy < (3.0 * chance).min((100.0 + chance) / 2.0).max(60.0)
}

/// What explains a low accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What to write in the data spec.
    pub option: String,
    /// What it changes.
    pub changes: Changes,
    /// Images that were looked at.
    pub n: usize,
    /// Percent of them that are right as asked.
    pub now: f64,
    /// Percent of them that are right with the option.
    pub then: f64,
    /// Other options that these images do not tell from it, and their percent.
    pub alike: Vec<(String, f64)>,
}

/// What an option of the data spec changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// How pixels become network input.
    Normalization,
    /// Which label a class has.
    Labels,
}

/// The usual normalisation, or the one of `orders` (what to write, and the label there of each label here), under which clearly more of
/// the first images of `ds` are classified right; `None` where none is. Of those that the images do not tell apart the most usual.
///
/// # Errors
/// A network that does not run on these images.
pub fn explain(
    g: &Graph,
    ds: &Dataset,
    orders: &[(&'static str, Vec<usize>)],
) -> Result<Option<Explanation>, String> {
    let subject = Subject { network: Classifier::new(g)?, graph: g, ds };
    let n = ds.len().min(IMAGES);
    let predicted = subject.predictions(ds.normalize(), n)?;
    if predicted.len() < FEWEST {
        return Ok(None);
    }
    let now = subject.right(&predicted, |l| l);
    let mut found = vec![];
    for (option, there) in orders {
        let right = subject.right(&predicted, |l| there.get(l).copied().unwrap_or(l));
        found.push(Tried { option: format!("classes={option}"), changes: Changes::Labels, right });
    }
    for (option, normalize) in subject.hopeful(&now)? {
        let right = subject.right(&subject.predictions(normalize, n)?, |l| l);
        found.push(Tried { option, changes: Changes::Normalization, right });
    }
    found.retain(|t| percent(&t.right) - percent(&now) >= POINTS && is_better(&now, &t.right));
    let Some(most) = found.iter().map(|t| count(&t.right)).max() else { return Ok(None) };
    let best = found.iter().position(|t| count(&t.right) == most).unwrap_or(0);
    let best = found[best].right.clone();
    found.retain(|t| !is_better(&t.right, &best));
    let first = found.remove(0);
    found.retain(|t| t.changes == first.changes);
    Ok(Some(Explanation {
        option: first.option,
        changes: first.changes,
        n: now.len(),
        now: percent(&now),
        then: percent(&first.right),
        alike: found.into_iter().map(|t| (t.option, percent(&t.right))).collect(),
    }))
}

/// An option, and which images are right with it.
struct Tried {
    option: String,
    changes: Changes,
    right: Vec<bool>,
}

/// A network and images.
struct Subject<'a> {
    network: Classifier<'a>,
    graph: &'a Graph,
    ds: &'a Dataset,
}

impl Subject<'_> {
    /// The usual normalisations, other than the present one, under which about as many of the very first images are right as under
    /// the best of them; none where that is not more than `now`.
    fn hopeful(&self, now: &[bool]) -> Result<Vec<(String, Normalize)>, String> {
        let mut tried = vec![];
        for (option, normalize) in Normalize::usual(self.ds.image_shape()[0]) {
            if normalize != self.ds.normalize() {
                let right = self.right(&self.predictions(normalize, self.ds.len().min(FIRST))?, |l| l);
                tried.push((percent(&right), option, normalize));
            }
        }
        let now = percent(&now[..now.len().min(FIRST)]);
        let best = tried.iter().map(|(p, _, _)| *p).fold(0.0, f64::max);
        tried.retain(|(p, _, _)| *p > now && *p >= best - POINTS);
        Ok(tried.into_iter().map(|(_, option, normalize)| (option, normalize)).collect())
    }

    /// Which of the first images were taken for their class, whose label `of` changes.
    fn right(&self, predicted: &[usize], of: impl Fn(usize) -> usize) -> Vec<bool> {
        predicted.iter().enumerate().map(|(i, p)| *p == of(self.ds.label(i))).collect()
    }

    /// What the network takes the first `n` images for, or as many as fill its batches.
    fn predictions(&self, normalize: Normalize, n: usize) -> Result<Vec<usize>, String> {
        let ds = self.ds.normalized(n, normalize);
        let (_, ty) = self.graph.only_input()?;
        let layout = layout(ty, ds.image_shape())?;
        let mut all = vec![];
        for range in batches(ty, ds.len(), FIRST)? {
            all.extend(arg_max(&self.network.run(feed(&ds, range, layout).0)?));
        }
        Ok(all)
    }
}

/// Whether more images are right by more than three deviations of the number on which the two differ.
fn is_better(now: &[bool], then: &[bool]) -> bool {
    let gained = now.iter().zip(then).filter(|(a, b)| !**a && **b).count() as f64;
    let lost = now.iter().zip(then).filter(|(a, b)| **a && !**b).count() as f64;
    gained - lost > 3.0 * (gained + lost).sqrt()
}

fn count(right: &[bool]) -> usize {
    right.iter().filter(|r| **r).count()
}

fn percent(right: &[bool]) -> f64 {
    100.0 * count(right) as f64 / right.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::data::{DataSpec, Split};
    use relinc_passes::ir::text::parse;
    use std::path::Path;

    /// Two classes of flat grey images: dark and bright.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (class, from) in [("2_dark", 0u8), ("10_light", 128)] {
            let folder = dir.path().join("test").join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for i in 0..40 {
                write(&folder.join(format!("{i:02}.png")), from + 3 * i);
            }
        }
        dir
    }

    fn write(path: &Path, grey: u8) {
        let mut e = png::Encoder::new(std::fs::File::create(path).unwrap(), 2, 2);
        e.set_color(png::ColorType::Grayscale);
        e.write_header().unwrap().write_image_data(&[grey; 4]).unwrap();
    }

    /// Takes an image for class 1 where its sum exceeds a threshold.
    fn network(threshold: f32, sign: f32) -> Graph {
        parse(&format!(
            "graph g {{
               %x = input f32[N,1,2,2]
               %f = reshape(%x) {{dims=[N,4]}}
               %w = const f32[2,4] [0, 0, 0, 0, {sign}, {sign}, {sign}, {sign}]
               %b = const f32[2] [0, {}]
               %y = linear(%f, %w, %b)
               output \"y\" = %y
             }}",
            -threshold * sign
        ))
        .unwrap()
    }

    fn explained(threshold: f32, sign: f32, options: &str) -> Option<Explanation> {
        let dir = folder();
        let spec: DataSpec = format!("images:{}?{options}", dir.path().display()).parse().unwrap();
        let spec = spec.with_channels(1).unwrap();
        let ds = spec.open(Split::Test, None).unwrap();
        explain(&network(threshold, sign), &ds, &spec.catalogue().unwrap().orders).unwrap()
    }

    #[test]
    fn low_is_under_sixty_percent_or_near_chance() {
        assert!(is_low(59.0, 10) && !is_low(61.0, 10));
        assert!(is_low(70.0, 2) && !is_low(76.0, 2));
        assert!(is_low(61.0, 4) && !is_low(63.0, 4));
        assert!(is_low(59.0, 1000) && !is_low(60.0, 1000));
    }

    #[test]
    fn the_scale_that_fits_is_found() {
        // Trained on raw pixels; with pixels in 0…1 everything is dark.
        let e = explained(4.0 * 127.5, 1.0, "classes=numbers").unwrap();
        assert_eq!((e.option.as_str(), e.changes), ("scale=255", Changes::Normalization));
        assert_eq!((e.n, e.now, e.then), (80, 50.0, 100.0));
    }

    #[test]
    fn the_order_that_fits_is_found() {
        // By number 2_dark is class 0; sorted, it is class 1.
        let e = explained(4.0 * 0.5, 1.0, "").unwrap();
        assert_eq!((e.option.as_str(), e.changes, e.now), ("classes=numbers", Changes::Labels, 0.0));
        let e = explained(4.0 * 0.5, -1.0, "classes=numbers").unwrap();
        assert_eq!((e.option.as_str(), e.then), ("classes=sorted", 100.0));
    }

    #[test]
    fn of_those_that_fit_alike_the_most_usual_is_proposed() {
        // A threshold at the middle of each range: centred ones put it at 0.
        let e = explained(0.0, 1.0, "classes=numbers").unwrap();
        assert_eq!((e.option.as_str(), e.then), ("normalize=mean=.5;std=.5", 100.0));
        // The image of level 128 lies on its threshold.
        assert_eq!(e.alike, [("scale=255&normalize=mean=128;std=128".to_owned(), 98.75)]);
    }

    #[test]
    fn no_explanation_where_none_is_better() {
        assert_eq!(explained(4.0 * 0.5, 1.0, "classes=numbers"), None);
        assert_eq!(explained(1e9, 1.0, "classes=numbers"), None);
    }
}
