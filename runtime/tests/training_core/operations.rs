//! Every operation: the executor equals the interpreter, and its gradients equal differences of the interpreter.

use super::cases::{self, Case};
use super::harness::{check_gradients, close, core, forward, graph, input_shape, interpret, noise, open};
use burn::tensor::Device;
use relinc_passes::ir::Op;
use relinc_runtime::exec::value::download;
use relinc_runtime::exec::{Branch, Network, Role, Value};
use std::collections::BTreeSet;

fn all() -> impl Iterator<Item = &'static Case> {
    [cases::LINEAR, cases::ELEMENTWISE, cases::WINDOWS, cases::MOVEMENT, cases::WHOLE].into_iter().flatten()
}

/// Checks every case and names all that fail.
fn each(cases: impl Iterator<Item = &'static Case>, check: impl Fn(&Case) + std::panic::RefUnwindSafe) {
    let failed = |c: &&Case| std::panic::catch_unwind(|| check(c)).is_err();
    let failed: Vec<&str> = cases.filter(failed).map(|c| c.name).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn executor_equals_interpreter() {
    each(all(), |c| {
        let g = graph(c.input, c.body);
        let (net, values) = Network::new(&core(g.clone()), false, &Device::flex()).unwrap();
        for batch in [1, 3] {
            let shape = input_shape(&g, batch);
            let x = noise(shape.iter().product(), 11 + batch as u64);
            let got = forward(&net, &open(&net), &values, &x, &shape).output;
            let (want, dims) = interpret(&g, &x, &shape);
            assert_eq!(got.shape(), dims);
            close(&download(got.into_flat()), &want, 1e-5, c.name);
        }
    });
}

#[test]
fn gradients_equal_finite_differences() {
    each(all().filter(|c| c.smooth), |c| check_gradients(&graph(c.input, c.body), 2, 5, c.name));
}

/// No operation that the executor takes is left out above.
#[test]
fn every_operation_has_a_case() {
    let mut seen = BTreeSet::new();
    for c in all() {
        let g = graph(c.input, c.body);
        seen.extend(g.ids().map(|id| g.op(id).mnemonic()));
    }
    let unary = relinc_passes::ir::Unary::ALL.iter().map(|u| u.name());
    let binary = relinc_passes::ir::Binary::ALL.iter().map(|b| b.name());
    let compare = relinc_passes::ir::op::Compare::ALL.iter().map(|c| c.name());
    let others = [
        "conv",
        "linear",
        "gemm",
        "matmul",
        "batch_norm",
        "relu",
        "leaky_relu",
        "prelu",
        "clip",
        "where",
        "max_pool",
        "avg_pool",
        "global_mean",
        "reduce",
        "pad",
        "slice",
        "concat",
        "gather",
        "reshape",
        "transpose",
        "expand",
        "softmax",
        "log_softmax",
        "arg_max",
        "identity",
        "dropout",
        "cast",
        "shape",
    ];
    for name in unary.chain(binary).chain(compare).chain(others) {
        assert!(seen.contains(name), "no case has {name}");
    }
}

/// What cannot be trained is refused by name.
#[test]
fn masked_and_dynamic_operations_are_refused() {
    let g = graph("f32[N,2]", "%m = const u8[2] [0, 1]\n%y = masked_relu(%x, %m)");
    let (net, values) = Network::new(&g, false, &Device::flex()).unwrap();
    let x = Value::upload(vec![0.0; 2], vec![1, 2], net.device());
    let e = net.forward(x, &super::harness::call(&values, &[])).unwrap_err();
    assert!(e.contains("masked_relu 'y'") && e.contains("masked already"), "{e}");
    let g = graph("f32[N,4]", "%s = const i64[3] [0, 2, 2]\n%y = dyn.reshape(%x, %s)");
    let e = Network::new(&g, false, &Device::flex()).unwrap_err();
    assert!(e.contains("dyn.reshape 'y'"), "{e}");
}

/// Constants that several places read, where one of them is a parameter.
#[test]
fn shared_constants_stay_consistent_when_trained() {
    let body = "%v = const f32[3] [0.5, -0.25, 1.5]\n%p = const f32[3] [1, 2, 0.5]
        %s = add(%x, %v)
        %a = batch_norm(%s, %v, %p, %v, %p)
        %b = batch_norm(%a, %p, %v, %v, %p)
        %w = const f32[3,3] rand(seed=3)
        %l = linear(%b, %w, %v)
        %y = linear(%l, %w)";
    let g = graph("f32[N,3]", body);
    let (net, values) = Network::new(&g, false, &Device::flex()).unwrap();
    let names: BTreeSet<&str> = net.params().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names.len(), net.params().len(), "names tell parameters apart");
    let weights = net.params().iter().filter(|p| p.role == Role::Weight).count();
    assert_eq!(weights, 1, "weights tied in the graph stay tied");
    let params: Vec<_> =
        values.into_iter().enumerate().map(|(i, p)| p * (1.0 + 0.1 * i as f32) + 0.01 * i as f32).collect();
    let x = noise(6, 2);
    let got = forward(&net, &[], &params, &x, &[2, 3]).output;
    let written = net.write_back(&params, Branch::Clean);
    let (want, _) = interpret(&written, &x, &[2, 3]);
    close(&download(got.into_flat()), &want, 1e-5, "after training");
    assert!(written.ids().filter(|&id| matches!(written.op(id), Op::Const(_))).count() >= net.params().len());
    check_gradients(&g, 2, 9, "shared");
}
