//! What has to hold of a graph that was read: passes end, what is emitted is read again, and exact passes move no output.

use super::run::{Outcome, below, once_in};
use super::{masks, onnxruntime};
use relinc_passes::back::{crypten, mp_spdz, onnx, spu};
use relinc_passes::driver::valid::{self, Valid};
use relinc_passes::driver::weigh::Fold;
use relinc_passes::driver::{Options, Phase, core_form};
use relinc_passes::front::onnx::{ImportOptions, import};
use relinc_passes::head;
use relinc_passes::interp::Interp;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Facts, Graph, Op, Tensor, Unary};
use relinc_passes::layers::name_layers;
use relinc_passes::masks::{Masks, apply};
use relinc_passes::passes::drop_redundant_relu::settle;
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_passes::passes::run_all;
use relinc_passes::splitmix::SplitMix;
use std::collections::HashSet;
use std::path::Path;

pub const STAGES: [&str; 5] = ["refused", "read", "through the passes", "emitted", "executed"];

/// Multiplications of an execution.
const WORK: usize = 20_000_000;
/// Beyond these numbers nothing is said of rounding.
const HUGE: f64 = 1e12;

/// A graph that was read.
pub fn graph(g: Graph, dice: &mut SplitMix, folder: &Path) -> Outcome {
    let facts = match infer(&g) {
        Ok(f) => f,
        Err(e) => return Err(format!("what was read does not type: {}", e[0])),
    };
    let x = inputs(&g, &facts, dice);
    let before = x.as_ref().and_then(|x| run(&g, &facts, x));
    let mut canonical = g.clone();
    let options =
        Options { fold: if once_in(dice, 2) { Fold::Always } else { Fold::Never }, ..Options::default() };
    if canonicalised(&mut canonical, &options)?.is_none() {
        return Ok(1);
    }
    let facts = infer(&canonical).map_err(|e| format!("canonical form does not type: {}", e[0]))?;
    let head = head::split(&mut canonical, &facts);
    let facts = infer(&canonical).map_err(|e| format!("without its head it does not type: {}", e[0]))?;
    let layers = name_layers(&mut canonical, &facts);
    let mut whole = canonical.clone();
    head.attach(&mut whole).map_err(|e| format!("its head cannot be put back: {e}"))?;
    same("canonical form", &before, &whole, &x)?;
    // A choice for each of very many elements takes its time.
    let many = layers.iter().map(|l| l.relus()).fold(0, usize::saturating_add) > 1 << 22;
    let masks = match below(dice, 3) {
        _ if many => Masks::default(),
        0 => Masks::default(),
        _ => masks::random(&layers, dice),
    };
    let lowered = lower(whole, &masks, &options, &x)?;
    let Ok(v) = valid::check(&lowered) else { return Ok(2) };
    // Only networks that take one image are compiled.
    if lowered.only_input().is_ok_and(|(_, t)| t.fixed_batch().is_some_and(|n| n > 1)) {
        return Ok(2);
    }
    emit(&v, &x, dice, folder)?;
    Ok(if before.is_some_and(|b| b.finite) { 4 } else { 3 })
}

/// Masks on a graph with named layers.
pub fn masked(g: &Graph, masks: &Masks, dice: &mut SplitMix) -> Outcome {
    let facts = infer(g).map_err(|e| e[0].to_string())?;
    let x = inputs(g, &facts, dice);
    lower(g.clone(), masks, &Options { fold: Fold::Always, ..Options::default() }, &x)?;
    Ok(1)
}

/// Brings a graph to the form that passes of [`Phase::Lowering`] take; `None` where that is refused in words.
fn canonicalised(g: &mut Graph, options: &Options) -> Result<Option<()>, String> {
    run_all(Phase::Canonical, g, options).map_err(|e| e.to_string())?;
    Ok(core_form::check(g).is_ok().then_some(()))
}

/// Lowers a graph with masks; what came out computes what the masks say.
fn lower(mut g: Graph, masks: &Masks, options: &Options, x: &Option<Vec<Tensor>>) -> Result<Graph, String> {
    let Ok(wanted) = apply(&g, masks) else { return Ok(g) };
    let facts = infer(&wanted).map_err(|e| format!("with masks it does not type: {}", e[0]))?;
    let before = x.as_ref().and_then(|x| run(&wanted, &facts, x));
    let mut settled = masks.clone();
    settle(&g, &mut settled, None).map_err(|e| e.to_string())?;
    let options = options.clone().with(InsertMasks(settled));
    for phase in [Phase::Lowering, Phase::Folding, Phase::Cleanup] {
        run_all(phase, &mut g, &options).map_err(|e| e.to_string())?;
    }
    same("lowering", &before, &g, x)?;
    Ok(g)
}

