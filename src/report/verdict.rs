//! What stands against a result, found from the facts of its report.

use super::figures::{cost_model, count, missing, network, seconds, signed};
use super::headline::{best, images};
use super::model::{Accuracy, Cost, Level, Report, ScoreChange, Scores, Seen};
use super::shape::Shape;

/// Points of accuracy beyond which a loss is an alarm.
pub const MUCH: f64 = 5.0;
/// Points between both ends of an interval from which on more images would say more.
const WIDE: f64 = 2.0;
/// A network whose interval reaches so many times the share a guess gets right may be guessing.
const NEAR: f64 = 1.5;
/// With few classes that would be most of the scale; no more than so many points above a guess.
const NEAR_POINTS: f64 = 5.0;
/// Growth of weights or multiplications that is said.
const GROWN: f64 = 1.1;
/// Relative difference of predicted times below which they are the same.
const SAME: f64 = 0.02;

/// One thing that stands against a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// The network before is itself near chance.
    OriginalNearChance,
    /// The compiled network is near chance.
    NearChance,
    /// More was lost than the user allows.
    OverMaxDrop,
    /// More than [`MUCH`] points were lost, and not by chance.
    Lost,
    /// So few images that a loss of more than [`MUCH`] points may hide.
    TooFewImages,
    /// Only a model that was itself trained under masks was at hand.
    OriginalUnknown,
    /// ReLUs were removed, and nobody looked what that did.
    NotMeasured,
    /// Training had to do with the images.
    Seen,
    /// With the masks a query takes longer than without, where the headline speaks of it.
    Slower,
    /// The same on another network or under another protocol.
    SlowerElsewhere,
    /// Folding made the network larger than the original by more than [`GROWN`].
    Grew,
}

/// What stands against a result, the gravest first.
pub fn findings(r: &Report) -> Vec<Finding> {
    let shape = Shape::of(r);
    let mut out = vec![];
    match &r.accuracy {
        Some(a) => of_accuracy(r, a, &mut out),
        None if shape == Shape::Masked => out.push(Finding::NotMeasured),
        None => {}
    }
    if matches!(shape, Shape::Masked | Shape::Lossless) {
        let headline = best(&r.cost);
        out.extend(headline.filter(|c| slower(shape, c).is_some()).map(|_| Finding::Slower));
        out.extend(slower_elsewhere(r).next().map(|_| Finding::SlowerElsewhere));
    }
    out.extend(grown(r).map(|_| Finding::Grew));
    out.sort_by_key(|f| std::cmp::Reverse(f.level()));
    out
}

/// What folding made larger, in words.
fn grown(r: &Report) -> Option<String> {
    let before = r.before.as_ref()?;
    r.passes.iter().find(|p| p.name.starts_with("merge-") && p.applied > 0)?;
    let sizes = [
        ("weights", r.totals.parameters, before.parameters),
        ("multiply-accumulates", r.totals.macs, before.macs),
    ];
    let more: Vec<String> = sizes
        .iter()
        .filter(|(_, now, was)| *now as f64 > GROWN * *was as f64)
        .map(|(what, now, was)| format!("{} {what} instead of {}", count(*now), count(*was)))
        .collect();
    (!more.is_empty()).then(|| more.join(", "))
}

/// Seconds now and in the column that is compared with, where a query takes longer now by figures that are whole.
fn slower(shape: Shape, c: &Cost) -> Option<(f64, f64)> {
    let kind = shape.time(c);
    let (now, was) = (c.after.seconds(kind)?, shape.baseline(c)?.seconds(kind)?);
    (missing(c).is_none() && now > was * (1.0 + SAME)).then_some((now, was))
}

/// The same for all but the entry the headline speaks of.
fn slower_elsewhere(r: &Report) -> impl Iterator<Item = (&Cost, f64, f64)> {
    let (shape, headline) = (Shape::of(r), best(&r.cost));
    let others = r.cost.iter().filter(move |c| !headline.is_some_and(|h| std::ptr::eq(h, *c)));
    others.filter_map(move |c| slower(shape, c).map(|(now, was)| (c, now, was)))
}

fn of_accuracy(r: &Report, a: &Accuracy, out: &mut Vec<Finding>) {
    let near = |s: &Option<Scores>| s.as_ref().and_then(|s| near_chance(a, s)).is_some();
    let change = a.change.as_ref().filter(|_| a.before_is_original);
    match (near(&a.before), near(&a.after)) {
        (true, false) if !a.before_is_original => {}
        (true, _) => out.push(Finding::OriginalNearChance),
        (false, true) => out.push(Finding::NearChance),
        (false, false) => match change {
            Some(c) if -c.points > MUCH && !c.within_chance() => out.push(Finding::Lost),
            Some(c) if -c.interval[0] > MUCH && c.interval[1] - c.interval[0] > WIDE => {
                out.push(Finding::TooFewImages)
            }
            _ => {}
        },
    }
    out.extend(fell_too_far(r).map(|_| Finding::OverMaxDrop));
    out.extend((!a.before_is_original).then_some(Finding::OriginalUnknown));
    out.extend(a.seen.map(|_| Finding::Seen));
}

/// The share in percent that a guess gets right, where a network's accuracy is not clearly above it.
pub(super) fn near_chance(a: &Accuracy, s: &Scores) -> Option<f64> {
    let guess = 100.0 / a.classes.filter(|&k| k > 1)? as f64;
    let low = s.interval?[0];
    (low <= (NEAR * guess).min(guess + NEAR_POINTS)).then_some(guess)
}

