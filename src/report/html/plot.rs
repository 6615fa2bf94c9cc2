//! Lines and points on two axes, as inline SVG.

use super::super::figures::count;
use super::esc;

/// How values are laid along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) enum Scale {
    /// By difference.
    Linear(f64, f64),
    /// By ratio; both ends above 0.
    Log(f64, f64),
}

impl Scale {
    /// Percentages: a round range around them.
    pub fn percent(values: impl Iterator<Item = f64>) -> Scale {
        let (low, high) = extent(values).unwrap_or((0.0, 100.0));
        let step = nice((high - low).max(4.0) / 4.0);
        let low = ((low / step).floor() * step).max(0.0);
        let high = ((high / step).ceil() * step).min(100.0);
        Scale::Linear(low, if high > low { high } else { low + step })
    }
    /// From 0, or by ratio where positive values span more than two decades.
    pub fn auto(values: impl Iterator<Item = f64> + Clone) -> Scale {
        let positive = extent(values.clone().filter(|&v| v > 0.0));
        match (positive, extent(values)) {
            (Some((low, high)), _) if high > 100.0 * low => Scale::log(low, high),
            (_, Some((low, high))) => {
                let step = nice((high - low.min(0.0)).max(1e-9) / 4.0);
                Scale::Linear((low.min(0.0) / step).floor() * step, (high / step).ceil().max(1.0) * step)
            }
            _ => Scale::Linear(0.0, 1.0),
        }
    }
    /// By ratio, with a margin.
    pub fn log(low: f64, high: f64) -> Scale {
        let margin = (0.06 * (high.ln() - low.ln())).exp().max(1.1);
        Scale::Log((low / margin).max(f64::MIN_POSITIVE), (high * margin).min(f64::MAX))
    }
    /// By ratio.
    pub fn is_log(self) -> bool {
        matches!(self, Scale::Log(..))
    }
    /// From 0 to 1; `None` for what is not on the axis.
    pub fn at(self, v: f64) -> Option<f64> {
        let u = match self {
            Scale::Linear(low, high) => (v - low) / (high - low),
            Scale::Log(low, high) if v > 0.0 => (v.ln() - low.ln()) / (high.ln() - low.ln()),
            Scale::Log(..) => return None,
        };
        (u.is_finite() && (-1e-9..=1.0 + 1e-9).contains(&u)).then(|| u.clamp(0.0, 1.0))
    }
    /// Round values on the axis, about `most` of them.
    pub fn ticks(self, most: usize) -> Vec<f64> {
        match self {
            Scale::Linear(low, high) => steps(low, high, nice((high - low) / most as f64)),
            Scale::Log(low, high) => {
                let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
                let inside = |within: &[f64]| -> Vec<f64> {
                    let all = (first..=last).flat_map(|e| within.iter().map(move |m| m * 10f64.powi(e)));
                    all.filter(|&v| v >= low && v <= high).collect()
                };
                let dense = inside(&[1.0, 2.0, 5.0]);
                if dense.len() < 3 {
                    return steps(low, high, nice((high - low) / most as f64));
                }
                if dense.len() <= most {
                    return dense;
                }
                let decades = inside(&[1.0]);
                let each = decades.len().div_ceil(most.max(1)).max(1);
                decades.into_iter().step_by(each).collect()
            }
        }
    }
}

fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |e, v| match e {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })
}

/// The next of 1, 2, 5, 10, … at or above a positive value.
pub(super) fn nice(v: f64) -> f64 {
    let base = 10f64.powf(v.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * base).find(|s| *s >= v * 0.999).unwrap_or(base)
}

fn steps(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step - 1e-6).ceil();
    let n = ((high / step + 1e-6).floor() - first).clamp(0.0, 50.0) as usize;
    (0..=n).map(|i| (first + i as f64) * step).collect()
}

/// A tick in few letters: `50k`, `0.02`, `1e-5`.
pub(in crate::report) fn short(v: f64) -> String {
    let trim = |s: String| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s }
    };
    match v.abs() {
        0.0 => "0".into(),
        a if a >= 1e15 => format!("{v:.0e}"),
        a if a >= 999_999.5 => trim(format!("{:.2}", v / 1e6)) + "M",
        a if a >= 9_999.5 => trim(format!("{:.1}", v / 1e3)) + "k",
        a if a >= 999.5 => count(v.round() as u64),
        a if a >= 0.000_999 => trim(format!("{v:.4}")),
        _ => format!("{v:.0e}"),
    }
}

