//! If with a constant condition: the branch it takes is inlined.

use super::super::attrs::take_graph;
use super::super::builder::Value;
use super::super::ctx::{Ctx, Done};
use super::super::functions::Rename;
use crate::ir::Op;
use crate::proto::GraphProto;
use std::collections::HashMap;

/// If.
pub fn if_(c: &mut Ctx<'_>) -> Done {
    let cond = c.need(0)?;
    let known = c.konst(cond).and_then(|k| k.as_bool().and_then(|v| v.first().copied()));
    let Some(taken) = known else {
        let why =
            "its condition is not constant; export with fixed shapes, or by tracing instead of scripting";
        return Err(if c.b.rebatched.is_some() {
            format!("{why}, or import with --keep-batch").into()
        } else {
            why.into()
        });
    };
    let name = if taken { "then_branch" } else { "else_branch" };
    let mut branch = take_graph(&mut c.node, name).ok_or_else(|| format!("has no {name}"))?;
    if branch.output.len() < c.node.output.len() {
        return Err(format!("its {name} makes fewer values than it has outputs").into());
    }
    rename_taken(c, &mut branch);
    let GraphProto { node, initializer, output, .. } = branch;
    c.b.take_initializers(initializer);
    let items = c.b.inline(node, c.opset);
    let outputs: Vec<&str> = output.iter().map(|o| o.name.as_str()).collect();
    c.b.run(items, &outputs);
    for (k, o) in outputs.iter().enumerate() {
        if let Some(name) = c.output(k) {
            let id = c.b.value(o)?;
            let id = c.b.add(&name, Op::Identity, &[id])?;
            if let Some(&element) = c.b.types.get(*o) {
                c.b.types.insert(name.clone(), element);
            }
            c.b.values.insert(name, Value::Node(id));
        }
    }
    Ok(())
}

/// Gives the branch's own values other names where the file uses theirs already.
fn rename_taken(c: &Ctx<'_>, branch: &mut GraphProto) {
    let prefix = c.output(0).unwrap_or_default();
    let made = branch.node.iter().flat_map(|n| &n.output).chain(branch.initializer.iter().map(|t| &t.name));
    let names: HashMap<String, String> = made
        .filter(|n| !n.is_empty() && c.b.reserved.contains(*n))
        .map(|n| (n.clone(), format!("{prefix}/{n}")))
        .collect();
    if !names.is_empty() {
        Rename { names: &names, prefix: None }.graph(branch);
    }
}
