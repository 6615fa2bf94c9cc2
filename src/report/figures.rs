//! Numbers in words: thousands, bytes, seconds, ratios.

use super::model::{Cost, Spent};
use relinc_runtime::cost::UNVERIFIED;
use std::collections::BTreeSet;

/// `188,416`.
pub(crate) fn count(v: u64) -> String {
    let digits = v.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Three significant digits, without trailing noise for larger numbers.
pub(super) fn digits(v: f64) -> String {
    let a = v.abs();
    match a {
        _ if a >= 99.95 => format!("{v:.0}"),
        _ if a >= 9.995 => format!("{v:.1}"),
        _ => format!("{v:.2}"),
    }
}

/// `28.6 MB`, in powers of 1000.
pub(crate) fn bytes(v: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut x, mut unit) = (v as f64, 0);
    while x >= 999.5 && unit + 1 < UNITS.len() {
        x /= 1e3;
        unit += 1;
    }
    if unit == 0 { format!("{v} B") } else { format!("{} {}", digits(x), UNITS[unit]) }
}

/// `280 ms`, `6.15 s`, `3 min 20 s`, `5 h 22 min`.
pub(crate) fn seconds(v: f64) -> String {
    if v < 1e-3 {
        format!("{} µs", digits(v * 1e6))
    } else if v < 0.9995 {
        format!("{} ms", digits(v * 1e3))
    } else if v < 120.0 {
        format!("{} s", digits(v))
    } else if v < 7200.0 {
        let s = v.round() as u64;
        format!("{} min {} s", s / 60, s % 60)
    } else {
        let m = (v / 60.0).round() as u64;
        format!("{} h {} min", m / 60, m % 60)
    }
}

/// Rounds: whole where they are whole.
pub(super) fn rounds(v: f64) -> String {
    let v = (v * 10.0).round() / 10.0;
    if v.fract() == 0.0 { count(v as u64) } else { format!("{v:.1}") }
}

/// A difference of outputs: `1.9e-6`, or `0` for exactly none.
pub(super) fn difference(v: f64) -> String {
    if v == 0.0 { "0".into() } else { format!("{v:.1e}") }
}

/// A share of a whole in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let p = 100.0 * part as f64 / whole as f64;
    match part {
        0 => "0 %".into(),
        _ if part == whole => "100 %".into(),
        _ if p < 0.1 => "<0.1 %".into(),
        _ if p < 9.95 => format!("{p:.1} %"),
        _ => format!("{:.0} %", p.min(99.0)),
    }
}

/// How a figure that should fall changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// Equal within half a percent.
    Same,
    /// It was something and is nothing.
    Gone,
    /// It was nothing and is something.
    New,
    /// So many times less.
    Less(String),
    /// So many times more.
    More(String),
}

impl Change {
    pub(super) fn of(before: f64, after: f64) -> Change {
        match (before, after) {
            _ if before == after => Change::Same,
            (_, 0.0) => Change::Gone,
            (0.0, _) => Change::New,
            _ if (before / after - 1.0).abs() < 0.005 => Change::Same,
            _ if before > after => Change::Less(format!("{}×", digits(before / after))),
            _ => Change::More(format!("{}×", digits(after / before))),
        }
    }
    /// A short word for tables: `9.98× less`.
    pub(super) fn short(&self) -> String {
        match self {
            Change::Same => "same".into(),
            Change::Gone => "none left".into(),
            Change::New => "new".into(),
            Change::Less(r) => format!("{r} less"),
            Change::More(r) => format!("{r} more"),
        }
    }
    /// `good`, `bad` or `same`, for colour.
    pub(super) fn tone(&self) -> &'static str {
        match self {
            Change::Same => "same",
            Change::Gone | Change::Less(_) => "good",
            Change::New | Change::More(_) => "bad",
        }
    }
    /// The same of a figure that should rise.
    pub(super) fn rising_tone(&self) -> &'static str {
        match self.tone() {
            "good" => "bad",
            "bad" => "good",
            same => same,
        }
    }
}