/// `10.0 % with 10 classes`.
pub(super) fn chance(guess: f64, a: &Accuracy) -> String {
    let digits = if guess < 1.0 { 2 } else { 1 };
    format!("{guess:.digits$} % with {} classes", count(a.classes.unwrap_or(0)))
}

/// Why the accuracy fell further than the user allows, if it did.
pub fn fell_too_far(r: &Report) -> Option<String> {
    let (allowed, change) = (r.settings.max_drop?, r.accuracy.as_ref()?.change?);
    (-change.points > allowed).then(|| {
        format!(
            "{:.1} points of accuracy are lost, more than the {allowed} that max-drop allows",
            -change.points
        )
    })
}

/// `91.7 → 83.1 %, 8.6 points lost (7.2 to 10.0)`.
fn lost(c: &ScoreChange) -> String {
    format!("{:.1} points lost (95 % interval {:.1} to {:.1})", -c.points, -c.interval[1], -c.interval[0])
}

impl Finding {
    /// How grave it is.
    pub fn level(self) -> Level {
        match self {
            Finding::OriginalNearChance | Finding::NearChance | Finding::OverMaxDrop | Finding::Lost => {
                Level::Alarm
            }
            Finding::TooFewImages
            | Finding::OriginalUnknown
            | Finding::NotMeasured
            | Finding::Seen
            | Finding::Slower => Level::Warning,
            Finding::SlowerElsewhere | Finding::Grew => Level::Ok,
        }
    }

    /// A sentence for the reader.
    pub fn sentence(self, r: &Report) -> String {
        let Some(a) = &r.accuracy else { return self.without_accuracy(r) };
        let clean = |s: &Option<Scores>| s.and_then(|s| s.clean).unwrap_or(0.0);
        let guess = || chance(100.0 / a.classes.unwrap_or(1).max(1) as f64, a);
        let (b, x, on) = (clean(&a.before), clean(&a.after), images(a));
        match self {
            Finding::OriginalNearChance => format!(
                "Before anything was removed, the network is right on {b:.1} % of {on}: it cannot be told from guessing ({}). {}",
                guess(),
                match r.model.sha256.is_empty() {
                    true => "Its weights are random: train it first.",
                    false => "The data or their normalisation do not fit the model.",
                }
            ),
            Finding::NearChance => format!(
                "Do not use this network: it is right on {x:.1} % of {on} and cannot be told from guessing ({}); before, it was \
                 {b:.1} %.",
                guess()
            ),
            Finding::Lost => a.change.map_or(String::new(), |c| {
                format!("Accuracy fell from {b:.1} to {x:.1} % on {on}: {}.", lost(&c))
            }),
            Finding::TooFewImages => a.change.map_or(String::new(), |c| {
                let most = -c.interval[0];
                format!("A loss of up to {most:.1} points cannot be ruled out on {on} ({b:.1} → {x:.1} %); measure on more.")
            }),
            Finding::OriginalUnknown => format!(
                "What the masks cost in all is not known: before is {}.",
                a.before_is.as_deref().unwrap_or("another network")
            ),
            Finding::Seen => a.seen.map(Seen::sentence).unwrap_or_default().into(),
            Finding::OverMaxDrop
            | Finding::NotMeasured
            | Finding::Slower
            | Finding::SlowerElsewhere
            | Finding::Grew => self.without_accuracy(r),
        }
    }

    fn without_accuracy(self, r: &Report) -> String {
        let shape = Shape::of(r);
        let instead = |(now, was): (f64, f64)| format!("{} instead of {}", seconds(now), seconds(was));
        let (what, than) = match shape {
            Shape::Masked => ("with these masks", "compiled with all ReLUs"),
            _ => ("as compiled", "the original"),
        };
        match self {
            Finding::Grew => format!(
                "Folding made the network larger, which a query is predicted to gain by: {}; --fold never leaves it as it was.",
                grown(r).unwrap_or_default()
            ),
            Finding::OverMaxDrop => fell_too_far(r).map(|why| why + ".").unwrap_or_default(),
            Finding::Slower => match best(&r.cost).and_then(|c| slower(shape, c)) {
                Some(times) => {
                    format!("A query is predicted to take longer {what} than {than}: {}.", instead(times))
                }
                None => String::new(),
            },
            Finding::SlowerElsewhere => {
                let each: Vec<String> = slower_elsewhere(r)
                    .map(|(c, now, was)| {
                        format!("{}, {}: {}", cost_model(c), network(&c.network), instead((now, was)))
                    })
                    .collect();
                format!(
                    "Not everywhere: {what} a query is predicted to take longer than {than} on {}.",
                    each.join("; ")
                )
            }
            _ => "ReLUs were removed and nobody knows what that does to the accuracy: no images were given."
                .into(),
        }
    }
}

/// What there is to say where nothing stands against a result.
pub fn fine(r: &Report) -> String {
    let change = r.accuracy.as_ref().and_then(|a| Some((a, a.change?)));
    match (Shape::of(r), change) {
        (Shape::Masked, Some((a, c))) if c.within_chance() => format!(
            "No loss of accuracy that {} could show ({} points, {} to {}).",
            images(a),
            signed(c.points),
            signed(c.interval[0]),
            signed(c.interval[1])
        ),
        (Shape::Masked, Some((a, c))) if c.points < 0.0 => {
            format!("Little accuracy was lost on {}: {}.", images(a), lost(&c))
        }
        (Shape::Masked, Some((a, c))) => {
            format!("Accuracy rose on {}: {} points.", images(a), signed(c.points))
        }
        (Shape::Masked, None) => "Nothing stands against this result.".into(),
        _ => "Nothing was removed: this is the same network, compiled.".into(),
    }
}

#[cfg(test)]
mod tests;
