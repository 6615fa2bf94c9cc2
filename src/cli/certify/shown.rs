//! What `relinc certify` prints.

use super::{Args, Found};
use relinc_runtime::certify::Arithmetic;
use relinc_runtime::data::Dataset;
use relinc_runtime::eval::certified::{Share, Verdict};
use serde_json::{Value, json};

impl Found {
    fn share(&self, of: impl Fn(Verdict) -> bool) -> Share {
        Share::of(self.images.iter().filter(|(v, _)| of(*v)).count(), self.images.len())
    }

    /// The images that were bounded.
    fn bounded(&self) -> usize {
        self.images.iter().filter(|(_, m)| m.is_some()).count()
    }

    /// Elements that bend around an image, in the mean.
    fn bending(&self) -> f64 {
        let all: usize = self.images.iter().filter_map(|(_, m)| m.as_ref()).map(|m| m.bent).sum();
        all as f64 / self.bounded().max(1) as f64
    }
}

fn arithmetic(a: &Args) -> String {
    match a.arithmetic() {
        Arithmetic::Real => "real numbers".into(),
        Arithmetic::Single => "single precision".into(),
        Arithmetic::Fixed(f) => format!("a ring of {f} bits"),
    }
}

/// The document of `--json`. Margins are those of the class that comes closest.
pub fn json(a: &Args, found: &Found, ds: &Dataset) -> Value {
    let image = |(i, (verdict, margins)): (usize, &(Verdict, Option<relinc_runtime::certify::Margins>))| {
        let least = margins.as_ref().and_then(|m| m.least());
        json!({
            "image": i, "label": ds.label(i), "verdict": verdict.name(), "against": least.map(|l| l.0),
            "margin": least.map(|l| l.1.bound), "slack": least.map(|l| l.1.slack), "bending": margins.as_ref().map(|m| m.bent),
        })
    };
    json!({
        "n": found.images.len(), "eps": a.eps.get(), "method": a.method.name(),
        "arithmetic": arithmetic(a),
        "clean": found.share(|v| v != Verdict::Misclassified), "certified": found.share(|v| v == Verdict::Certified),
        "falsified": found.share(|v| v == Verdict::Falsified), "unknown": found.share(|v| v == Verdict::Unknown),
        "attack": found.attack.map(|x| x.to_string()), "elements": found.bent, "bending": found.bending(),
        "challenge": found.challenge.as_ref().map(|c| json!({
            "images": c.images, "attacks": c.attacks.iter().map(ToString::to_string).collect::<Vec<_>>(), "broken": c.broken,
            "above": Some(c.above).filter(|a| a.is_finite()), "seconds": c.seconds,
        })),
        "seconds": found.seconds[0], "attack_seconds": found.seconds[1],
        "images": found.images.iter().enumerate().map(image).collect::<Vec<_>>(),
        "data": a.data.to_string(), "split": a.split.name(), "notes": found.notes,
    })
}

/// The same for people.
pub fn text(a: &Args, found: &Found, seed: u64) -> String {
    let n = found.images.len();
    let mut lines =
        vec![format!("{n} images ({}, {}), every pixel within {} of theirs", a.data, a.split.name(), a.eps)];
    if n < found.wanted {
        lines.push(format!("time was over after {n} of {} images", found.wanted));
    }
    let mut row = |name: &str, s: Share, how: &str| {
        let [low, high] = s.interval;
        lines.push(format!(
            "{name:<11}{:6.2} %  {:>6}, 95 % interval {low:.1} to {high:.1}{how}",
            s.percent, s.count
        ));
    };
    let arithmetic = arithmetic(a);
    row("clean", found.share(|v| v != Verdict::Misclassified), "");
    row("certified", found.share(|v| v == Verdict::Certified), &format!(" ({}, {arithmetic})", a.method));
    let how = found.attack.map_or(" (no attack)".to_owned(), |x| format!(" ({x}, seed {seed})"));
    row("falsified", found.share(|v| v == Verdict::Falsified), &how);
    row("unknown", found.share(|v| v == Verdict::Unknown), "");
    lines.push(format!(
        "{:.0} of {} elements bend around an image; {:.1} s, {:.3} s an image, and {:.1} s of attacks",
        found.bending(),
        found.bent,
        found.seconds[0],
        found.seconds[0] / found.bounded().max(1) as f64,
        found.seconds[1]
    ));
    if let Some(c) = &found.challenge {
        let attacks: Vec<String> = c.attacks.iter().map(ToString::to_string).collect();
        let close = match c.above.is_finite() {
            true => format!(
                "; the least margin found is {:.4} above the one proven, where it comes closest",
                c.above
            ),
            false => String::new(),
        };
        lines.push(format!(
            "{} certified images of least margin attacked ({}), {} broken{close}; {:.1} s",
            c.images.len(),
            attacks.join(", "),
            c.broken.len(),
            c.seconds
        ));
    }
    lines.extend(found.notes.iter().map(|n| format!("note: {n}")));
    lines.join("\n")
}
