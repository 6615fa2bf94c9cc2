//! Pass tests in text: `tests/passes/<pass>/<case>.pir`.
//!
//! A case is a header of `#` lines, a graph, a line `# expect`, and the graph that must come out (large constants print
//! as `opaque`). Prose is written in `;` comments, so a mistyped header line cannot pass for one. Header lines:
//!
//! ```text
//! # run: <pass> [<pass> …]            the passes, in order
//! # mask relu00: <constant>           the mask of a layer, as `[…]`, `splat(…)`, `rand(…)`; its shape is the layer's,
//!                                     or written: `u8[4,2,2] splat(0)`
//! # slope relu00: <constant>          the slopes of that mask, one a channel
//! # quadratic relu00: <constant>      the coefficients of its quadratic elements, three a channel
//! # range conv1: 40                   the largest magnitude measured of a value, for normalise-ranges
//! # target: 3                          its target, an exponent of two
//! # fold: always                      lets the weighed passes rewrite
//! # sign relu00: [1, 0, -1]           signs of that layer's operand: never negative, varying, never positive;
//!                                     11 and 10 where it was above the layer's cap as well
//! # input: -2 2                       the declared range of the inputs
//! # data my-pass: <text>              the data of an opt-in pass, as its `Pass::read` takes it
//! # softmax: drop                     switches drop-softmax on
//! # refused: <substring>              a refusal that must be given; every refusal must be announced
//! # valid: no                         the result must fail `valid::check`, instead of pass it
//! ```
//!
//! Both graphs are executed and compared, so a pretty but wrong snapshot cannot pass: exact passes to 1e-5 of each
//! output's range, insert-masks with a ReLU masked by hand, drop-softmax by arg max, merge-hoisted away from the outer
//! quarters of maps. In `no_*.pir` the pass must change
//! nothing. `BLESS=1 cargo test -p relinc-passes --test filetests` rewrites the expectations and `docs/passes.md`.
#![allow(clippy::unwrap_used)]

use relinc_passes::choice::Choice;
use relinc_passes::driver::valid;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::driver::{self, Guarantee, Options, Pass};
use relinc_passes::interp::{Interp, eval_const};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::op::SliceAxis;
use relinc_passes::ir::text::{Constants, parse, print};
use relinc_passes::ir::{Binary, DType, Dim, Graph, NodeId, Op, Tensor, Type};
use relinc_passes::layers::mask_shape;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::passes::drop_softmax::DropSoftmax;
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_passes::passes::normalise_ranges::{NormaliseRanges, Ranges};
use relinc_passes::passes::stable_sign::{Sign, Signs, Stable, StableSign};
use relinc_passes::passes::{PASSES, documentation, find};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

const EXPECT: &str = "# expect\n";
const BATCH: usize = 3;
const TOLERANCE: f32 = 1e-5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|v| v == "1")
}

/// One `.pir` file.
struct Case {
    file: PathBuf,
    /// Header and input graph, as written.
    input: String,
    /// What follows `# expect`.
    expected: String,
}

/// What a header asks for.
struct Header {
    run: Vec<&'static dyn Pass>,
    options: Options,
    masks: Option<Masks>,
    refused: Vec<String>,
    valid: bool,
}

impl Header {
    fn passes(&self) -> impl Iterator<Item = &dyn Pass> {
        self.run.iter().filter_map(|p| self.options.instance(*p))
    }
}

impl Case {
    fn read(file: &Path) -> Case {
        let text = std::fs::read_to_string(file).unwrap();
        let (input, expected) = text.split_once(EXPECT).unwrap_or((&text, ""));
        Case { file: file.to_path_buf(), input: input.to_string(), expected: expected.to_string() }
    }
    /// The pass whose folder the case lies in.
    fn pass(&self) -> String {
        self.file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
    }
    /// Must the pass leave the graph alone?
    fn is_negative(&self) -> bool {
        self.file.file_name().unwrap().to_string_lossy().starts_with("no_")
    }
    fn name(&self) -> String {
        self.file.strip_prefix(root()).unwrap_or(&self.file).display().to_string()
    }
    fn graph(&self) -> Result<Graph, String> {
        parse(&self.input).map_err(|e| format!("the input does not parse: {e}"))
    }

