//! A graph under construction, with He-initialised convolutions.

use crate::ir::{Binary, Conv, Dim, Graph, NodeId, Op, Tensor, Type};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub struct Builder {
    pub g: Graph,
    rng: ChaCha8Rng,
}

impl Builder {
    pub fn new(name: &str, seed: u64) -> Builder {
        Builder { g: Graph::new(name), rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The images, `[N,C,H,W]`.
    pub fn input(&mut self, [c, h, w]: [usize; 3]) -> NodeId {
        let shape = [Dim::Batch, Dim::Fixed(c), Dim::Fixed(h), Dim::Fixed(w)];
        self.g.add("input", Op::Input(Type::f32(shape)), &[])
    }

    /// Normal values by Box and Muller.
    fn normal(&mut self, n: usize, std: f32) -> Vec<f32> {
        (0..n)
            .map(|_| {
                let (u, v): (f32, f32) = (1.0 - self.rng.random::<f32>(), self.rng.random());
                std * (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
            })
            .collect()
    }

    /// Convolution without bias, k×k, padded by ⌊k/2⌋, weights of variance 2/(out·k²) (He, fan out).
    pub fn conv(&mut self, name: &str, x: NodeId, from: usize, to: usize, k: usize, stride: usize) -> NodeId {
        let std = (2.0 / (to * k * k) as f32).sqrt();
        let w = self.normal(to * from * k * k, std);
        let w = self.g.constant(format!("{name}.weight"), Tensor::f32([to, from, k, k], w));
        let op = Conv { strides: [stride; 2], pads: [k / 2; 4], dilations: [1; 2], group: 1 };
        self.g.add(name, Op::Conv(op), &[x, w])
    }

    /// Batch normalisation at its start: scale 1, shift 0, mean 0, variance 1.
    pub fn batch_norm(&mut self, name: &str, x: NodeId, channels: usize) -> NodeId {
        let mut p = vec![x];
        for (what, v) in [("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)] {
            p.push(self.g.constant(format!("{name}.{what}"), Tensor::f32([channels], vec![v; channels])));
        }
        self.g.add(name, Op::BatchNorm { eps: 1e-5 }, &p)
    }

    pub fn relu(&mut self, name: &str, x: NodeId) -> NodeId {
        self.g.add(name, Op::Relu, &[x])
    }

    pub fn sum(&mut self, name: &str, a: NodeId, b: NodeId) -> NodeId {
        self.g.add(name, Op::Binary(Binary::Add), &[a, b])
    }

    /// Linear layer with zero bias and weights of variance 1/in.
    pub fn linear(&mut self, name: &str, x: NodeId, from: usize, to: usize) -> NodeId {
        let w = self.normal(from * to, (1.0 / from as f32).sqrt());
        let w = self.g.constant(format!("{name}.weight"), Tensor::f32([to, from], w));
        let b = self.g.constant(format!("{name}.bias"), Tensor::f32([to], vec![0.0; to]));
        self.g.add(name, Op::Linear, &[x, w, b])
    }
}
