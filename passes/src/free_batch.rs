//! A batch that a model fixes at 1, made free.

use crate::interp::Interp;
use crate::ir::infer::{infer, infer_node};
use crate::ir::{Dim, Facts, Graph, NodeId, Op, Tensor};
use crate::splitmix::SplitMix;

/// How far an output may move, relative to 1 + its size: another batch may sum in another order.
const TOLERANCE: f32 = 1e-4;

/// The graph for batches of any size: the input's first dimension becomes symbolic, and so does the 1 that stands for it
/// in the dimensions of reshapes and expansions. A graph whose batch is free already comes back as it is. For graphs in
/// canonical form.
///
/// # Errors
/// A batch other than 1; an operation that needs the batch to be 1; images that are not independent of each other, which
/// two random ones show: run together they must give what each gives alone.
pub fn free_batch(g: &Graph) -> Result<Graph, String> {
    let (input, ty) = g.only_input()?;
    match ty.dims.first() {
        Some(Dim::Batch) => return Ok(g.clone()),
        Some(Dim::Fixed(1)) if ty.rank() > 1 => {}
        _ => return Err(format!("the model takes {ty}; only a batch of 1 can be made free")),
    }
    let mut ty = ty.clone();
    ty.dims[0] = Dim::Batch;
    let sample = ty.per_sample();
    let mut free = g.clone();
    free.set_op(input, Op::Input(ty));
    retype(g, &mut free).map_err(|e| format!("the batch cannot be made free: {e}"))?;
    compare(g, &free, &sample).map_err(|e| format!("the batch cannot be made free: {e}"))?;
    Ok(free)
}

/// Infers `free` in order and makes the batch symbolic in every shape it carries.
fn retype(g: &Graph, free: &mut Graph) -> Result<(), String> {
    let was = infer(g).map_err(|e| e.first().map(ToString::to_string).unwrap_or_default())?;
    let at = |id: NodeId| format!("{} '{}'", g.op(id).mnemonic(), g.node(id).name);
    let mut facts = Facts::default();
    for id in g.topo().map_err(|n| format!("{} is on a cycle", at(n)))? {
        let operand = g.operand(id, 0).and_then(|o| facts.get(o)).map(|f| f.ty.dims.clone());
        if let Some(op) = operand.and_then(|dims| batched(g.op(id), &dims)) {
            free.set_op(id, op);
        }
        let fact = infer_node(free, &facts, id).map_err(|e| e.to_string())?;
        let fact = fact.ok_or_else(|| format!("{} reads a value without a type", at(id)))?;
        if fact.ty.at(1) != was.ty(id).at(1) {
            return Err(format!("{} would become {} from {}", at(id), fact.ty, was.ty(id)));
        }
        facts.set(id, fact);
    }
    match g.outputs().iter().find(|o| facts.ty(o.node).dims.first() != Some(&Dim::Batch)) {
        Some(o) => Err(format!("output '{}' is {} and has no batch", o.name, facts.ty(o.node))),
        None => Ok(()),
    }
}

/// A reshape or expansion of a value with a batch, its 1 for the batch made symbolic.
fn batched(op: &Op, operand: &[Dim]) -> Option<Op> {
    if operand.first() != Some(&Dim::Batch) {
        return None;
    }
    let with = |dims: &[Dim], at: usize| {
        let mut dims = dims.to_vec();
        let batch = dims.get_mut(at).filter(|d| **d == Dim::Fixed(1))?;
        *batch = Dim::Batch;
        Some(dims)
    };
    match op {
        Op::Reshape(d) => with(d, 0).map(Op::Reshape),
        Op::Expand(d) => with(d, d.len().checked_sub(operand.len())?).map(Op::Expand),
        _ => None,
    }
}