    fn header(&self, g: &Graph) -> Result<Header, String> {
        let mut h =
            Header { run: vec![], options: Options::default(), masks: None, refused: vec![], valid: true };
        let mut masks = Masks::default();
        let (mut ranges, mut target, mut signs) = (BTreeMap::new(), 0, Signs::default());
        for line in self.input.lines().map_while(|l| l.strip_prefix('#')) {
            let (key, value) = line.split_once(':').ok_or(format!("header line without a colon: #{line}"))?;
            let value = value.trim();
            match key.split_whitespace().collect::<Vec<_>>()[..] {
                ["run"] => {
                    for name in value.split_whitespace() {
                        h.run.push(find(name).ok_or(format!("there is no pass {name}"))?);
                    }
                }
                ["softmax"] if value == "drop" => h.options = h.options.with(DropSoftmax),
                ["data", name] => {
                    let pass = find(name).ok_or(format!("there is no pass {name}"))?.read(value)?;
                    h.options = h.options.with_shared(pass);
                }
                ["fold"] if value == "always" => h.options.fold = Fold::Always,
                ["range", node] => {
                    ranges
                        .insert(node.to_string(), value.parse().map_err(|_| format!("no number: {value}"))?);
                }
                ["target"] => target = value.parse().map_err(|_| format!("no number: {value}"))?,
                ["sign", layer] => {
                    let of = signs_of(g, layer, value)?;
                    signs.layers.insert(layer.to_string(), of);
                }
                ["input"] => {
                    let v: Vec<f32> = value.split_whitespace().filter_map(|v| v.parse().ok()).collect();
                    let [low, high] = v[..] else { return Err(format!("no range: {value}")) };
                    h.options.input_range = Some((low, high));
                }
                ["refused"] => h.refused.push(value.to_string()),
                ["valid"] if value == "no" => h.valid = false,
                ["mask", layer] => drop(masks.layers.insert(layer.to_string(), mask(g, layer, value)?)),
                ["slope", layer] => {
                    let m = masks.layers.get_mut(layer).ok_or(format!("slope of {layer} before its mask"))?;
                    let slopes = constant(&format!("f32[{}]", m.shape[0]), value)?;
                    m.parameters.insert(Choice::Identity, slopes.as_f32().unwrap().to_vec());
                }
                ["quadratic", layer] => {
                    let m =
                        masks.layers.get_mut(layer).ok_or(format!("quadratic of {layer} before its mask"))?;
                    let all = constant(&format!("f32[{},3]", m.shape[0]), value)?;
                    m.parameters.insert(Choice::Quadratic, all.as_f32().unwrap().to_vec());
                }
                _ => return Err(format!("unknown header line: #{line}")),
            }
        }
        if !masks.layers.is_empty() {
            h.options = h.options.with(InsertMasks(masks.clone()));
            h.masks = Some(masks);
        }
        if !ranges.is_empty() {
            h.options = h.options.with(NormaliseRanges(Some(Ranges::new(g, ranges, target))));
        }
        if !signs.layers.is_empty() {
            h.options = h.options.with(StableSign(signs));
        }
        match h.run.iter().find(|p| h.options.instance(**p).is_none()) {
            Some(p) => Err(format!("{} is not enabled by this header", p.name())),
            None if h.run.iter().any(|p| p.name() == self.pass()) => Ok(h),
            None => Err(format!("the header does not run {}", self.pass())),
        }
    }

