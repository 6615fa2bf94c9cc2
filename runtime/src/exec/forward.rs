//! Running a [`Network`]: forward on any burn device, with gradients where the leaves want them.

#![deny(clippy::wildcard_enum_match_arm)]

use super::curve::{Curve, added, share};
use super::fuse::Taken;
use super::generic;
use super::network::{Branch, Network, Source, Step};
use super::ops::{self, Forked};
use super::precision::Precision;
use super::value::{Value, upload};
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::{Basis, Choice, NO_CAP};
use relinc_passes::ir::{Binary, Op};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::LayerMask;

/// What elements are beyond their layer's cap; one element for each of a sample.
#[derive(Debug, Clone)]
pub enum Beyond {
    /// No result is above this: the cap, or +∞ for an element without it.
    Ceiling(Burn<1>),
    /// Beyond this cap, these slopes.
    Slopes(f32, Burn<1>),
}

/// The two slopes of a ReLU layer's elements: `pos·max(x,0) + neg·min(x,0)` with one element for each of a sample, what becomes
/// of it beyond a cap, and what quadratic elements add.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Slope of the positive side.
    pub pos: Burn<1>,
    /// Slope of the negative side.
    pub neg: Burn<1>,
    /// What happens beyond the layer's cap, where it has one and elements that keep it.
    pub beyond: Option<Beyond>,
    /// What quadratic elements have beside a slope.
    pub curve: Option<Curve>,
    /// 1 where both sides' slope is the channel's learned one, which is added to them; none where slopes are fixed.
    pub learned: Option<Burn<1>>,
    /// The layer is a quadratic of the network's ([`Network::square_of`]) that has taken this share of the ReLU's place.
    pub square: Option<f32>,
}

