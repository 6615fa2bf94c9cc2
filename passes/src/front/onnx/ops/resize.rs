//! Resize and Upsample by the nearest pixel: elements of each axis at fixed places.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::infer::norm_axis;
use crate::ir::{Dim, Op, SymInt, Tensor};

/// No axis becomes longer.
const MAX: f32 = (1 << 16) as f32;

const SCALED: &str = "its scales are computed from data; relinc needs them constant or shape-derived";

/// How one axis is resized.
struct Axis {
    input: usize,
    output: usize,
    scale: f32,
}

/// Resize, or Upsample, which is older.
pub fn resize(c: &mut Ctx<'_>) -> Done {
    let old = c.node.op_type == "Upsample" || c.opset < 11;
    let mode = c.word("mode", "nearest");
    if mode != "nearest" {
        return Err(format!(
            "interpolates (mode '{mode}'); relinc repeats the nearest pixel only: resize the images before the model, or use nearest"
        )
        .into());
    }
    if c.flag("antialias", false)
        || !matches!(c.word("keep_aspect_ratio_policy", "stretch").as_str(), "stretch")
    {
        return Err(
            "smooths the result, or keeps its aspect; export it with antialias = 0 and the policy 'stretch'"
                .into(),
        );
    }
    let x = c.need(0)?;
    let dims = c.ty(x)?.dims;
    let axes: Vec<usize> = match c.ints("axes").filter(|_| !old) {
        Some(a) => a.into_iter().map(|a| norm_axis(a, dims.len())).collect::<Result<_, _>>()?,
        None => (0..dims.len()).collect(),
    };
    let sizes = sizes(c, &dims, &axes, old)?;
    let (place, round) = if old {
        ("asymmetric".to_string(), "floor".to_string())
    } else {
        (c.word("coordinate_transformation_mode", "half_pixel"), c.word("nearest_mode", "round_prefer_floor"))
    };
    let mut y = x;
    for (&axis, s) in axes.iter().zip(sizes) {
        let Some(s) = s else { continue };
        let at = (0..s.output).map(|i| nearest(&s, i, &place, &round)).collect::<Result<Vec<i64>, Stop>>()?;
        let places = c.helper(Op::Const(Tensor::ints(&at).into()), &[])?;
        y = c.helper(Op::Gather { axis }, &[y, places])?;
    }
    c.emit(Op::Identity, &[y])
}

/// What becomes of each axis; `None` where it stays.
fn sizes(c: &mut Ctx<'_>, dims: &[Dim], axes: &[usize], old: bool) -> Result<Vec<Option<Axis>>, Stop> {
    let wanted: Option<Vec<SymInt>> = match c.has(3) && !old {
        true => {
            let id = c.need(3)?;
            Some(c.fact(id)?.ints.clone().ok_or(SCALED)?)
        }
        false => None,
    };
    let scales: Vec<f32> = match (&wanted, c.attr("scales").map(|a| a.floats.clone())) {
        (Some(_), _) => vec![],
        (None, Some(scales)) => scales,
        (None, None) => {
            let id = c.need(if old { 1 } else { 2 })?;
            c.konst(id).ok_or(SCALED)?.as_f32().ok_or(SCALED)?.to_vec()
        }
    };
    let given = wanted.as_ref().map_or(scales.len(), Vec::len);
    if given != axes.len() {
        return Err(format!("has {given} sizes for {} axes", axes.len()).into());
    }
    let images = c.b.rebatched.map(|k| SymInt::fixed(k as i64));
    let one = |i: usize, axis: usize| -> Result<Option<Axis>, Stop> {
        let Dim::Fixed(input) = dims[axis] else {
            let same = match &wanted {
                Some(w) => w[i] == Dim::Batch.into() || Some(w[i]) == images,
                None => scales[i] == 1.0,
            };
            return if same { Ok(None) } else { Err("resizes the batch".into()) };
        };
        let (output, scale) = match &wanted {
            Some(w) => {
                let n =
                    w[i].as_fixed().filter(|&n| n >= 1).ok_or("a size depends on the batch, or is none")?;
                (n as f32, n as f32 / input as f32)
            }
            None => ((input as f32 * scales[i]).floor(), scales[i]),
        };
        if !(1.0..=MAX).contains(&output) || input == 0 {
            return Err(format!("makes {output} of the {input} elements of axis {axis}").into());
        }
        let output = output as usize;
        Ok((output != input || scale != 1.0).then_some(Axis { input, output, scale }))
    };
    axes.iter().enumerate().map(|(i, &axis)| one(i, axis)).collect()
}

/// The place that element `i` of the result is read from.
fn nearest(s: &Axis, i: usize, place: &str, round: &str) -> Result<i64, Stop> {
    let o = i as f32;
    let x = match place {
        "asymmetric" => o / s.scale,
        "half_pixel" => (o + 0.5) / s.scale - 0.5,
        "pytorch_half_pixel" => {
            if s.output > 1 {
                (o + 0.5) / s.scale - 0.5
            } else {
                0.0
            }
        }
        "tf_half_pixel_for_nn" => (o + 0.5) / s.scale,
        "align_corners" if s.output == 1 => 0.0,
        "align_corners" => o * (s.input as f32 - 1.0) / (s.output as f32 - 1.0),
        other => {
            return Err(format!(
                "coordinate_transformation_mode '{other}' is not supported; use asymmetric or half_pixel"
            )
            .into());
        }
    };
    let x = match round {
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round_prefer_floor" => (x - 0.5).ceil(),
        "round_prefer_ceil" => x.round(),
        other => return Err(format!("nearest_mode '{other}' is unknown").into()),
    };
    Ok((x as i64).clamp(0, s.input as i64 - 1))
}
