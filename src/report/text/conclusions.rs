//! What the figures call for, for a terminal.

use super::super::conclusions::{TITLE, lead, lines};
use super::super::model::Report;
use super::wrap;

/// The section; commands stand as they are typed, however long.
pub(super) fn section(r: &Report, out: &mut String) {
    for c in &r.conclusions {
        super::section(out, TITLE);
        *out += &wrap(&lead(c), "");
        for line in lines(c) {
            *out += &wrap(&line, "- ");
        }
        for command in &c.next {
            *out += &format!("  $ {command}\n");
        }
    }
}
