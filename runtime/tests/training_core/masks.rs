//! Gates: a mask on a ReLU layer is the interpreter's `masked_relu`, and the slopes' gradients are exact.

use super::harness::{call, close, forward, graph, interpret, leaf, noise};
use burn::tensor::Device;
use relinc_passes::choice::Choice::{self, *};
use relinc_passes::masks::LayerMask;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Beyond, Gate, Network, Value};

const VALUES: [Choice; 12] =
    [Identity, Relu, Zero, Relu, Identity, Identity, Zero, Relu, Relu, Identity, Zero, Identity];

#[test]
fn gate_of_a_mask_is_masked_relu() {
    let x = noise(36, 4);
    for slope in [None, Some(vec![0.5, -2.0, 1.25])] {
        let values: Vec<String> = VALUES.iter().map(|c| c.code().to_string()).collect();
        let mask = format!("%m = const u8[3,2,2] [{}]", values.join(", "));
        let body = match &slope {
            None => format!("{mask}\n%y = masked_relu(%x, %m)"),
            Some(s) => format!("{mask}\n%s = const f32[3] {s:?}\n%y = masked_relu(%x, %m, slope=%s)"),
        };
        let (want, _) = interpret(&graph("f32[N,3,2,2]", &body), &x, &[3, 3, 2, 2]);
        let (net, _) = Network::new(&graph("f32[N,3,2,2]", "%y = relu(%x)"), false, &Device::flex()).unwrap();
        let m = LayerMask::new([3, 2, 2], VALUES.to_vec());
        let m = slope.into_iter().fold(m, LayerMask::with_slopes);
        let gates = [Gate::of_mask(&m, net.device())];
        let got = forward(&net, &gates, &[], &x, &[3, 3, 2, 2]).output;
        close(&download(got.into_flat()), &want, 1e-6, "masked relu");
    }
}

/// Under a cap: what each choice is, and its gradient, against the choice's own words and finite differences.
#[test]
fn capped_choices_and_their_gradients() {
    let (cap, n) = (0.4, 24);
    let values: Vec<Choice> = (0..8).map(|i| Choice::ALL[i % Choice::ALL.len()]).collect();
    let net = |op: &str| Network::new(&graph("f32[N,8]", op), false, &Device::flex()).unwrap().0;
    let net = net("%y = capped_relu(%x) {cap=0.4}");
    assert_eq!(net.relu_count(), 16);
    let m = LayerMask::new([8, 1, 1], values.clone()).with_cap(cap);
    let open = Gate::open(&net.relus()[0], net.device());
    let (x, c) = (noise(n, 8), noise(n, 9));
    let of = |gate: &Gate, x: &[f32]| {
        let leaf = leaf(x);
        let gates = [gate.clone()];
        let out = net.forward(Value::new(leaf.clone(), vec![3, 8]), &call(&[], &gates)).unwrap();
        let grads = (out.output.flat() * upload(c.clone(), net.device())).sum().backward();
        (download(out.output.flat()), download(leaf.grad(&grads).unwrap()))
    };
    let gate = Gate::of_mask(&m, net.device());
    for (gate, of_element) in [(&gate, &values), (&open, &vec![Relu; 8])] {
        let (got, grad) = of(gate, &x);
        let choice = |i: usize| of_element[i % 8];
        let value = |i: usize, x: f32| choice(i).value(x, cap, choice(i).neutral());
        let want: Vec<f32> = (0..n).map(|i| value(i, x[i])).collect();
        assert_eq!(got, want);
        let h = 1e-3;
        for i in (0..n).filter(|&i| x[i].abs() > 2.0 * h && (x[i] - cap).abs() > 2.0 * h) {
            let difference = c[i] * (value(i, x[i] + h) - value(i, x[i] - h)) / (2.0 * h);
            assert!((grad[i] - difference).abs() < 1e-3, "{:?} at {}: {}", choice(i), x[i], grad[i]);
        }
    }
}