impl Gate {
    /// Every element of a layer as it is without a mask.
    pub fn open(layer: &ReluLayer, device: &Device) -> Gate {
        let n = layer.relus();
        let beyond = layer.capped().then(|| Beyond::Ceiling(Burn::full([n], layer.cap, device)));
        Gate { beyond, ..Gate::of_slopes(Burn::ones([n], device), Burn::zeros([n], device)) }
    }
    /// Of the slopes of both sides.
    pub fn of_slopes(pos: Burn<1>, neg: Burn<1>) -> Gate {
        Gate { pos, neg, beyond: None, curve: None, learned: None, square: None }
    }
    /// The gate of a mask whose identity elements have the network's slopes ([`Network::slopes`]). A layer that keeps no ReLU
    /// has no use for them: the weights beside it say the same.
    pub fn of_learned(m: &LayerMask, device: &Device) -> Gate {
        if m.count(Choice::Identity) == 0 || m.kept() == 0 {
            return Gate::of_mask(m, device);
        }
        let learned = m.values.iter().map(|&v| f32::from(u8::from(v == Choice::Identity))).collect();
        let fixed = |(v, p): (Choice, &[f32])| match v {
            Choice::Identity => Basis::line(0.0),
            Choice::Relu | Choice::Zero | Choice::Quadratic | Choice::Uncapped => v.basis(m.cap, p),
        };
        let learned = Some(upload(learned, device));
        Gate { learned, ..Gate::of(m, m.elements().map(fixed), device) }
    }
    /// The same with the network's coefficients ([`Network::quadratic_of`]) for the mask's quadratic elements.
    pub fn with_learned_quadratics(self, m: &LayerMask, device: &Device) -> Gate {
        let bent = m.count(Choice::Quadratic) > 0;
        let Some(curve) = bent.then(|| Curve::learned(m, device)) else { return self };
        // The fixed slopes of these elements give way.
        let others = curve.learned.as_ref().map(|on| on.clone().neg().add_scalar(1.0));
        let keep = |side: Burn<1>| others.iter().fold(side, |s, k| s * k.clone());
        Gate { pos: keep(self.pos), neg: keep(self.neg), curve: Some(curve), ..self }
    }
    /// The gate of a mask.
    pub fn of_mask(m: &LayerMask, device: &Device) -> Gate {
        Gate::of(m, m.elements().map(|(v, p)| v.basis(m.cap, p)), device)
    }
    /// The gate of these elements, in a layer with the cap of the mask.
    fn of(m: &LayerMask, elements: impl Iterator<Item = Basis>, device: &Device) -> Gate {
        // What is no line above 0 stops at the cap.
        let (pos, neg): (Vec<f32>, Vec<f32>) =
            elements.map(|Basis { above, below, .. }| (above, below)).unzip();
        let beyond = m.ceilings().map(|c| Beyond::Ceiling(upload(c, device)));
        Gate { beyond, curve: Curve::of_mask(m, device), ..Gate::upload(pos, neg, device) }
    }
    /// The same on another device.
    pub fn to_device(&self, device: &Device) -> Gate {
        let to = |t: &Burn<1>| match t.is_require_grad() {
            true => Burn::from_inner(t.clone().inner().to_device(device)).require_grad(),
            false => t.clone().to_device(device),
        };
        let beyond = self.beyond.as_ref().map(|b| b.with(to));
        let curve = self.curve.as_ref().map(|c| c.with(to));
        let learned = self.learned.as_ref().map(to);
        Gate { pos: to(&self.pos), neg: to(&self.neg), beyond, curve, learned, square: self.square }
    }
    /// The same slopes without gradients.
    pub fn detached(&self) -> Gate {
        let plain = |t: &Burn<1>| if t.is_autodiff() { t.clone().inner() } else { t.clone() };
        let beyond = self.beyond.as_ref().map(|b| b.with(plain));
        let curve = self.curve.as_ref().map(|c| c.with(plain));
        Gate { pos: plain(&self.pos), neg: plain(&self.neg), beyond, curve, ..self.clone() }
    }
    /// From both sides' slopes.
    pub fn upload(pos: Vec<f32>, neg: Vec<f32>, device: &Device) -> Gate {
        Gate::of_slopes(upload(pos, device), upload(neg, device))
    }
    /// What both sides gave, up to the elements' caps, which have no slopes.
    pub(super) fn under_ceiling(&self, y: Value) -> Value {
        match &self.beyond {
            Some(Beyond::Ceiling(c)) => ops::ceiling(&y, c.clone()),
            Some(Beyond::Slopes(..)) | None => y,
        }
    }
    /// Both sides with the channels' learned slopes and coefficients of x in them.
    fn sides(&self, slope: Option<&Burn<1>>, quadratic: Option<&Burn<1>>) -> (Burn<1>, Burn<1>) {
        let slopes = self.learned.as_ref().zip(slope).map(|(on, s)| share(on, s));
        let lines = self.curve.as_ref().and_then(|c| c.lines(quadratic));
        let all = slopes.into_iter().chain(lines);
        all.fold((self.pos.clone(), self.neg.clone()), |(pos, neg), s| (added(&pos, &s), added(&neg, &s)))
    }
}

impl Beyond {
    fn with(&self, f: impl Fn(&Burn<1>) -> Burn<1>) -> Beyond {
        match self {
            Beyond::Ceiling(c) => Beyond::Ceiling(f(c)),
            Beyond::Slopes(cap, s) => Beyond::Slopes(*cap, f(s)),
        }
    }

    /// `y` of the gated `x` with what is beyond the cap; `pos` are the slopes up to it. In f32 where that has slopes.
    fn apply(&self, y: &Value, x: &Value, pos: &Burn<1>) -> Value {
        let (cap, slopes) = match self {
            Beyond::Ceiling(c) => return ops::ceiling(y, c.clone()),
            Beyond::Slopes(cap, slopes) => (*cap, slopes),
        };
        let [each] = slopes.dims();
        let on = [y.flat().is_autodiff(), slopes.is_autodiff(), pos.is_autodiff()].contains(&true);
        let lift = |t: Burn<1>| if on && !t.is_autodiff() { Burn::from_inner(t) } else { t };
        let over = lift(x.clone().cast(Precision::F32).into_flat()).sub_scalar(cap).clamp_min(0.0);
        let change = (lift(slopes.clone()) - lift(pos.clone())).reshape([1, each]);
        let moved = over.reshape([x.len() / each.max(1), each]) * change;
        let moved = Value::new(moved.reshape([x.len()]), x.shape());
        let y = Value::new(lift(y.clone().cast(Precision::F32).into_flat()), y.shape());
        ops::sum(&y, &moved)
    }
}

