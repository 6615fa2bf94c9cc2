use super::{random, rng, run};
use crate::interp::{Interp, InterpError, eval_const};
use crate::ir::op::{Op, SliceAxis};
use crate::ir::shape::Dim;
use crate::ir::tensor::Tensor;
use crate::ir::text::parse;

const FLATTEN: &str = "graph g {
    %x = input f32[N,2,3]
    %s = shape(%x) {start=0, end=3}
    %i = const i64[1] [-3]
    %n = gather(%s, %i) {axis=0}
    %m = const i64[1] [-1]
    %to = concat(%n, %m) {axis=0}
    %y = dyn.reshape(%x, %to)
    output y = %y
}";

#[test]
fn shape_subgraphs_run_at_any_batch() {
    for n in [1, 2, 5] {
        let x = random(&mut rng(n as u64), &[n, 2, 3]);
        let y = run(FLATTEN, vec![x.clone()]).expect("runs");
        assert_eq!(y, [x.reshaped([n, 6])]);
    }
}

#[test]
fn operands_of_dynamic_operations_are_resolved() {
    let y = run(
        "graph g {
            %x = input f32[N,3]
            %amounts = const i64[4] [0, 1, 0, 2]
            %value = const f32[] [9.0]
            %p = dyn.pad(%x, %amounts, %value)
            %s = const i64[1] [5]
            %e = const i64[1] [-100]
            %a = const i64[1] [-1]
            %t = const i64[1] [-2]
            %r = dyn.slice(%p, %s, %e, %a, %t)
            %lo = const f32[] [0.5]
            %none = const f32[0] []
            %c = dyn.clip(%r, %lo, %none)
            %ax = const i64[1] [1]
            %sum = dyn.reduce(%c, %ax) {kind=sum, keep=false}
            %u = dyn.unsqueeze(%sum, %ax)
            %q = dyn.squeeze(%u, %ax)
            %shape = const i64[2] [2, 1]
            %f = dyn.fill_float(%shape) {value=0.25}
            %k = dyn.fill_int(%shape) {value=3}
            output c = %c
            output q = %q
            output f = %f
            output k = %k
        }",
        vec![Tensor::f32([2, 3], vec![1.0, 2.0, 3.0, -4.0, -5.0, -6.0])],
    )
    .expect("runs");
    assert_eq!(y[0], Tensor::f32([2, 3], vec![9.0, 3.0, 1.0, 9.0, 0.5, 0.5]));
    assert_eq!(y[1], Tensor::f32([2], vec![13.0, 10.0]));
    assert_eq!(y[2], Tensor::f32([2, 1], vec![0.25; 2]));
    assert_eq!(y[3], Tensor::i64([2, 1], vec![3; 2]));
}

#[test]
fn an_operand_read_twice_is_not_overwritten() {
    let y = run(
        "graph g { %x = input f32[N,2] %r = relu(%x) %a = add(%r, %r) %n = neg(%r) %d = dropout(%n)
           %z = mul(%a, %x) output z = %z output d = %d output x = %x output again = %z }",
        vec![Tensor::f32([1, 2], vec![-1.0, 3.0])],
    )
    .expect("runs");
    assert_eq!(y[0].as_f32(), Some(&[-0.0, 18.0][..]));
    assert_eq!(y[1].as_f32(), Some(&[-0.0, -3.0][..]));
    assert_eq!(y[2].as_f32(), Some(&[-1.0, 3.0][..]));
    assert_eq!(y[3], y[0]);
}

#[test]
fn the_largest_comes_first_on_ties() {
    let y = run(
        "graph g { %x = input f32[N,3] %a = arg_max(%x) {axis=1} %b = arg_max(%x) {axis=0, keep=true}
           output a = %a output b = %b }",
        vec![Tensor::f32([2, 3], vec![1.0, 5.0, 5.0, 2.0, 2.0, 1.0])],
    );
    // Reducing the batch is fine on concrete tensors.
    assert_eq!(y, Ok(vec![Tensor::i64([2], vec![1, 0]), Tensor::i64([1, 3], vec![1, 0, 0])]));
}