/// `y = pos·max(x,0) + neg·min(x,0) + (beyond − pos)·max(x − cap, 0)`: `∂L/∂beyond = Σ c·max(x − cap, 0)`, and `∂L/∂x` the slope of each
/// part.
#[test]
fn gradients_by_the_slopes_beyond_a_cap() {
    let (cap, n) = (0.25, 15);
    let (net, _) =
        Network::new(&graph("f32[N,5]", "%y = capped_relu(%x) {cap=0.25}"), false, &Device::flex()).unwrap();
    let (x, c, slopes) = (noise(n, 1), noise(n, 2), [noise(5, 3), noise(5, 4), noise(5, 5)]);
    let [pos, neg, beyond] = slopes.clone().map(|s| leaf(&s));
    let sides = Gate::of_slopes(pos.clone(), neg.clone());
    let gates = [Gate { beyond: Some(Beyond::Slopes(cap, beyond.clone())), ..sides }];
    let input = leaf(&x);
    let out = net.forward(Value::new(input.clone(), vec![3, 5]), &call(&[], &gates)).unwrap();
    let at = |i: usize| [0, 1, 2].map(|k: usize| slopes[k][i % 5]);
    let value = |i: usize| {
        let [pos, neg, beyond] = at(i);
        pos * x[i].clamp(0.0, cap) + neg * x[i].min(0.0) + beyond * (x[i] - cap).max(0.0)
    };
    close(&download(out.output.flat()), &(0..n).map(value).collect::<Vec<_>>(), 1e-6, "values");
    let grads = (out.output.flat() * upload(c.clone(), net.device())).sum().backward();
    let sum = |of: &dyn Fn(f32) -> f32| -> Vec<f32> {
        (0..5).map(|i| (0..3).map(|k| c[k * 5 + i] * of(x[k * 5 + i])).sum()).collect()
    };
    close(&download(pos.grad(&grads).unwrap()), &sum(&|v| v.clamp(0.0, cap)), 1e-6, "pos");
    close(&download(neg.grad(&grads).unwrap()), &sum(&|v| v.min(0.0)), 1e-6, "neg");
    close(&download(beyond.grad(&grads).unwrap()), &sum(&|v| (v - cap).max(0.0)), 1e-6, "beyond");
    let slope = |i: usize| at(i)[if x[i] > cap { 2 } else { usize::from(x[i] <= 0.0) }];
    let want: Vec<f32> = (0..n).map(|i| c[i] * slope(i)).collect();
    close(&download(input.grad(&grads).unwrap()), &want, 1e-6, "x");
}

/// `∂L/∂pos = Σ c·max(x,0)` and `∂L/∂neg = Σ c·min(x,0)` over the batch, and what an added probe gets is the cotangent.
#[test]
fn gradients_by_the_slopes() {
    let (net, _) = Network::new(&graph("f32[N,5]", "%y = relu(%x)"), false, &Device::flex()).unwrap();
    let (x, c) = (noise(15, 1), noise(15, 2));
    let gates = [Gate::of_slopes(leaf(&noise(5, 3)), leaf(&noise(5, 4)))];
    let probes = [leaf(&[0.0; 15])];
    let call = relinc_runtime::exec::Call { watch: true, probes: Some(&probes), ..call(&[], &gates) };
    let out = net.forward(Value::upload(x.clone(), [3, 5], net.device()), &call).unwrap();
    assert_eq!(download(out.taps[0].input.flat()), x);
    let grads = (out.output.flat() * upload(c.clone(), net.device())).sum().backward();
    let side = |of: fn(f32) -> f32| -> Vec<f32> {
        (0..5).map(|i| (0..3).map(|n| c[n * 5 + i] * of(x[n * 5 + i])).sum()).collect()
    };
    close(&download(gates[0].pos.grad(&grads).unwrap()), &side(|v| v.max(0.0)), 1e-6, "pos");
    close(&download(gates[0].neg.grad(&grads).unwrap()), &side(|v| v.min(0.0)), 1e-6, "neg");
    close(&download(probes[0].grad(&grads).unwrap()), &c, 0.0, "probe");
}

/// `y = m=1 ? max(x,0) : m=0 ? s·x : 0` with the channel's slope, and `∂L/∂s = Σ c·x` over the channel's identity elements.
#[test]
fn learned_slopes_and_their_gradients() {
    let body = "%w = const f32[3,3,1,1] [1, 0, 0, 0, 1, 0, 0, 0, 1]\n%c = conv(%x, %w)\n%y = relu(%c)";
    let (mut net, mut params) = Network::new(&graph("f32[N,3,2,2]", body), false, &Device::flex()).unwrap();
    params.extend(net.add_slopes());
    let p = net.slope_of(0).expect("the convolution takes them");
    let m = LayerMask::new([3, 2, 2], VALUES.to_vec());
    let gates = [Gate::of_learned(&m, net.device())];
    let slopes = [0.7, -0.3, 2.4];
    params[p] = leaf(&slopes);
    let (x, c) = (noise(36, 4), noise(36, 5));
    let out =
        net.forward(Value::upload(x.clone(), [3, 3, 2, 2], net.device()), &call(&params, &gates)).unwrap();
    let want: Vec<f32> = (0..36)
        .map(|i| match VALUES[i % 12] {
            Identity => slopes[i % 12 / 4] * x[i],
            Relu => x[i].max(0.0),
            Zero | Uncapped | Quadratic => 0.0,
        })
        .collect();
    close(&download(out.output.flat()), &want, 1e-6, "slopes");
    let grads = (out.output.flat() * upload(c.clone(), net.device())).sum().backward();
    let sums: Vec<f32> = (0..3)
        .map(|k| (0..36).filter(|i| i % 12 / 4 == k && VALUES[i % 12] == Identity).map(|i| c[i] * x[i]).sum())
        .collect();
    close(&download(params[p].grad(&grads).unwrap()), &sums, 1e-6, "slope");
}

