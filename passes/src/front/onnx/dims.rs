//! The inputs' dimensions: which one is the batch, which are named by `--dim`, which stay open.

use super::ImportOptions;
use super::integers::{self, is_integer};
use super::operators::Element;
use super::tensor::data_type;
use crate::ir::{DType, Dim, Type};
use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::dimension::Value as DimValue;
use crate::proto::{ValueInfoProto, type_proto};

/// The inputs' types, and what was decided on the way.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Name and type, in order.
    pub types: Vec<(String, Type)>,
    /// The number of images that the file fixes, where that was made symbolic.
    pub rebatched: Option<usize>,
    /// Those that are integers in the file.
    pub integers: Vec<(String, DataType)>,
    /// For the user.
    pub notices: Vec<String>,
}

/// A dimension before the batch is decided.
enum Size {
    Fixed(usize),
    Open(String),
}

/// Types every input, or says everything that is open.
pub fn inputs(infos: &[&ValueInfoProto], options: &ImportOptions) -> Result<Inputs, Vec<String>> {
    let mut out = Inputs::default();
    let (mut errors, mut open) = (vec![], vec![]);
    let mut batch: Option<String> = None;
    let mut used = vec![false; options.dims.len()];
    let mut symbols: Vec<String> = vec![];
    let freed = if options.keep_batch { None } else { fixed_batch(infos) };
    for info in infos {
        let (dtype, sizes) = match declared(info, &mut out) {
            Ok(v) => v,
            Err(e) => {
                errors.push(e);
                continue;
            }
        };
        let rank = sizes.len();
        if rank == 0 {
            errors.push(format!(
                "input '{}' is a single number; relinc compiles networks that take images",
                info.name
            ));
            continue;
        }
        let mut dims = vec![];
        for (i, size) in sizes.into_iter().enumerate() {
            let dim = match size {
                Size::Open(s) => {
                    if !symbols.contains(&s) {
                        symbols.push(s.clone());
                    }
                    match options.dims.iter().position(|(n, _)| *n == s) {
                        Some(k) => {
                            used[k] = true;
                            Dim::Fixed(options.dims[k].1)
                        }
                        // An unnamed first dimension carries its position as its name: always the batch.
                        None if i == 0
                            && (batch.is_none() || batch.as_deref() == Some(&s) || s.ends_with("[0]")) =>
                        {
                            batch.get_or_insert(s);
                            Dim::Batch
                        }
                        None => {
                            if !open.contains(&s) {
                                open.push(s);
                            }
                            continue;
                        }
                    }
                }
                Size::Fixed(k) if i == 0 && rank > 1 && freed == Some(k) => {
                    if out.rebatched.is_none() && k > 1 {
                        out.notices.push(format!(
                            "input '{}' has its batch fixed at {k} in the file; here it is free (--keep-batch leaves it as it is)",
                            info.name
                        ));
                    }
                    out.rebatched = Some(k);
                    Dim::Batch
                }
                Size::Fixed(k) => {
                    if i == 0 && k > 1 && rank > 1 {
                        out.notices
                            .push(format!("input '{}' has its batch fixed at {k}; it stays", info.name));
                    }
                    Dim::Fixed(k)
                }
            };
            dims.push(dim);
        }
        out.types.push((info.name.clone(), Type { dtype, dims }));
    }
    if !open.is_empty() {
        let flags: Vec<_> = open.iter().map(|s| format!("--dim '{s}'=…")).collect();
        errors.push(format!(
            "relinc keeps only the batch symbolic; give every other open dimension a size: {}",
            flags.join(" ")
        ));
    }
    for (k, (name, size)) in options.dims.iter().enumerate() {
        if let Some((_, first)) = options.dims[..k].iter().find(|(n, _)| n == name) {
            errors
                .push(format!("--dim {name}={size}: the dimension is given as {first} before; give it once"));
        } else if !used[k] {
            let known = if symbols.is_empty() { "no input has one".into() } else { symbols.join(", ") };
            errors.push(format!("--dim {name}={size}: no input has this open dimension (open: {known})"));
        } else if *size == 0 {
            errors.push(format!("--dim {name}=0: a size must be at least 1"));
        }
    }
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

/// The batch that the file fixes. One of 1 is always taken for it; a larger one where every input is an image or a row and
/// begins with it, since a single image without a batch begins with its channels.
fn fixed_batch(infos: &[&ValueInfoProto]) -> Option<usize> {
    let lead = |info: &&ValueInfoProto| {
        let Some(type_proto::Value::TensorType(t)) = info.r#type.as_ref()?.value.as_ref() else {
            return None;
        };
        let dims = &t.shape.as_ref()?.dim;
        match dims.first()?.value.as_ref()? {
            DimValue::DimValue(v) => Some((dims.len(), usize::try_from(*v).ok()?)),
            DimValue::DimParam(_) => None,
        }
    };
    let leads: Vec<Option<(usize, usize)>> = infos.iter().map(lead).collect();
    if leads.iter().flatten().any(|&(rank, k)| rank > 1 && k == 1) {
        return Some(1);
    }
    let (_, k) = (*leads.first()?)?;
    let all = leads.iter().all(|l| l.is_some_and(|(rank, other)| other == k && matches!(rank, 2 | 4)));
    (all && k > 1).then_some(k)
}

/// What a value holds by its declaration.
pub fn declared_element(info: &ValueInfoProto) -> Option<Element> {
    let Some(type_proto::Value::TensorType(t)) = info.r#type.as_ref()?.value.as_ref() else { return None };
    data_type(t.elem_type).ok().filter(|t| *t != DataType::Undefined).map(Element::Tensor)
}

fn declared(info: &ValueInfoProto, out: &mut Inputs) -> Result<(DType, Vec<Size>), String> {
    let name = &info.name;
    let Some(type_proto::Value::TensorType(t)) = info.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Err(format!("input '{name}' is not a tensor with a known type"));
    };
    let element = data_type(t.elem_type).map_err(|e| format!("input '{name}': {e}"))?;
    let dtype = match element {
        DataType::Float => DType::F32,
        DataType::Float16 | DataType::Bfloat16 | DataType::Double => {
            let was = element.as_str_name().to_lowercase();
            out.notices.push(format!("input '{name}' is {was} in the file; relinc computes in float32"));
            DType::F32
        }
        t if is_integer(t) => {
            out.notices.push(integers::notice(name, t));
            out.integers.push((name.clone(), t));
            DType::F32
        }
        DataType::Bool => DType::Bool,
        other => {
            let other = other.as_str_name().to_lowercase();
            return Err(format!("input '{name}' has element type {other}; export it as float32"));
        }
    };
    let shape = t.shape.as_ref().ok_or(format!(
        "input '{name}' declares no shape; export it with one, for example [batch, 3, 32, 32]"
    ))?;
    let size = |(i, d): (usize, &crate::proto::tensor_shape_proto::Dimension)| match &d.value {
        Some(DimValue::DimValue(v)) if *v > 0 => Size::Fixed(*v as usize),
        Some(DimValue::DimParam(s)) if !s.is_empty() => Size::Open(s.clone()),
        _ => Size::Open(format!("{name}[{i}]")),
    };
    Ok((dtype, shape.dim.iter().enumerate().map(size).collect()))
}