/// What a graph gave.
struct Ran {
    outputs: Vec<Tensor>,
    /// The same for inputs that differ in their last bits.
    near: Vec<Tensor>,
    /// Largest number on the way.
    largest: f64,
    /// All numbers on the way are finite, and not huge.
    finite: bool,
}

/// Small inputs of a batch of two, where the graph does not take too long.
fn inputs(g: &Graph, facts: &Facts, dice: &mut SplitMix) -> Option<Vec<Tensor>> {
    let n = 2;
    let mut work = 0usize;
    for id in g.ids() {
        let out = facts.ty(id).at(n).into_iter().try_fold(1usize, usize::checked_mul)?;
        let per = match g.op(id) {
            Op::Conv(_) => facts.ty(g.operand(id, 1)?).at(1)[1..].iter().product(),
            Op::Linear | Op::MatMul | Op::Gemm { .. } => *facts.ty(g.operand(id, 0)?).at(1).last()?,
            Op::MaxPool(w) | Op::AvgPool { window: w, .. } => w.kernel[0].checked_mul(w.kernel[1])?,
            _ => 1,
        };
        work = work.checked_add(out.checked_mul(per.max(1))?)?;
    }
    if work > WORK {
        return None;
    }
    g.inputs()
        .iter()
        .map(|&i| {
            let ty = facts.ty(i);
            let shape = ty.at(n);
            let all = shape.iter().product();
            (ty.dtype == relinc_passes::ir::DType::F32)
                .then(|| Tensor::f32(shape, (0..all).map(|_| dice.uniform() * 2.0 - 1.0).collect()))
        })
        .collect()
}

fn run(g: &Graph, facts: &Facts, x: &[Tensor]) -> Option<Ran> {
    let _ = facts;
    let i = Interp::new(g).ok()?;
    // Beside a constant that is huge a number of usual size is lost in rounding.
    let constants = g.ids().filter_map(|id| g.const_of(id)).flat_map(|t| t.as_f32().unwrap_or_default());
    let bounds = g.ids().flat_map(|id| match g.op(id) {
        Op::Clip { min, max } => vec![*min, *max],
        Op::CappedRelu { cap } => vec![*cap],
        _ => vec![],
    });
    let written = constants.copied().chain(bounds).map(|v| f64::from(v.abs()));
    let mut largest = written.filter(|v| v.is_finite()).fold(0.0, f64::max);
    let mut finite = true;
    let outputs = i
        .run_watched(x.to_vec(), &mut |_, t| {
            for &v in t.as_f32().unwrap_or_default() {
                largest = largest.max(f64::from(v.abs()));
                finite &= v.is_finite();
            }
        })
        .ok()?;
    let nudged = x.iter().map(|t| {
        let v = t.as_f32().unwrap_or_default().iter().map(|v| v * (1.0 + 1e-6)).collect();
        Tensor::f32(t.shape(), v)
    });
    let near = i.run(nudged.collect()).ok()?;
    let finite = finite && largest < HUGE && steps(g).is_empty();
    Some(Ran { outputs, near, largest, finite })
}

/// Operations whose result may jump where an operand moves by rounding, or that divide by what may be nearly zero.
fn steps(g: &Graph) -> Vec<&'static str> {
    let jumps = |op: &Op| match op {
        Op::Compare(_) | Op::ArgMax { .. } | Op::Cast(_) => true,
        Op::Unary(u) => {
            matches!(u, Unary::Ceil | Unary::Floor | Unary::Reciprocal | Unary::Log | Unary::Sqrt)
        }
        Op::Binary(b) => matches!(b, relinc_passes::ir::Binary::Div | relinc_passes::ir::Binary::Pow),
        _ => false,
    };
    g.ids().map(|id| g.op(id)).filter(|op| jumps(op)).map(|op| op.mnemonic()).collect()
}

fn floats(t: &Tensor) -> Vec<f64> {
    t.as_f32().unwrap_or_default().iter().map(|&v| f64::from(v)).collect()
}

fn difference(a: &Tensor, b: &Tensor) -> f64 {
    let both = floats(a).into_iter().zip(floats(b));
    both.map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) })
}

/// Is what the graph computes now what was computed before?
fn same(what: &str, before: &Option<Ran>, now: &Graph, x: &Option<Vec<Tensor>>) -> Result<(), String> {
    let (Some(before), Some(x)) = (before.as_ref().filter(|b| b.finite), x) else { return Ok(()) };
    let now =
        Interp::new(now).and_then(|i| i.run(x.clone())).map_err(|e| format!("{what}: cannot run: {e}"))?;
    if now.len() != before.outputs.len() {
        return Err(format!("{what}: {} outputs instead of {}", now.len(), before.outputs.len()));
    }
    for ((a, b), near) in before.outputs.iter().zip(&now).zip(&before.near) {
        if a.shape() != b.shape() || a.dtype() != b.dtype() {
            return Err(format!("{what}: {:?} instead of {:?}", b.shape(), a.shape()));
        }
        let range = floats(a).into_iter().map(f64::abs).fold(1e-3, f64::max);
        let allowed = 1e-4 * range + 1e-5 * before.largest + 100.0 * difference(a, near);
        let moved = difference(a, b);
        if moved > allowed {
            return Err(format!("{what}: an output moved by more than rounding allows"));
        }
    }
    Ok(())
}