/// Slopes belong where weights can take them: not after an addition that others read.
#[test]
fn no_slopes_where_nothing_takes_them() {
    let body = "%w = const f32[2,2,1,1] [1, 0, 0, 1]\n%c = conv(%x, %w)\n%a = add(%c, %x)\n%r = relu(%a)\n%y = add(%r, %a)";
    let (mut net, mut params) = Network::new(&graph("f32[N,2,2,2]", body), false, &Device::flex()).unwrap();
    params.extend(net.add_slopes());
    assert_eq!((net.slope_of(0), net.params().len(), params.len()), (None, 1, 1));
}

/// `y = a·x² + b·x + c` beside ReLUs and zeros, with `∂y/∂x = 2a·x + b`; learned coefficients are the same function, and
/// `∂L/∂a = Σ c·x²`, `∂L/∂b = Σ c·x`, `∂L/∂c = Σ c` over the channel's quadratic elements.
#[test]
fn quadratics_and_their_gradients() {
    let body = "%w = const f32[3,3,1,1] [1, 0, 0, 0, 1, 0, 0, 0, 1]\n%c = conv(%x, %w)\n%y = relu(%c)";
    let (mut net, mut params) = Network::new(&graph("f32[N,3,2,2]", body), false, &Device::flex()).unwrap();
    let values: Vec<Choice> = (0..12).map(|i| [Quadratic, Relu, Zero, Quadratic, Identity][i % 5]).collect();
    let coefficients = vec![0.2, 0.5, 0.1, -1.0, 2.0, -0.3, 0.0, 1.5, 0.25];
    let m = LayerMask::new([3, 2, 2], values.clone()).with_quadratics(coefficients.clone());
    let device = net.device().clone();
    let of = |i: usize| (values[i % 12], m.of_channel(values[i % 12], i % 12 / 4));
    let (x, g) = (noise(36, 6), noise(36, 7));
    let run = |net: &Network, params: &[_], gate: Gate| {
        let leaf = leaf(&x);
        let out = net.forward(Value::new(leaf.clone(), vec![3, 3, 2, 2]), &call(params, &[gate])).unwrap();
        let grads = (out.output.flat() * upload(g.clone(), net.device())).sum().backward();
        let want: Vec<f32> = (0..36).map(|i| of(i).0.value(x[i], m.cap, of(i).1)).collect();
        close(&download(out.output.flat()), &want, 1e-6, "quadratics");
        let slope = |i: usize| of(i).0.basis(m.cap, of(i).1).derivative(x[i], m.cap);
        let want: Vec<f32> = (0..36).map(|i| g[i] * slope(i)).collect();
        close(&download(leaf.grad(&grads).unwrap()), &want, 1e-6, "gradient");
        grads
    };
    run(&net, &params, Gate::of_mask(&m, &device));

    let start = net.add_quadratics(|_| true);
    assert_eq!((net.quadratic_of(0), download(start[0].clone())), (Some(1), [0.0, 1.0, 0.0].repeat(3)));
    assert_eq!(net.params()[1].shape, [3, 3]);
    assert!(net.add_quadratics(|_| true).is_empty());
    params.push(leaf(&coefficients));
    let gate = Gate::of_mask(&m, &device).with_learned_quadratics(&m, &device);
    let grads = run(&net, &params, gate);
    let part = |k: usize, power: i32| -> f32 {
        let mine = |i: &usize| i % 12 / 4 == k && values[i % 12] == Quadratic;
        (0..36).filter(mine).map(|i| g[i] * x[i].powi(power)).sum()
    };
    let want: Vec<f32> = (0..9).map(|j| part(j / 3, 2 - (j % 3) as i32)).collect();
    close(&download(params[1].grad(&grads).unwrap()), &want, 1e-5, "coefficients");
}
