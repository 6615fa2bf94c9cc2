//! The stages of a training run and the accuracies of its networks, as text.

use super::super::figures::{count, digits, n, percentage as percent};
use super::super::model::{Metric, Report, branch_name};
use super::super::rows::score;
use super::super::training::{CHOSE, SEEN, stages};
use super::{section, table, wrap};
use relinc_runtime::train::Record;

/// The stages: last and best epoch.
pub(super) fn training(r: &Report, out: &mut String) {
    let Some(t) = r.training.as_ref().filter(|t| !t.records.is_empty()) else { return };
    section(out, "Training");
    let mut rows = vec![];
    for s in stages(&t.records) {
        let mut row = |which: &str, e: &Record, speed: [String; 2]| {
            let [ips, wait] = speed;
            rows.push(vec![
                if which == "last" { s.name.to_string() } else { String::new() },
                which.into(),
                format!("{}/{}", e.epoch, e.epochs),
                if e.loss.is_finite() { format!("{:.3}", e.loss) } else { "–".into() },
                percent(Some(e.train_accuracy)),
                percent(e.val_clean),
                percent(e.val_adversarial),
                count(e.kept as u64),
                ips,
                wait,
            ]);
        };
        let wait = s.data_wait.map(|w| format!("{:.1} %", 100.0 * w));
        row("last", s.last, [s.images_per_second.map(digits).unwrap_or_default(), wait.unwrap_or_default()]);
        if let Some(b) = s.best {
            row("best", b, Default::default());
        }
    }
    let header = ["stage", "", "epoch", "loss", "training*", "clean†", "attacked†", "ReLUs", "img/s", "wait"];
    *out += &table(&header, "llrrrrrrrr", rows);
    let (clean, attacked) =
        if t.dual_bn == Some(true) { (" through BN_c", " through BN_a") } else { ("", "") };
    let mut says = format!(
        "training: clean views{clean}, {}; clean: validation images{clean}, {}",
        n(t.n.train),
        n(t.n.validation)
    );
    if t.records.iter().any(|r| r.val_adversarial.is_some()) {
        says += &format!("; attacked: validation images{attacked}, {}", n(t.n.attacked));
    }
    *out += &wrap(&says, "  ");
    *out += &wrap(&format!("* {SEEN}"), "  ");
    *out += &wrap(&format!("† {CHOSE}"), "  ");
    for n in &t.notes {
        *out += &wrap(n, "! ");
    }
}

/// One line a network and kind of image.
pub(super) fn evaluations(r: &Report, out: &mut String) {
    if r.evaluations.is_empty() {
        return;
    }
    section(out, "Accuracy of each network");
    let mut rows = vec![];
    for e in &r.evaluations {
        let mut name = e.what.clone();
        for m in Metric::ALL {
            let Some(v) = m.of(&e.scores) else { continue };
            let through = e.through(m).map(branch_name).unwrap_or_default();
            let n = m.n(&e.n).map_or("?".into(), count);
            let within = match m {
                Metric::Clean | Metric::Corrupted => None,
                Metric::Adversarial | Metric::AdversarialCleanBn => e.attack.clone(),
                Metric::Certified => e.radius.as_ref().map(|r| format!("any, within {r}")),
            };
            rows.push(vec![
                std::mem::take(&mut name),
                m.images().into(),
                score(Some(v), m.interval(&e.scores)),
                through.into(),
                n,
                within.unwrap_or_default(),
            ]);
        }
    }
    *out += &table(&["network", "images", "", "through", "n", "attack"], "llrlrl", rows);
}
