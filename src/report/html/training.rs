//! How the network was trained: curves over the epochs, the stages in a table.

use super::super::figures::{count, cut, digits, n, percentage as percent, seconds};
use super::super::model::{Report, Training};
use super::super::training::{CHOSE, SEEN, StageSummary, stages};
use super::plot::{self, Frame, Scale, nice, short};
use super::{esc, row, section};
use relinc_runtime::train::Record;

const FRAME: Frame = Frame { left: 48.0, top: 24.0, right: 412.0, bottom: 190.0 };
const HEIGHT: f64 = 232.0;

/// One curve: its name and how to read it.
type Curve = (String, fn(&Record) -> Option<f64>);

/// The section.
pub(super) fn curves(r: &Report) -> String {
    let Some(t) = r.training.as_ref().filter(|t| !t.records.is_empty()) else { return String::new() };
    let all = stages(&t.records);
    let train = n(t.n.train);
    let mut panels = panel(
        &all,
        "Loss",
        "",
        &[("loss".into(), |r| Some(r.loss))],
        &[format!("Mean over an epoch’s images, {train}, or the hardest of them.")],
    );
    panels += &accuracy(t, &all);
    let masked = |get: fn(&Record) -> Option<f64>, name: &str| [(name.to_string(), get)];
    panels += &panel(
        &all,
        "ReLUs the masks keep",
        "",
        &masked(|r| Some(r.kept as f64), "kept"),
        &["In all layers together.".into()],
    );
    if t.records.iter().any(|r| r.hamming > 0.0) {
        panels += &panel(
            &all,
            "How far the masks moved",
            "",
            &masked(|r| Some(r.hamming), "distance"),
            &["Normalised Hamming distance to the masks of the epoch before: the share of elements that changed.".into()],
        );
    }
    let data = t.data.as_ref().map(|d| format!(" on {}", esc(d))).unwrap_or_default();
    let lead = format!(
        "{} epochs in {} stage{}{data}.",
        count(t.records.len() as u64),
        all.len(),
        if all.len() == 1 { "" } else { "s" }
    );
    let notes: String = t.notes.iter().map(|n| format!("<p class=\"flag\">{}</p>", esc(n))).collect();
    let body = format!("{notes}<div class=\"two plots\">{panels}</div>{}", table(t, &all));
    section("training", "How it was trained", &lead, &body)
}

/// Through which batch normalisation clean and attacked images went, where there are two.
fn branches(t: &Training) -> (&'static str, &'static str) {
    match t.dual_bn {
        Some(true) => (" (BN_c)", " (BN_a)"),
        Some(false) => ("", ""),
        None => ("", " (adversarial branch)"),
    }
}

