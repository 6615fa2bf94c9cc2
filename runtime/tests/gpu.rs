//! The path of graphics cards against the CPU's, on whatever card there is: Mesa's software Vulkan will do.
//!
//! Without one the tests say so and pass; with `RELINC_REQUIRE_GPU` set they fail.
#![cfg(all(feature = "cpu", feature = "gpu"))]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::architecture::{Architecture, Kind as Family};
use relinc_passes::choice::Choice::{Identity, Zero};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::text::parse;
use relinc_passes::layers::name_layers;
use relinc_passes::masks::LayerMask;
use relinc_passes::splitmix::SplitMix;
use relinc_runtime::attack::{Attack, Target};
use relinc_runtime::data::{DataSpec, Dataset, Normalize, Split};
use relinc_runtime::device::{DeviceSpec, adapters, choose};
use relinc_runtime::exec::value::{download, upload};
use relinc_runtime::exec::{Branch, Call, Gate, Network, Norms, Precision, Started, Value};
use relinc_runtime::search::worth::Worth;
use relinc_runtime::train::learner::Scene;
use relinc_runtime::train::loader::{LoaderOptions, batch};
use relinc_runtime::train::objective::At;
use relinc_runtime::train::optimizer::Sgd;
use relinc_runtime::train::recipe::{Counts, SearchOptions};
use relinc_runtime::train::replicas::{Replicas, StepOptions, read};
use relinc_runtime::train::scale::LossScale;
use relinc_runtime::train::select::Granularity;
use relinc_runtime::train::sensitivity::worth;
use relinc_runtime::train::{Kind, Method, Model, Now, Recipe, Record, Stage, Watcher};
use std::sync::{Arc, Mutex, MutexGuard};

/// Largest difference allowed, relative to the largest value of a tensor.
const CLOSE: f32 = 1e-4;

/// One test at a time: a software card is the whole CPU.
static TURN: Mutex<()> = Mutex::new(());

/// The first card, software or not.
fn card() -> Option<(Device, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    match adapters().first() {
        Some(a) => {
            eprintln!("on {} ({}, {})", a.name, a.kind.name(), a.backend);
            Some((a.device.clone(), turn))
        }
        None if std::env::var_os("RELINC_REQUIRE_GPU").is_some() => {
            panic!(
                "RELINC_REQUIRE_GPU is set and no driver offers a card; Debian's mesa-vulkan-drivers has a software one"
            )
        }
        None => {
            eprintln!("skipped: no driver offers a card");
            None
        }
    }
}

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut r = SplitMix::new(seed);
    (0..n).map(|_| 2.0 * r.uniform() - 1.0).collect()
}

/// The largest difference, relative to the largest element.
fn apart(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let top = want.iter().fold(1e-12f32, |m, v| m.max(v.abs()));
    got.iter().zip(want).fold(0.0f32, |m, (g, w)| m.max((g - w).abs())) / top
}

type Named = Vec<(String, Vec<f32>)>;

