//! The backward passes, for any backend that has the kernels.

use super::fork::{ForkStep, ReadStep};
use super::place::PlaceStep;
use super::{Geometry, Given, Place, Planes, TrainKernels, TrainOps};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

type P<B> = FloatTensor<B>;

#[derive(Debug)]
struct ConvStep;
#[derive(Debug)]
struct ConvPlainStep;
#[derive(Debug)]
struct GateStep;
#[derive(Debug)]
struct CeilingStep;
#[derive(Debug)]
struct NormStep;
#[derive(Debug)]
struct AffineStep;
#[derive(Debug)]
struct SumStep;

impl<B: TrainKernels> Backward<B, 3> for ConvStep {
    type State = (P<B>, P<B>, Geometry);
    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, w, b] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (xs, ws, g) = ops.state;
        if let Some(n) = b {
            grads.register::<B>(n.id, B::channel_sum(grad.clone(), &g.output_planes()));
        }
        if let Some(n) = w {
            grads.register::<B>(n.id, B::conv_weight_grad(xs, grad.clone(), &g));
        }
        if let Some(n) = x {
            grads.register::<B>(n.id, B::conv_data_grad(grad, ws, &g));
        }
    }
}

impl<B: TrainKernels> Backward<B, 2> for ConvPlainStep {
    type State = (P<B>, P<B>, Geometry);
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, w] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (xs, ws, g) = ops.state;
        if let Some(n) = w {
            grads.register::<B>(n.id, B::conv_weight_grad(xs, grad.clone(), &g));
        }
        if let Some(n) = x {
            grads.register::<B>(n.id, B::conv_data_grad(grad, ws, &g));
        }
    }
}

impl<B: TrainKernels> Backward<B, 3> for GateStep {
    type State = (P<B>, P<B>, P<B>, usize);
    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, pos, neg] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (xs, ps, ns, gates) = ops.state;
        if pos.is_some() || neg.is_some() {
            let [gp, gn] = B::gate_grads(xs.clone(), grad.clone(), gates);
            if let Some(n) = pos {
                grads.register::<B>(n.id, gp);
            }
            if let Some(n) = neg {
                grads.register::<B>(n.id, gn);
            }
        }
        if let Some(n) = x {
            grads.register::<B>(n.id, B::gate_data_grad(xs, ps, ns, grad));
        }
    }
}

impl<B: TrainKernels> Backward<B, 1> for CeilingStep {
    type State = (P<B>, P<B>);
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [y] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (ys, ceiling) = ops.state;
        if let Some(n) = y {
            grads.register::<B>(n.id, B::ceiling_grad(ys, ceiling, grad));
        }
    }
}

impl<B: TrainKernels> Backward<B, 3> for NormStep {
    type State = (P<B>, P<B>, P<B>, P<B>, Planes);
    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, scale, shift] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (xs, ss, mean, variance, p) = ops.state;
        let [gx, gs, gb] = B::norm_backward(xs, ss, mean, variance, grad, &p);
        for (node, grad) in [(x, gx), (scale, gs), (shift, gb)] {
            if let Some(n) = node {
                grads.register::<B>(n.id, grad);
            }
        }
    }
}

impl<B: TrainKernels> Backward<B, 3> for AffineStep {
    type State = (P<B>, P<B>, P<B>, Planes);
    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, scale, shift] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (xs, ss, zero, p) = ops.state;
        if let Some(n) = scale {
            grads.register::<B>(n.id, B::channel_dot(xs, grad.clone(), &p));
        }
        if let Some(n) = shift {
            grads.register::<B>(n.id, B::channel_sum(grad.clone(), &p));
        }
        if let Some(n) = x {
            grads.register::<B>(n.id, B::affine_forward(grad, ss, zero, &p));
        }
    }
}

impl<B: TrainKernels> Backward<B, 2> for SumStep {
    type State = ();
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        for n in ops.parents.into_iter().flatten() {
            grads.register::<B>(n.id, grad.clone());
        }
    }
}

type A<B, C> = FloatTensor<Autodiff<B, C>>;

