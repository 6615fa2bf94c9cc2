//! Convolutions and products with constant matrices, which are convolutions of maps of one column.

use super::Lower;
use crate::certify::program::Work;
use crate::kernels::conv::ConvShape;
use relinc_passes::ir::{NodeId, op};

impl Lower<'_> {
    pub(super) fn convolution(&mut self, id: NodeId, c: &op::Conv) -> Result<usize, String> {
        let x = self.operand(id, 0)?;
        let image = <[usize; 4]>::try_from(self.shape(x));
        let weights = <[usize; 4]>::try_from(self.constant(id, 1)?.shape());
        let (Ok([_, channels, rows, columns]), Ok(weights)) = (image, weights) else {
            return Err("it is no convolution of images".into());
        };
        let shape = ConvShape::of(c, [1, channels, rows, columns], weights);
        let bias = self.g.operand(id, 2).map(|_| self.numbers(id, 2)).transpose()?;
        let (from, weights) = (self.step(x)?, self.numbers(id, 1)?);
        Ok(self.add(Work::convolution(from, shape, weights, bias), shape.output_len()))
    }

    pub(super) fn linear(&mut self, id: NodeId) -> Result<usize, String> {
        let bias = self.g.operand(id, 2).map(|_| self.numbers(id, 2)).transpose()?;
        let &[outputs, inputs] = self.constant(id, 1)?.shape() else {
            return Err("its weights are no matrix".into());
        };
        let weights = self.numbers(id, 1)?;
        let from = self.read(id, 0)?;
        Ok(self.rows_times(from, [inputs, outputs], weights, bias))
    }

    pub(super) fn matrix_product(&mut self, id: NodeId) -> Result<usize, String> {
        let &[inputs, outputs] = self.constant(id, 1)?.shape() else {
            return Err("it is no product with one constant matrix".into());
        };
        let w = self.numbers(id, 1)?;
        let turned =
            (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))).map(|(o, i)| w[i * outputs + o]);
        let from = self.read(id, 0)?;
        Ok(self.rows_times(from, [inputs, outputs], turned.collect(), None))
    }

    /// Each row of `x`, `[rows, inputs]`, times weights `[outputs, inputs]`.
    fn rows_times(
        &mut self,
        x: usize,
        [inputs, outputs]: [usize; 2],
        weights: Vec<f32>,
        bias: Option<Vec<f32>>,
    ) -> usize {
        let rows = self.steps[x].len / inputs.max(1);
        // Channels lie before the map.
        let turned = |outer: usize, inner: usize| -> Vec<Option<usize>> {
            (0..inner).flat_map(|i| (0..outer).map(move |o| Some(o * inner + i))).collect()
        };
        let from = self.moved(x, &turned(rows, inputs));
        let shape = ConvShape {
            n: 1,
            c_in: inputs,
            h: rows,
            w: 1,
            c_out: outputs,
            kernel: [1; 2],
            strides: [1; 2],
            pads: [0; 4],
            dilations: [1; 2],
            groups: 1,
        };
        let product = self.add(Work::convolution(from, shape, weights, bias), rows * outputs);
        self.moved(product, &turned(outputs, rows))
    }

    pub(super) fn batch_norm(&mut self, id: NodeId, eps: f32) -> Result<usize, String> {
        let [scale, shift, mean, variance] = [1, 2, 3, 4].map(|slot| self.numbers(id, slot));
        let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
        let from = self.read(id, 0)?;
        let plane = self.steps[from].len / scale.len().max(1);
        let slope = |c: usize| f64::from(scale[c]) / (f64::from(variance[c]) + f64::from(eps)).sqrt();
        let each = |f: &dyn Fn(usize) -> f64| -> Vec<f32> {
            (0..scale.len()).flat_map(|c| std::iter::repeat_n(f(c) as f32, plane)).collect()
        };
        let (factor, offset) = (each(&slope), each(&|c| f64::from(shift[c]) - f64::from(mean[c]) * slope(c)));
        Ok(self.add(Work::Scale { from, factor, offset }, plane * scale.len()))
    }
}