    /// Runs the case and returns the text of the result.
    fn run(&self) -> Result<String, String> {
        let before = self.graph()?;
        let header = self.header(&before)?;
        let mut after = before.clone();
        let (mut applied, mut refused) = (0, vec![]);
        for p in header.passes() {
            let outcome = driver::run(p, &mut after, &header.options).map_err(|e| e.to_string())?;
            if p.name() == self.pass() {
                applied += outcome.applied;
            }
            refused.extend(outcome.refused.into_iter().map(|r| format!("{}: {}", r.node, r.why)));
        }
        match (self.is_negative(), applied) {
            (true, 1..) => {
                let now = print(&after, Constants::Opaque);
                return Err(format!("{} rewrites, none expected:\n{now}", applied));
            }
            (false, 0) => return Err(format!("the pass found nothing to do; it refused {refused:?}")),
            _ => {}
        }
        if let Some(want) = header.refused.iter().find(|w| !refused.iter().any(|r| r.contains(*w))) {
            return Err(format!("no refusal says \"{want}\": {refused:?}"));
        }
        if let Some(r) = refused.iter().find(|r| !header.refused.iter().any(|w| r.contains(w))) {
            return Err(format!("a refusal that no header line announces: {r}"));
        }
        match valid::check(&after) {
            Ok(_) if !header.valid => return Err("the result is valid, the header says otherwise".into()),
            Err(e) if header.valid => return Err(format!("the result is not valid: {e:?}")),
            _ => {}
        }
        compare(&before, &after, &header, !self.is_negative())?;
        Ok(print(&after, Constants::Opaque))
    }
}

/// The constant a `.pir` literal stands for.
fn constant(ty: &str, literal: &str) -> Result<Tensor, String> {
    let g = parse(&format!("graph c {{ %c = const {ty} {literal} }}")).map_err(|e| e.to_string())?;
    let id = g.by_name("c").ok_or("no constant")?;
    Ok(Tensor::clone(g.const_of(id).ok_or("no constant")?))
}

/// The signs of a layer, written as numbers.
fn signs_of(g: &Graph, layer: &str, text: &str) -> Result<Vec<Stable>, String> {
    let facts = infer(g).map_err(|e| format!("{e:?}"))?;
    let id = g.ids().find(|&id| g.node(id).layer.as_deref() == Some(layer)).ok_or("no such layer")?;
    let n = match text.strip_prefix('[') {
        Some(list) => list.split(',').count(),
        None => mask_shape(&facts, id).iter().product(),
    };
    let sign = |&v: &f32| {
        let capped = v >= 10.0;
        let sign = match v - if capped { 10.0 } else { 0.0 } {
            1.0 => Sign::NeverNegative,
            -1.0 => Sign::NeverPositive,
            _ => Sign::Varies,
        };
        Stable { sign, capped }
    };
    Ok(constant(&format!("f32[{n}]"), text)?.as_f32().unwrap().iter().map(sign).collect())
}

fn mask(g: &Graph, layer: &str, text: &str) -> Result<LayerMask, String> {
    let of_layer = || {
        let facts = infer(g).map_err(|e| format!("{e:?}"))?;
        let id = g.ids().find(|&id| g.node(id).layer.as_deref() == Some(layer));
        let [c, h, w] = mask_shape(&facts, id.ok_or(format!("no layer {layer}: write the mask's shape"))?);
        Ok::<_, String>(format!("u8[{c},{h},{w}]"))
    };
    let t = match text.split_once(' ').filter(|(ty, _)| ty.starts_with("u8[")) {
        Some((ty, literal)) => constant(ty, literal)?,
        None => constant(&of_layer()?, text)?,
    };
    let shape = t.shape().try_into().map_err(|_| "a mask is C×H×W")?;
    let values =
        Choice::of_codes(t.as_u8().unwrap()).map_err(|i| format!("value {i} of the mask means nothing"))?;
    Ok(LayerMask::new(shape, values))
}

