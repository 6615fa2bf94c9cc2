//! Which nodes count, and in which order: files may be unsorted and hold dead nodes.

use super::functions::Item;
use crate::proto::{GraphProto, NodeProto};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Every value name a node reads, those inside its subgraphs included (names defined there too).
pub fn reads(node: &NodeProto) -> Vec<&str> {
    let mut out: Vec<&str> = node.input.iter().map(String::as_str).filter(|n| !n.is_empty()).collect();
    for a in &node.attribute {
        for g in a.g.iter().chain(&a.graphs) {
            graph_reads(g, &mut out);
        }
    }
    out
}

fn graph_reads<'a>(g: &'a GraphProto, out: &mut Vec<&'a str>) {
    g.node.iter().for_each(|n| out.extend(reads(n)));
    out.extend(g.output.iter().map(|o| o.name.as_str()));
}

/// The indices of the nodes that `outputs` depend on, operands first, otherwise in file order; on failure those on
/// a cycle or behind one.
pub fn order(items: &[Item], outputs: &[&str]) -> Result<Vec<usize>, Vec<usize>> {
    let mut maker: HashMap<&str, usize> = HashMap::new();
    for (i, item) in items.iter().enumerate() {
        for o in item.node.output.iter().filter(|o| !o.is_empty()) {
            maker.entry(o).or_insert(i);
        }
    }
    let needs: Vec<Vec<usize>> = items
        .iter()
        .map(|item| {
            let mut v: Vec<usize> =
                reads(&item.node).into_iter().filter_map(|n| maker.get(n).copied()).collect();
            v.sort_unstable();
            v.dedup();
            v
        })
        .collect();

    let mut live = vec![false; items.len()];
    let mut stack: Vec<usize> = outputs.iter().filter_map(|o| maker.get(o).copied()).collect();
    while let Some(i) = stack.pop() {
        if !std::mem::replace(&mut live[i], true) {
            stack.extend(&needs[i]);
        }
    }

    let mut users = vec![vec![]; items.len()];
    let mut missing = vec![0usize; items.len()];
    let mut ready = BinaryHeap::new();
    for i in (0..items.len()).filter(|&i| live[i]) {
        missing[i] = needs[i].len();
        needs[i].iter().for_each(|&n| users[n].push(i));
        if missing[i] == 0 {
            ready.push(Reverse(i));
        }
    }
    let mut order = vec![];
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        live[i] = false;
        for &u in &users[i] {
            missing[u] -= 1;
            if missing[u] == 0 {
                ready.push(Reverse(u));
            }
        }
    }
    let stuck: Vec<usize> = (0..items.len()).filter(|&i| live[i]).collect();
    if stuck.is_empty() { Ok(order) } else { Err(stuck) }
}
