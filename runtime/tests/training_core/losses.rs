//! Losses and their gradients. The numbers are PyTorch's in float64, printed by `benches/pytorch/robust_losses.py`;
//! small ones are worked out by hand.
#![allow(clippy::excessive_precision)]

use super::harness::{close, leaf};
use burn::tensor::{Device, Int, Tensor as Burn};
use relinc_runtime::exec::Value;
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::train::loss;

const STUDENT: [f32; 12] = [1.0, -0.5, 2.0, 0.25, 0.0, 3.0, -1.0, 1.5, -2.0, 0.5, 0.75, 0.125];
const TEACHER: [f32; 12] = [2.0, 0.0, 1.0, -1.0, 0.5, 2.5, -0.5, 0.0, -1.0, 1.0, 0.0, 2.0];

fn labels() -> Burn<1, Int> {
    loss::labels(&[2, 0, 3], &Device::flex())
}

fn teacher() -> Burn<2> {
    upload(TEACHER.to_vec(), &Device::flex()).reshape([3, 4])
}

/// Value and gradient of a loss of the student's logits; a loss per sample is summed.
fn of_student(f: impl Fn(Burn<2>) -> Burn<1>) -> (Vec<f32>, Vec<f32>) {
    let z = leaf(&STUDENT);
    let l = f(z.clone().reshape([3, 4]));
    let grads = l.clone().sum().backward();
    (download(l.inner()), download(z.grad(&grads).unwrap()))
}

fn holds(found: (Vec<f32>, Vec<f32>), value: &[f32], grad: [f32; 12], what: &str) {
    close(&found.0, value, 2e-6, what);
    close(&found.1, &grad, 2e-6, &format!("gradient of {what}"));
}

#[test]
fn cross_entropy() {
    let grad = [
        0.07552108,
        0.01685103,
        -0.12804575,
        0.03567363,
        -0.32048074,
        0.25815121,
        0.0047282,
        0.05760132,
        0.00896105,
        0.10916793,
        0.1401744,
        -0.25830338,
    ];
    holds(of_student(|z| loss::cross_entropy(z, labels(), 0.0)), &[1.743_861_4], grad, "CE");
}

#[test]
fn distillation_at_temperature_4() {
    let grad = [
        -0.11573056,
        -0.04186034,
        0.08712471,
        0.07046619,
        -0.06017244,
        0.01748013,
        -0.04686234,
        0.08955465,
        -0.01708215,
        0.01646847,
        0.12134304,
        -0.12072936,
    ];
    holds(of_student(|z| loss::distillation(z, teacher(), 4.0)), &[0.415_434_27], grad, "KL");
}

#[test]
fn margin() {
    let grad = [1.0, 0.0, -1.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0];
    holds(of_student(|z| loss::margin(z, labels())), &[-1.0, 3.0, 0.625], grad, "margin");
}