/// Deterministic inputs in ±2.
fn inputs(g: &Graph) -> Result<Vec<Tensor>, String> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 22) as f32 - 2.0
    };
    let of = |&id: &NodeId| match g.op(id) {
        Op::Input(t) if t.dtype == DType::F32 => {
            let shape = t.at(BATCH);
            let n = shape.iter().product();
            Ok(Tensor::f32(shape, (0..n).map(|_| next()).collect()))
        }
        _ => Err(format!("input {} is not f32", g.node(id).name)),
    };
    g.inputs().iter().map(of).collect()
}

/// Runs both graphs on the same inputs and holds the passes to their guarantee.
fn compare(before: &Graph, after: &Graph, header: &Header, changes: bool) -> Result<(), String> {
    let given = inputs(before)?;
    let run = |g: &Graph| Interp::new(g).and_then(|i| i.run(given.clone())).map_err(|e| e.to_string());
    let got = run(after)?;
    let promises = |p| header.run.iter().any(|r| r.guarantee() == p);
    let want = match &header.masks {
        Some(m) if changes && promises(Guarantee::Learned) => masked_by_hand(before, m, &given)?,
        _ => run(before)?,
    };
    if got.len() != want.len() {
        return Err(format!("{} outputs instead of {}", got.len(), want.len()));
    }
    for (o, (got, want)) in before.outputs().iter().zip(got.iter().zip(&want)) {
        let inside = promises(Guarantee::ExactInterior) && changes && want.rank() == 4;
        let (got, want) = if inside { (&interior(got), &interior(want)) } else { (got, want) };
        let same = if promises(Guarantee::SameArgMax) { same_arg_max } else { close };
        same(got, want).map_err(|why| format!("output {}: {why}", o.name))?;
    }
    Ok(())
}

fn close(got: &Tensor, want: &Tensor) -> Result<(), String> {
    if got.shape() != want.shape() {
        return Err(format!("shape {:?} instead of {:?}", got.shape(), want.shape()));
    }
    let (Some(g), Some(w)) = (got.as_f32(), want.as_f32()) else {
        return if got == want { Ok(()) } else { Err("the elements differ".into()) };
    };
    let (low, high) = w.iter().fold((0f32, 0f32), |(l, h), &v| (l.min(v), h.max(v)));
    let far = |(g, w): (&f32, &f32)| (g - w).abs() > TOLERANCE * (high - low) || !(g - w).is_finite();
    match g.iter().zip(w).position(far) {
        Some(i) => Err(format!("element {i} is {} instead of {}, of a range {}", g[i], w[i], high - low)),
        None => Ok(()),
    }
}

/// A map without the outer quarters of its rows and columns.
fn interior(t: &Tensor) -> Tensor {
    let middle = |axis: usize| {
        let (n, ring) = (t.shape()[axis], t.shape()[axis].div_ceil(4));
        SliceAxis { axis, start: ring as i64, end: (n - ring) as i64, step: 1 }
    };
    let inner = eval_const(&Op::Slice(vec![middle(2), middle(3)]), &[t]).unwrap();
    assert!(!inner.is_empty(), "a map of shape {:?} has no interior", t.shape());
    inner
}

fn same_arg_max(got: &Tensor, want: &Tensor) -> Result<(), String> {
    let best = |t: &Tensor| -> Vec<usize> {
        let row = |r: &[f32]| (0..r.len()).max_by(|&a, &b| r[a].total_cmp(&r[b])).unwrap();
        t.as_f32().unwrap().chunks(*t.shape().last().unwrap()).map(row).collect()
    };
    let (g, w) = (best(got), best(want));
    if g == w { Ok(()) } else { Err(format!("arg max {g:?} instead of {w:?}")) }
}

