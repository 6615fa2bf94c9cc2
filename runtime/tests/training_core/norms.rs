//! Batch normalisation by the batch's statistics, against a plain computation in f64, and its running statistics.

use super::harness::{close, graph, leaf, noise};
use burn::tensor::{Device, Tensor as Burn};
use relinc_runtime::data::Normalize;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Branch, Call, Network, Norms, Outcome, Precision, Site, Started, Value};
use relinc_runtime::train::Model;
use relinc_runtime::train::model::MOMENTUM;

const EPS: f64 = 1e-3;

fn network(inner: &[usize], dual: bool) -> Started {
    let dims: Vec<String> = inner.iter().map(|d| format!(",{d}")).collect();
    let body = "%g = const f32[3] [0.5, -1.5, 1]\n%b = const f32[3] [0.25, 0, -1]\n%m = const f32[3] [0.1, -0.2, 0.3]
        %v = const f32[3] [0.5, 1, 2]\n%y = batch_norm(%x, %g, %b, %m, %v) {eps=0.001}";
    Network::new(&graph(&format!("f32[N,3{}]", dims.concat()), body), dual, &Device::flex()).unwrap()
}

fn run(net: &Network, params: &[Burn<1>], branch: Branch, x: Burn<1>, shape: &[usize]) -> Outcome {
    let call = Call {
        params,
        gates: &[],
        norms: Norms::Batch,
        branch,
        watch: false,
        probes: None,
        precision: Precision::F32,
        tails: false,
    };
    net.forward(Value::new(x, shape), &call).unwrap()
}

struct Plain {
    y: Vec<f64>,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// By definition, for N × 3 × `size`.
fn plain(x: &[f64], g: &[f64], b: &[f64], size: usize) -> Plain {
    let each = |c: usize| (0..x.len()).filter(move |i| i / size % 3 == c);
    let count = (x.len() / 3) as f64;
    let mean: Vec<f64> = (0..3).map(|c| each(c).map(|i| x[i]).sum::<f64>() / count).collect();
    let square = |c: usize| each(c).map(|i| (x[i] - mean[c]).powi(2)).sum::<f64>() / count;
    let variance: Vec<f64> = (0..3).map(square).collect();
    let y = |(i, v): (usize, &f64)| {
        let c = i / size % 3;
        g[c] * (v - mean[c]) / (variance[c] + EPS).sqrt() + b[c]
    };
    Plain { y: x.iter().enumerate().map(y).collect(), mean, variance }
}

fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&v| f64::from(v)).collect()
}

fn narrow(v: &[f64]) -> Vec<f32> {
    v.iter().map(|&v| v as f32).collect()
}

/// Inputs away from mean 0, as after a convolution of images.
fn input(n: usize) -> Vec<f32> {
    noise(n, 8).into_iter().map(|v| 2.0 * v + 3.0).collect()
}

