//! The artefacts of every target.

use super::forms::Chosen;
use super::{Request, Target, describe};
use crate::error::{Result, input};
use crate::folder::Staging;
use crate::model::Model;
use relinc_passes::back::owners::{Normalize, Pictures};
use relinc_passes::back::{crypten, mp_spdz, onnx, spu};
use relinc_passes::driver::valid::Valid;
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::{Graph, Tensor};
use relinc_runtime::cost::Weights;

/// Weights that stay in the model's file must have been there when they were looked at.
pub(super) fn still_readable(g: &Graph, info: &ModelInfo) -> Result<()> {
    let why = g.ids().find_map(|id| g.const_of(id)?.in_file()?.unreadable());
    match why {
        Some(why) => {
            let file = info.path.display();
            Err(input(format!("{file}: changed while it was compiled, its weights cannot be read: {why}")))
        }
        None => Ok(()),
    }
}

/// What clients are told of the data set: how its images are normalised, and what its classes are called.
fn pictures(r: &Request, v: &Valid<'_>) -> Result<Pictures> {
    let Some(data) = &r.data else { return Ok(Pictures::default()) };
    let n = data.normalize();
    let shape = |id| v.facts().ty(id).at(1);
    let channels = v.graph().inputs().first().and_then(|&i| shape(i).get(1).copied());
    let outputs = v.graph().outputs().first().map(|o| shape(o.node).iter().product::<usize>());
    let normalize = channels.filter(|c| (1..=3).contains(c)).map(|c| Normalize {
        mean: n.mean[..c].iter().map(|m| m / n.scale).collect(),
        std: n.std[..c].iter().map(|s| s / n.scale).collect(),
    });
    let classes = data.catalogue().map_err(input)?.classes;
    Ok(Pictures { normalize, classes: (outputs == Some(classes.len())).then_some(classes) })
}

/// Writes every target.
pub(super) fn emit(
    v: &Valid<'_>,
    staging: &Staging,
    r: &Request,
    model: &Model,
    sample: &Tensor,
    chosen: &Chosen,
) -> Result<()> {
    let metadata = || {
        vec![
            ("relinc_source_sha256".to_string(), model.info.sha256.clone()),
            ("relinc_relus".to_string(), describe::relu_count(v).to_string()),
        ]
    };
    let weights = || r.options.weights.unwrap_or(Weights::Secret).name().to_string();
    let format = r.options.format();
    for t in &r.options.targets {
        match t {
            Target::Onnx => {
                let o = onnx::OnnxOptions {
                    opset: r.options.opset(),
                    metadata: metadata(),
                    ..Default::default()
                };
                onnx::emit(v, &staging.path().join("model.onnx"), &o).map_err(input)?;
            }
            Target::Spu => {
                let o = spu::SpuOptions {
                    weights: weights(),
                    sample: sample.clone(),
                    variants: chosen.variants(),
                    images: r.options.query_batch(),
                    pictures: pictures(r, v)?,
                    format: format.map(|f| (f.ring, f.fraction)),
                    alone: r.bounded.map(|b| spu::Alone {
                        fraction: b.format.fraction,
                        asked: b.asked,
                        at_most: b.at_most,
                    }),
                };
                spu::emit(v, &staging.subfolder("spu")?, &o).map_err(input)?;
            }
            Target::Crypten => {
                let (weights, sample) = (weights(), sample.clone());
                let fraction = format.map_or(crypten::FRACTION_BITS, |f| f.fraction);
                let (metadata, pictures) = (metadata(), pictures(r, v)?);
                let o = crypten::CryptenOptions { weights, sample, metadata, fraction, pictures };
                crypten::emit(v, &staging.subfolder("crypten")?, &o).map_err(input)?;
            }
            Target::MpSpdz => {
                let format = format.map(|f| (f.ring, f.fraction));
                let leaky_truncation = r.options.leaky_truncation;
                let o = mp_spdz::MpSpdzOptions { sample: sample.clone(), format, leaky_truncation };
                mp_spdz::emit(v, &staging.subfolder("mp-spdz")?, &o).map_err(input)?;
            }
        }
    }
    Ok(())
}
