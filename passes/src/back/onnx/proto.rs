//! Small builders of protobuf messages.

use crate::ir::{DType, Dim, Tensor, Type};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::type_proto::{self, Tensor as TypeTensor};
use crate::proto::{AttributeProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto};
use std::borrow::Cow;

/// A node, and the tensor that it holds where it is a `Constant`: large ones are written without a copy.
pub struct Node<'a> {
    /// All but the tensor.
    pub proto: NodeProto,
    /// The attribute `value`.
    pub value: Option<Cow<'a, Tensor>>,
}

pub fn node(
    op: &str,
    name: &str,
    inputs: &[String],
    output: &str,
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: name.into(),
        input: inputs.to_vec(),
        output: vec![output.into()],
        attribute,
        ..Default::default()
    }
}

pub fn attr(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind as i32, ..Default::default() }
}

pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attr(name, AttributeType::Int) }
}

pub fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f, ..attr(name, AttributeType::Float) }
}

pub fn ints<T: Copy + TryInto<i64>>(name: &str, v: &[T]) -> AttributeProto {
    let ints = v.iter().map(|&x| x.try_into().unwrap_or(i64::MAX)).collect();
    AttributeProto { ints, ..attr(name, AttributeType::Ints) }
}

pub fn data_type(d: DType) -> i32 {
    (match d {
        DType::F32 => DataType::Float,
        DType::I64 => DataType::Int64,
        DType::U8 => DataType::Uint8,
        DType::Bool => DataType::Bool,
    }) as i32
}

/// A tensor message without its data.
pub fn tensor_header(name: &str, t: &Tensor) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: t.shape().iter().map(|&d| d as i64).collect(),
        data_type: data_type(t.dtype()),
        ..Default::default()
    }
}

pub fn value_info(name: &str, ty: &Type) -> ValueInfoProto {
    let dim = |d: &Dim| Dimension {
        value: Some(match d {
            Dim::Batch => dimension::Value::DimParam("N".into()),
            Dim::Fixed(n) => dimension::Value::DimValue(*n as i64),
        }),
        ..Default::default()
    };
    let tensor = TypeTensor {
        elem_type: data_type(ty.dtype),
        shape: Some(TensorShapeProto { dim: ty.dims.iter().map(dim).collect() }),
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() }),
        ..Default::default()
    }
}
