//! Where the elements lie.

use crate::build::*;
use relinc_passes::front::onnx::{ImportError, import};
use relinc_passes::ir::Op;
use relinc_passes::proto::tensor_proto::{DataLocation, DataType};
use relinc_passes::proto::{StringStringEntryProto, TensorProto};

fn with(t: TensorProto) -> Model {
    let like =
        model(13, &[-1, 3]).init(t).node("Cast", &["w"], &["f"], vec![int("to", DataType::Float as i64)]);
    like.node("Add", &["x", "f"], &["y"], vec![])
}

fn typed(data_type: DataType) -> TensorProto {
    TensorProto { name: "w".into(), dims: vec![3], data_type: data_type as i32, ..Default::default() }
}

#[test]
fn every_float_storage() {
    let half = [0x3c00u16, 0xc000, 0x3800];
    let bf = [0x3f80u16, 0xc000, 0x3f00];
    let raw = |v: &[u16]| v.iter().flat_map(|h| h.to_le_bytes()).collect::<Vec<u8>>();
    let cases = [
        TensorProto { float_data: vec![1.0, -2.0, 0.5], ..typed(DataType::Float) },
        TensorProto { double_data: vec![1.0, -2.0, 0.5], ..typed(DataType::Double) },
        TensorProto { int32_data: half.map(|h| h as i32).to_vec(), ..typed(DataType::Float16) },
        TensorProto { raw_data: raw(&half), ..typed(DataType::Float16) },
        TensorProto { int32_data: bf.map(|h| h as i32).to_vec(), ..typed(DataType::Bfloat16) },
        TensorProto { raw_data: raw(&bf), ..typed(DataType::Bfloat16) },
    ];
    for t in cases {
        let narrow = t.data_type != DataType::Float as i32;
        let r = with(t).import();
        assert_eq!(r.constant("w"), [1.0, -2.0, 0.5]);
        assert_eq!(r.notices().contains("computes in float32"), narrow, "{}", r.notices());
    }
}

#[test]
fn every_integer_storage() {
    let cases = [
        TensorProto { int64_data: vec![1, -2, 3], ..typed(DataType::Int64) },
        TensorProto { int32_data: vec![1, -2, 3], ..typed(DataType::Int32) },
        TensorProto { raw_data: vec![1, 254, 3], ..typed(DataType::Int8) },
        TensorProto { int32_data: vec![1, -2, 3], ..typed(DataType::Int8) },
    ];
    for t in cases {
        let r = model(13, &[-1, 3])
            .init(t)
            .node("Cast", &["w"], &["f"], vec![int("to", 1)])
            .node("Add", &["x", "f"], &["y"], vec![])
            .import();
        assert_eq!(r.constant("f"), [1.0, -2.0, 3.0]);
    }
}

#[test]
fn a_weight_of_the_wrong_size() {
    with(TensorProto { raw_data: vec![0; 8], ..typed(DataType::Float) })
        .refused(&["initializer 'w'", "8 bytes"]);
    with(TensorProto { float_data: vec![0.0; 2], ..typed(DataType::Float) }).refused(&["2 elements"]);
    with(TensorProto { dims: vec![i64::MAX, 8], ..typed(DataType::Float) }).refused(&["too large"]);
    with(TensorProto { dims: vec![-3], ..typed(DataType::Float) }).refused(&["not all sizes"]);
    with(typed(DataType::String)).refused(&["string"]);
}

fn external(location: &str, extra: &[(&str, &str)]) -> TensorProto {
    let entry = |k: &str, v: &str| StringStringEntryProto { key: k.into(), value: v.into() };
    let mut external_data = vec![entry("location", location)];
    external_data.extend(extra.iter().map(|(k, v)| entry(k, v)));
    TensorProto {
        external_data,
        data_location: Some(DataLocation::External as i32),
        ..typed(DataType::Float)
    }
}

#[test]
fn external_data() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.onnx");
    let run = |t: TensorProto| {
        let m = with(t);
        std::fs::write(&file, m.bytes()).unwrap();
        import(&file, &m.options)
    };
    let data: Vec<u8> = [9f32, 1.0, -2.0, 0.5].iter().flat_map(|f| f.to_le_bytes()).collect();
    std::fs::write(dir.path().join("w.data"), &data).unwrap();

    let m = run(external("w.data", &[("offset", "4"), ("length", "12")])).unwrap();
    let w = m.graph.const_of(m.graph.by_name("w").unwrap()).unwrap();
    assert_eq!(w.as_f32().unwrap(), [1.0, -2.0, 0.5]);

    let says = |t: TensorProto, words: &[&str]| {
        let e = run(t).unwrap_err();
        assert!(matches!(e, ImportError::External { .. }), "{e}");
        for w in words {
            assert!(e.to_string().contains(w), "{w} is missing in {e}");
        }
    };
    says(external("gone.data", &[]), &["gone.data", "'w'", "not found"]);
    says(external("w.data", &[("offset", "8")]), &["truncated", "16 bytes"]);
    says(external("w.data", &[("offset", "18446744073709551615")]), &["truncated"]);
    says(external("w.data", &[("length", "13")]), &["13 bytes"]);
    says(external("w.data", &[("offset", "a")]), &["not a number"]);
    says(external("../w.data", &[]), &["outside the model's folder"]);
    says(external("/etc/passwd", &[]), &["outside the model's folder"]);
    says(external("", &[]), &["names no data file"]);
    says(external(".", &[]), &["not a file"]);
}