/// The tensors that are farthest apart.
fn farthest(here: &Named, there: &Named) -> (f32, String) {
    let each = here.iter().zip(there).map(|((name, want), (_, got))| (apart(got, want), name.clone()));
    each.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

/// Compares what one of three seeds gives on both devices. An element at the corner of a ReLU may round to its other side,
/// on any two machines, and weighs a lot in a small batch: so one seed of the three may be off.
fn agree(of: impl Fn(u64, &Device) -> Named) {
    let Some((card, _turn)) = card() else { return };
    let found: Vec<_> = (0..3).map(|seed| farthest(&of(seed, &Device::flex()), &of(seed, &card))).collect();
    eprintln!("{found:?}");
    assert!(found.iter().filter(|f| f.0 <= CLOSE).count() >= 2, "{found:?}");
    assert!(found.iter().all(|f| f.0 <= 100.0 * CLOSE), "{found:?}");
}

/// Output, gradients by input and parameters of a small graph, with batch statistics and soft gates.
fn computed(body: &str, input: &str, device: &Device) -> Named {
    let g = parse(&format!("graph g {{\n%x = input {input}\n{body}\noutput \"y\" = %y\n}}")).unwrap();
    let (net, values) = Network::new(&g, false, device).unwrap();
    let mut shape = vec![3];
    shape.extend(net.input());
    let x = Burn::from_inner(upload(noise(shape.iter().product(), 1), device)).require_grad();
    let leaves = net.leaves(&values);
    let gates: Vec<Gate> =
        net.relus().iter().map(|r| Gate::upload(noise(r.relus(), 2), noise(r.relus(), 3), device)).collect();
    let call = Call {
        params: &leaves,
        gates: &gates,
        norms: Norms::Batch,
        branch: Branch::Clean,
        watch: false,
        probes: None,
        precision: Precision::F32,
        tails: false,
    };
    let y = net.forward(Value::new(x.clone(), shape), &call).unwrap().output;
    let weights = Burn::from_inner(upload(noise(y.len(), 4), device));
    let grads = (y.flat() * weights).sum().backward();
    let mut all = vec![
        ("output".to_string(), download(y.flat().inner())),
        ("input".into(), download(x.grad(&grads).unwrap())),
    ];
    for (p, l) in net.params().iter().zip(&leaves).filter(|(p, _)| p.role.trainable()) {
        all.push((p.name.clone(), download(l.grad(&grads).unwrap())));
    }
    all
}

fn same(body: &str, input: &str) {
    let Some((card, _turn)) = card() else { return };
    let (far, name) = farthest(&computed(body, input, &Device::flex()), &computed(body, input, &card));
    assert!(far <= CLOSE, "{name} of {body}: {far:e} apart");
}

#[test]
fn convolutions_forward_and_backward() {
    for (c, o, k, options) in [
        (5, 8, "3,3", "{pads=[1,1,1,1]}"),
        (4, 6, "3,3", "{strides=[2,2], pads=[1,1,1,1]}"),
        (6, 4, "1,1", "{strides=[2,2]}"),
        (4, 4, "3,3", "{pads=[0,1,2,1], dilations=[2,1]}"),
        (4, 8, "3,3", "{pads=[1,1,1,1], group=2}"),
    ] {
        let part = c / if options.contains("group") { 2 } else { 1 };
        let body = format!(
            "%w = const f32[{o},{part},{k}] rand(seed=1, scale=0.3)\n%b = const f32[{o}] rand(seed=2)\n%y = conv(%x, %w, %b) {options}"
        );
        same(&body, &format!("f32[N,{c},9,9]"));
    }
}

#[test]
fn normalisation_residual_and_gate_forward_and_backward() {
    let norm = "%g = const f32[6] rand(seed=5)\n%b = const f32[6] rand(seed=6)
        %m = const f32[6] splat(0)\n%v = const f32[6] splat(1)";
    same(&format!("{norm}\n%n = batch_norm(%x, %g, %b, %m, %v)\n%y = relu(%n) @relu00"), "f32[N,6,7,5]");
    same(
        &format!("{norm}\n%n = batch_norm(%x, %g, %b, %m, %v)\n%s = add(%n, %x)\n%y = relu(%s) @relu00"),
        "f32[N,6,7,5]",
    );
    same(&format!("{norm}\n%y = batch_norm(%x, %g, %b, %m, %v)"), "f32[N,6,7,5]");
    same("%y = relu(%x) @relu00", "f32[N,6,7,5]");
}

/// Two convolutions with normalisations, 2,048 ReLUs, half of them taken away.
fn tiny(dual: bool, device: &Device) -> Model {
    let norm = |i: u32, n: u32| {
        format!(
            "%g{i} = const f32[{n}] splat(1)\n%b{i} = const f32[{n}] splat(0)
            %m{i} = const f32[{n}] splat(0)\n%v{i} = const f32[{n}] splat(1)
            %n{i} = batch_norm(%c{i}, %g{i}, %b{i}, %m{i}, %v{i})"
        )
    };
    let (first, second) = (norm(1, 6), norm(2, 8));
    let text = format!(
        "graph g {{\n%x = input f32[N,3,32,32]
        %w1 = const f32[6,3,3,3] rand(seed=1, scale=0.3)\n%w2 = const f32[8,6,3,3] rand(seed=2, scale=0.2)
        %c1 = conv(%x, %w1) {{strides=[2,2], pads=[1,1,1,1]}}\n{first}\n%r1 = relu(%n1) @relu00
        %c2 = conv(%r1, %w2) {{strides=[2,2], pads=[1,1,1,1]}}\n{second}\n%r2 = relu(%n2) @relu01
        %p = global_mean(%r2) {{keep=false}}\n%w = const f32[10,8] rand(seed=3, scale=0.5)
        %b = const f32[10] splat(0)\n%y = linear(%p, %w, %b)\noutput \"y\" = %y\n}}"
    );
    halved(Network::new(&parse(&text).unwrap(), dual, device).unwrap())
}

/// Every second ReLU of a network taken away.
fn halved(net: Started) -> Model {
    let mut m = Model::new(net, &Normalize::NONE, [3, 32, 32]).unwrap();
    let half = |g: &Gate| {
        let n = g.pos.dims()[0];
        Gate::upload(vec![1.0; n], (0..n).map(|i| (i % 2) as f32).collect(), m.net.device())
    };
    m.gates = m.gates.iter().map(half).collect();
    m
}

/// A residual network with random weights on a device.
fn resnet(depth: usize, dual: bool, device: &Device) -> Model {
    let a = Architecture { kind: Family::Resnet, depth, width: None, classes: 10, input: [3, 32, 32] };
    let mut g = a.build(3).unwrap();
    let facts = infer(&g).unwrap();
    name_layers(&mut g, &facts);
    halved(Network::new(&g, dual, device).unwrap())
}

fn shapes(split: Split) -> Dataset {
    "shapes?train=64&val=32&seed=2".parse::<DataSpec>().unwrap().open(split, None).unwrap()
}

fn wanting(g: &Gate, gradients: bool) -> Gate {
    let neg = if gradients { Burn::from_inner(g.neg.clone()).require_grad() } else { g.neg.clone() };
    Gate { neg, ..g.clone() }
}

/// Loss, gradient norm and parameters after a step on a batch of four, and of a robust one what a learner sees. Devices `beside`
/// take a part of the batch each.
fn stepped(seed: u64, robust: bool, device: &Device, beside: &[Device]) -> Named {
    let model = |dual| if robust { tiny(dual, device) } else { resnet(20, dual, device) };
    let (mut student, mut teacher) = (model(robust), model(false));
    // A teacher that agrees with the student leaves no gradient but rounding.
    teacher.gates = teacher.net.relus().iter().map(|r| Gate::open(r, device)).collect();
    let method = robust.then_some(Method::Rlnet);
    let mut recipe = Recipe::new(if robust { Kind::Search } else { Kind::Teacher }, method, robust, 0.5, 1);
    // A pixel whose gradient is almost zero may step the other way: small steps keep that small.
    recipe.objective.attack = Attack::pgd(2, 0.1 / 255.0, 0.05 / 255.0);
    let loader = LoaderOptions { augment: true, augmix: robust, seed };
    let first = 4 * seed as usize;
    let made = batch(&shapes(Split::Train), &loader, 0, 0, (first..first + 4).collect());
    let mut sgd = Sgd::new(student.params.len(), 0.9, 5e-4, 5.0);
    let at = At { seed, step: 0 };
    let mut replicas = Replicas::new(beside, &student, Some(&teacher));
    let (o, t) = (&recipe.objective, robust.then_some(&teacher));
    // As snl's: gates that want gradients.
    let gates: Vec<Gate> = student.gates.iter().map(|g| wanting(g, robust)).collect();
    let step = StepOptions { objective: o, scale: 1.0, watch: robust, at };
    let joined = replicas.compute(step, &student, &gates, t, &made).unwrap();
    let seen = joined.seen;
    let slopes = seen.slopes.into_iter().flatten();
    let mut out: Named =
        seen.differences.into_iter().chain(slopes).map(|d| ("seen".into(), download(d))).collect();
    let norm = sgd.step(&mut student.params, joined.grads, 0.1);
    for (branch, s) in &joined.statistics {
        student.update_statistics(*branch, s, 0.1);
    }
    let read = read(joined.pending, norm);
    out.push(("loss and norm".into(), vec![read.parts.total as f32, read.norm as f32]));
    out.extend(student.export());
    out
}

/// Loss and gradients of ResNet-20 in a precision, the loss scaled as [`LossScale`] begins.
fn in_precision(precision: Precision, device: &Device) -> Named {
    let student = resnet(20, false, device);
    let mut o = Recipe::new(Kind::Teacher, None, false, 1.0, 1).objective;
    o.precision = precision;
    let loader = LoaderOptions { augment: false, augmix: false, seed: 0 };
    let made = batch(&shapes(Split::Train), &loader, 0, 0, (0..8).collect());
    let c = o.compute(&student, &student.gates, None, &made, false, At { seed: 0, step: 0 }).unwrap();
    let scale = LossScale::default().factor;
    let grads = (c.loss.clone() * scale).backward();
    let mut out = vec![("loss".to_string(), vec![c.loss.into_scalar::<f32>()])];
    for (p, l) in student.net.params().iter().zip(&c.leaves).filter(|(_, l)| l.is_require_grad()) {
        out.push((p.name.clone(), download(l.grad(&grads).unwrap() / scale)));
    }
    out
}

#[test]
fn half_precision_is_close_to_full() {
    let Some((card, _turn)) = card() else { return };
    let full = in_precision(Precision::F32, &card);
    for precision in [Precision::F16, Precision::Bf16] {
        if let Err(why) = precision.check(&card) {
            eprintln!("{precision}: {why}");
            continue;
        }
        let half = in_precision(precision, &card);
        assert!(
            apart(&half[0].1, &full[0].1) < 1e-2,
            "{precision}: the loss is {:?}, not {:?}",
            half[0].1,
            full[0].1
        );
        // The direction that a step takes, over all parameters.
        let all = |n: &Named| n[1..].iter().flat_map(|(_, v)| v.clone()).map(f64::from).collect::<Vec<_>>();
        let (a, b) = (all(&half), all(&full));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let cosine = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
        let longer = (dot(&a, &a) / dot(&b, &b)).sqrt();
        eprintln!("{precision}: cosine {cosine}, {longer} times as long");
        assert!(
            cosine > 0.99 && (longer - 1.0).abs() < 0.05,
            "{precision}: cosine {cosine}, length {longer}"
        );
    }
}

#[test]
fn a_training_step_of_resnet20() {
    agree(|seed, device| stepped(seed, false, device, &[]));
}

#[test]
fn a_robust_step_with_two_sets_of_statistics() {
    agree(|seed, device| stepped(seed, true, device, &[]));
}

/// A card leads and the CPU takes half of each batch, against the CPU twice.
#[test]
fn a_robust_step_on_two_devices() {
    agree(|seed, device| stepped(seed, true, device, &[Device::flex()]));
}

#[test]
fn a_step_of_pgd() {
    let Some((card, _turn)) = card() else { return };
    let attacked = |device: &Device| {
        let m = resnet(20, false, device);
        let x = upload(noise(4 * 3072, 7).iter().map(|v| 0.5 * v + 0.5).collect(), device)
            .reshape([4, 3, 32, 32]);
        let attack = Attack { steps: 1, ..Attack::training() };
        let r = m.runnable();
        let labels = [0, 1, 2, 3];
        let found = attack
            .run(&x, &Target::Labels(labels.to_vec()), None, Some(&labels), &|x| r.logits(x, Branch::Clean));
        let found = found.unwrap();
        (download(found.pixels), found.broken)
    };
    let ((here, broken_here), (there, broken_there)) = (attacked(&Device::flex()), attacked(&card));
    // A pixel whose gradient is almost zero may step the other way.
    let other = here.iter().zip(&there).filter(|(a, b)| (*a - *b).abs() > 1e-6).count();
    assert!(other * 1000 < here.len(), "{other} of {} pixels differ", here.len());
    assert_eq!(broken_here, broken_there);
}

struct Nobody;

impl Watcher for Nobody {
    fn step(&mut self, _: &Now<'_>) {}
    fn epoch(&mut self, _: &Record) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn what_each_relu_is_worth() {
    agree(|seed, device| {
        let (student, teacher) = (tiny(false, device), tiny(false, device));
        let train = Arc::new(shapes(Split::Train));
        let at = At { seed, step: 0 };
        let scene = Scene {
            student: &student,
            teacher: Some(&teacher),
            train: &train,
            at,
            epochs: 1,
            epoch: 0,
            steps: 4,
        };
        let costs = |w: &Worth, c| w.cheapest(&[c], None).into_iter().map(|(_, cost)| cost as f32).collect();
        let named = |w: Worth| [Identity, Zero].map(|c| (c.word().to_string(), costs(&w, c)));
        worth(&scene, 16, seed).unwrap().into_iter().flat_map(named).collect()
    });
}

#[test]
fn an_epoch_of_mask_search_on_shapes() {
    agree(|seed, device| {
        let (mut model, teacher) = (tiny(false, device), tiny(false, device));
        let mut recipe = Recipe::new(Kind::Search, Some(Method::Gradual), false, 0.3, 1);
        (recipe.batch, recipe.val_images, recipe.seed) = (16, 32, seed);
        let keep = 600;
        recipe.search = Some(SearchOptions {
            method: Method::Gradual,
            keep,
            counts: Counts::Global,
            granularity: Granularity::Pixel,
            choices: vec![Identity, Zero],
            refreshes: 2,
            calibration: 32,
            certify: None,
            rounds: 8,
            ramp: 0.8,
            vanish: Default::default(),
            squares: vec![],
            first: None,
            seed,
        });
        let val = shapes(Split::Val);
        let stage = Stage {
            name: "search".into(),
            recipe,
            teacher: Some(&teacher),
            train: Arc::new(shapes(Split::Train)),
            val: &val,
            folder: None,
            resume: false,
            stop: Arc::default(),
            order: None,
            density: None,
            beside: vec![],
        };
        let mut masks = model.open_masks();
        stage.run(&mut model, &mut masks, &mut Nobody).unwrap();
        assert_eq!(masks.kept(), keep);
        let mask = |(name, m): (&String, &LayerMask)| {
            (name.clone(), m.values.iter().map(|v| v.code().into()).collect())
        };
        masks.layers.iter().map(mask).chain(model.export()).collect()
    });
}

#[test]
fn a_card_that_is_named_is_tried_out() {
    let Some((_, _turn)) = card() else { return };
    let chosen = choose(&DeviceSpec::Cards(vec![0])).unwrap();
    assert!(chosen.said.contains("gpu:0"), "{}", chosen.said);
    assert!(choose(&DeviceSpec::Cards(vec![99])).unwrap_err().contains("the last card is gpu:"));
}