#[test]
fn dlr() {
    let grad = [0.57142857, 0.0, -0.24489796, -0.32653061, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    holds(of_student(|z| loss::dlr(z, labels())), &[-0.571_428_6, 1.0, 1.0], grad, "DLR");
    let two = |f: fn(Burn<2>, Burn<1, Int>) -> Burn<1>| {
        let z = upload(vec![1.0, 3.0, -1.0, -4.0], &Device::flex()).reshape([2, 2]);
        download(f(z, loss::labels(&[0, 0], &Device::flex())))
    };
    assert_eq!(two(loss::dlr), [2.0, -3.0]);
    assert_eq!(two(loss::dlr), two(loss::margin));
}

/// `(1−s)·CE + s·mean over classes of −ln p`, as PyTorch's `label_smoothing`.
#[test]
fn label_smoothing() {
    let log_p: Vec<f64> = STUDENT
        .chunks(4)
        .flat_map(|row| {
            let sum: f64 = row.iter().map(|v| f64::from(*v).exp()).sum();
            row.iter().map(move |v| f64::from(*v) - sum.ln())
        })
        .collect();
    let own = -(log_p[2] + log_p[4] + log_p[11]) / 3.0;
    let all = -log_p.iter().sum::<f64>() / 12.0;
    for s in [0.1f32, 0.5, 1.0] {
        let (value, _) = of_student(|z| loss::cross_entropy(z, labels(), s));
        let s = f64::from(s);
        close(&value, &[((1.0 - s) * own + s * all) as f32], 1e-6, "smoothed CE");
    }
    let uniform = leaf(&[0.7; 8]);
    let l = loss::cross_entropy(uniform.reshape([2, 4]), loss::labels(&[0, 3], &Device::flex()), 0.3);
    close(&download(l.inner()), &[4f32.ln()], 1e-6, "of equal logits");
}

#[test]
fn equal_logits_diverge_by_nothing() {
    let of =
        |z: Burn<2>| loss::distillation(z, upload(STUDENT.to_vec(), &Device::flex()).reshape([3, 4]), 4.0);
    let (value, grad) = of_student(of);
    close(&value, &[0.0], 1e-6, "KL");
    close(&grad, &[0.0; 12], 1e-6, "gradient");
    // A constant added to all logits changes nothing, and far logits do not overflow.
    let (value, _) = of_student(|z| loss::distillation(z + 5.0, teacher(), 4.0));
    close(&value, &[0.415_434_27], 2e-6, "shifted KL");
    let far = |z: Burn<2>| loss::distillation(z * 1e4, teacher() * -1e4, 1.0);
    assert!(of_student(far).0[0].is_finite());
}

/// Entry i is ((step·i) mod 11)/4 − 1.
fn maps(shape: [usize; 4], step: usize) -> (Vec<f32>, [usize; 4]) {
    let n = shape.iter().product();
    ((0..n).map(|i| (step * i % 11) as f32 / 4.0 - 1.0).collect(), shape)
}

#[test]
fn attention_transfer() {
    let of = [(maps([2, 3, 2, 2], 3), maps([2, 3, 2, 2], 7)), (maps([2, 4, 1, 2], 5), maps([2, 4, 1, 2], 2))];
    let leaves: Vec<Burn<1>> = of.iter().map(|((v, _), _)| leaf(v)).collect();
    let student: Vec<Value> =
        leaves.iter().zip(&of).map(|(l, ((_, s), _))| Value::new(l.clone(), *s)).collect();
    let teacher: Vec<Value> =
        of.iter().map(|(_, (v, s))| Value::upload(v.clone(), *s, &Device::flex())).collect();
    let all = loss::attention_transfer(&student, &teacher).unwrap();
    let grads = all.clone().backward();
    close(&download(all.inner()), &[0.511_808_4], 2e-6, "AT");
    // A stage alone has the factor 4/1 instead of 4/2.
    for (i, want) in [0.046_906_98f32, 0.208_997_22].into_iter().enumerate() {
        let one = loss::attention_transfer(&student[i..=i], &teacher[i..=i]).unwrap();
        close(&download(one.inner()), &[4.0 * want], 2e-6, "a stage of AT");
    }
    let want: [&[f32]; 2] = [
        &[
            0.01827186,
            0.01753251,
            -0.00530982,
            0.01587847,
            0.01370389,
            0.0,
            -0.00796473,
            0.01905416,
            0.00913593,
            -0.01753251,
            -0.01061964,
            -0.01270277,
            0.01900307,
            -0.00602439,
            0.01539599,
            0.02394394,
            0.0,
            -0.00903659,
            0.01847519,
            0.01596263,
            -0.01900307,
            -0.01204879,
            -0.01231679,
            0.00798131,
        ],
        &[
            -0.01534899,
            -0.05947733,
            0.02302348,
            0.0,
            0.01918624,
            0.05947733,
            0.01534899,
            0.11895466,
            -0.13766185,
            -0.02241007,
            -0.09177456,
            -0.02988009,
            -0.04588728,
            0.04482014,
            0.0,
            0.03735011,
        ],
    ];
    for (l, want) in leaves.iter().zip(want) {
        close(&download(l.grad(&grads).unwrap()), want, 1e-6, "gradient of AT");
    }
    let same = loss::attention_transfer(&teacher, &teacher).unwrap();
    assert_eq!(download(same), [0.0]);
    assert!(loss::attention_transfer(&[], &[]).is_none());
}

#[test]
fn stages_end_where_the_map_shrinks() {
    let shapes = [[16, 32, 32], [16, 32, 32], [32, 16, 16], [64, 8, 8], [64, 8, 8], [10, 1, 1]];
    assert_eq!(loss::stage_outputs(&shapes), [1, 2, 4]);
}