#[test]
fn forward_and_backward_by_batch_statistics() {
    for (n, inner) in [(4, vec![5, 3]), (6, vec![]), (3, vec![7]), (33, vec![2, 2])] {
        let size = inner.iter().product::<usize>();
        let (net, values) = network(&inner, false);
        let shape: Vec<usize> = [n, 3].into_iter().chain(inner).collect();
        let x = input(n * 3 * size);
        let leaves: Vec<Burn<1>> = values.into_iter().map(|p| leaf(&download(p))).collect();
        let (input, c) = (leaf(&x), noise(x.len(), 9));
        let out = run(&net, &leaves, Branch::Clean, input.clone(), &shape);
        let [g, b] = [0, 1].map(|i| wide(&download(leaves[net.norms()[0].params[0][i]].clone().inner())));
        let want = plain(&wide(&x), &g, &b, size);
        let y = out.output.flat();
        close(&download(y.clone().inner()), &narrow(&want.y), 1e-5, "forward");
        let s = &out.statistics[0];
        assert_eq!((s.site, s.count), (Site::Norm(0), n * size));
        close(&download(s.mean.clone()), &narrow(&want.mean), 1e-6, "mean");
        close(&download(s.variance.clone()), &narrow(&want.variance), 1e-6, "variance");

        let grads = (y * upload(c.clone(), net.device())).sum().backward();
        let weighed = |x: &[f64], g: &[f64], b: &[f64]| -> f64 {
            plain(x, g, b, size).y.iter().zip(&c).map(|(y, c)| y * f64::from(*c)).sum()
        };
        let differences = |at: [&[f64]; 3], which: usize| -> Vec<f32> {
            let moved = |i: usize, d: f64| {
                let mut all = at.map(<[f64]>::to_vec);
                all[which][i] += d;
                weighed(&all[0], &all[1], &all[2])
            };
            (0..at[which].len()).map(|i| ((moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5) as f32).collect()
        };
        let at = [&wide(&x)[..], &g, &b];
        let of = |l: &Burn<1>| download(l.grad(&grads).unwrap());
        let [scale, shift, mean, variance] = net.norms()[0].params[0];
        close(&of(&input), &differences(at, 0), 1e-5, "by x");
        close(&of(&leaves[scale]), &differences(at, 1), 1e-5, "by scale");
        close(&of(&leaves[shift]), &differences(at, 2), 1e-5, "by shift");
        for running in [mean, variance] {
            assert!(leaves[running].grad(&grads).is_none_or(|g| download(g).iter().all(|v| *v == 0.0)));
        }
    }
}

/// PyTorch's rule: `running ← 0.9·running + 0.1·batch`, the variance unbiased (divided by count − 1).
#[test]
fn running_statistics_follow_pytorch() {
    let mut m = Model::new(network(&[2, 2], false), &Normalize::NONE, [3, 2, 2]).unwrap();
    let [_, _, mean, variance] = m.net.norms()[0].params[0];
    let (mut want_mean, mut want_variance) = (vec![0.1, -0.2, 0.3], vec![0.5, 1.0, 2.0]);
    for step in 0..3 {
        let x = noise(5 * 12, 20 + step);
        let out = run(&m.net, &m.params, Branch::Clean, upload(x.clone(), m.net.device()), &[5, 3, 2, 2]);
        m.update_statistics(Branch::Clean, &out.statistics, MOMENTUM);
        let p = plain(&wide(&x), &[1.0; 3], &[0.0; 3], 4);
        for c in 0..3 {
            want_mean[c] = 0.9 * want_mean[c] + 0.1 * p.mean[c];
            want_variance[c] = 0.9 * want_variance[c] + 0.1 * p.variance[c] * 20.0 / 19.0;
        }
    }
    close(&download(m.params[mean].clone()), &narrow(&want_mean), 1e-6, "mean");
    close(&download(m.params[variance].clone()), &narrow(&want_variance), 1e-6, "variance");
}

/// Measuring computes by the running statistics and returns the batch's.
#[test]
fn measuring_changes_no_output() {
    let (net, params) = network(&[2, 2], false);
    let x = noise(48, 40);
    let of = |norms| {
        let call = Call {
            params: &params,
            gates: &[],
            norms,
            branch: Branch::Clean,
            watch: false,
            probes: None,
            precision: Precision::F32,
            tails: false,
        };
        let out = net.forward(Value::upload(x.clone(), [4, 3, 2, 2], net.device()), &call).unwrap();
        let statistics =
            out.statistics.into_iter().map(|s| (download(s.mean), download(s.variance), s.count));
        (download(out.output.into_flat()), statistics.collect::<Vec<_>>())
    };
    let [batch, running, measured] = [Norms::Batch, Norms::Running, Norms::Measure].map(of);
    assert_eq!(measured, (running.0, batch.1));
    assert!(running.1.is_empty() && batch.0 != measured.0);
}

/// An adversarial call uses and moves its own half alone.
#[test]
fn branches_do_not_touch_each_other() {
    let mut m = Model::new(network(&[2, 2], true), &Normalize::NONE, [3, 2, 2]).unwrap();
    let [clean, adversarial] = m.net.norms()[0].params;
    assert!(m.net.dual() && clean.iter().all(|p| !adversarial.contains(p)));
    let x = noise(48, 30);
    let leaves: Vec<Burn<1>> = m.params.iter().map(|p| leaf(&download(p.clone()))).collect();
    let out = run(&m.net, &leaves, Branch::Adversarial, upload(x.clone(), m.net.device()), &[4, 3, 2, 2]);
    let grads = out.output.flat().square().sum().backward();
    assert!(clean.iter().all(|&p| leaves[p].grad(&grads).is_none()));
    assert!(adversarial[..2].iter().all(|&p| leaves[p].grad(&grads).is_some()));

    let before = m.export();
    m.update_statistics(Branch::Adversarial, &out.statistics, MOMENTUM);
    let after = m.export();
    for (i, (a, b)) in before.iter().zip(&after).enumerate() {
        assert_eq!(a.1 != b.1, adversarial[2..].contains(&i), "{}", a.0);
    }
    // The halves are written to two graphs.
    let of = |b: Branch| {
        let g = m.graph(b);
        let node = m.net.params()[clean[2]].node;
        g.const_of(node).unwrap().as_f32().unwrap().to_vec()
    };
    assert_eq!(of(Branch::Clean), before[clean[2]].1);
    assert_eq!(of(Branch::Adversarial), after[adversarial[2]].1);
}
