//! Images a second of an evaluation, without reading and drawing them.

use super::{Plan, Row, Subject, Task};
use crate::error::{Result, input};
use crate::model::Model;
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::infer::infer;
use relinc_runtime::cost;
use relinc_runtime::eval::Classifier;

/// Evaluates each network as `relinc eval` does, on drawn numbers.
pub fn measure(plan: &mut Plan<'_>) -> Result<Vec<Row>> {
    plan.subjects.clone().iter().map(|(s, batch)| one(s, *batch, plan)).collect()
}

fn one(subject: &Subject, batch: usize, plan: &mut Plan<'_>) -> Result<Row> {
    let graph = subject.0.build(0).map_err(input)?;
    let m = Model::plain(graph, ModelInfo::default())?;
    let facts = infer(&m.graph).map_err(|e| input(&e[0]))?;
    let macs = cost::totals(&m.graph, &facts).macs as f64;
    let network = Classifier::new(&m.graph).map_err(input)?;
    let [c, h, w] = subject.0.input;
    let x = crate::random::uniform(&[batch, c, h, w], 0);
    let task =
        Task { name: format!("eval {subject}, batch {batch}"), batch, flops: 2.0 * macs * batch as f64 };
    task.measure(plan, &mut || network.run(x.clone()).map(drop).map_err(input))
}
