//! What the graph costs, one card a protocol.

use super::super::figures::{self, Group, bytes, rounds};
use super::super::model::{BeforeIs, Cost, Report};
use super::super::rows::{self, Moved, Row};
use super::super::shape::Shape;
use super::{charts, esc, row, table};

/// The section.
pub(super) fn section(r: &Report) -> String {
    let shape = Shape::of(r);
    let columns = match shape {
        Shape::Masked => {
            " The original is the file as a runtime would run it; compiled with all ReLUs is what compiling gives \
                          without removing any; changes are of the masks against that."
        }
        Shape::Lossless => " The original is the file as a runtime would run it; nothing was removed.",
        Shape::Old | Shape::Bare => "",
    };
    let lead = format!(
        "Predicted by the laws of each cost model: bytes one party sends and exchanges for one image, and the time they take.{columns}"
    );
    let key = "<ul class=\"key\"><li><i class=\"f-relu\"></i>ReLU</li><li><i class=\"f-linear\"></i>convolutions and \
               matrix products</li><li><i class=\"f-other\"></i>everything else</li></ul>";
    let cards: String = figures::groups(&r.cost).iter().map(|g| card(shape, g)).collect();
    super::section("cost", "What it costs", &lead, &format!("{key}{cards}"))
}

/// A table of rows, a column a graph.
pub(super) fn grid(shape: Shape, rows: &[Row]) -> String {
    let compared = shape.against().filter(|_| shape != Shape::Old);
    let names: Vec<&str> = [""].into_iter().chain(shape.heads().iter().copied()).chain(compared).collect();
    let body: String = rows.iter().map(|r| line(r, compared.is_some())).collect();
    format!("<div class=\"scroll\">{}</div>", table("columns", &names, "lrrrr", &body))
}

fn line(r: &Row, compared: bool) -> String {
    let row = if r.sum { "<tr class=\"sum\">" } else { "<tr>" };
    let cells: String = r.cells.iter().map(|c| format!("<td class=\"n\">{}</td>", esc(c))).collect();
    let change = match &r.moved {
        _ if !compared => String::new(),
        Moved::Alone => "<td></td>".into(),
        Moved::Unknown => {
            "<td class=\"n same\"><span title=\"two lower bounds have no ratio\">–</span></td>".to_string()
        }
        Moved::Rising(c) => format!("<td class=\"n {}\">{}</td>", c.rising_tone(), esc(&c.short())),
        Moved::By(c) => format!("<td class=\"n {}\">{}</td>", c.tone(), esc(&c.short())),
    };
    let detail = match r.detail.is_empty() {
        true => String::new(),
        false => format!("<span class=\"detail\"> ({})</span>", esc(&r.detail)),
    };
    format!("{row}<th scope=\"row\">{}{detail}</th>{cells}{change}</tr>", esc(&r.what))
}

fn card(shape: Shape, g: &Group<'_>) -> String {
    let c = g.first;
    let mut flags = String::new();
    if let Some(names) = figures::missing(c) {
        flags += &format!(
            "<p class=\"flag\"><strong>Incomplete – a lower bound.</strong> This cost model has no law for: {}. The totals are of the \
             rest only.</p>",
            esc(&names)
        );
    }
    if c.before_is == BeforeIs::Canonical && !matches!(shape, Shape::Bare | Shape::Old) {
        flags += "<p class=\"flag\">The original is its canonical form, with normalisations folded: the cost model cannot price the \
                  file itself.</p>";
    }
    let saved = match rows::contributions(g) {
        said if said.is_empty() => said,
        said => format!("<p>{}</p>", esc(&said)),
    };
    let offline = c.offline.as_ref().map(|o| format!(" Offline: {}.", esc(o))).unwrap_or_default();
    format!(
        "<div class=\"card\"><h3>{} <span class=\"chip\">{}-bit ring</span> <span class=\"chip\">{} weights</span></h3>\
         <p class=\"trust\">{}</p>{flags}{}{}{saved}<p class=\"small\">{} Counted: {}.{offline} Source: {}.</p>{}</div>",
        esc(&figures::cost_model(c)),
        c.ring,
        c.weights,
        esc(&c.trust),
        charts::stack(shape, c),
        grid(shape, &rows::cost(shape, g)),
        esc(&rows::times(shape, g)),
        esc(&c.counts),
        esc(&c.source),
        per_layer(shape, c)
    )
}

fn per_layer(shape: Shape, c: &Cost) -> String {
    if c.per_layer.is_empty() {
        return String::new();
    }
    let columns = shape.heads();
    let align = &format!("l{}rl", "r".repeat(columns.len()));
    let line = |l: &super::super::model::LayerCost| {
        let others: &[Option<u64>] = match shape {
            Shape::Masked => &[l.before_bytes, l.lossless_bytes],
            Shape::Lossless | Shape::Old => &[l.before_bytes],
            Shape::Bare => &[],
        };
        let missing = match l.not_modelled.is_empty() {
            true => String::new(),
            false => format!("not modelled: {}", esc(&l.not_modelled.join(", "))),
        };
        let others = others.iter().map(|b| b.map_or("–".to_string(), bytes));
        let own = [bytes(l.online_bytes), rounds(l.rounds), missing];
        let cells: Vec<String> = [esc(&l.op)].into_iter().chain(others).chain(own).collect();
        row(&esc(&l.name), align, &cells)
    };
    let rows: String = c.per_layer.iter().map(line).collect();
    let names = [&["operation", "kind"], columns, &["rounds", ""]].concat();
    format!(
        "<details><summary>Every operation that communicates ({})</summary><div class=\"scroll\">{}</div></details>",
        c.per_layer.len(),
        table("columns", &names, &format!("l{align}"), &rows)
    )
}
