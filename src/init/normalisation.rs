//! The normalisation that a model was trained with, as far as its accuracy tells.

use crate::progress::Progress;
use relinc_passes::ir::Graph;
use relinc_runtime::data::{DataSpec, Dataset, Normalize};
use relinc_runtime::eval::{self, interval};

/// Validation images on which normalisations are compared.
pub const IMAGES: usize = 500;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The data spec with it.
    pub text: String,
    /// Percent of the images that are right with it.
    pub accuracy: f64,
    /// Images that were looked at.
    pub n: usize,
    /// The accuracy lies between these, in percent.
    pub interval: [f64; 2],
    /// The user said how images are normalised.
    pub given: bool,
    /// Others, the best first: what to write, and percent.
    pub others: Vec<(String, f64)>,
}

/// Tries the usual normalisations, or takes the one that the spec names.
pub fn find(g: &Graph, ds: &Dataset, data: &DataSpec, progress: &Progress) -> Result<Found, String> {
    let text = data.to_string();
    let options = text.rsplit_once('?').map_or("", |(_, o)| o);
    let given = options.split('&').any(|o| o.starts_with("normalize=") || o.starts_with("scale="));
    let score = |n: Normalize| {
        Ok::<f64, String>(eval::clean(g, &ds.normalized(IMAGES, n), IMAGES, &mut |_, _| {})?.clean)
    };
    let mut tried = vec![];
    let usual = Normalize::usual(ds.image_shape()[0]);
    for (i, (option, n)) in usual.iter().enumerate() {
        progress.count("trying normalisations", i, usual.len());
        tried.push((option.clone(), score(*n)?));
    }
    let n = ds.len().min(IMAGES);
    // Of those that the images do not tell from the best, the most usual.
    let best = tried.iter().map(|t| t.1).fold(0.0, f64::max);
    let least = interval::of_percent(best, n)[0];
    let chosen = tried.iter().position(|t| t.1 >= least).unwrap_or(0);
    let first = tried.remove(chosen);
    tried.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (text, accuracy) = match given {
        true => {
            tried.insert(0, first);
            (text, score(ds.normalize())?)
        }
        false => {
            let (option, accuracy) = first;
            (data.text_with(&option, &["normalize", "scale"]), accuracy)
        }
    };
    let interval = interval::of_percent(accuracy, n);
    Ok(Found { text, accuracy, n, interval, given, others: tried })
}

impl Found {
    /// Others that the images do not tell from it, or that are better where the user chose.
    pub fn alike(&self) -> impl Iterator<Item = &(String, f64)> {
        let same =
            |percent: f64| if self.given { percent > self.interval[1] } else { percent >= self.interval[0] };
        self.others.iter().filter(move |(_, p)| same(*p)).take(3)
    }
}