#[test]
fn a_wrong_input_is_named_with_both_shapes() {
    let g = parse("graph g { %a = input f32[N,2] %b = input f32[N,3] output a = %a output b = %b }")
        .expect("parses");
    let i = Interp::new(&g).expect("plans");
    let t = |n: usize, c: usize| Tensor::f32([n, c], vec![0.0; n * c]);
    let message = |inputs| i.run(inputs).expect_err("is refused").to_string();
    assert_eq!(message(vec![t(1, 2)]), "1 inputs given, the graph takes 2");
    assert_eq!(message(vec![t(4, 3), t(4, 3)]), "input 'a' is f32[4,3], the graph wants f32[N,2]");
    assert_eq!(message(vec![t(4, 2), t(5, 3)]), "input 'b' is f32[5,3], the graph wants f32[4,3]");
    assert_eq!(message(vec![t(4, 2), Tensor::ints(&[1])]), "input 'b' is i64[1], the graph wants f32[4,3]");
}

#[test]
fn an_error_names_node_and_operation() {
    let e = run(
        "graph g { %x = input f32[N,2] %i = input i64[1] %y = gather(%x, %i) {axis=1} output y = %y }",
        vec![Tensor::f32([1, 2], vec![1.0, 2.0]), Tensor::ints(&[2])],
    );
    assert_eq!(e, Err("gather 'y': index 2 is outside 2".into()));
}

#[test]
fn a_cycle_is_named() {
    let mut g =
        parse("graph g { %x = input f32[N,2] %a = relu(%x) %b = relu(%a) output b = %b }").expect("parses");
    let (a, b) = (g.by_name("a").expect("a"), g.by_name("b").expect("b"));
    g.set_operands(a, &[b]);
    assert_eq!(Interp::new(&g).map(|_| ()), Err(InterpError::Cycle { node: "a".into() }));
}

#[test]
fn watching_sees_computed_values_only_where_an_output_needs_them() {
    let g = parse(FLATTEN.replace("output y", "%dead = relu(%y) output y").as_str()).expect("parses");
    let mut seen = vec![];
    let i = Interp::new(&g).expect("plans");
    i.run_watched(vec![Tensor::f32([1, 2, 3], vec![0.0; 6])], &mut |n, t| {
        seen.push((g.node(n).name.clone(), t.shape().to_vec()));
    })
    .expect("runs");
    let names: Vec<&str> = seen.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["s", "n", "to", "y"]);
    assert_eq!(seen[3].1, [1, 6]);
}

#[test]
fn wrong_operands_are_errors_not_panics() {
    let x = Tensor::f32([1, 2], vec![1.0, 2.0]);
    let i = Tensor::ints(&[1]);
    let slice = |axis, step| Op::Slice(vec![SliceAxis { axis, start: 0, end: i64::MAX, step }]);
    assert!(eval_const(&slice(5, 1), &[&x]).is_err());
    assert_eq!(eval_const(&slice(1, i64::MAX), &[&x]), Ok(Tensor::f32([1, 1], vec![1.0])));
    assert!(eval_const(&slice(1, i64::MIN), &[&x]).is_ok());
    assert!(eval_const(&Op::Linear, &[&x]).is_err());
    assert!(eval_const(&Op::Linear, &[&i, &x]).is_err());
    assert!(eval_const(&Op::Relu, &[&i]).is_err());
    assert!(eval_const(&Op::Relu, &[]).is_err());
    assert!(eval_const(&Op::Expand(vec![Dim::Batch, Dim::Fixed(2)]), &[&x]).is_err());
    assert!(eval_const(&Op::Expand(vec![Dim::Fixed(1 << 60), Dim::Fixed(2)]), &[&x]).is_err());
    assert_eq!(eval_const(&Op::Reshape(vec![Dim::Batch]), &[&x]), Ok(x.reshaped([2])));
}
