//! The executor's gradients against another implementation's, read from a file that `benches/pytorch/gradients.py` writes.

use crate::error::{Result, input};
use crate::model::Model;
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::front::onnx::{ImportOptions, import};
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Branch, Call, Gate, Network, Norms, Precision, Value};
use relinc_runtime::train::loss;
use safetensors::tensor::SafeTensors;
use serde::Serialize;
use std::path::Path;

/// How far two implementations are apart, relative to the largest value of each tensor.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Parity {
    /// The loss here.
    pub loss: f64,
    /// The loss there.
    pub reference_loss: f64,
    /// Largest relative difference over all parameters, and the parameter it occurs at.
    pub parameters: f64,
    /// That parameter.
    pub worst: String,
    /// Parameters compared.
    pub compared: usize,
    /// Gradient by the input.
    pub input: f64,
    /// Gradients by the soft masks.
    pub masks: f64,
    /// Distance of all parameters' gradients together, relative to their length.
    pub distance: f64,
    /// That of PyTorch's in bf16, where the file has them.
    pub reference_distance: Option<f64>,
}

fn floats(t: &SafeTensors<'_>, name: &str) -> Option<Vec<f32>> {
    use safetensors::tensor::Dtype;
    let v = t.tensor(name).ok()?;
    Some(match v.dtype() {
        Dtype::F32 => v.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => v.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::I64 => v.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as f32).collect(),
        Dtype::I32 => v.data().as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b) as f32).collect(),
        _ => return None,
    })
}

fn apart(a: &[f32], b: &[f32]) -> f64 {
    let top = b.iter().fold(0.0f32, |m, v| m.max(v.abs())).max(1e-12);
    let far = a.iter().zip(b).fold(0.0f32, |m, (x, y)| m.max((x - y).abs()));
    if a.len() == b.len() { f64::from(far / top) } else { f64::INFINITY }
}

/// Compares loss and gradients on the batch in `reference`, under the soft masks `frac(0.618034·(i+1))`; batch
/// normalisations use the batch's statistics.
pub fn compare(model: &Path, reference: &Path, device: &Device, precision: Precision) -> Result<Parity> {
    let i = import(model, &ImportOptions::default()).map_err(input)?;
    let m = Model::trainable(i.graph, i.info)?;
    let named = |e: String| input(format!("{}: {e}", model.display()));
    let (net, values) = Network::new(&m.graph, false, device).map_err(named)?;
    let bytes =
        relinc_passes::files::read(reference).map_err(|e| input(format!("{}: {e}", reference.display())))?;
    let t = SafeTensors::deserialize(&bytes).map_err(|e| input(format!("{}: {e}", reference.display())))?;
    let want = |name: &str| {
        floats(&t, name).ok_or_else(|| input(format!("{}: has no '{name}'", reference.display())))
    };
    let labels: Vec<usize> = want("labels")?.iter().map(|&l| l as usize).collect();
    let x = Burn::from_inner(upload(want("input")?, device)).require_grad();
    let leaves = net.leaves(&values);
    let soft = |n: usize| (0..n).map(|i| (0.618034f64 * (i as f64 + 1.0)).fract() as f32).collect::<Vec<_>>();
    let gates: Vec<Gate> = net
        .relus()
        .iter()
        .map(|r| {
            let neg = upload(soft(r.relus()).into_iter().map(|m| 1.0 - m).collect(), device);
            Gate::of_slopes(Burn::ones([r.relus()], device), Burn::from_inner(neg).require_grad())
        })
        .collect();
    let mut shape = vec![labels.len()];
    shape.extend(net.input());
    let call = Call {
        params: &leaves,
        gates: &gates,
        norms: Norms::Batch,
        branch: Branch::Clean,
        watch: false,
        probes: None,
        precision,
        tails: false,
    };
    let out = net.forward(Value::new(x.clone(), shape), &call).map_err(named)?;
    let loss = loss::cross_entropy(out.logits(), loss::labels(&labels, device), 0.0);
    let grads = loss.backward();
    let mut p = Parity {
        loss: f64::from(loss.into_scalar::<f32>()),
        reference_loss: f64::from(want("f64/loss")?[0]),
        ..Parity::default()
    };
    let row = |g: Option<Burn<1>>| g.map(download).unwrap_or_default();
    p.input = apart(&row(x.grad(&grads)), &want("f64/grad_input")?);
    for (site, gate) in net.relus().iter().zip(&gates) {
        let mine: Vec<f32> = row(gate.neg.grad(&grads)).into_iter().map(|v| -v).collect();
        p.masks = p.masks.max(apart(&mine, &want(&format!("f64/grad_mask/{}", site.name))?));
    }
    let (mut ours, mut theirs_half) = (Distance::default(), Some(Distance::default()));
    for (param, leaf) in net.params().iter().zip(&leaves).filter(|(p, _)| p.role.trainable()) {
        let Some(theirs) = floats(&t, &format!("f64/grad/{}", param.name)) else { continue };
        let own = row(leaf.grad(&grads));
        ours.add(&own, &theirs);
        let half = floats(&t, &format!("bf16/grad/{}", param.name));
        theirs_half = theirs_half.zip(half).map(|(sum, half)| sum.with(&half, &theirs));
        let d = apart(&own, &theirs);
        p.compared += 1;
        if d >= p.parameters {
            (p.parameters, p.worst) = (d, param.name.clone());
        }
    }
    p.distance = ours.relative();
    p.reference_distance = theirs_half.map(Distance::relative);
    Ok(p)
}

/// Squares of differences and of what they are relative to.
#[derive(Debug, Clone, Copy, Default)]
struct Distance(f64, f64);

impl Distance {
    fn add(&mut self, a: &[f32], b: &[f32]) {
        self.0 += a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        self.1 += b.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>();
    }
    fn with(mut self, a: &[f32], b: &[f32]) -> Distance {
        self.add(a, b);
        self
    }
    fn relative(self) -> f64 {
        (self.0 / self.1.max(f64::MIN_POSITIVE)).sqrt()
    }
}