/// One number a channel as one for each of `len` elements of an image.
pub fn per_element(channels: Burn<1>, len: usize) -> Burn<1> {
    let [c] = channels.dims();
    channels.reshape([c, 1]).expand([c, len / c.max(1)]).reshape([len])
}

/// Which statistics batch normalisations use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norms {
    /// The batch's own, which come back in [`Outcome::statistics`].
    Batch,
    /// The running ones.
    Running,
    /// The running ones, while the batch's come back in [`Outcome::statistics`].
    Measure,
}

/// The largest operand of a square where networks are trained by running statistics; the usual ones are a tenth of it at most.
pub const FARTHEST: f32 = 100.0;

/// One call of the network.
#[derive(Debug)]
pub struct Call<'a> {
    /// One value for each of [`Network::params`], with gradients where wanted.
    pub params: &'a [Burn<1>],
    /// One gate for each of [`Network::relus`].
    pub gates: &'a [Gate],
    /// Batch or running statistics.
    pub norms: Norms,
    /// The half of dual normalisations.
    pub branch: Branch,
    /// Return what goes into and comes out of every ReLU layer.
    pub watch: bool,
    /// One leaf for each ReLU layer, of any length: its gradient is that of what comes out of the layer,
    /// in the call's precision.
    pub probes: Option<&'a [Burn<1>]>,
    /// What activations are computed in; the output and what is watched are f32.
    pub precision: Precision,
    /// Also the penalty on what is far out in quadratic layers ([`ops::tails`]). By running statistics squares are then given no more than
    /// [`FARTHEST`]: beyond it only the penalty pulls, and nothing leaves the numbers.
    pub tails: bool,
}

impl Call<'_> {
    /// Whether ReLU layers may take in what is before them: nobody looks at it, and the gates get no gradients
    /// no learned slopes and no quadratic elements.
    fn fuses(&self) -> bool {
        let plain = |g: &Gate| {
            let soft = matches!(g.beyond, Some(Beyond::Slopes(..)));
            let fixed = !g.pos.is_autodiff() && !g.neg.is_autodiff() && g.learned.is_none();
            fixed && g.curve.is_none() && !soft
        };
        !self.watch && self.probes.is_none() && self.norms != Norms::Measure && self.gates.iter().all(plain)
    }
}

/// What goes into and comes out of a ReLU layer, one row after the other.
#[derive(Debug, Clone)]
pub struct Tap {
    /// Before.
    pub input: Value,
    /// After.
    pub output: Value,
    /// The layer's cap; +∞ for none.
    pub cap: f32,
}

/// What is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Index in [`Network::norms`].
    Norm(usize),
    /// The squares of a quadratic layer, by its index in [`Network::relus`].
    Square(usize),
}

/// Statistics of a batch at one normalisation.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Which.
    pub site: Site,
    /// Mean by channel.
    pub mean: Burn<1>,
    /// Biased variance by channel.
    pub variance: Burn<1>,
    /// Elements it was taken over.
    pub count: usize,
}

impl Statistics {
    /// Those found of a value.
    fn of(site: Site, x: &Value, [mean, variance]: [Burn<1>; 2]) -> Statistics {
        let count = x.len() / mean.dims()[0].max(1);
        Statistics { site, mean, variance, count }
    }
}

/// What a call returns.
#[derive(Debug)]
pub struct Outcome {
    /// The output.
    pub output: Value,
    /// Taps of the ReLU layers, when watched.
    pub taps: Vec<Tap>,
    /// Batch statistics, with [`Norms::Batch`].
    pub statistics: Vec<Statistics>,
    /// The penalty on what is far out, summed over the quadratic layers; none where there are none, or nobody asked.
    pub tails: Option<Burn<1>>,
}

/// What a call collects on its way.
#[derive(Default)]
struct Met {
    taps: Vec<Option<Tap>>,
    statistics: Vec<Statistics>,
    tails: Option<Burn<1>>,
}

impl Outcome {
    /// The logits, N × classes.
    pub fn logits(&self) -> Burn<2> {
        let n = self.output.batch();
        self.output.view([n, self.output.len() / n.max(1)])
    }
}

