//! Graph → `.pir`.

use crate::ir::graph::{Graph, NodeId};
use crate::ir::infer::infer;
use crate::ir::op::{Attr, Op};
use crate::ir::tensor::{Data, Tensor};
use std::fmt::Write;

/// How large constants are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constants {
    /// All elements: the text parses back to the same graph.
    Full,
    /// Constants of more than 16 elements that are no `splat` or `iota` print as `opaque`: for people and filetests.
    Opaque,
}

/// Prints a graph in topological order. Types are added where inference succeeds.
pub fn print(g: &Graph, constants: Constants) -> String {
    let mut s = format!("graph {} {{\n", name(&g.name));
    let order = g.topo().unwrap_or_else(|_| g.ids().collect());
    let facts = infer(g).ok();
    for id in order {
        let n = g.node(id);
        let _ = write!(s, "  %{} = ", name(&n.name));
        match &n.op {
            Op::Input(t) => {
                let _ = write!(s, "input {t}");
            }
            Op::Const(t) => s.push_str(&literal(t, constants)),
            op => {
                let arg = |(slot, &o)| match op.operand_name(slot) {
                    Some(name) => format!("{name}={}", operand(g, o)),
                    None => operand(g, o),
                };
                let args: Vec<String> = g.operands(id).iter().enumerate().map(arg).collect();
                let _ = write!(s, "{}({})", op.mnemonic(), args.join(", "));
                let attrs: Vec<String> = op.attrs().iter().map(|(k, v)| format!("{k}={}", attr(v))).collect();
                if !attrs.is_empty() {
                    let _ = write!(s, " {{{}}}", attrs.join(", "));
                }
                if let Some(l) = &n.layer {
                    let _ = write!(s, " @{}", name(l));
                }
                if let Some(f) = facts.as_ref().and_then(|f| f.get(id)) {
                    let _ = write!(s, " -> {}", f.ty);
                }
            }
        }
        s.push('\n');
    }
    for o in g.outputs() {
        let _ = writeln!(s, "  output {} = {}", quoted(&o.name), operand(g, o.node));
    }
    s + "}\n"
}

fn operand(g: &Graph, id: NodeId) -> String {
    format!("%{}", name(&g.node(id).name))
}

/// A name as it is, when it is made of plain characters, else quoted.
fn name(s: &str) -> String {
    if !s.is_empty() && s.chars().all(super::lex::plain) { s.to_string() } else { quoted(s) }
}

fn quoted(s: &str) -> String {
    format!("\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\""))
}

fn list<T>(v: &[T], f: impl Fn(&T) -> String) -> String {
    format!("[{}]", v.iter().map(f).collect::<Vec<_>>().join(", "))
}

fn attr(a: &Attr) -> String {
    match a {
        Attr::Int(v) => v.to_string(),
        Attr::Float(v) => format!("{v:?}"),
        Attr::Bool(v) => v.to_string(),
        Attr::Ints(v) => list(v, |x| x.to_string()),
        Attr::Dims(v) => list(v, |x| x.to_string()),
        Attr::Word(w) => w.clone(),
    }
}

fn is_iota(v: &[i64]) -> bool {
    v.len() > 4 && v.iter().enumerate().all(|(i, &x)| x == i as i64)
}

fn literal(t: &Tensor, mode: Constants) -> String {
    let dims = t.shape().iter().map(|d| d.to_string()).collect::<Vec<_>>().join(",");
    let body = match t.data() {
        Data::F32(v) if v.len() > 1 && t.splat_value().is_some() => format!("splat({:?})", v[0]),
        Data::I64(v) if is_iota(v) => "iota".into(),
        Data::U8(v) if v.len() > 1 && v.iter().all(|x| *x == v[0]) => format!("splat({})", v[0]),
        _ if mode == Constants::Opaque && t.len() > 16 => "opaque".into(),
        Data::F32(v) if v.len() > 64 => hex(v.iter().flat_map(|x| x.to_le_bytes())),
        Data::F32(v) => list(v, |x| format!("{x:?}")),
        Data::I64(v) => list(v, |x| x.to_string()),
        Data::U8(v) => list(v, |x| x.to_string()),
        Data::Bool(v) => list(v, |x| x.to_string()),
    };
    format!("const {}[{dims}] {body}", t.dtype())
}

fn hex(bytes: impl Iterator<Item = u8>) -> String {
    let mut s = String::from("hex(\"");
    for b in bytes {
        let _ = write!(s, "{b:02x}");
    }
    s + "\")"
}
