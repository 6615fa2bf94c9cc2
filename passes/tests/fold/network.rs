//! Random residual networks, small enough to run by the thousand.

use relinc_passes::ir::infer::infer_node;
use relinc_passes::ir::op::{Conv, SliceAxis};
use relinc_passes::ir::{Binary, Dim, Facts, Graph, NodeId, Op, Tensor, Type};
use relinc_passes::splitmix::SplitMix;
use std::collections::HashMap;

/// A network of chains, blocks and parallel branches. Some values are outputs besides, some weights are shared.
pub fn random_network(rng: &mut SplitMix) -> Graph {
    let mut n = Network { rng, g: Graph::new("random"), facts: Facts::default(), kernels: HashMap::new() };
    let dims = [n.pick(1, 4), n.pick(5, 14), n.pick(5, 14)].map(Dim::Fixed);
    let mut x = n.add(Op::Input(Type::f32([Dim::Batch, dims[0], dims[1], dims[2]])), &[]);
    for _ in 0..n.pick(1, 4) {
        x = match n.pick(0, 5) {
            0 | 1 => n.chain(x),
            2 => n.residual(x),
            3 => n.downsampling(x),
            4 => n.branches(x),
            _ => n.free_conv(x),
        };
        if n.chance(10) {
            n.g.add_output("inner", x);
        }
        if n.chance(25) {
            x = n.add(Op::Relu, &[x]);
        }
    }
    let y = n.head(x);
    n.g.add_output("y", y);
    n.g
}

struct Network<'r> {
    rng: &'r mut SplitMix,
    g: Graph,
    facts: Facts,
    kernels: HashMap<Vec<usize>, NodeId>,
}

