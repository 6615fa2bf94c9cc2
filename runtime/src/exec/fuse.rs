//! Which normalisations and sums are computed together with the ReLU layer that alone reads them, and which such layers with the
//! convolution behind them.

use super::network::{Source, Step};
use relinc_passes::ir::schedule::last_uses;
use relinc_passes::ir::{Binary, Facts, Op};

/// What a ReLU layer takes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// The step of the normalisation.
    pub norm: usize,
    /// What is added to it.
    pub residual: Option<Source>,
    /// Where that is a normalisation, too, which nobody else reads: its step.
    pub second: Option<usize>,
}

/// A schedule in which ReLU layers take in what is before them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fusion {
    /// For each step, what it takes in.
    pub taken: Vec<Option<Taken>>,
    /// For each step that takes in a normalisation alone, the convolution without bias that alone reads it.
    pub into: Vec<Option<usize>>,
    /// Steps that are then left out.
    pub left_out: Vec<bool>,
    /// Steps whose values are not read after each one.
    pub last_use: Vec<Vec<usize>>,
}

/// How often each step's value is read; the output once more.
pub(super) fn readers(steps: &[Step], output: usize) -> Vec<usize> {
    let mut readers = vec![0; steps.len()];
    readers[output] += 1;
    steps.iter().flat_map(|s| &s.operands).filter_map(|o| node(*o)).for_each(|n| readers[n] += 1);
    readers
}

/// Plans it.
pub(super) fn plan(steps: &[Step], facts: &Facts, readers: &[usize], output: usize) -> Fusion {
    let (taken, into) = (vec![None; steps.len()], vec![None; steps.len()]);
    let mut f = Fusion { taken, into, left_out: vec![false; steps.len()], last_use: vec![] };
    let convolution = |n: usize| {
        let reads = |s: &Step| s.operands.len() == 2 && node(s.operands[0]) == Some(n);
        steps.iter().position(|s| matches!(s.op, Op::Conv(_)) && reads(s)).filter(|_| readers[n] == 1)
    };
    let is_norm = |n: usize| steps[n].norm.is_some() && readers[n] == 1;
    for (i, s) in steps.iter().enumerate().filter(|(_, s)| s.relu.is_some()) {
        let Some(before) = s.operands.first().and_then(|o| node(*o)).filter(|n| readers[*n] == 1) else {
            continue;
        };
        if is_norm(before) {
            f.taken[i] = Some(Taken { norm: before, residual: None, second: None });
            f.into[i] = convolution(i);
            f.left_out[before] = true;
        } else if let (Op::Binary(Binary::Add), [a, b]) = (&steps[before].op, &steps[before].operands[..]) {
            let (Some(first), Some(second)) = (node(*a), node(*b)) else { continue };
            if first == second || facts.ty(steps[first].id) != facts.ty(steps[second].id) {
                continue;
            }
            let choice = [(first, *b), (second, *a)].into_iter().find(|(n, _)| is_norm(*n));
            let Some((norm, residual)) = choice else { continue };
            let second = node(residual).filter(|n| is_norm(*n));
            f.taken[i] = Some(Taken { norm, residual: Some(residual), second });
            for left_out in [Some(norm), Some(before), second].into_iter().flatten() {
                f.left_out[left_out] = true;
            }
        }
    }
    f.last_use = last_use(steps, Some(&f), output);
    f
}

/// For each step, those whose values are not read after it; with a fusion, where it is taken.
pub(super) fn last_use(steps: &[Step], f: Option<&Fusion>, output: usize) -> Vec<Vec<usize>> {
    let nodes = |s: &Step| s.operands.iter().filter_map(|o| node(*o)).collect::<Vec<_>>();
    let reads = |(i, s): (usize, &Step)| match f {
        Some(f) if f.left_out[i] => vec![],
        Some(Fusion { taken, .. }) if let Some(t) = &taken[i] => {
            let mut reads = nodes(&steps[t.norm]);
            match t.second {
                Some(n) => reads.extend(nodes(&steps[n])),
                None => reads.extend(t.residual.and_then(node)),
            }
            reads
        }
        _ => nodes(s),
    };
    let reads: Vec<Vec<usize>> = steps.iter().enumerate().map(reads).collect();
    last_uses(&reads, steps.len(), &[output])
}