/// The outputs with the masks applied element by element here, independently of `masked_relu`.
fn masked_by_hand(g: &Graph, masks: &Masks, given: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let mut values: HashMap<NodeId, Tensor> =
        g.inputs().iter().zip(given).map(|(&id, t)| (id, t.clone())).collect();
    for id in g.topo().map_err(|_| "cycle")? {
        if values.contains_key(&id) {
            continue;
        }
        let operands: Vec<Tensor> = g.operands(id).iter().map(|o| values[o].clone()).collect();
        let mask = g.node(id).layer.as_ref().and_then(|l| masks.layers.get(l));
        let value = match (g.op(id).relu_cap(), mask) {
            (Some(cap), Some(m)) => {
                let plane = m.values.len() / m.shape[0];
                let masked = |(i, &x): (usize, &f32)| {
                    let e = i % m.values.len();
                    match m.values[e] {
                        Choice::Identity => x * m.slopes().map_or(1.0, |s| s[e / plane]),
                        Choice::Relu => x.max(0.0).min(cap),
                        Choice::Zero => 0.0,
                        Choice::Quadratic => {
                            let p = m.of_channel(Choice::Quadratic, e / plane);
                            p[0] * x * x + p[1] * x + p[2]
                        }
                        Choice::Uncapped => x.max(0.0),
                    }
                };
                let v = operands[0].as_f32().unwrap().iter().enumerate().map(masked).collect();
                Tensor::f32(operands[0].shape(), v)
            }
            _ => eval_const(g.op(id), &operands.iter().collect::<Vec<_>>())?,
        };
        values.insert(id, value);
    }
    Ok(g.outputs().iter().map(|o| values[&o.node].clone()).collect())
}

fn cases() -> Vec<Case> {
    let sorted = |dir: &Path| {
        let mut v: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
        v.sort();
        v
    };
    let files = sorted(&root().join("tests/passes")).into_iter().flat_map(|d| sorted(&d));
    files.filter(|f| f.extension().is_some_and(|e| e == "pir")).map(|f| Case::read(&f)).collect()
}

