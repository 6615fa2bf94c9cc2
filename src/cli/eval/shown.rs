//! What `relinc eval` prints.

use super::{Args, Found};
use relinc_runtime::eval::emulated::Emulated;
use relinc_runtime::eval::interval::wilson;
use relinc_runtime::exec::Precision;
use relinc_runtime::fixed::Format;
use serde_json::{Value, json};

/// The document of `--json`; what was not asked for is null.
pub fn json(a: &Args, found: &Found) -> Value {
    let (r, c, first) = (&found.clean, &found.corrupted, found.attacked.first());
    let by = |c: &relinc_runtime::eval::corrupted::Corrupted| -> Value {
        c.by.iter()
            .map(|(name, row)| (name.to_string(), json!(row)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let attacks = found.attacked.iter().map(|(attack, r)| {
        json!({
            "attack": attack.to_string(), "adversarial": r.accuracy, "interval": r.interval, "n": r.n, "after": r.stages,
            "seconds": r.seconds, "precision": found.precision,
        })
    });
    json!({
        "n": r.n, "clean": r.clean, "interval": r.interval, "classes": r.classes,
        "corrupted": c.as_ref().map(|c| c.mean), "corrupted_by": c.as_ref().map(by),
        "corrupted_n": c.as_ref().map(|c| c.n), "corrupted_seconds": c.as_ref().map(|c| c.seconds),
        "adversarial": first.map(|(_, r)| r.accuracy), "adversarial_n": first.map(|(_, r)| r.n),
        "fixed_point": found.emulated,
        "attack": first.map(|(attack, _)| attack.to_string()), "attacks": attacks.collect::<Vec<_>>(),
        "classes_predicted": r.classes_predicted, "seconds": r.seconds, "images_per_second": r.images_per_second,
        "data": a.data.to_string(), "split": a.split.name(), "classes": found.classes, "notes": found.notes.iter().chain(&found.doubt).collect::<Vec<_>>(),
    })
}

/// The same for people.
pub fn text(a: &Args, found: &Found, seed: u64) -> String {
    let r = &found.clean;
    let mut lines = vec![format!(
        "{:.2} % of {} images, 95 % interval {:.1} to {:.1} ({}, {}); {} of {} classes predicted; {:.1} s, {:.0} images/s",
        r.clean,
        r.n,
        r.interval[0],
        r.interval[1],
        a.data,
        a.split.name(),
        r.classes_predicted,
        r.classes,
        r.seconds,
        r.images_per_second
    )];
    if let Some(c) = &found.corrupted {
        let from = match &a.corruptions {
            Some(Some(dir)) => dir.display().to_string(),
            _ => format!("drawn, seed {seed}"),
        };
        lines.push(format!(
            "corrupted: {:.2} % of {} images, the mean of {} corruptions in 5 severities ({from}); {:.1} s",
            c.mean,
            c.n,
            c.by.len(),
            c.seconds
        ));
        for (name, row) in &c.by {
            let row: Vec<String> = row.iter().map(|p| format!("{p:6.2}")).collect();
            lines.push(format!("  {name:<18}{}", row.join(" ")));
        }
    }
    let half = match found.precision {
        Precision::F32 => String::new(),
        other => format!(", in {other}"),
    };
    for (attack, r) in &found.attacked {
        lines.push(format!(
            "adversarial: {:.2} % of {} images, 95 % interval {:.1} to {:.1} ({attack}, seed {seed}{half}); {:.1} s",
            r.accuracy, r.n, r.interval[0], r.interval[1], r.seconds
        ));
        lines.extend(r.stages.iter().map(|s| {
            let percent = 100.0 * s.left as f64 / r.n.max(1) as f64;
            format!("  {:<14}{:>6} left, {percent:6.2} %; {:.1} s", s.attack, s.left, s.seconds)
        }));
    }
    lines.extend(found.emulated.as_ref().zip(a.fixed_point).map(|(f, format)| fixed(f, format)));
    lines.extend(found.notes.iter().chain(&found.doubt).map(|n| format!("note: {n}")));
    lines.join("\n")
}

fn fixed(f: &Emulated, format: Format) -> String {
    let percent = |k: usize| 100.0 * k as f64 / f.n.max(1) as f64;
    let [low, high] = wilson(f.left as f64, f.n);
    format!(
        "in fixed point ({format}): {:.2} % of {} images, 95 % interval {low:.1} to {high:.1}: {} right, {} of them where single precision was \
         misled as well, {} after Square of {} queries; {:.1} s",
        percent(f.left),
        f.n,
        f.clean,
        f.transferred,
        f.left,
        f.queries,
        f.seconds
    )
}
