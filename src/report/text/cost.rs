//! What the graphs cost, as text.

use super::super::figures::{self, Change};
use super::super::model::{BeforeIs, Cost, Report};
use super::super::rows::{self, Moved, Row};
use super::super::shape::Shape;
use super::{section, table, wrap};

/// The counts.
pub(super) fn totals(r: &Report, out: &mut String) {
    section(out, "The graph");
    *out += &grid(Shape::of(r), rows::totals(r));
}

/// One table a cost model.
pub(super) fn cost(r: &Report, out: &mut String) {
    *out += &costs(Shape::of(r), &r.cost);
}

/// The same of costs that stand in no report.
pub fn costs(shape: Shape, cost: &[Cost]) -> String {
    let mut out = String::new();
    if cost.is_empty() {
        return out;
    }
    section(&mut out, "Predicted cost, one image, bytes one party sends");
    for g in figures::groups(cost) {
        let c = g.first;
        out += &format!("\n{} ({}-bit ring, {} weights)\n", figures::cost_model(c), c.ring, c.weights);
        out += &wrap(&format!("trust: {}", c.trust), "  ");
        if let Some(names) = figures::missing(c) {
            out += &wrap(&format!("INCOMPLETE, a lower bound: no law for {names}"), "! ");
        }
        out += &grid(shape, rows::cost(shape, &g));
        let saved = rows::contributions(&g);
        if !saved.is_empty() {
            out += &wrap(&saved, "  ");
        }
        out += &wrap(&rows::times(shape, &g), "  ");
        if c.before_is == BeforeIs::Canonical && !matches!(shape, Shape::Bare | Shape::Old) {
            out += &wrap(STAND_IN, "  ");
        }
        out += &wrap(&format!("Counted: {}.", c.counts), "  ");
    }
    out
}

const STAND_IN: &str =
    "The original is its canonical form, normalisations folded: the cost model cannot price the file itself.";

/// A table, its headings shorter where it is too wide.
fn grid(shape: Shape, rows: Vec<Row>) -> String {
    let full = headed(shape, shape.heads().to_vec(), rows.clone());
    match full.lines().any(|l| l.ends_with('…')) {
        false => full,
        true => {
            headed(shape, shape.heads().iter().map(|h| h.trim_start_matches("compiled, ")).collect(), rows)
        }
    }
}

fn headed(shape: Shape, heads: Vec<&str>, rows: Vec<Row>) -> String {
    let against = shape.against().filter(|_| shape != Shape::Old);
    let align = format!("l{}{}", "r".repeat(heads.len()), if against.is_some() { "l" } else { "" });
    let header: Vec<&str> = [""].into_iter().chain(heads).chain(against).collect();
    let line = |row: Row| {
        let change = match row.moved {
            Moved::Alone => String::new(),
            Moved::Unknown => "–".into(),
            Moved::By(c) | Moved::Rising(c) => Change::short(&c),
        };
        let mut cells = vec![row.what];
        cells.extend(row.cells);
        cells.push(change);
        cells.truncate(header.len());
        cells
    };
    table(&header, &align, rows.into_iter().map(line).collect())
}