/// `SPU SEMI2K` for `spu-semi2k`.
pub(super) fn protocol(name: &str) -> String {
    let word = |w: &str| match w {
        "spu" => "SPU".to_string(),
        "crypten" => "CrypTen".to_string(),
        "semi2k" | "aby3" | "cheetah" => w.to_ascii_uppercase(),
        "2pc" => "(2 parties)".to_string(),
        "3pc" => "(3 parties)".to_string(),
        _ if w.starts_with("ring") && w.len() > 4 => format!("(ring {})", &w[4..]),
        _ => w.to_string(),
    };
    name.split('-').map(word).collect::<Vec<_>>().join(" ")
}

/// The protocol's name, and a warning when nobody measured its cost model.
pub(super) fn cost_model(c: &Cost) -> String {
    let caveat = if c.verified { String::new() } else { format!(" ({UNVERIFIED})") };
    protocol(&c.protocol) + &caveat
}

/// `LAN`, `WAN`, `mobile`, else as given.
pub(super) fn network(name: &str) -> String {
    match name {
        "lan" | "wan" => name.to_ascii_uppercase(),
        _ => name.to_string(),
    }
}

/// One cost model and weight setting with its entries, one a network.
pub(super) struct Group<'a> {
    pub first: &'a Cost,
    pub entries: Vec<&'a Cost>,
}

/// The entries by cost model and weight setting, in order of appearance.
pub(super) fn groups(cost: &[Cost]) -> Vec<Group<'_>> {
    let mut out: Vec<Group<'_>> = vec![];
    for c in cost {
        match out.iter_mut().find(|g| g.first.protocol == c.protocol && g.first.weights == c.weights) {
            Some(g) => g.entries.push(c),
            None => out.push(Group { first: c, entries: vec![c] }),
        }
    }
    out
}

/// What is missing from an entry, in words; `None` when nothing is.
pub(super) fn missing(c: &Cost) -> Option<String> {
    let all = || [Some(&c.after), c.lossless.as_ref(), c.before.as_ref()].into_iter().flatten();
    let names: BTreeSet<&str> = all().flat_map(|s| s.not_modelled.iter().map(String::as_str)).collect();
    (!all().all(|s| s.complete)).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}

/// `1.6× less`, `4 % more`; none where nothing changed or one of the two is nothing.
pub(super) fn times(was: f64, now: f64) -> Option<String> {
    if !(was > 0.0 && now > 0.0) || (was / now - 1.0).abs() < 0.005 {
        return None;
    }
    let (x, which) = if was > now { (was / now, "less") } else { (now / was, "more") };
    Some(match x {
        _ if x < 1.095 => format!("{:.0} % {which}", (100.0 * (now / was - 1.0).abs()).max(1.0)),
        _ if x < 9.95 => format!("{x:.1}× {which}"),
        _ => format!("{x:.0}× {which}"),
    })
}

/// A change in points with its sign: `−8.6`.
pub(super) fn signed(v: f64) -> String {
    match v {
        _ if v.abs() < 0.05 => "±0.0".into(),
        _ if v < 0.0 => format!("−{:.1}", -v),
        _ => format!("+{v:.1}"),
    }
}

/// What is neither activations nor products.
pub(super) fn other_bytes(s: &Spent) -> u64 {
    s.online_bytes.saturating_sub(s.relu_bytes).saturating_sub(s.linear_bytes)
}

/// `n = 2,000`.
pub(super) fn n(images: Option<u64>) -> String {
    images.map_or("n not recorded".into(), |n| format!("n = {}", count(n)))
}

/// A text of at most so many characters.
pub(super) fn cut(s: &str, most: usize) -> String {
    if s.chars().count() <= most { s.into() } else { s.chars().take(most - 1).chain(['…']).collect() }
}

/// `88.25 %`, of a number that is one.
pub(super) fn percentage(v: Option<f64>) -> String {
    v.filter(|v| v.is_finite()).map_or("–".into(), |v| format!("{v:.2} %"))
}
