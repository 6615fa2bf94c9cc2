//! Open dimensions, the batch, opsets.

use crate::build::*;
use relinc_passes::proto::tensor_proto::DataType;

fn relu(opset: i64, x: &[i64]) -> Model {
    model(opset, x).node("Relu", &["x"], &["y"], vec![])
}

#[test]
fn the_first_dimension_is_the_batch() {
    assert_eq!(relu(13, &[-1, 4]).import().ty("y"), "f32[N,4]");
    assert_eq!(relu(13, &[0, 4]).import().ty("y"), "f32[N,4]");
    assert_eq!(relu(13, &[1, 4]).import().ty("y"), "f32[N,4]");
    assert_eq!(relu(13, &[1, 4]).keep_batch().import().ty("y"), "f32[1,4]");
    assert_eq!(relu(13, &[-1, 4]).dim("batch", 1).import().ty("y"), "f32[1,4]");
    let fixed = relu(13, &[8, 4]).import();
    assert_eq!(fixed.ty("y"), "f32[N,4]");
    assert!(fixed.notices().contains("fixed at 8"));
    assert_eq!(relu(13, &[8, 4]).keep_batch().import().ty("y"), "f32[8,4]");
    // One image without a batch begins with its channels.
    assert_eq!(relu(13, &[3, 32, 32]).import().ty("y"), "f32[3,32,32]");
}

#[test]
fn other_open_dimensions_need_a_size() {
    relu(13, &[-1, 3, -2, -3]).refused(&["--dim 's2'", "--dim 's3'"]);
    assert_eq!(relu(13, &[-1, 3, -2, -3]).dim("s2", 8).dim("s3", 9).import().ty("y"), "f32[N,3,8,9]");
    relu(13, &[-1, 0]).refused(&["--dim 'x[1]'"]);
    assert_eq!(relu(13, &[-1, 0]).dim("x[1]", 5).import().ty("y"), "f32[N,5]");
    relu(13, &[-1, 4]).dim("bacth", 1).refused(&["bacth", "batch"]);
    relu(13, &[-1, -2]).dim("s2", 0).refused(&["at least 1"]);
}

#[test]
fn two_inputs_share_the_batch() {
    let m = |a: &[i64]| {
        model(13, &[-1, 4]).input(value("a", DataType::Float, a)).node("Add", &["x", "a"], &["y"], vec![])
    };
    assert_eq!(m(&[-1, 4]).import().ty("y"), "f32[N,4]");
    assert_eq!(m(&[0, 4]).import().ty("y"), "f32[N,4]");
    m(&[-2, 4]).refused(&["--dim 's2'"]);
}

#[test]
fn inputs_without_a_shape_or_a_usable_type() {
    let mut m = relu(13, &[-1, 4]);
    m.graph().input[0] = value("x", DataType::Complex64, &[-1, 4]);
    m.refused(&["complex64", "float32"]);
    let mut m = relu(13, &[-1, 4]);
    if let Some(relinc_passes::proto::type_proto::Value::TensorType(t)) =
        m.graph().input[0].r#type.as_mut().and_then(|t| t.value.as_mut())
    {
        t.shape = None;
    }
    m.refused(&["declares no shape"]);
    let mut m = relu(13, &[-1, 4]);
    m.graph().input[0].r#type = None;
    m.refused(&["known type"]);
    let mut m = relu(13, &[-1, 4]);
    m.graph().input[0] = value("x", DataType::Float16, &[-1, 4]);
    assert!(m.import().notices().contains("float16"));
}

#[test]
fn stale_value_info_is_ignored() {
    let mut m = model(13, &[-1, 4]).node("Relu", &["x"], &["h"], vec![]).node("Neg", &["h"], &["y"], vec![]);
    m.graph().value_info.push(value("h", DataType::Float, &[7, 7, 7]));
    m.graph().output[0] = value("y", DataType::Float, &[3]);
    assert_eq!(m.import().ty("y"), "f32[N,4]");
}

#[test]
fn rebatching_rewrites_reshapes() {
    let m = |target: &[i64]| {
        model(9, &[1, 4, 2, 2]).init(longs("s", target)).node("Reshape", &["x", "s"], &["y"], vec![])
    };
    assert_eq!(m(&[1, 16]).import().ty("y"), "f32[N,16]");
    assert_eq!(m(&[1, -1]).import().ty("y"), "f32[N,16]");
    assert_eq!(m(&[-1, 16]).import().ty("y"), "f32[N,16]");
    assert_eq!(m(&[1, 16]).keep_batch().import().ty("y"), "f32[1,16]");
    m(&[16]).refused(&["--keep-batch"]);
    assert_eq!(m(&[16]).keep_batch().import().ty("y"), "f32[16]");
}

#[test]
fn rebatching_refuses_to_pick_an_image() {
    let m =
        model(9, &[1, 4]).init(long("zero", 0)).node("Gather", &["x", "zero"], &["y"], vec![int("axis", 0)]);
    m.refused(&["--keep-batch"]);
}

#[test]
fn opsets() {
    for v in 9..=23 {
        assert!(relu(v, &[-1, 4]).import().m.notices.is_empty(), "opset {v}");
    }
    for v in [7, 8, 24] {
        assert!(relu(v, &[-1, 4]).import().notices().contains(&format!("opset {v}")));
    }
    relu(6, &[-1, 4]).refused(&["opset 6", "too old"]);
}