#[test]
fn passes_do_what_their_cases_say() {
    let mut failures = vec![];
    for case in cases() {
        match case.run() {
            Err(why) => failures.push(format!("{}: {why}", case.name())),
            Ok(actual) if actual == case.expected => {}
            Ok(actual) if blessing() => {
                // By rename: the other tests read the file at the same time.
                let new = case.file.with_extension("new");
                std::fs::write(&new, format!("{}{EXPECT}{actual}", case.input)).unwrap();
                std::fs::rename(&new, &case.file).unwrap();
            }
            Ok(actual) => failures.push(format!(
                "{}: another graph comes out\n--- expected\n{}--- actual\n{actual}",
                case.name(),
                case.expected
            )),
        }
    }
    assert!(failures.is_empty(), "{} case(s) fail\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn a_case_that_changes_nothing_expects_its_input() {
    for case in cases().iter().filter(|c| c.is_negative() && !blessing()) {
        let input = print(&case.graph().unwrap(), Constants::Opaque);
        assert_eq!(case.expected, input, "{}", case.name());
    }
}

#[test]
fn every_pass_has_positive_and_negative_cases() {
    let cases = cases();
    for p in PASSES {
        let own: Vec<_> = cases.iter().filter(|c| c.pass() == p.name()).collect();
        assert!(own.iter().any(|c| !c.is_negative()), "{} has no case in which it works", p.name());
        assert!(own.iter().any(|c| c.is_negative()), "{} has no no_*.pir", p.name());
    }
    for c in &cases {
        assert!(find(&c.pass()).is_some(), "{}: its folder is no pass", c.name());
    }
}

#[test]
fn the_documentation_is_generated() {
    for p in PASSES {
        for heading in ["**Before", "After**", "**Conditions**", "**Formula**", "**Source**"] {
            assert!(p.doc().contains(heading), "the documentation of {} lacks {heading}", p.name());
        }
    }
    let (file, text) = (root().join("../docs/passes.md"), documentation());
    if blessing() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(there, text, "docs/passes.md is stale: BLESS=1 cargo test -p relinc-passes --test filetests");
}

#[test]
fn printed_graphs_parse_back_to_themselves() {
    for case in cases() {
        let full = print(&case.graph().unwrap(), Constants::Full);
        let again = parse(&full).unwrap_or_else(|e| panic!("{}: {e}\n{full}", case.name()));
        assert_eq!(print(&again, Constants::Full), full, "{}", case.name());
        let mut after = again;
        let header = case.header(&after).unwrap();
        for p in header.passes() {
            driver::run(p, &mut after, &header.options).unwrap();
        }
        let full = print(&after, Constants::Full);
        let again = parse(&full).unwrap_or_else(|e| panic!("{}: {e}\n{full}", case.name()));
        assert_eq!(print(&again, Constants::Full), full, "{}, after its passes", case.name());
    }
}

#[test]
fn text_that_does_not_type_is_an_error() {
    for (body, want) in [
        (
            "%m = const u8[] [0] %s = const f32[1] [1.0] %y = masked_relu(%x, %m, slope=%s)",
            "one f32 a channel",
        ),
        ("%y = relu(%x) -> f32[N,1]", "%y is f32[N], not f32[N,1]"),
        ("%y = relu(%z)", "%z is not defined above"),
        ("%x = relu(%x)", "%x is defined twice"),
        ("%y = relu(%x) {slope=1}", "unknown attribute slope"),
        ("%y = reshape(%x) {dims=[N,2]}", "does not reshape"),
        ("%y = const f32[N] splat(1)", "cannot depend on the batch"),
        ("%y = const f32[2] [1.0]", "1 elements listed, 2 needed"),
        ("%y = const f32[2] opaque", "an opaque constant cannot be parsed"),
        ("%y = const i64[2] rand(seed=1)", "i64 constants have no such form"),
    ] {
        let error = parse(&format!("graph g {{ %x = input f32[N] {body} }}")).unwrap_err().to_string();
        assert!(error.contains(want), "{body}: {error}");
    }
}

#[test]
fn random_constants_are_splitmix64() {
    // The first draws of SplitMix64 from state 0 are published: e220a8397b1dcdaf, 6e789e6aa1b965f4.
    let t = constant("f32[2]", "rand(seed=0, scale=2)").unwrap();
    let want = [0xe220a8397b1dcdaf_u64, 0x6e789e6aa1b965f4]
        .map(|z| (2.0 * (z >> 40) as f32 / 16_777_216.0 - 1.0) * 2.0);
    assert_eq!(t.as_f32().unwrap(), want);
    assert_eq!(constant("u8[2]", "rand(seed=0, density=0.5)").unwrap().as_u8().unwrap(), [0, 1]);
}

#[test]
fn odd_names_and_numbers_survive_the_text() {
    let mut g = Graph::new("a \"graph\" \\ of N");
    let x = g.add("in put/0:%", Op::Input(Type::f32([Dim::Batch, Dim::Fixed(2)])), &[]);
    let odd = [f32::MIN_POSITIVE, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e-45, 0.1, 16_777_216.0, -1e30];
    let c = g.constant("grüße", Tensor::f32([4, 1, 2], odd.to_vec()));
    let s = g.add("", Op::Binary(Binary::Add), &[c, x]);
    let k = g.add("clip", Op::Clip { min: f32::NEG_INFINITY, max: 1e-30 }, &[s]);
    g.add_output("out \\ \"put\"", k);
    let full = print(&g, Constants::Full);
    let again = parse(&full).unwrap_or_else(|e| panic!("{e}\n{full}"));
    assert_eq!(print(&again, Constants::Full), full);
    assert_eq!(again.name, g.name);
    assert_eq!(again.outputs()[0].name, g.outputs()[0].name);
    assert_eq!(again.node(again.inputs()[0]).name, "in put/0:%");
    let back = again.by_name("grüße").and_then(|id| again.const_of(id)).unwrap();
    let bits = |t: &Tensor| t.as_f32().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(back), odd.map(f32::to_bits));
}
