#![allow(clippy::unwrap_used)]

use super::*;
use crate::architecture::{Architecture, Kind};
use crate::back::onnx::{OnnxOptions, emit, write_elements};
use crate::driver::{Options, Phase, valid};
use crate::front::onnx::{ImportOptions, import};
use crate::ir::{Graph, Tensor};
use crate::passes;
use std::io::Write;

/// A tensor in a file, behind three other bytes, and the same in memory.
fn both(shape: &[usize], v: &[f32]) -> (tempfile::NamedTempFile, Tensor, Tensor) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"abc").unwrap();
    v.iter().for_each(|x| file.write_all(&x.to_le_bytes()).unwrap());
    let span = Arc::new(Span::new(Arc::new(File::open(file.path()).unwrap()), 3));
    let there = Tensor::stored(shape, Stored::new(span, Shape::of(shape)));
    (file, there, Tensor::f32(shape, v.to_vec()))
}

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0).collect()
}

/// Powers of two, by which products are exact.
fn powers(n: usize) -> Vec<f64> {
    (0..n).map(|i| 2f64.powi((i % 7) as i32 - 3)).collect()
}

#[test]
fn factors_multiply_in_a_file_as_in_memory() {
    // The last is more than one piece, and one of its rows is cut.
    for (shape, columns) in
        [(vec![4, 3, 2, 2], 3), (vec![6, 2, 3], 4), (vec![5], 0), (vec![300, 64, 3, 3], 64)]
    {
        let (_file, there, here) = both(&shape, &numbers(shape.iter().product()));
        let (rows, columns) = (powers(shape[0]), powers(columns));
        let twice = |t: &Tensor| {
            let t = t.scaled(Factors { rows: &rows, columns: &[] }).unwrap();
            t.scaled(Factors { rows: &rows, columns: &columns }).unwrap()
        };
        let (there, here) = (twice(&there), twice(&here));
        assert!(there.in_file().is_some() && there.is_finite());
        let written = |t: &Tensor| {
            let mut bytes = vec![];
            write_elements(&mut bytes, t).unwrap();
            bytes
        };
        assert_eq!(written(&there), written(&here), "{shape:?}");
        assert_eq!(there.first_f32(5), here.first_f32(5));
        assert_eq!(there, here);
        assert_eq!(there.clone().into_data(), here.into_data());
    }
}

#[test]
fn no_scaling_by_factors_that_do_not_fit() {
    let (_file, there, here) = both(&[4, 3], &numbers(12));
    for (rows, columns) in [(3, 0), (4, 2), (0, 9), (5, 3)] {
        let (rows, columns) = (powers(rows), powers(columns));
        let f = Factors { rows: &rows, columns: &columns };
        assert_eq!((there.scaled(f), here.scaled(f)), (None, None));
    }
}

#[test]
fn what_leaves_the_range_is_not_finite() {
    let (_file, there, _) = both(&[2, 2], &[1.0, -2.0, 3e30, 0.5]);
    assert!(there.is_finite());
    let by = |f: f64| there.scaled(Factors { rows: &[f, f], columns: &[] }).unwrap().is_finite();
    assert!(by(1e7) && !by(1e9) && !by(f64::NAN));
    for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(!both(&[2], &[1.0, x]).1.is_finite());
    }
}

#[test]
fn elements_of_a_file_that_shrank_are_no_numbers_and_say_why() {
    let (file, there, _) = both(&[4], &numbers(4));
    file.as_file().set_len(11).unwrap();
    assert!(write_elements(&mut vec![], &there).is_err());
    assert!(there.in_file().unwrap().unreadable().is_none());
    assert!(there.as_f32().unwrap().iter().all(|x| x.is_nan()));
    assert!(there.in_file().unwrap().unreadable().is_some());
}

/// ResNet-20, imported with and without its weights in memory.
fn imported(in_file: bool, folder: &std::path::Path) -> Graph {
    let path = folder.join("model.onnx");
    if !path.exists() {
        let a = Architecture { kind: Kind::Resnet, depth: 20, width: None, classes: 10, input: [3, 32, 32] };
        let g = a.build(3).unwrap();
        emit(&valid::check(&g).unwrap(), &path, &OnnxOptions::default()).unwrap();
    }
    import(&path, &ImportOptions { in_file, ..ImportOptions::default() }).unwrap().graph
}

#[test]
fn a_model_is_the_same_with_its_weights_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let [mut there, mut here] = [true, false].map(|f| imported(f, folder.path()));
    let stored =
        |g: &Graph| g.ids().filter(|&id| g.const_of(id).is_some_and(|t| t.in_file().is_some())).count();
    assert!(stored(&there) > 10 && stored(&here) == 0);
    for phase in [Phase::Canonical, Phase::Lowering, Phase::Cleanup] {
        for g in [&mut there, &mut here] {
            passes::run_all(phase, g, &Options::default()).unwrap();
        }
    }
    assert!(stored(&there) > 10);
    for id in here.ids() {
        let other = there.by_name(&here.node(id).name).unwrap();
        if let (Some(a), Some(b)) = (here.const_of(id), there.const_of(other)) {
            let far = |a: f32, b: f32| (a - b).abs() > 4.0 * f32::EPSILON * a.abs();
            assert_eq!(a.shape(), b.shape());
            if let (Some(a), Some(b)) = (a.as_f32(), b.as_f32()) {
                assert!(!a.iter().zip(b).any(|(&a, &b)| far(a, b)), "{}", here.node(id).name);
            }
        }
    }
}
