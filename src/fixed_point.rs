//! What an analysis in fixed point says, in words.

mod words;

pub use words::{failure, notes, outcome, place, verdict, who};

use relinc_runtime::fixed::Analysis;
use std::fmt::Write;

/// The head-room, where errors enter and what to take instead, a sentence a line.
pub fn summary(a: &Analysis) -> Vec<String> {
    let at = |place: &Option<String>| place.as_ref().map_or(String::new(), |p| format!(" at {p}"));
    let mut s = vec![format!(
        "Ring {} with {} fraction bits, {} truncation, {} images: head-room {:.1} bits{}; outputs off by {:.2e} on average, {:.2e} at \
         most, the same class on {}.",
        a.ring,
        a.fraction,
        a.truncation.name(),
        a.n,
        a.headroom_bits,
        at(&a.tightest),
        a.output_error_mean,
        a.output_error_max,
        words::agreement(a)
    )];
    if let Some(o) = a.overflow.first() {
        s.push(format!(
            "Overflow in {} of {} images, first{} where {:.3e} does not fit ±{:.3e}.",
            a.overflowed_images,
            a.n,
            at(&Some(format!("{} '{}' of image {}", o.op, o.node, o.image))),
            o.value,
            o.limit
        ));
    }
    if a.error_enters.is_some() {
        s.push(format!("Error grows most{}.", at(&a.error_enters)));
    }
    s.push(match &a.proposal {
        Some(p) => format!(
            "Propose: {} fraction bits leave {:.1} bits ({} asked).",
            p.fraction, p.headroom_bits, p.asked_bits
        ),
        None => "No number of fraction bits leaves the head-room that was asked; rescale the layers or take a larger ring.".into(),
    });
    if !a.rescaling.is_empty() {
        s.push(format!(
            "These layers would leave it after compile --normalise-ranges={}; such as the output's keep their scale: {}.",
            a.target,
            words::rescaled(a)
        ));
    }
    s
}
/// The summary and a table of the layers that multiply.
pub fn render(a: &Analysis) -> String {
    let mut s = summary(a).join("\n");
    let _ = write!(
        s,
        "\n\n{:<34}{:<10}{:>11}{:>10}{:>10}{:>12}{:>12}{:>10}",
        "node", "layer", "largest", "product", "head-room", "mean error", "increase", "overflow"
    );
    for l in a.layers.iter().filter(|l| l.product_bits.is_some() || l.overflows > 0) {
        let name: String = l.node.chars().rev().take(32).collect::<Vec<_>>().into_iter().rev().collect();
        let _ = write!(
            s,
            "\n{:<34}{:<10}{:>11.3}{:>10.1}{:>10.1}{:>12.2e}{:>12.2e}{:>10}",
            name,
            l.layer.as_deref().unwrap_or("-"),
            l.largest,
            l.product_bits.unwrap_or(0.0),
            l.headroom_bits,
            l.error_mean,
            l.error_increase,
            l.overflows
        );
    }
    s
}