/// The rectangle that values are drawn in, in units of the picture.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Frame {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Frame {
    /// From 0 to 1 along the x axis.
    pub fn x(&self, u: f64) -> f64 {
        self.left + u * (self.right - self.left)
    }
    /// From 0 to 1 up the y axis.
    pub fn y(&self, u: f64) -> f64 {
        self.bottom - u * (self.bottom - self.top)
    }
    /// Horizontal lines with their values at the left.
    pub fn y_axis(&self, s: Scale, unit: &str) -> String {
        let mut out = String::new();
        for (v, y) in s.ticks(5).into_iter().filter_map(|v| Some((v, self.y(s.at(v)?)))) {
            out += &format!(
                "<path class=\"grid\" d=\"M{:.1} {y:.1}H{:.1}\"/><text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}{unit}</text>",
                self.left,
                self.right,
                self.left - 6.0,
                y + 4.0,
                short(v)
            );
        }
        out
    }
    /// A vertical bar over an interval, as far as it is on the axis.
    pub fn interval(&self, colour: usize, u: f64, scale: Scale, [low, high]: [f64; 2]) -> String {
        let (Some(low), Some(high)) = (scale.at(low), scale.at(high)) else { return String::new() };
        let (x, top, bottom) = (self.x(u), self.y(high), self.y(low));
        format!(
            "<path class=\"bar {}\" d=\"M{x:.1} {top:.1}V{bottom:.1}M{left:.1} {top:.1}h6M{left:.1} {bottom:.1}h6\"/>",
            colour_class(colour),
            left = x - 3.0
        )
    }
    /// A tick of the x axis.
    pub fn x_tick(&self, u: f64, text: &str) -> String {
        let (x, y) = (self.x(u), self.bottom);
        format!(
            "<path class=\"axis\" d=\"M{x:.1} {y:.1}v4\"/><text class=\"mid x\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            y + 19.0,
            esc(text)
        )
    }
    /// The x axis itself.
    pub fn x_line(&self) -> String {
        format!("<path class=\"axis\" d=\"M{:.1} {:.1}H{:.1}\"/>", self.left, self.bottom, self.right)
    }
    /// A line through points that run from 0 to 1 both ways; a lone point is a dot.
    pub fn line(&self, colour: usize, points: &[(f64, f64)]) -> String {
        match points {
            [] => String::new(),
            [(x, y)] => marker(0, colour, self.x(*x), self.y(*y), false, ""),
            _ => {
                let path: Vec<String> =
                    points.iter().map(|(x, y)| format!("{:.1} {:.1}", self.x(*x), self.y(*y))).collect();
                format!("<path class=\"line {}\" d=\"M{}\"/>", colour_class(colour), path.join("L"))
            }
        }
    }
}

/// Colours and dashes there are.
const COLOURS: usize = 6;

/// The class of a series, by its number.
pub(in crate::report) fn colour_class(i: usize) -> String {
    format!("c{}", i % COLOURS)
}

/// A point: each shape another outline; hollow ones are references. `title` is shown on hovering.
pub(in crate::report) fn marker(
    shape: usize,
    colour: usize,
    x: f64,
    y: f64,
    hollow: bool,
    title: &str,
) -> String {
    let path = match shape % 4 {
        0 => "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        1 => "m-3.7 -3.7h7.4v7.4h-7.4z",
        2 => "m0 -5.2l5.2 5.2l-5.2 5.2l-5.2 -5.2z",
        _ => "m0 -5l4.8 8.4h-9.6z",
    };
    let title = if title.is_empty() { String::new() } else { format!("<title>{}</title>", esc(title)) };
    format!(
        "<path class=\"dot{} {}\" d=\"M{x:.1} {y:.1}{path}\">{title}</path>",
        if hollow { " hollow" } else { "" },
        colour_class(colour)
    )
}

/// A legend of line samples.
pub(super) fn key(names: &[(usize, String)]) -> String {
    let items: String = names
        .iter()
        .map(|(c, name)| {
            format!(
                "<li><svg class=\"swatch\" viewBox=\"0 0 26 10\" aria-hidden=\"true\">\
                 <path class=\"line {}\" d=\"M0 5H26\"/></svg>{}</li>",
                colour_class(*c),
                esc(name)
            )
        })
        .collect();
    format!("<ul class=\"key\">{items}</ul>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decades_become_a_log_axis() {
        assert_eq!(Scale::auto([0.5, 50.0].into_iter()), Scale::Linear(0.0, 60.0));
        assert!(Scale::auto([0.0, 0.001, 0.2].into_iter()).is_log());
        assert_eq!(Scale::auto([].into_iter()), Scale::Linear(0.0, 1.0));
        assert_eq!(Scale::auto([f64::NAN, 0.0].into_iter()).at(f64::NAN), None);
    }

    #[test]
    fn equal_values_have_an_axis() {
        for s in
            [Scale::percent([70.0].into_iter()), Scale::percent([100.0].into_iter()), Scale::log(5.0, 5.0)]
        {
            let t = s.ticks(5);
            assert!(t.len() >= 2 && t.iter().all(|&v| s.at(v).is_some()), "{s:?}: {t:?}");
        }
        assert_eq!(Scale::auto([0.0].into_iter()).at(0.0), Some(0.0));
    }

    #[test]
    fn ticks_are_short_and_round() {
        assert_eq!(Scale::log(9_000.0, 190_000.0).ticks(6), [1e4, 2e4, 5e4, 1e5, 2e5]);
        let shown: Vec<String> = [0.0, 0.02, 1e-5, 1.5, 2_000.0, 50_000.0, 188_416.0, 2e6].map(short).into();
        assert_eq!(shown, ["0", "0.02", "1e-5", "1.5", "2,000", "50k", "188.4k", "2M"]);
    }
}