fn emit(v: &Valid<'_>, x: &Option<Vec<Tensor>>, dice: &mut SplitMix, folder: &Path) -> Result<(), String> {
    let g = v.graph();
    let before = x.as_ref().and_then(|x| run(g, v.facts(), x));
    let opset = 13 + below(dice, 11) as i64;
    let options = onnx::OnnxOptions { opset, ..Default::default() };
    let file = folder.join("emitted.onnx");
    if onnx::emit(v, &file, &options).is_ok() {
        again("onnx", &file, &before, x)?;
        if let Some(why) = onnxruntime::refuses(&file) {
            let why = why.split_once("failed:").map_or(&*why, |(_, why)| why);
            return Err(format!("onnxruntime does not read what was emitted: {why}"));
        }
    }
    let shape = g.inputs().first().map(|&i| v.facts().ty(i).at(1)).unwrap_or_default();
    let few = shape.iter().try_fold(1usize, |p, &d| p.checked_mul(d)).is_some_and(|n| n < 1 << 20);
    let sample =
        if few { Tensor::f32(&shape[..], vec![0.5; shape.iter().product()]) } else { Tensor::scalar(0.5) };
    let sub = |name: &str| {
        let dir = folder.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    };
    let convolutions: HashSet<_> = g.ids().filter(|&id| matches!(g.op(id), Op::Conv(_))).collect();
    let variants = ["semi2k", "cheetah"].into_iter().enumerate().map(|(i, p)| spu::Variant {
        protocol: p.into(),
        taps: if i == 0 { convolutions.clone() } else { HashSet::new() },
        dense: if i == 1 { convolutions.clone() } else { HashSet::new() },
        siblings: vec![],
    });
    let weights = "secret".to_string();
    let o = spu::SpuOptions {
        weights: weights.clone(),
        sample: sample.clone(),
        format: None,
        alone: None,
        images: 1,
        pictures: Default::default(),
        variants: variants.collect(),
    };
    if spu::emit(v, &sub("spu"), &o).is_ok() {
        for file in ["model.mlir", "model.cheetah.mlir"] {
            program(&folder.join("spu").join(file))?;
        }
    }
    let o = crypten::CryptenOptions {
        weights,
        sample: sample.clone(),
        metadata: vec![],
        fraction: 16,
        pictures: Default::default(),
    };
    if crypten::emit(v, &sub("crypten"), &o).is_ok() {
        again("crypten", &folder.join("crypten/model.onnx"), &before, x)?;
    }
    let o = mp_spdz::MpSpdzOptions { sample, format: None, leaky_truncation: false };
    let _ = mp_spdz::emit(v, &sub("mp-spdz"), &o);
    Ok(())
}

/// Reads an emitted file again.
fn again(target: &str, file: &Path, before: &Option<Ran>, x: &Option<Vec<Tensor>>) -> Result<(), String> {
    let options = ImportOptions { keep_batch: true, ..Default::default() };
    let i = import(file, &options).map_err(|e| {
        let e = e.to_string();
        let why = e.split_once(".onnx").map_or(e.as_str(), |(_, why)| why);
        format!("{target}: what was emitted is not read: {why}")
    })?;
    // Inputs that nothing reads are left out.
    let inputs = x.as_ref().map_or(0, Vec::len);
    if i.graph.inputs().len() < inputs {
        return Ok(());
    }
    same(&format!("{target} read again"), before, &i.graph, x)
}

/// Every value of a program is made before it is read.
fn program(file: &Path) -> Result<(), String> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(()) };
    let mut made: HashSet<String> = ["%a", "%b", "%c"].map(String::from).into();
    for line in text.lines() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        let names = |s: &str| -> Vec<String> {
            let mut out = vec![];
            for part in s.split('%').skip(1) {
                let n: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                out.push(format!("%{n}"));
            }
            out
        };
        if line.contains("func.func") {
            made.extend(names(line));
            continue;
        }
        let (left, right) = line.split_once(" = ").unwrap_or(("", line));
        if let Some(n) = names(right).into_iter().find(|n| !made.contains(n)) {
            return Err(format!("spu: a program reads {n}, which nothing makes"));
        }
        made.extend(names(left));
    }
    Ok(())
}