fn node(s: Source) -> Option<usize> {
    if let Source::Node(n) = s { Some(n) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::exec::value::{download, upload};
    use crate::exec::{Branch, Call, Gate, Network, Norms, Precision, Started, Value};
    use crate::kernels::noise;
    use burn::tensor::{Device, Tensor as Burn};
    use relinc_passes::architecture::{Architecture, Kind};
    use relinc_passes::ir::infer::infer;
    use relinc_passes::layers::name_layers;

    /// Output, gradients of the input and of the parameters. What is watched is not taken in.
    fn run((net, values): &Started, norms: Norms, watch: bool, precision: Precision) -> Vec<Vec<f32>> {
        let device = net.device();
        let trained = norms == Norms::Batch;
        let params = if trained { net.leaves(values) } else { values.clone() };
        let gate = |n: usize| Gate::upload(noise(n, 1), noise(n, 2), device);
        let gates: Vec<Gate> = net.relus().iter().map(|r| gate(r.relus())).collect();
        let x = Burn::from_inner(upload(noise(5 * 3 * 64, 3), device)).require_grad();
        let call = Call {
            params: &params,
            gates: &gates,
            norms,
            branch: Branch::Clean,
            watch,
            probes: None,
            precision,
            tails: false,
        };
        let out = net.forward(Value::new(x.clone(), [5, 3, 8, 8]), &call).unwrap();
        assert_eq!(out.taps.len(), if watch { net.relus().len() } else { 0 });
        assert_eq!(out.statistics.len(), if trained { net.norms().len() } else { 0 });
        let weights = Burn::from_inner(upload(noise(50, 4), device));
        let y = out.output.flat();
        let grads = (y.clone() * weights).sum().backward();
        let leaves = params.iter().filter(|p| p.is_require_grad());
        let mut all = vec![download(y.inner()), download(x.grad(&grads).unwrap())];
        all.extend(leaves.map(|p| download(p.grad(&grads).unwrap())));
        all
    }

    fn network(a: &Architecture) -> Started {
        let mut g = a.build(1).unwrap();
        let facts = infer(&g).unwrap();
        name_layers(&mut g, &facts);
        Network::new(&g, false, &Device::flex()).unwrap()
    }

    #[test]
    fn gradients_in_bf16_point_where_those_in_f32_do() {
        let a = Architecture { kind: Kind::Resnet, depth: 20, width: None, classes: 10, input: [3, 8, 8] };
        let started = network(&a);
        for (norms, watch) in [(Norms::Batch, false), (Norms::Batch, true), (Norms::Running, false)] {
            let [full, half] =
                [Precision::F32, Precision::Bf16].map(|p| run(&started, norms, watch, p).concat());
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let cosine = dot(&full, &half) / (dot(&full, &full) * dot(&half, &half)).sqrt();
            assert!(full.len() == half.len() && cosine > 0.9, "{norms:?}, watched {watch}: {cosine}");
        }
    }

    /// The same network with all that lies between its layers kept for the backward pass.
    fn keeping((net, values): &Started) -> Started {
        let mut net = net.clone();
        let f = &mut net.fusion;
        assert!(f.into.iter().any(Option::is_some), "no convolution takes a layer in");
        f.into.fill(None);
        for second in f.taken.iter_mut().flatten().filter_map(|t| t.second.take()) {
            f.left_out[second] = false;
        }
        (net, values.clone())
    }

    #[test]
    fn what_is_computed_again_is_what_was_forgotten() {
        for (kind, depth, width, shortcuts) in
            [(Kind::Resnet, 20, None, 0), (Kind::Resnet, 18, None, 3), (Kind::WideResnet, 10, Some(1), 0)]
        {
            let a = Architecture { kind, depth, width, classes: 10, input: [3, 8, 8] };
            let started = network(&a);
            let seconds = started.0.fusion.taken.iter().flatten().filter(|t| t.second.is_some()).count();
            assert!(seconds >= shortcuts, "{kind:?}-{depth}: {seconds} normalised shortcuts");
            for precision in [Precision::F32, Precision::Bf16] {
                for norms in [Norms::Batch, Norms::Running] {
                    let [again, kept] =
                        [&started, &keeping(&started)].map(|net| run(net, norms, false, precision));
                    assert_eq!(again, kept, "{kind:?}-{depth} in {precision}");
                }
            }
        }
    }

    #[test]
    fn taking_in_changes_no_value_and_no_gradient() {
        for (kind, depth, width) in
            [(Kind::Resnet, 20, None), (Kind::Resnet, 18, None), (Kind::WideResnet, 10, Some(1))]
        {
            let a = Architecture { kind, depth, width, classes: 10, input: [3, 8, 8] };
            let started = network(&a);
            let net = &started.0;
            let layers = net.fusion.taken.iter().flatten().count();
            assert_eq!(layers, net.relus().len(), "every layer of these networks takes something in");
            for norms in [Norms::Batch, Norms::Running] {
                let [taken, plain] = [false, true].map(|watch| run(&started, norms, watch, Precision::F32));
                for (one, other) in taken.iter().zip(plain) {
                    let top = other.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
                    let far = one.iter().zip(&other).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
                    assert!(one.len() == other.len() && far <= 2e-5 * top, "{far} of {top}");
                }
            }
        }
    }
}