fn accuracy(t: &Training, all: &[StageSummary<'_>]) -> String {
    let (clean, attacked) = branches(t);
    let mut curves: Vec<Curve> = vec![
        (format!("training{clean}"), |r| Some(r.train_accuracy)),
        (format!("validation, clean{clean}"), |r| r.val_clean),
    ];
    let mut says = vec![format!(
        "Training: clean views of an epoch, {}, {SEEN}. Clean validation: {}, {CHOSE}.",
        n(t.n.train),
        n(t.n.validation)
    )];
    if t.records.iter().any(|r| r.val_adversarial.is_some()) {
        curves.push((format!("validation, attacked{attacked}"), |r| r.val_adversarial));
        let attack = t.attack.as_ref().map(|a| format!(", {a}")).unwrap_or_default();
        says.push(format!("Attacked validation: {}{attack}.", n(t.n.attacked)));
    }
    panel(all, "Accuracy", " %", &curves, &says)
}

/// Where an epoch lies from 0 to 1: stages get room by their epochs, short ones enough for a name.
struct Layout(Vec<(f64, f64, f64)>);

impl Layout {
    fn new(all: &[StageSummary<'_>]) -> Layout {
        let epochs: Vec<f64> =
            all.iter().map(|s| s.records.iter().map(|r| r.epoch).max().unwrap_or(1).max(1) as f64).collect();
        let sum: f64 = epochs.iter().sum();
        let mut start = 0.0;
        let room = epochs.into_iter().map(|e| {
            let width = 0.45 / all.len() as f64 + 0.55 * e / sum;
            start += width;
            (start - width, width, e)
        });
        Layout(room.collect())
    }
    fn x(&self, stage: usize, epoch: usize) -> f64 {
        let (start, width, epochs) = self.0[stage];
        start + width * ((epoch.max(1) as f64 - 0.5) / epochs).clamp(0.0, 1.0)
    }
    /// The x axis, the lines between the stages and their names.
    fn draw(&self, all: &[StageSummary<'_>]) -> String {
        let mut out = FRAME.x_line();
        for (i, (s, &(start, width, epochs))) in all.iter().zip(&self.0).enumerate() {
            let units = FRAME.x(width) - FRAME.x(0.0);
            let x = FRAME.x(start);
            if i > 0 {
                out += &format!("<path class=\"stage\" d=\"M{x:.1} 8V{:.1}\"/>", FRAME.bottom);
            }
            out += &format!(
                "<text class=\"name\" x=\"{:.1}\" y=\"16\">{}</text>",
                x + 4.0,
                esc(&cut(s.name, (units / 6.6).max(2.0) as usize))
            );
            let step = nice((epochs * 34.0 / units).max(1.0)).round().max(1.0) as usize;
            let last = epochs as usize;
            let mut ticks: Vec<usize> = (1..=last / step).map(|k| k * step).collect();
            if ticks.is_empty() {
                ticks.push(last);
            }
            out += &ticks.into_iter().map(|e| FRAME.x_tick(self.x(i, e), &e.to_string())).collect::<String>();
        }
        out + &format!(
            "<text class=\"end x\" x=\"{:.1}\" y=\"{:.1}\">epoch of the stage</text>",
            FRAME.right,
            HEIGHT - 6.0
        )
    }
}

fn panel(all: &[StageSummary<'_>], title: &str, unit: &str, curves: &[Curve], says: &[String]) -> String {
    let values = || {
        let of =
            |get: fn(&Record) -> Option<f64>| all.iter().flat_map(|s| &s.records).filter_map(move |r| get(r));
        curves.iter().flat_map(|c| of(c.1)).collect::<Vec<f64>>().into_iter()
    };
    let scale = if unit.is_empty() { Scale::auto(values()) } else { Scale::percent(values()) };
    let layout = Layout::new(all);
    let mut svg = FRAME.y_axis(scale, unit) + &layout.draw(all);
    for (colour, (_, get)) in curves.iter().enumerate() {
        for (i, s) in all.iter().enumerate() {
            let points: Vec<(f64, f64)> =
                s.records.iter().filter_map(|r| Some((layout.x(i, r.epoch), scale.at(get(r)?)?))).collect();
            svg += &FRAME.line(colour, &points);
        }
    }
    let mut says = says.join(" ");
    if scale.is_log() {
        says += " Log scale.";
        if values().any(|v| v <= 0.0) {
            says += " Epochs at 0 are not on it.";
        }
    }
    let key = if curves.len() > 1 {
        plot::key(&curves.iter().enumerate().map(|(i, c)| (i, c.0.clone())).collect::<Vec<_>>())
    } else {
        String::new()
    };
    let label = format!("{title} by epoch: {}", spoken(all, curves, unit));
    format!(
        "<figure class=\"card plot\"><h3>{title}</h3>{key}<svg viewBox=\"0 0 420 {HEIGHT}\" role=\"img\" \
         aria-label=\"{}\">{svg}</svg><figcaption>{}</figcaption></figure>",
        esc(&label),
        esc(&says)
    )
}

/// The last value of each curve in each stage, for who cannot see the picture.
fn spoken(all: &[StageSummary<'_>], curves: &[Curve], unit: &str) -> String {
    let one = |s: &StageSummary<'_>, c: &Curve| {
        let v = c.1(s.last).filter(|v| v.is_finite())?;
        Some(format!("{} {}{unit} at the end of {}", c.0, short(v), s.name))
    };
    all.iter().flat_map(|s| curves.iter().filter_map(move |c| one(s, c))).collect::<Vec<_>>().join(", ")
}

fn table(t: &Training, all: &[StageSummary<'_>]) -> String {
    let (clean, attacked) = branches(t);
    let robust = t.records.iter().any(|r| r.val_adversarial.is_some());
    let line = |s: &StageSummary<'_>, which: &str, r: &Record, first: bool| {
        let stage = match (&r.method, first) {
            (_, false) => String::new(),
            (Some(m), _) => format!("{}<span class=\"detail\"> ({})</span>", esc(s.name), esc(m)),
            (None, _) => esc(s.name),
        };
        let mut cells = vec![
            which.to_string(),
            format!("{}<span class=\"detail\"> of {}</span>", r.epoch, r.epochs),
            if r.loss.is_finite() { format!("{:.3}", r.loss) } else { "–".into() },
            percent(Some(r.train_accuracy)),
            percent(r.val_clean),
        ];
        cells.extend(robust.then(|| percent(r.val_adversarial)));
        let wait = s.data_wait.map(|v| format!("{:.1} %", 100.0 * v));
        let speed = [s.images_per_second.map(digits), wait, Some(seconds(s.last.seconds))];
        cells.push(count(r.kept as u64));
        cells.extend(speed.map(|v| v.filter(|_| first).unwrap_or_default()));
        row(&stage, "lrrrrrrrrr", &cells)
    };
    let mut rows = String::new();
    for s in all {
        rows += &line(s, "last", s.last, true);
        rows += &s.best.map(|b| line(s, "best", b, false)).unwrap_or_default();
    }
    let heads = [format!("training{clean}*"), format!("clean{clean}†"), format!("attacked{attacked}†")];
    let [trained, validated, adversarial] = heads.each_ref().map(String::as_str);
    let mut names = vec!["stage", "", "epoch", "loss", trained, validated];
    names.extend(robust.then_some(adversarial));
    names.extend(["ReLUs", "images/s", "waiting for data", "time"]);
    let by = if robust { "clean plus attacked accuracy" } else { "clean accuracy" };
    format!(
        "<div class=\"card\"><h3>Stages</h3><div class=\"scroll\">{}</div><p class=\"small\">Best by {by} on validation images \
         ({}{}). A search keeps its last epoch, the other stages their best unless the last was asked for. Images a second are training images, over all epochs, \
         validation apart. * {SEEN}. † {CHOSE}.</p></div>",
        super::table("", &names, "llrrrrrrrrr", &rows),
        n(t.n.validation),
        if robust { format!(", attacked {}", n(t.n.attacked)) } else { String::new() },
    )
}