impl<B: TrainKernels, C: CheckpointStrategy> TrainOps for Autodiff<B, C> {
    fn train_conv(x: A<B, C>, w: A<B, C>, b: A<B, C>, g: Geometry) -> A<B, C> {
        let nodes = [x.node(), w.node(), b.node()];
        let (x, w, b) = (x.into_primitive(), w.into_primitive(), b.into_primitive());
        match Backward::<B, 3>::prepare::<C>(ConvStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::conv_forward(x.clone(), w.clone(), Some(b), &g);
                prep.finish((x, w, g), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv_forward(x, w, Some(b), &g)),
        }
    }
    fn train_conv_plain(x: A<B, C>, w: A<B, C>, g: Geometry) -> A<B, C> {
        let nodes = [x.node(), w.node()];
        let (x, w) = (x.into_primitive(), w.into_primitive());
        match Backward::<B, 2>::prepare::<C>(ConvPlainStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::conv_forward(x.clone(), w.clone(), None, &g);
                prep.finish((x, w, g), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv_forward(x, w, None, &g)),
        }
    }
    fn train_gate(x: A<B, C>, pos: A<B, C>, neg: A<B, C>) -> A<B, C> {
        let nodes = [x.node(), pos.node(), neg.node()];
        let (x, pos, neg) = (x.into_primitive(), pos.into_primitive(), neg.into_primitive());
        let gates = elements::<B>(&pos);
        match Backward::<B, 3>::prepare::<C>(GateStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::gate_forward(x.clone(), pos.clone(), neg.clone());
                prep.finish((x, pos, neg, gates), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::gate_forward(x, pos, neg)),
        }
    }
    fn train_ceiling(y: A<B, C>, ceiling: A<B, C>) -> A<B, C> {
        let nodes = [y.node()];
        let (y, ceiling) = (y.into_primitive(), ceiling.into_primitive());
        match Backward::<B, 1>::prepare::<C>(CeilingStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let z = B::ceiling_forward(y.clone(), ceiling.clone());
                prep.finish((y, ceiling), z)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::ceiling_forward(y, ceiling)),
        }
    }
    fn train_norm(x: A<B, C>, scale: A<B, C>, shift: A<B, C>, p: Planes) -> (A<B, C>, A<B, C>, A<B, C>) {
        let nodes = [x.node(), scale.node(), shift.node()];
        let (x, scale, shift) = (x.into_primitive(), scale.into_primitive(), shift.into_primitive());
        let [y, mean, variance] = B::norm_forward(x.clone(), scale.clone(), shift, &p);
        let statistics = (A::<B, C>::new(mean.clone()), A::<B, C>::new(variance.clone()));
        let y = match Backward::<B, 3>::prepare::<C>(NormStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, scale, mean, variance, p), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, statistics.0, statistics.1)
    }
    fn train_affine(x: A<B, C>, scale: A<B, C>, shift: A<B, C>, p: Planes) -> A<B, C> {
        let nodes = [x.node(), scale.node(), shift.node()];
        let (x, scale, shift) = (x.into_primitive(), scale.into_primitive(), shift.into_primitive());
        match Backward::<B, 3>::prepare::<C>(AffineStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::affine_forward(x.clone(), scale.clone(), shift.clone(), &p);
                let zero = B::float_mul_scalar(shift, 0.0.into());
                prep.finish((x, scale, zero, p), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::affine_forward(x, scale, shift, &p)),
        }
    }
    fn train_sum(a: A<B, C>, b: A<B, C>) -> A<B, C> {
        both::<B, C>(a, b, B::sum)
    }
    fn train_probed(x: A<B, C>, probe: A<B, C>) -> A<B, C> {
        both::<B, C>(x, probe, |x, _| x)
    }
    fn train_place(x: A<B, C>, p: Place) -> A<B, C> {
        alone::<B, C, _>(x, PlaceStep, p.clone(), |x| B::place(x, &p))
    }
    fn train_fork(x: A<B, C>) -> A<B, C> {
        alone::<B, C, _>(x, ForkStep, (), |x| x)
    }
    fn train_read(x: A<B, C>, given: Given) -> A<B, C> {
        alone::<B, C, _>(x, ReadStep, given, |x| x)
    }
}

/// A result of one operand, which the backward pass does without.
fn alone<B: TrainKernels, C: CheckpointStrategy, S: Backward<B, 1>>(
    x: A<B, C>,
    step: S,
    state: S::State,
    f: impl FnOnce(P<B>) -> P<B>,
) -> A<B, C> {
    let nodes = [x.node()];
    let y = f(x.into_primitive());
    match step.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

/// A result whose gradient is that of both operands.
fn both<B: TrainKernels, C: CheckpointStrategy>(
    a: A<B, C>,
    b: A<B, C>,
    f: impl FnOnce(P<B>, P<B>) -> P<B>,
) -> A<B, C> {
    let nodes = [a.node(), b.node()];
    let y = f(a.into_primitive(), b.into_primitive());
    match Backward::<B, 2>::prepare::<C>(SumStep, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((), y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

fn elements<B: TrainKernels>(t: &P<B>) -> usize {
    use burn::backend::TensorMetadata;
    t.shape().num_elements()
}
