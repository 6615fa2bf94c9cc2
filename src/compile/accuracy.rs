//! Accuracy on held-out images: of the network before, and of the emitted one on the same images.

use super::{Before, Request};
use crate::error::{Result, input};
use crate::progress::Progress;
use crate::report::model::{Accuracy, ScoreChange, Scores, Seen};
use relinc_passes::ir::Graph;
use relinc_runtime::data::{Dataset, Split};
use relinc_runtime::eval::{self, Clean, interval};

/// Points that masks do not win for a network that was not trained under them.
const TRAINED_UNDER_MASKS: f64 = 5.0;

/// An accuracy that waits for the emitted network.
pub struct Measured {
    accuracy: Accuracy,
    /// What the network before got right, image by image.
    right: Vec<bool>,
}

impl Measured {
    /// The accuracy in percent, where it was measured.
    pub fn clean(&self) -> Option<f64> {
        self.accuracy.before?.clean
    }
}

fn clean(g: &Graph, ds: &Dataset, r: &Request, what: &str, progress: &Progress) -> Result<Clean> {
    let label = format!("accuracy {what}");
    eval::clean(g, ds, r.options.accuracy.limit(), &mut |i, n| progress.count(&label, i, n)).map_err(input)
}

fn scores(c: &Clean) -> Scores {
    Scores { clean: Some(c.clean), interval: Some(c.interval), ..Scores::default() }
}

/// Measures the network that the request says was before, up to its logits.
pub fn before(network: &Graph, ds: &Dataset, r: &Request, progress: &Progress) -> Result<Measured> {
    let is = match &r.before {
        Before::Own(is) | Before::Network(_, is) => Some(is),
        Before::Nothing => None,
    };
    let found = is.map(|_| clean(network, ds, r, "before", progress)).transpose()?;
    let seen = match ds.split() {
        Split::Train => Some(Seen::Trained),
        Split::Val if r.learned.is_some() => Some(Seen::Chose),
        Split::Val | Split::Test => None,
    };
    let accuracy = Accuracy {
        before: found.as_ref().map(scores),
        before_is: is.map(|i| i.text.clone()),
        before_is_original: is.is_none_or(|i| i.original),
        after: None,
        change: None,
        data: r.data.as_ref().map(|d| d.to_string()).unwrap_or_default(),
        split: ds.split().name().into(),
        n: 0,
        classes: None,
        seen,
    };
    Ok(Measured { accuracy, right: found.map_or(vec![], |c| c.right) })
}

/// Measures the emitted network, and says how many classes it predicts; `squares` says that some of its layers are quadratic.
pub fn after(
    m: Measured,
    (emitted, squares): (&Graph, bool),
    ds: &Dataset,
    r: &Request,
    progress: &Progress,
) -> Result<(Accuracy, String)> {
    let found = clean(emitted, ds, r, "after", progress)?;
    let change = interval::paired(&m.right, &found.right).map(|p| ScoreChange {
        points: p.points,
        interval: p.interval,
        lost: p.lost as u64,
        won: p.won as u64,
    });
    let mut said = format!(
        "The compiled network predicts {} of {} classes on {} images.",
        found.classes_predicted, found.classes, found.n
    );
    if found.far > 0 {
        said += &format!(
            " On {} of them its largest output is more than {} times that of the median image: numbers that may leave the ring{}.",
            found.far,
            eval::far::FAR,
            if squares { "; training on with freeze: 1 brings them in" } else { "" }
        );
    }
    let (n, classes) = (found.n as u64, Some(found.classes as u64));
    let mut accuracy = Accuracy { after: Some(scores(&found)), change, n, classes, ..m.accuracy };
    let own = matches!(&r.before, Before::Own(is) if is.original);
    if own && change.is_some_and(|c| c.interval[0] > TRAINED_UNDER_MASKS) {
        accuracy.before_is_original = false;
        accuracy.before_is =
            Some("this file with every ReLU, and its weights were trained under masks".into());
    }
    Ok((accuracy, said))
}
