//! One training step, timed.

use super::Row;
use crate::error::{Error, input};
use burn::tensor::Device;
use relinc_passes::architecture::{Architecture, Kind};
use relinc_passes::ir::infer::infer;
use relinc_passes::layers::name_layers;
use relinc_runtime::cost;
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::exec::Network;
use relinc_runtime::train::loader::{LoaderOptions, batch};
use relinc_runtime::train::model::MOMENTUM;
use relinc_runtime::train::objective::At;
use relinc_runtime::train::optimizer::Sgd;
use relinc_runtime::train::{Kind as StageKind, Model, Recipe};
use std::time::Instant;

/// Times SGD steps with masked ReLUs on ResNet-20 at batch 128 and ResNet-18 at batch 32, on drawn images.
pub fn measure(repeat: usize) -> Result<Vec<Row>, Error> {
    [(20, 128), (18, 32)].into_iter().map(|(depth, size)| one(depth, size, repeat)).collect()
}

fn one(depth: usize, size: usize, repeat: usize) -> Result<Row, Error> {
    let a = Architecture { kind: Kind::Resnet, depth, width: None, classes: 10, input: [3, 32, 32] };
    let mut g = a.build(0).map_err(input)?;
    let facts = infer(&g).map_err(|e| input(&e[0]))?;
    name_layers(&mut g, &facts);
    let macs = cost::totals(&g, &facts).macs;
    let spec: DataSpec = format!("shapes?train={size}").parse().map_err(input)?;
    let ds = spec.open(Split::Train, Some(size)).map_err(input)?;
    let net = Network::new(&g, false, &Device::flex()).map_err(input)?;
    let mut m = Model::new(net, &spec.normalize(), ds.image_shape()).map_err(input)?;
    let recipe = Recipe::new(StageKind::Teacher, None, false, 1.0, 1);
    let mut sgd = Sgd::new(m.params.len(), 0.9, 5e-4, 0.0);
    let o = LoaderOptions { batch: size, augment: true, augmix: false, seed: 0, order: None };
    let b = batch(&ds, &o, 0, 0, (0..size).collect()).map_err(input)?;
    let mut seconds = f64::MAX;
    for i in 0..=repeat {
        let start = Instant::now();
        let c = recipe
            .objective
            .compute(&m, &m.gates, None, &b, false, At { seed: 0, step: 0 })
            .map_err(input)?;
        let grads = c.loss.backward();
        let all = c.leaves.iter().map(|l| if l.is_require_grad() { l.grad(&grads) } else { None }).collect();
        sgd.step(&mut m.params, all, 1e-3);
        for (branch, s) in &c.statistics {
            m.update_statistics(*branch, s, MOMENTUM);
        }
        if i > 0 {
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
    }
    let each = size as f64 / seconds;
    Ok(Row {
        name: format!("train-step resnet-{depth}, batch {size}"),
        seconds,
        peak_bytes: super::peak_memory(),
        model_bytes: None,
        images_per_second: Some(each),
        gflops: Some(each * macs as f64 * 6.0 / 1e9),
    })
}
