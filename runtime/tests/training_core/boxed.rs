//! Boxes hold what the network makes of every input in them, and their corners have gradients.

use super::cases;
use super::harness::{call, close, core, forward, graph, input_shape, leaf, noise, open};
use burn::tensor::{Device, Tensor as Burn};
use relinc_runtime::exec::value::download;
use relinc_runtime::exec::{Boxed, Network, Value};
use std::collections::BTreeSet;

/// How far from the middle.
const RADIUS: f32 = 0.2;
const POINTS: u64 = 40;

fn around(x: &[f32], shape: &[usize], radius: f32) -> Boxed {
    let at = |by: f32| Value::upload(x.iter().map(|x| x + by).collect(), shape, &Device::flex());
    Boxed::between(&at(-radius), &at(radius))
}

#[test]
fn no_point_of_a_box_leaves_its_bounds() {
    let all = [cases::LINEAR, cases::ELEMENTWISE, cases::WINDOWS, cases::MOVEMENT, cases::WHOLE];
    let mut held = BTreeSet::new();
    for c in all.into_iter().flatten() {
        let g = core(graph(c.input, c.body));
        let (net, values) = Network::new(&g, false, &Device::flex()).unwrap();
        let (gates, shape) = (open(&net), input_shape(&g, 2));
        let middle = noise(shape.iter().product(), 5);
        let Ok(found) = net.boxed(around(&middle, &shape, RADIUS), &call(&values, &gates)) else { continue };
        let (m, r) = (download(found.middle.into_flat()), download(found.radius.into_flat()));
        assert!(r.iter().all(|r| *r >= 0.0), "{}", c.name);
        for point in 0..POINTS {
            // Corners, then points between them.
            let move_by = |(x, u): (&f32, f32)| x + RADIUS * if point % 2 == 0 { u.signum() } else { u };
            let x: Vec<f32> = middle.iter().zip(noise(middle.len(), 100 + point)).map(move_by).collect();
            let y = download(forward(&net, &gates, &values, &x, &shape).output.into_flat());
            for (i, y) in y.iter().enumerate() {
                let slack = 1e-4 * (1.0 + m[i].abs() + r[i]);
                assert!(
                    (y - m[i]).abs() <= r[i] + slack,
                    "{}, element {i}: {y} of {} ± {}",
                    c.name,
                    m[i],
                    r[i]
                );
            }
        }
        let none = net.boxed(around(&middle, &shape, 0.0), &call(&values, &gates)).unwrap();
        let want = download(forward(&net, &gates, &values, &middle, &shape).output.into_flat());
        close(&download(none.middle.into_flat()), &want, 1e-5, c.name);
        held.extend(g.ids().map(|id| g.op(id).mnemonic()));
    }
    let wanted = [
        "add",
        "avg_pool",
        "batch_norm",
        "conv",
        "gemm",
        "global_mean",
        "linear",
        "matmul",
        "max_pool",
        "relu",
        "reshape",
    ];
    assert!(wanted.iter().all(|w| held.contains(w)), "{held:?}");
}

#[test]
fn what_has_no_box_is_named() {
    let g = core(graph("f32[N,4]", "%y = sigmoid(%x)"));
    let (net, values) = Network::new(&g, false, &Device::flex()).unwrap();
    let e = net.boxed(around(&[0.0; 4], &[1, 4], 0.1), &call(&values, &open(&net))).unwrap_err();
    assert!(e.contains("sigmoid") && e.contains("train_box"), "{e}");
}

#[test]
fn worst_logits_have_the_gradients_of_differences() {
    let body = "%w = const f32[4,2,3,3] rand(seed=1)\n%a = conv(%x, %w) {pads=[1,1,1,1]}\n%r = relu(%a)\n
        %m = global_mean(%r)\n%u = const f32[3,4] rand(seed=3)\n%f = reshape(%m) {dims=[N,4]}\n%y = linear(%f, %u)";
    let g = core(graph("f32[N,2,4,4]", body));
    let (net, values) = Network::new(&g, false, &Device::flex()).unwrap();
    let (gates, shape, labels) = (open(&net), input_shape(&g, 2), [2, 0]);
    let x = noise(shape.iter().product(), 5);
    let value = |params: &[Burn<1>]| {
        net.boxed(around(&x, &shape, RADIUS), &call(params, &gates)).unwrap().worst(&labels).sum()
    };
    let params: Vec<Vec<f32>> = values.iter().map(|v| download(v.clone())).collect();
    let leaves: Vec<Burn<1>> = params.iter().map(|p| leaf(p)).collect();
    let grads = value(&leaves).backward();
    for (p, l) in leaves.iter().enumerate() {
        let got = download(l.grad(&grads).unwrap());
        for i in (0..got.len()).step_by(5) {
            let at = |by: f32| {
                let mut moved = params.clone();
                moved[p][i] += by;
                let moved: Vec<Burn<1>> =
                    moved.into_iter().map(|v| relinc_runtime::exec::value::upload(v, net.device())).collect();
                f64::from(download(value(&moved))[0])
            };
            let want = (at(1e-3) - at(-1e-3)) / 2e-3;
            assert!(
                (f64::from(got[i]) - want).abs() < 2e-2 * (1.0 + want.abs()),
                "{p}, {i}: {} and {want}",
                got[i]
            );
        }
    }
}
