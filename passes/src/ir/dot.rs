//! Graphviz form of a graph.

use super::graph::Graph;
use std::fmt::Write;

fn quoted(s: &str) -> String {
    s.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Renders the graph in the DOT language; constants are left out, ReLUs are filled.
pub fn to_dot(g: &Graph) -> String {
    let mut s =
        String::from("digraph relinc {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    let Ok(order) = g.topo() else { return s + "}\n" };
    for id in order.into_iter().filter(|&id| g.const_of(id).is_none()) {
        let n = g.node(id);
        let label = match &n.layer {
            Some(l) => format!("{l}\\n{}\\n{}", n.op.mnemonic(), quoted(&n.name)),
            None => format!("{}\\n{}", n.op.mnemonic(), quoted(&n.name)),
        };
        let style = if n.op.relu_cap().is_some() { ", style=filled, fillcolor=\"#ffd9a0\"" } else { "" };
        let _ = writeln!(s, "  n{} [label=\"{label}\"{style}];", id.index());
        for o in g.operands(id).into_iter().filter(|&o| g.const_of(o).is_none()) {
            let _ = writeln!(s, "  n{} -> n{};", o.index(), id.index());
        }
    }
    for (i, o) in g.outputs().iter().enumerate() {
        let _ = writeln!(
            s,
            "  out{i} [label=\"{}\", shape=ellipse];\n  n{} -> out{i};",
            quoted(&o.name),
            o.node.index()
        );
    }
    s + "}\n"
}