impl Network<'_> {
    /// Uniform in `low..=high`.
    fn pick(&mut self, low: usize, high: usize) -> usize {
        low + (self.rng.next_u64() % (high - low + 1) as u64) as usize
    }
    fn chance(&mut self, percent: usize) -> bool {
        self.pick(0, 99) < percent
    }
    fn add(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let id = self.g.add("v", op, operands);
        let fact = infer_node(&self.g, &self.facts, id).unwrap().unwrap();
        self.facts.set(id, fact);
        id
    }
    /// `[C, H, W]`.
    fn shape(&self, id: NodeId) -> [usize; 3] {
        self.facts.ty(id).per_sample().try_into().unwrap()
    }
    /// Weights that keep the variance; now and then those of an earlier layer.
    fn weights(&mut self, shape: &[usize]) -> NodeId {
        if let Some(&shared) = self.kernels.get(shape)
            && self.chance(40)
        {
            return shared;
        }
        let inputs: usize = shape[1..].iter().product();
        let scale = (3.0 / inputs as f32).sqrt();
        let id = self.values(shape, scale);
        self.kernels.insert(shape.to_vec(), id);
        id
    }
    fn values(&mut self, shape: &[usize], scale: f32) -> NodeId {
        let n = shape.iter().product();
        let v = (0..n).map(|_| (self.rng.uniform() * 2.0 - 1.0) * scale).collect();
        self.add(Op::Const(Tensor::f32(shape, v).into()), &[])
    }

    /// A convolution to `out` channels, which `group` divides.
    fn conv(&mut self, x: NodeId, out: usize, kernel: [usize; 2], c: Conv) -> NodeId {
        let [inputs, ..] = self.shape(x);
        let w = self.weights(&[out, inputs / c.group, kernel[0], kernel[1]]);
        let mut operands = vec![x, w];
        if self.chance(70) {
            operands.push(self.values(&[out], 0.5));
        }
        self.add(Op::Conv(c), &operands)
    }
    fn group(&mut self, inputs: usize, out: usize) -> usize {
        let fit: Vec<usize> =
            (1..=inputs).filter(|&g| inputs.is_multiple_of(g) && out.is_multiple_of(g)).collect();
        if self.chance(60) { 1 } else { fit[self.pick(0, fit.len() - 1)] }
    }
    /// A convolution whose result has the size of every `stride`-th row and column: its padding is as wide as its kernel,
    /// but need not be even.
    fn same_conv(&mut self, x: NodeId, out: usize, strides: [usize; 2], most: usize) -> NodeId {
        let [inputs, ..] = self.shape(x);
        let (mut kernel, mut pads, mut dilations) = ([1; 2], [0; 4], [1; 2]);
        for i in 0..2 {
            kernel[i] = self.pick(1, most);
            dilations[i] = if self.chance(20) { 2 } else { 1 };
            let span = (kernel[i] - 1) * dilations[i];
            pads[i] = if self.chance(75) { span / 2 } else { self.pick(0, span) };
            pads[i + 2] = span - pads[i];
        }
        let group = self.group(inputs, out);
        self.conv(x, out, kernel, Conv { strides, pads, dilations, group })
    }
    /// Any convolution that fits.
    fn free_conv(&mut self, x: NodeId) -> NodeId {
        let [inputs, h, w] = self.shape(x);
        let out = self.pick(1, 4);
        let (mut kernel, mut strides, mut pads, mut dilations) = ([1; 2], [1; 2], [0; 4], [1; 2]);
        for (i, size) in [h, w].into_iter().enumerate() {
            pads[i] = self.pick(0, 3);
            pads[i + 2] = self.pick(0, 3);
            strides[i] = self.pick(1, 3);
            let room = size + pads[i] + pads[i + 2];
            kernel[i] = self.pick(1, room.min(7));
            if (kernel[i] - 1) * 2 < room && self.chance(30) {
                dilations[i] = 2;
            }
        }
        let group = self.group(inputs, out);
        self.conv(x, out, kernel, Conv { strides, pads, dilations, group })
    }

    fn chain(&mut self, mut x: NodeId) -> NodeId {
        for _ in 0..self.pick(1, 3) {
            x = if self.chance(50) {
                self.free_conv(x)
            } else {
                let (out, most) = (self.pick(1, 4), self.pick(1, 5));
                self.same_conv(x, out, [1, 1], most)
            };
        }
        x
    }
    /// One to three convolutions, the first with a stride; a ReLU or a second reader between them now and then.
    fn body(&mut self, x: NodeId, out: usize, strides: [usize; 2]) -> NodeId {
        let layers = self.pick(1, 3);
        let mut y = x;
        for i in 0..layers {
            let channels = if i + 1 == layers { out } else { self.pick(1, 4) };
            let most = if self.chance(80) { 3 } else { 7 };
            y = self.same_conv(y, channels, if i == 0 { strides } else { [1, 1] }, most);
            if i + 1 < layers && self.chance(25) {
                y = self.add(Op::Relu, &[y]);
            }
            if self.chance(5) {
                self.g.add_output("body", y);
            }
        }
        y
    }
    fn sum(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let operands = if self.chance(50) { [a, b] } else { [b, a] };
        self.add(Op::Binary(Binary::Add), &operands)
    }
    fn residual(&mut self, x: NodeId) -> NodeId {
        let [channels, ..] = self.shape(x);
        let y = self.body(x, channels, [1, 1]);
        self.sum(y, x)
    }
    /// A block with a stride, and a 1×1 convolution or an option-A shortcut beside it.
    fn downsampling(&mut self, x: NodeId) -> NodeId {
        let [inputs, ..] = self.shape(x);
        let out = inputs + self.pick(0, 2);
        let strides = [self.pick(1, 3), self.pick(1, 3)];
        let y = self.body(x, out, strides);
        let shortcut = if self.chance(50) {
            self.conv(x, out, [1, 1], Conv { strides, pads: [0; 4], dilations: [1, 1], group: 1 })
        } else {
            self.option_a(x, out, strides)
        };
        self.sum(y, shortcut)
    }
    fn option_a(&mut self, x: NodeId, out: usize, strides: [usize; 2]) -> NodeId {
        let [inputs, ..] = self.shape(x);
        let mut y = x;
        for (i, &step) in strides.iter().enumerate().filter(|(_, s)| **s > 1) {
            let a = SliceAxis { axis: 2 + i, start: 0, end: i64::MAX, step: step as i64 };
            y = self.add(Op::Slice(vec![a]), &[y]);
        }
        if out == inputs {
            return y;
        }
        let first = self.pick(0, out - inputs);
        let (before, after) = (vec![0, first, 0, 0], vec![0, out - inputs - first, 0, 0]);
        self.add(Op::Pad { before, after, value: 0.0 }, &[y])
    }
    /// Two or three convolutions of one value, the value itself, and a constant now and then.
    fn branches(&mut self, x: NodeId) -> NodeId {
        let [channels, h, w] = self.shape(x);
        let mut y = self.same_conv(x, channels, [1, 1], 5);
        for _ in 0..self.pick(1, 2) {
            let b = self.same_conv(x, channels, [1, 1], 3);
            y = self.sum(y, b);
        }
        if self.chance(50) {
            y = self.sum(y, x);
        }
        if self.chance(20) {
            let c = self.values(&[channels, h, w], 1.0);
            y = self.sum(y, c);
        }
        y
    }

    /// The map itself, or a classifier.
    fn head(&mut self, x: NodeId) -> NodeId {
        let [channels, h, w] = self.shape(x);
        let features = match self.pick(0, 3) {
            0 => return x,
            1 => {
                let y = self.same_conv(x, 3, [1, 1], 1);
                self.add(Op::GlobalMean { keep: false }, &[y])
            }
            2 => self.add(Op::GlobalMean { keep: false }, &[x]),
            _ => self.add(Op::Reshape(vec![Dim::Batch, Dim::Fixed(channels * h * w)]), &[x]),
        };
        let width = self.facts.ty(features).per_sample()[0];
        let w = self.weights(&[5, width]);
        let b = self.values(&[5], 0.5);
        let y = self.add(Op::Linear, &[features, w, b]);
        if self.chance(50) {
            return y;
        }
        let w = self.weights(&[4, 5]);
        self.add(Op::Linear, &[y, w])
    }
}
