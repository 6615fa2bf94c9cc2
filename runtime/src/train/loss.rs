//! The terms of the training losses, on burn tensors with gradients.

use crate::exec::Value;
use burn::tensor::{Device, Int, Tensor as Burn, activation};

/// Distillation temperature of the released recipes.
pub const TEMPERATURE: f32 = 4.0;
/// Weight of the attention transfer in the released recipes.
pub const ATTENTION: f32 = 1000.0;

/// Labels as one row of class indices.
pub fn labels(of: &[usize], device: &Device) -> Burn<1, Int> {
    let v: Vec<i32> = of.iter().map(|&l| l as i32).collect();
    Burn::from_ints(&v[..], device)
}

/// Mean cross-entropy of logits `[N, classes]`; with `smoothing` s the target is `1−s` on the label and `s/classes`
/// on every class.
pub fn cross_entropy(logits: Burn<2>, labels: Burn<1, Int>, smoothing: f32) -> Burn<1> {
    let n = logits.dims()[0];
    let log_p = activation::log_softmax(logits, 1);
    let picked = log_p.clone().gather(1, labels.reshape([n, 1])).mean().neg();
    if smoothing == 0.0 {
        return picked;
    }
    picked * (1.0 - smoothing) + log_p.mean().neg() * smoothing
}

/// The cross-entropy of one row of logits with its label.
pub fn row_loss(logits: &[f32], label: usize) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|z| (z - most).exp()).sum();
    most + sum.ln() - logits[label]
}

/// `T²·KL(softmax(target/T) ‖ softmax(logits/T))`, mean over the batch. No gradient flows into the target.
pub fn distillation(logits: Burn<2>, target: Burn<2>, temperature: f32) -> Burn<1> {
    let n = logits.dims()[0] as f32;
    let target = target.detach() / temperature;
    let (p, log_p) = (activation::softmax(target.clone(), 1), activation::log_softmax(target, 1));
    let log_q = activation::log_softmax(logits / temperature, 1);
    (p * (log_p - log_q)).sum() * (temperature * temperature / n)
}

/// The attention map of a value `[N, C, …]`: mean over channels of the squares, flattened, L2-normalised per sample.
fn attention_map(v: &Value) -> Burn<2> {
    let (n, c) = (v.shape()[0], v.shape()[1]);
    let area = v.len() / (n * c).max(1);
    let a = v.view([n, c, area]).square().mean_dim(1).reshape([n, area]);
    let norm = a.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
    a / norm
}

/// PRAM as coded: `mean (A_s − A_t)²`, summed over the stage outputs, times 4/K for K of them.
pub fn attention_transfer(student: &[Value], teacher: &[Value]) -> Option<Burn<1>> {
    let terms = student.iter().zip(teacher).map(|(s, t)| {
        let target = attention_map(t).detach();
        (attention_map(s) - target).square().mean()
    });
    let sum = terms.reduce(|a, b| a + b)?;
    Some(sum * (4.0 / student.len() as f32))
}

/// Indices of the ReLU layers that are stage outputs: the last before each drop in spatial size and before the end.
pub fn stage_outputs(shapes: &[[usize; 3]]) -> Vec<usize> {
    let area = |i: usize| shapes[i][1] * shapes[i][2];
    (0..shapes.len()).filter(|&i| area(i) > 1 && (i + 1 == shapes.len() || area(i + 1) < area(i))).collect()
}

/// The margin loss an attack maximises: the largest other logit minus the label's, a value per sample.
pub fn margin(logits: Burn<2>, labels: Burn<1, Int>) -> Burn<1> {
    let ([n, classes], device) = (logits.dims(), logits.device());
    let of = labels.reshape([n, 1]);
    let own = logits.clone().gather(1, of.clone());
    let ones = Burn::ones([n, 1], &device);
    let one_hot =
        Burn::<2>::zeros([n, classes], &device).scatter(1, of, ones, burn::tensor::IndexingUpdateOp::Add);
    let others = logits + one_hot * -1e9;
    (others.max_dim(1) - own).reshape([n])
}

/// The difference-of-logits-ratio loss, per sample: `−(z_y − max_{i≠y} z_i) / (z_(1) − z_(3))`, z sorted descending
/// (Croce & Hein 2020). Networks of two classes have no third logit and use the margin.
pub fn dlr(logits: Burn<2>, labels: Burn<1, Int>) -> Burn<1> {
    let [n, classes] = logits.dims();
    let m = margin(logits.clone(), labels);
    if classes < 3 {
        return m;
    }
    let sorted = logits.sort_descending(1);
    let spread = sorted.clone().narrow(1, 0, 1) - sorted.narrow(1, 2, 1);
    m / (spread.reshape([n]) + 1e-12)
}
