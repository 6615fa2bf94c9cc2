//! Normalisations by statistics of the very value.

use crate::build::*;
use relinc_passes::driver::{self, Options};
use relinc_passes::ir::Op;
use relinc_passes::passes::find;
use relinc_passes::proto::AttributeProto;

const EPS: f64 = 1e-5;

/// `(x − mean) / √(variance + eps)` of each run of so many elements.
fn standardised(x: &[f32], run: usize) -> Vec<f64> {
    let each = |v: &[f32]| {
        let n = v.len() as f64;
        let mean = v.iter().map(|&e| f64::from(e)).sum::<f64>() / n;
        let variance = v.iter().map(|&e| (f64::from(e) - mean).powi(2)).sum::<f64>() / n;
        v.iter().map(|&e| (f64::from(e) - mean) / (variance + EPS).sqrt()).collect::<Vec<_>>()
    };
    x.chunks(run).flat_map(each).collect()
}

fn image(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7 + 3) % 11) as f32 / 5.0 - 1.0).collect()
}

fn close(what: &str, got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(*g) - w).abs() < 1e-5, "{what}: element {i} is {g}, not {w}");
    }
}

fn of(opset: i64, op: &str, parameters: &[i64], attributes: Vec<AttributeProto>) -> (Vec<f32>, String) {
    let r = model(opset, &[-1, 4, 2, 2])
        .init(floats("s", parameters))
        .init(floats("b", parameters))
        .node(op, &["x", "s", "b"], &["y"], attributes)
        .import();
    assert_eq!(r.ty("y"), "f32[N,4,2,2]");
    (r.run(&[2, 4, 2, 2], image(32)).1, r.notices())
}

#[test]
fn norms_of_images_are_written_out() {
    let tenth = |i: usize| 0.1 * (i + 1) as f64;
    let with = |y: Vec<f64>, k: fn(usize) -> usize| -> Vec<f64> {
        y.into_iter().enumerate().map(|(i, v)| v * tenth(k(i)) + tenth(k(i))).collect()
    };
    let channel = |i: usize| i / 4 % 4;
    let (y, said) = of(13, "InstanceNormalization", &[4], vec![]);
    close("instance", &y, &with(standardised(&image(32), 4), channel));
    assert!(said.contains("statistics of each image"));
    let (y, _) = of(17, "LayerNormalization", &[4, 2, 2], vec![int("axis", 1)]);
    close("layer", &y, &with(standardised(&image(32), 16), |i| i % 16));
    let (y, _) = of(21, "GroupNormalization", &[4], vec![int("num_groups", 2)]);
    close("group by channel", &y, &with(standardised(&image(32), 8), channel));
    let (y, _) = of(18, "GroupNormalization", &[2], vec![int("num_groups", 2)]);
    close("group", &y, &with(standardised(&image(32), 8), |i| i / 8 % 2));
}

#[test]
fn root_mean_square_and_norm_of_a_row() {
    let x = vec![3.0, 4.0, 0.5, -2.0];
    let r = model(23, &[-1, 2]).init(list("s", &[2], &[1.0, 2.0]));
    let y = r.node("RMSNormalization", &["x", "s"], &["y"], vec![]).import().run(&[2, 2], x.clone()).1;
    let by = |a: f64, b: f64| ((a * a + b * b) / 2.0 + EPS).sqrt();
    let want = [3.0 / by(3.0, 4.0), 8.0 / by(3.0, 4.0), 0.5 / by(0.5, 2.0), -4.0 / by(0.5, 2.0)];
    close("rms", &y, &want);
    let lp = |p| {
        let m = model(13, &[-1, 2]).node("LpNormalization", &["x"], &["y"], vec![int("p", p)]);
        m.import().run(&[2, 2], x.clone()).1
    };
    close("l2", &lp(2), &[0.6, 0.8, 0.5 / 4.25f64.sqrt(), -2.0 / 4.25f64.sqrt()]);
    close("l1", &lp(1), &[3.0 / 7.0, 4.0 / 7.0, 0.2, -0.8]);
}

#[test]
fn no_group_norm_of_unequal_groups() {
    model(21, &[-1, 4, 2, 2])
        .init(floats("s", &[4]))
        .node("GroupNormalization", &["x", "s", "s"], &["y"], vec![int("num_groups", 3)])
        .refused(&["GroupNormalization 'y'", "4 channels into 3 groups"]);
}

/// Weight standardisation: a batch normalisation in its training form, of the weights.
#[test]
fn standardised_weights_fold() {
    let names = ["w1", "one", "zero", "zero", "one"];
    let m = model(14, &[-1, 2, 4, 4])
        .init(list("w", &[2, 2, 1, 1], &[1.0, 3.0, -2.0, 0.0]))
        .init(longs("flat", &[1, 2, 2]))
        .init(longs("kernel", &[2, 2, 1, 1]))
        .init(list("one", &[2], &[1.0; 2]))
        .init(list("zero", &[2], &[0.0; 2]))
        .node("Reshape", &["w", "flat"], &["w1"], vec![])
        .node("BatchNormalization", &names, &["w2", "rm", "rv"], vec![int("training_mode", 1)])
        .node("Reshape", &["w2", "kernel"], &["w3"], vec![])
        .node("Conv", &["x", "w3"], &["y"], vec![]);
    let mut r = m.import();
    driver::run(find("canonicalise").unwrap(), &mut r.m.graph, &Options::default()).unwrap();
    let g = &r.m.graph;
    assert_eq!(g.len(), 3, "{g:?}");
    let conv = g.by_name("y").unwrap();
    assert!(matches!(g.op(conv), Op::Conv(_)));
    close(
        "weights",
        g.const_operand(conv, 1).unwrap().as_f32().unwrap(),
        &[-1.0, 1.0, -1.0, 1.0].map(|v| v / (1.0 + EPS).sqrt()),
    );
}