impl Network {
    /// Runs a batch `[N, …]` in the layout of the graph's input.
    ///
    /// # Errors
    /// Operations that cannot be differentiated or trained, named by node.
    pub fn forward(&self, x: Value, call: &Call<'_>) -> Result<Outcome, String> {
        let batch = x.batch();
        let x = x.cast(call.precision);
        let mut values: Vec<Option<Forked>> = vec![None; self.steps.len()];
        let taps = vec![None; if call.watch { self.relus().len() } else { 0 }];
        let mut met = Met { taps, ..Met::default() };
        let fused = call.fuses();
        for (i, step) in self.steps.iter().enumerate().filter(|(i, _)| !fused || !self.fusion.left_out[*i]) {
            if let Some(t) = self.fusion.taken[i].as_ref().filter(|_| fused) {
                let made = match self.forgets(i, call) {
                    // The convolution makes the layer of it.
                    true => self.normalised(t.norm, &values, call),
                    false => self.taken(step, t, &values, call, &mut met),
                };
                values[i] = made.map(|v| Forked::new(v, self.readers[i] > 1));
                self.fusion.last_use[i].iter().for_each(|&v| values[v] = None);
                continue;
            }
            let y = if matches!(step.op, Op::Input(_)) {
                x.clone()
            } else if let Some(layer) = self.forgotten(i, call).filter(|_| fused) {
                self.through(step, layer, &values, call, &mut met)
                    .unwrap_or_else(|| Err("a value is missing".into()))
                    .map_err(|e| format!("{} '{}': {e}", step.op.mnemonic(), step.name))?
            } else {
                let args: Vec<Value> = step
                    .operands
                    .iter()
                    .map(|s| self.operand(s, &values, call))
                    .collect::<Option<_>>()
                    .ok_or("a value is missing")?;
                self.step(step, &args, call, batch, &mut met)
                    .map_err(|e| format!("{} '{}': {e}", step.op.mnemonic(), step.name))?
            };
            values[i] = Some(Forked::new(y, self.readers[i] > 1));
            let last_use = if fused { &self.fusion.last_use[i] } else { &self.last_use[i] };
            last_use.iter().for_each(|&v| values[v] = None);
        }
        let output =
            values[self.output].take().ok_or("the output was not computed")?.read().cast(Precision::F32);
        let Met { taps, statistics, tails } = met;
        Ok(Outcome { output, taps: taps.into_iter().flatten().collect(), statistics, tails })
    }

