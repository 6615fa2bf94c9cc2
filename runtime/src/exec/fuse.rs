//! Which normalisations and sums are computed together with the ReLU layer that alone reads them.

use super::network::{Source, Step};
use relinc_passes::ir::{Binary, Facts, Op};

/// What a ReLU layer takes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// The step of the normalisation.
    pub norm: usize,
    /// What is added to it.
    pub residual: Option<Source>,
}

/// A schedule in which ReLU layers take in what is before them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fusion {
    /// For each step, what it takes in.
    pub taken: Vec<Option<Taken>>,
    /// Steps that are then left out.
    pub left_out: Vec<bool>,
    /// Steps whose values are not read after each one.
    pub last_use: Vec<Vec<usize>>,
}

/// Plans it.
pub(super) fn plan(steps: &[Step], facts: &Facts, output: usize) -> Fusion {
    let mut readers = vec![0; steps.len()];
    readers[output] += 1;
    let nodes = |s: &Step| s.operands.iter().filter_map(|o| node(*o)).collect::<Vec<_>>();
    steps.iter().flat_map(&nodes).for_each(|n| readers[n] += 1);
    let mut f = Fusion {
        taken: vec![None; steps.len()],
        left_out: vec![false; steps.len()],
        last_use: vec![vec![]; steps.len()],
    };
    let norm = |n: usize| steps[n].norm.is_some() && readers[n] == 1;
    for (i, s) in steps.iter().enumerate().filter(|(_, s)| s.relu.is_some()) {
        let Some(before) = s.operands.first().and_then(|o| node(*o)).filter(|n| readers[*n] == 1) else {
            continue;
        };
        if norm(before) {
            f.taken[i] = Some(Taken { norm: before, residual: None });
            f.left_out[before] = true;
        } else if let (Op::Binary(Binary::Add), [a, b]) = (&steps[before].op, &steps[before].operands[..]) {
            let (Some(first), Some(second)) = (node(*a), node(*b)) else { continue };
            if first == second || facts.ty(steps[first].id) != facts.ty(steps[second].id) {
                continue;
            }
            let choice = [(first, *b), (second, *a)].into_iter().find(|(n, _)| norm(*n));
            let Some((norm, residual)) = choice else { continue };
            f.taken[i] = Some(Taken { norm, residual: Some(residual) });
            f.left_out[norm] = true;
            f.left_out[before] = true;
        }
    }
    let mut last = vec![None; steps.len()];
    for (i, s) in steps.iter().enumerate().filter(|(i, _)| !f.left_out[*i]) {
        let reads = match &f.taken[i] {
            None => nodes(s),
            Some(t) => {
                let mut reads = nodes(&steps[t.norm]);
                reads.extend(t.residual.and_then(node));
                reads
            }
        };
        reads.into_iter().for_each(|n| last[n] = Some(i));
    }
    for (value, step) in last.into_iter().enumerate().filter(|(v, _)| *v != output) {
        if let Some(step) = step {
            f.last_use[step].push(value);
        }
    }
    f
}

fn node(s: Source) -> Option<usize> {
    if let Source::Node(n) = s { Some(n) } else { None }
}
