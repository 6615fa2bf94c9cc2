//! What the figures call for.

use super::super::conclusions::{TITLE, lead, lines};
use super::super::model::Report;
use super::{esc, section as framed};

/// The section.
pub(super) fn section(r: &Report) -> String {
    let one = |c: &super::super::model::Conclusion| {
        let items: String = lines(c).iter().map(|l| format!("<li>{}</li>", esc(l))).collect();
        let next: String = c.next.iter().map(|c| format!("<pre><code>{}</code></pre>", esc(c))).collect();
        framed(
            "conclusions",
            TITLE,
            &esc(&lead(c)),
            &format!("<div class=\"card\"><ul class=\"plain\">{items}</ul>{next}</div>"),
        )
    };
    r.conclusions.iter().map(one).collect()
}
