//! Running one small graph on both engines, and finite differences of the interpreter.

use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::driver::{self, Options, core_form};
use relinc_passes::interp::Interp;
use relinc_passes::ir::text::parse;
use relinc_passes::ir::{Graph, Op, Tensor};
use relinc_passes::passes::canonicalise::Canonicalise;
use relinc_passes::splitmix::SplitMix;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Branch, Call, Gate, Network, Norms, Outcome, Precision, Value};

/// The text of a graph from its input's type and its body, whose last value is `%y`.
pub fn graph(input: &str, body: &str) -> Graph {
    let text = format!("graph g {{\n%x = input {input}\n{body}\noutput \"y\" = %y\n}}");
    parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The graph in the core form, which the executor wants; as it is where it is in that.
pub fn core(mut g: Graph) -> Graph {
    if core_form::check(&g).is_err() {
        driver::run(&Canonicalise, &mut g, &Options::default()).unwrap();
    }
    g
}

/// Values in −1…1.
pub fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut r = SplitMix::new(seed);
    (0..n).map(|_| 2.0 * r.uniform() - 1.0).collect()
}

/// Dimensions of the graph's input at a batch.
pub fn input_shape(g: &Graph, batch: usize) -> Vec<usize> {
    match g.op(g.inputs()[0]) {
        Op::Input(t) => t.at(batch),
        _ => vec![],
    }
}

/// Every ReLU in place.
pub fn open(net: &Network) -> Vec<Gate> {
    net.relus().iter().map(|r| Gate::open(r, net.device())).collect()
}

/// A call by running statistics.
pub fn call<'a>(params: &'a [Burn<1>], gates: &'a [Gate]) -> Call<'a> {
    Call {
        params,
        gates,
        norms: Norms::Running,
        branch: Branch::Clean,
        watch: false,
        probes: None,
        precision: Precision::F32,
        tails: false,
    }
}

/// The network's output for an input, without gradients.
pub fn forward(net: &Network, gates: &[Gate], params: &[Burn<1>], x: &[f32], shape: &[usize]) -> Outcome {
    let x = Value::upload(x.to_vec(), shape.to_vec(), net.device());
    net.forward(x, &call(params, gates)).unwrap()
}

/// The interpreter's first output as floats, and its dimensions.
pub fn interpret(g: &Graph, x: &[f32], shape: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let out = Interp::new(g).unwrap().run(vec![Tensor::f32(shape, x.to_vec())]).unwrap().swap_remove(0);
    let shape = out.shape().to_vec();
    let floats = match (out.as_f32(), out.as_i64(), out.as_bool(), out.as_u8()) {
        (Some(v), ..) => v.to_vec(),
        (_, Some(v), ..) => v.iter().map(|&v| v as f32).collect(),
        (_, _, Some(v), _) => v.iter().map(|&v| f32::from(u8::from(v))).collect(),
        (.., Some(v)) => v.iter().map(|&v| f32::from(v)).collect(),
        _ => vec![],
    };
    (floats, shape)
}

/// Largest |a|, at least 1.
pub fn scale(a: &[f32]) -> f32 {
    a.iter().filter(|v| v.is_finite()).fold(1.0, |m, v| m.max(v.abs()))
}

/// Both to `tolerance` of the largest element.
pub fn close(got: &[f32], want: &[f32], tolerance: f32, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: elements");
    let s = scale(want);
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= tolerance * s || g == w, "{what}: element {i} is {g}, not {w}");
    }
}

/// A leaf that wants its gradient.
pub fn leaf(v: &[f32]) -> Burn<1> {
    Burn::from_inner(upload(v.to_vec(), &Device::flex())).require_grad()
}

/// `Σ cᵢ yᵢ` of a run of the interpreter on the graph with these parameters, in f64.
fn weighed(net: &Network, params: &[Vec<f32>], x: &[f32], shape: &[usize], c: &[f32]) -> f64 {
    let values: Vec<Burn<1>> = params.iter().map(|p| upload(p.clone(), net.device())).collect();
    let (y, _) = interpret(&net.write_back(&values, Branch::Clean), x, shape);
    y.iter().zip(c).map(|(y, c)| f64::from(*y) * f64::from(*c)).sum()
}

/// The gradients of `Σ cᵢ yᵢ` by the input and by each parameter, on the executor.
pub fn gradients(net: &Network, params: &[Vec<f32>], x: &[f32], shape: &[usize], c: &[f32]) -> Vec<Vec<f32>> {
    let leaves: Vec<Burn<1>> = params.iter().map(|p| leaf(p)).collect();
    let input = leaf(x);
    let gates = open(net);
    let y = net.forward(Value::new(input.clone(), shape), &call(&leaves, &gates)).unwrap().output;
    let grads = (y.flat() * upload(c.to_vec(), net.device())).sum().backward();
    let of = |l: &Burn<1>| l.grad(&grads).map_or_else(|| vec![0.0; l.dims()[0]], download);
    std::iter::once(&input).chain(&leaves).map(of).collect()
}

/// Elements of each tensor whose derivative is checked, at most.
const CHECKED: usize = 24;

/// Steps of the differences: a corner, of a ReLU for instance, that lies within the first is outside of the second.
const STEPS: [f32; 2] = [4e-3, 5e-4];

/// Compares the executor's gradients with central differences of the interpreter: each element to 1 % of the largest
/// of its tensor, plus what f32 leaves of a difference.
pub fn check_gradients(g: &Graph, batch: usize, seed: u64, what: &str) {
    let g = &core(g.clone());
    let (net, values) = Network::new(g, false, &Device::flex()).unwrap();
    let shape = input_shape(g, batch);
    let x = noise(shape.iter().product(), seed);
    let params: Vec<Vec<f32>> = values.into_iter().map(download).collect();
    let c = noise(interpret(g, &x, &shape).0.len(), seed + 1);
    let all = gradients(&net, &params, &x, &shape, &c);
    for (t, grad) in all.iter().enumerate() {
        let largest = grad.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let stride = (grad.len() / CHECKED).max(1);
        for i in (0..grad.len()).step_by(stride) {
            let at = |d: f32| {
                let (mut x, mut p) = (x.clone(), params.clone());
                let v = if t == 0 { &mut x } else { &mut p[t - 1] };
                v[i] += d;
                let moved = f64::from(v[i]);
                (weighed(&net, &p, &x, &shape, &c), moved)
            };
            let difference = |step: f32| {
                let ((up, a), (down, b)) = (at(step), at(-step));
                (((up - down) / (a - b)) as f32, 1e-2 * largest + 2e-4 * scale(&[up as f32]))
            };
            let name = if t == 0 { "input" } else { &net.params()[t - 1].name };
            let (got, want) = (grad[i], STEPS.map(difference));
            let fits = want.iter().any(|(want, allowed)| (got - want).abs() <= *allowed);
            assert!(fits, "{what}: d/d{name}[{i}] is {got}, differences give {want:?}");
        }
    }
}
