//! A batch that the file fixes, and inputs that nothing reads.

use crate::build::*;
use relinc_passes::proto::tensor_proto::DataType;

/// A network whose exporter wrote the batch into its reshapes.
fn reshaped(batch: i64) -> Model {
    model(13, &[batch, 4, 2, 2])
        .init(longs("s", &[batch, 16]))
        .init(floats("w", &[16, 3]))
        .node("Relu", &["x"], &["r"], vec![])
        .node("Reshape", &["r", "s"], &["f"], vec![])
        .node("MatMul", &["f", "w"], &["y"], vec![])
}

#[test]
fn a_fixed_batch_is_freed() {
    for batch in [1, 2, 8] {
        assert_eq!(reshaped(batch).import().ty("y"), "f32[N,3]", "{batch}");
    }
    assert_eq!(reshaped(8).keep_batch().import().ty("y"), "f32[8,3]");
}

#[test]
fn zeros_as_large_as_the_batch() {
    for batch in [1, 8] {
        let r = model(13, &[batch, 2])
            .init(list("zeros", &[batch, 2], &vec![0.0; 2 * batch as usize]))
            .node("Max", &["x", "zeros"], &["y"], vec![])
            .import();
        assert_eq!(r.ty("y"), "f32[N,2]");
    }
    let r = model(13, &[8, 2])
        .init(longs("shape", &[8, 2]))
        .init(list("zero", &[1, 1], &[0.0]))
        .node("Expand", &["zero", "shape"], &["zeros"], vec![])
        .node("Max", &["x", "zeros"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,2]");
}

#[test]
fn no_freed_batch_where_images_differ() {
    let m = model(13, &[2, 2]).init(floats("each", &[2, 2])).node("Add", &["x", "each"], &["y"], vec![]);
    m.refused(&["Add 'y'", "--keep-batch"]);
    assert_eq!(m.keep_batch().import().ty("y"), "f32[2,2]");
}

/// CoordConv: channels of coordinates beside those of the image.
#[test]
fn constant_channels_of_a_fixed_batch() {
    for batch in [1, 3] {
        let image: Vec<f32> = vec![-1.0, 0.0, 0.5, 1.0];
        let all: Vec<f32> = (0..batch).flat_map(|_| image.clone()).collect();
        let r = model(13, &[batch, 3, 2, 2])
            .init(list("coordinates", &[batch, 1, 2, 2], &all))
            .node("Concat", &["x", "coordinates"], &["y"], vec![int("axis", 1)])
            .import();
        assert_eq!(r.ty("y"), "f32[N,4,2,2]");
        let (shape, y) = r.run(&[2, 3, 2, 2], vec![7.0; 24]);
        assert_eq!(shape, [2, 4, 2, 2]);
        assert_eq!(y[12..16], image);
        assert_eq!(y[28..], image);
    }
}

#[test]
fn inputs_that_nothing_reads() {
    let m = model(13, &[-1, 4])
        .input(value("unused", DataType::Float, &[1]))
        .input(value("odd", DataType::String, &[-3]))
        .node("Relu", &["x"], &["y"], vec![]);
    let r = m.import();
    assert_eq!(r.m.graph.len(), 2);
    assert!(r.notices().contains("'unused'") && r.notices().contains("'odd'"));
    // Read by what no output needs.
    let r = m.clone().node("Neg", &["unused"], &["dead"], vec![]).import();
    assert_eq!(r.m.graph.inputs().len(), 1);
    assert!(r.notices().contains("'unused'"));
}