/// Runs two random images together in `free` and one by one in `g`.
fn compare(g: &Graph, free: &Graph, sample: &[usize]) -> Result<(), String> {
    let size: usize = sample.iter().product();
    let mut random = SplitMix::new(0);
    let values: Vec<f32> = (0..2 * size).map(|_| 2.0 * random.uniform() - 1.0).collect();
    let run = |g: &Graph, values: &[f32]| -> Result<Vec<Tensor>, String> {
        let shape = [&[values.len() / size.max(1)], sample].concat();
        let interp = Interp::new(g).map_err(|e| e.to_string())?;
        interp.run(vec![Tensor::f32(shape, values.to_vec())]).map_err(|e| e.to_string())
    };
    let together = run(free, &values)?;
    let alone = [run(g, &values[..size])?, run(g, &values[size..])?];
    for (i, (t, o)) in together.iter().zip(g.outputs()).enumerate() {
        let other = |why: &str| Err(format!("output '{}' of two images {why}", o.name));
        let (Some(t), Some(a), Some(b)) = (t.as_f32(), alone[0][i].as_f32(), alone[1][i].as_f32()) else {
            return other("is not of floats");
        };
        let same = |(x, y): (&f32, &f32)| (x - y).abs() <= TOLERANCE * (1.0 + y.abs());
        if t.len() != a.len() + b.len() || !t.iter().zip(a.iter().chain(b)).all(same) {
            return other("is not that of each alone: the model mixes the images of a batch");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ir::text::parse;

    fn graph(batch: &str, body: &str) -> Graph {
        parse(&format!(
            "graph g {{
               %x = input f32[{batch},2,2,2]
               %w = const f32[3,8] rand(seed=1)
               %v = const f32[3,3] rand(seed=2)
               {body}
               output \"y\" = %y
             }}"
        ))
        .unwrap()
    }

    fn refusal(batch: &str, body: &str) -> String {
        free_batch(&graph(batch, body)).unwrap_err()
    }

    const HEAD: &str = "%f = reshape(%x) {dims=[1, 8]} %l = linear(%f, %w) %r = relu(%l)";

    #[test]
    fn reshapes_and_expansions_follow_the_input() {
        let body = format!(
            "{HEAD} %c = reshape(%r) {{dims=[1, 3, 1]}} %e = expand(%c) {{dims=[1, 3, 2]}} \
             %y = reshape(%e) {{dims=[1, 6]}}"
        );
        let free = free_batch(&graph("1", &body)).unwrap();
        let facts = infer(&free).unwrap();
        assert_eq!(facts.ty(free.outputs()[0].node).dims, [Dim::Batch, Dim::Fixed(6)]);
    }

    #[test]
    fn no_batch_behind_another_axis() {
        let body = format!("{HEAD} %e = expand(%r) {{dims=[1, 1, 3]}} %y = reshape(%e) {{dims=[1, 3]}}");
        let why = refusal("1", &body);
        assert!(why.contains("cannot be made free"), "{why}");
    }

    #[test]
    fn free_already() {
        let g = graph("N", &HEAD.replace("[1, 8]", "[N, 8]").replace("%r =", "%y ="));
        let free = free_batch(&g).unwrap();
        assert_eq!(free.len(), g.len());
        assert_eq!(free.only_input().unwrap().1, g.only_input().unwrap().1);
    }

    #[test]
    fn no_other_batch() {
        let why = refusal("2", "%y = relu(%x)");
        assert!(why.contains("f32[2,2,2,2]") && why.contains("batch of 1"), "{why}");
    }

    #[test]
    fn no_shape_that_needs_the_one() {
        let why = refusal("1", "%a = relu(%x) %y = reshape(%a) {dims=[4, 2]}");
        assert!(why.contains("reshape 'y'"), "{why}");
    }

    #[test]
    fn no_mixing_of_images() {
        let why = refusal("1", &format!("{HEAD} %y = softmax(%r) {{axis=0}}"));
        assert!(why.contains("mixes"), "{why}");
        let why = refusal("1", &format!("{HEAD} %y = reduce(%r) {{kind=mean, axes=[0], keep=true}}"));
        assert!(why.contains("no batch"), "{why}");
    }
}