    pub(super) fn operand(&self, s: &Source, values: &[Option<Forked>], call: &Call<'_>) -> Option<Value> {
        match *s {
            Source::Node(i) => values[i].as_ref().map(Forked::read),
            Source::Const(i) => self.constants.get(i).cloned(),
            Source::Param(i) => Some(Value::new(call.params.get(i)?.clone(), self.params()[i].shape.clone())),
        }
    }

    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is `generic::apply`, which lists every operation"
    )]
    fn step(
        &self,
        step: &Step,
        args: &[Value],
        call: &Call<'_>,
        batch: usize,
        met: &mut Met,
    ) -> Result<Value, String> {
        let x = &args[0];
        if let Some(r) = step.relu {
            let gate = &call.gates[r];
            if let Some(y) = self.squared(r, x, call, met) {
                return Ok(y);
            }
            let [slope, quadratic] =
                [self.slope_of(r), self.quadratic_of(r)].map(|p| p.map(|p| &call.params[p]));
            let (pos, neg) = gate.sides(slope, quadratic);
            let mut y = ops::gate(x, pos.clone(), neg);
            if let Some(b) = &gate.beyond {
                y = b.apply(&y, x, &pos).cast(call.precision);
            }
            if let Some(c) = &gate.curve {
                y = c.apply(&y, x, quadratic).cast(call.precision);
            }
            if let Some(p) = call.probes {
                y = ops::probed(&y, p[r].clone());
            }
            if let Some(t) = met.taps.get_mut(r) {
                let full = |v: &Value| v.clone().cast(Precision::F32);
                *t = Some(Tap { input: full(x), output: full(&y), cap: self.relus()[r].cap });
            }
            return Ok(y);
        }
        if let Some(site) = step.norm {
            return Ok(self.norm(site, x, call, &mut met.statistics));
        }
        match &step.op {
            Op::Conv(c) => ops::conv(x, &args[1], args.get(2), c),
            Op::Binary(Binary::Add) if args[0].shape() == args[1].shape() => Ok(ops::sum(x, &args[1])),
            // These compute nothing.
            op @ (Op::Pad { .. } | Op::Slice(_)) => {
                Ok(generic::apply(op, args, self.facts.ty(step.id), batch)?.cast(call.precision))
            }
            op if call.precision == Precision::F32 => generic::apply(op, args, self.facts.ty(step.id), batch),
            op => {
                let args: Vec<Value> = args.iter().map(|a| a.clone().cast(Precision::F32)).collect();
                Ok(generic::apply(op, &args, self.facts.ty(step.id), batch)?.cast(call.precision))
            }
        }
    }

    /// A ReLU layer with the normalisation and the sum before it.
    fn taken(
        &self,
        step: &Step,
        t: &Taken,
        values: &[Option<Forked>],
        call: &Call<'_>,
        met: &mut Met,
    ) -> Option<Value> {
        let (site, gate) = (self.steps[t.norm].norm?, &call.gates[step.relu?]);
        let x = self.normalised(t.norm, values, call)?;
        let gates = [gate.pos.clone(), gate.neg.clone()];
        let r = match (t.second, &t.residual) {
            (Some(n), _) => {
                let (own, second) = (self.normalised(n, values, call)?, self.steps[n].norm?);
                if call.norms == Norms::Batch && gate.square.is_none() {
                    let norms = [(&x, site), (&own, second)];
                    return Some(gate.under_ceiling(self.norms_gate(
                        norms,
                        gates,
                        call,
                        &mut met.statistics,
                    )));
                }
                Some(self.norm(second, &own, call, &mut met.statistics))
            }
            (None, Some(r)) => Some(self.operand(r, values, call)?),
            (None, None) => None,
        };
        if gate.square.is_some() {
            let y = self.norm(site, &x, call, &mut met.statistics);
            let y = r.map_or(y.clone(), |r| ops::sum(&y, &r));
            return self.squared(step.relu?, &y, call, met);
        }
        let statistics = &mut met.statistics;
        let s = &self.norms()[site];
        let [scale, shift, ..] = s.params[call.branch as usize].map(|i| call.params[i].clone());
        if call.norms == Norms::Batch {
            let (y, mean, variance) = ops::norm_gate(&x, r.as_ref(), [scale, shift], gates, s.eps);
            statistics.push(Statistics::of(Site::Norm(site), &x, [mean, variance]));
            return Some(gate.under_ceiling(y));
        }
        if scale.is_autodiff() || shift.is_autodiff() {
            let y = self.norm(site, &x, call, statistics);
            let y = r.map_or(y.clone(), |r| ops::sum(&y, &r));
            let [pos, neg] = gates;
            return Some(gate.under_ceiling(ops::gate(&y, pos, neg)));
        }
        Some(gate.under_ceiling(ops::scale_gate(&x, r.as_ref(), self.running(site, call), gates)))
    }

    /// What a normalisation is computed of.
    fn normalised(&self, norm: usize, values: &[Option<Forked>], call: &Call<'_>) -> Option<Value> {
        self.operand(self.steps[norm].operands.first()?, values, call)
    }

    /// A ReLU layer of two normalisations: what is normalised, and the sites.
    fn norms_gate(
        &self,
        norms: [(&Value, usize); 2],
        gates: [Burn<1>; 2],
        call: &Call<'_>,
        statistics: &mut Vec<Statistics>,
    ) -> Value {
        let of = norms.map(|(x, site)| {
            let s = &self.norms()[site];
            let [scale, shift, ..] = s.params[call.branch as usize].map(|i| call.params[i].clone());
            ops::Normalised { x: x.clone(), scale, shift, eps: s.eps }
        });
        let (y, found) = ops::norms_gate(of, gates);
        let both = norms.into_iter().zip(found);
        statistics.extend(both.map(|((x, site), s)| Statistics::of(Site::Norm(site), x, s)));
        y
    }

    /// Does a step's result, a ReLU layer, exist only inside the convolution that reads it? In its place is then what its
    /// normalisation is computed of.
    fn forgets(&self, layer: usize, call: &Call<'_>) -> bool {
        let gate = self.steps[layer].relu.map(|r| &call.gates[r]);
        let plain = gate.is_some_and(|g| g.square.is_none() && g.beyond.is_none());
        self.fusion.into[layer].is_some() && call.norms == Norms::Batch && plain
    }

    /// The step of the ReLU layer that a convolution computes and forgets.
    fn forgotten(&self, conv: usize, call: &Call<'_>) -> Option<usize> {
        let Source::Node(layer) = *self.steps[conv].operands.first()? else { return None };
        (self.fusion.into[layer] == Some(conv) && self.forgets(layer, call)).then_some(layer)
    }

    /// A convolution with the ReLU layer before it.
    fn through(
        &self,
        step: &Step,
        layer: usize,
        values: &[Option<Forked>],
        call: &Call<'_>,
        met: &mut Met,
    ) -> Option<Result<Value, String>> {
        let Op::Conv(c) = &step.op else { return None };
        let (x, w) = (values[layer].as_ref()?.read(), self.operand(step.operands.get(1)?, values, call)?);
        let site = self.steps[self.fusion.taken[layer].as_ref()?.norm].norm?;
        let (s, gate) = (&self.norms()[site], &call.gates[self.steps[layer].relu?]);
        let [scale, shift, ..] = s.params[call.branch as usize].map(|i| call.params[i].clone());
        let of = ops::Normalised { x, scale, shift, eps: s.eps };
        let made = ops::norm_gate_conv(&of, [gate.pos.clone(), gate.neg.clone()], &w, c);
        Some(made.map(|(y, found)| {
            met.statistics.push(Statistics::of(Site::Norm(site), &of.x, found));
            y
        }))
    }

    /// A quadratic layer of what goes into it; `None` where the layer is none.
    fn squared(&self, r: usize, x: &Value, call: &Call<'_>, met: &mut Met) -> Option<Value> {
        let (blend, site) = (call.gates[r].square?, self.square_of(r)?);
        let z = x.clone().cast(Precision::F32);
        let mut within = z.clone();
        if call.tails {
            let own = ops::tails(&z);
            met.tails = Some(met.tails.take().map_or(own.clone(), |t| t + own));
            if call.norms == Norms::Running {
                within = Value::new(z.flat().clamp(-FARTHEST, FARTHEST), z.shape());
            }
        }
        let mut y = self.quadratic(r, site, &within, blend, call, &mut met.statistics);
        if let Some(p) = call.probes {
            y = ops::probed(&y, p[r].clone());
        }
        if let Some(t) = met.taps.get_mut(r) {
            *t = Some(Tap { input: z, output: y.clone(), cap: NO_CAP });
        }
        Some(y.cast(call.precision))
    }

    fn norm(&self, site: usize, x: &Value, call: &Call<'_>, statistics: &mut Vec<Statistics>) -> Value {
        let s = &self.norms()[site];
        let [scale, shift, ..] = s.params[call.branch as usize].map(|i| call.params[i].clone());
        match call.norms {
            Norms::Batch => {
                let (y, mean, variance) = ops::norm(x, scale, shift, s.eps);
                statistics.push(Statistics::of(Site::Norm(site), x, [mean, variance]));
                y
            }
            Norms::Running | Norms::Measure => {
                if call.norms == Norms::Measure {
                    let one = Burn::ones_like(&scale);
                    let (_, mean, variance) = ops::norm(x, one.clone(), one, s.eps);
                    statistics.push(Statistics::of(Site::Norm(site), x, [mean, variance]));
                }
                let [factor, offset] = self.running(site, call);
                ops::affine(x, factor, offset)
            }
        }
    }

    /// Factor and offset a channel of a normalisation by its running statistics.
    pub(super) fn running(&self, site: usize, call: &Call<'_>) -> [Burn<1>; 2] {
        let s = &self.norms()[site];
        let [scale, shift, mean, variance] = s.params[call.branch as usize].map(|i| call.params[i].clone());
        let factor = scale.div((variance + s.eps).sqrt());
        let offset = shift.sub(mean.mul(factor.clone()));
        [factor, offset]
    }
}
