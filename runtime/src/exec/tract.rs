//! tract-core as an independent oracle: it shares no code with our front end or interpreter.

use crate::eval::of_one_image;
use relinc_passes::ir::Tensor;
use std::path::Path;
use tract_onnx::prelude::*;

/// Runs an ONNX file on a batch `[n, …]`, one image at a time, and returns output `at` of the file, `[n, …]`.
/// Errors are tract's, in words.
pub fn run(path: &Path, at: usize, batch: &Tensor) -> Result<Tensor, String> {
    let fail = |e: TractError| format!("{}: tract: {e:#}", path.display());
    let data = batch.as_f32().ok_or("the input is not f32")?;
    let n = batch.shape()[0];
    let mut shape = batch.shape().to_vec();
    shape[0] = 1;
    // Exporters leave shapes of intermediate values behind that contradict the fixed batch.
    let model = tract_onnx::onnx()
        .with_ignore_output_shapes(true)
        .with_ignore_value_info(true)
        .model_for_path(path)
        .and_then(|m| m.with_input_fact(0, f32::fact(&shape).into()))
        .and_then(|m| m.into_optimized())
        .and_then(|m| m.into_runnable())
        .map_err(fail)?;
    let per: usize = shape.iter().product();
    let mut out: Vec<f32> = vec![];
    let mut dims = vec![];
    for image in data.chunks_exact(per) {
        let x = tract_onnx::prelude::Tensor::from_shape(&shape, image).map_err(fail)?;
        let y = model.run(tvec!(x.into_tvalue())).map_err(fail)?;
        let y = y.get(at).ok_or_else(|| format!("{}: tract: has no output {at}", path.display()))?;
        let y = y.to_plain_array_view::<f32>().map_err(fail)?;
        dims = of_one_image(y.shape(), 1)?;
        out.extend(y.iter());
    }
    Ok(Tensor::f32([&[n], &dims[..]].concat(), out))
}
