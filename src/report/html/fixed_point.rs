//! The arithmetic of the secure targets, one row each.

use super::super::model::{FixedPoint, Outcome, Report};
use super::{esc, section};
use crate::fixed_point::{outcome, verdict, who};

/// The section; nothing where no secure target was checked.
pub(super) fn fixed_points(r: &Report) -> String {
    let rows: String = r.fixed_points.iter().map(row).collect();
    let body =
        format!("<div class=\"card scroll\"><table class=\"words\"><tbody>{rows}</tbody></table></div>");
    let lead = "MPC runtimes compute on whole numbers modulo a power of two. What they lose by that, each in its own arithmetic.";
    section("fixed-point", "In fixed point", lead, &body)
}

fn row(f: &FixedPoint) -> String {
    let tone = match f.verdict {
        Outcome::Holds => "good",
        Outcome::Unchecked | Outcome::MayOverflow => "same",
        Outcome::Imprecise | Outcome::Moved | Outcome::Overflows => "bad",
    };
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"{tone}\">{}</td><td>{}</td></tr>",
        esc(&who(f)),
        esc(verdict(f)),
        esc(&outcome(f))
    )
}
