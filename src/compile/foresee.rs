//! Whether every target can express what will come out: known from the network alone, so asked before the first image is read.

use super::make::options;
use super::{Request, Target};
use crate::error::{Result, input};
use crate::model::Model;
use relinc_passes::back::{EmitError, crypten, mp_spdz, onnx, spu};
use relinc_passes::choice::Choice;
use relinc_passes::driver::Options;
use relinc_passes::driver::valid::Valid;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::passes::insert_masks::InsertMasks;

/// Finds operations that a target of the request has no form for, under the masks that are known. Where they are to be found, under
/// all ReLUs and under half of them.
///
/// # Errors
/// All such operations of all targets.
pub(crate) fn expressible(model: &Model, known: Option<&Masks>, r: &Request) -> Result<()> {
    let all = Masks::uniform(&model.layers, Choice::Relu);
    let tried = match known {
        Some(m) => vec![model.complete(m.clone())],
        None => vec![all, half(&model.layers)],
    };
    for masks in tried {
        let mut model = model.clone();
        let options = Options { sketch: true, fold: Fold::Never, ..options(r) };
        model.lower(&options.with(InsertMasks(masks)), None)?;
        let v = model.valid()?;
        let whys: Vec<String> =
            r.options.targets.iter().filter_map(|&t| Some(refusal(&v, t, r)?.to_string())).collect();
        if !whys.is_empty() {
            return Err(input(format!("{}: {}", model.info.path.display(), whys.join("; "))));
        }
    }
    Ok(())
}

fn refusal(v: &Valid<'_>, t: Target, r: &Request) -> Option<EmitError> {
    let checked = match t {
        Target::Onnx => onnx::check(v, &onnx::OnnxOptions { opset: r.options.opset(), ..Default::default() }),
        Target::Spu => spu::check(v),
        Target::Crypten => crypten::check(v),
        Target::MpSpdz => mp_spdz::check(v),
    };
    checked.err()
}

/// Every other element keeps its ReLU.
fn half(layers: &[ReluLayer]) -> Masks {
    let of = |l: &ReluLayer| {
        let choice = |i| if i % 2 == 0 { Choice::Relu } else { Choice::Identity };
        (l.name.clone(), LayerMask::new(l.shape, (0..l.relus()).map(choice).collect()))
    };
    Masks { layers: layers.iter().map(of).collect(), ..Masks::default() }
}