#[cfg(unix)]
#[test]
fn no_external_data_behind_a_link_out_of_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("w"), [0; 12]).unwrap();
    std::os::unix::fs::symlink(other.path().join("w"), dir.path().join("w")).unwrap();
    let m = with(external("w", &[]));
    std::fs::write(dir.path().join("m.onnx"), m.bytes()).unwrap();
    let e = import(&dir.path().join("m.onnx"), &m.options).unwrap_err();
    assert!(e.to_string().contains("outside the model's folder"), "{e}");
}

#[test]
fn constant_nodes_in_every_form() {
    let forms = [
        (tensor("value", floats("", &[3])), "f32[N,3]"),
        (float("value_float", 1.5), "f32[N,3]"),
        (
            relinc_passes::proto::AttributeProto { floats: vec![1.0, 2.0, 3.0], ..attr("value_floats") },
            "f32[N,3]",
        ),
    ];
    for (a, ty) in forms {
        let r = model(13, &[-1, 3])
            .node("Constant", &[], &["c"], vec![a])
            .node("Add", &["x", "c"], &["y"], vec![])
            .import();
        assert_eq!(r.ty("y"), ty);
    }
    let r = model(13, &[-1, 4])
        .node("Constant", &[], &["c"], vec![ints("value_ints", &[-1, 2, 2])])
        .node("Reshape", &["x", "c"], &["y"], vec![])
        .import();
    assert_eq!(r.ty("y"), "f32[N,2,2]");
    model(13, &[-1, 4])
        .node("Constant", &[], &["c"], vec![word("value_string", "a")])
        .node("Add", &["x", "c"], &["y"], vec![])
        .refused(&["Constant 'c'", "value_string"]);
}

#[test]
fn weights_listed_as_inputs_are_no_inputs() {
    let r = with(floats("w", &[3])).input(value("w", DataType::Float, &[3])).import();
    assert_eq!(r.m.graph.inputs().len(), 1);
}

#[test]
fn one_constant_for_a_shared_weight() {
    let r = model(13, &[-1, 3])
        .init(floats("w", &[3]))
        .node("Add", &["x", "w"], &["h"], vec![])
        .node("Mul", &["h", "w"], &["y"], vec![])
        .import();
    assert_eq!(r.m.graph.users(r.id("w")).len(), 2);
    assert_eq!(r.m.graph.len(), 4);
}

#[test]
fn weights_behind_a_chain_stay_a_chain() {
    let r = model(13, &[-1, 3])
        .init(floats("w", &[2, 3]))
        .node("Transpose", &["w"], &["t"], vec![])
        .node("MatMul", &["x", "t"], &["y"], vec![])
        .import();
    assert_eq!(*r.op("t"), Op::Transpose(vec![1, 0]));
    assert_eq!(r.ty("y"), "f32[N,2]");
}

#[test]
fn quantised_weights_are_dequantised() {
    let q = TensorProto {
        name: "q".into(),
        dims: vec![2, 2],
        raw_data: vec![1, 254, 3, 4],
        ..typed(DataType::Int8)
    };
    let r = model(13, &[-1, 2])
        .init(q)
        .init(list("s", &[2], &[0.5, 2.0]))
        .init(TensorProto { name: "z".into(), dims: vec![2], raw_data: vec![0, 1], ..typed(DataType::Int8) })
        .node("DequantizeLinear", &["q", "s", "z"], &["w"], vec![int("axis", 0)])
        .node("MatMul", &["x", "w"], &["y"], vec![])
        .import();
    assert_eq!(r.constant("w"), [0.5, -1.0, 4.0, 6.0]);
    assert!(r.notices().contains("dequantised"));
    assert!(r.m.graph.by_name("q").is_none());
    model(13, &[-1, 2])
        .init(list("s", &[], &[0.5]))
        .node("QuantizeLinear", &["x", "s"], &["q"], vec![])
        .node("DequantizeLinear", &["q", "s"], &["h"], vec![])
        .node("QuantizeLinear", &["x", "s"], &["q2"], vec![])
        .node("DequantizeLinear", &["q2", "s"], &["h2"], vec![])
        .node("Add", &["h", "h2"], &["y"], vec![])
        .refused(&["2 nodes", "QuantizeLinear 'q'", "QuantizeLinear 'q2'", "float model"]);
}
