//! The arithmetic of the secure targets, two or three lines each.

use super::super::model::Report;
use super::{section, wrap};
use crate::fixed_point::{outcome, verdict, who};

/// The section; nothing where no secure target was checked.
pub(super) fn fixed_points(r: &Report, out: &mut String) {
    if r.fixed_points.is_empty() {
        return;
    }
    section(out, "In fixed point");
    for f in &r.fixed_points {
        *out += &wrap(&format!("{}: {}", who(f), verdict(f)), "- ");
        *out += &wrap(&outcome(f), "  ");
    }
}
