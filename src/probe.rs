//! `--verify-each`: the graph is executed before the first and after every pass, and the outputs are compared.

use crate::error::{Error, Result, input};
use relinc_passes::driver::{Guarantee, Pass};
use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, Tensor};

/// How much of the outputs' range an exact pass may move them by rounding.
const TOLERANCE: f64 = 1e-4;

/// Inputs and the outputs of the last accepted graph.
#[derive(Debug)]
pub struct Probe {
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

impl Probe {
    /// A probe with one tensor an input, `[n, …]`.
    pub fn new(inputs: Vec<Tensor>) -> Probe {
        Probe { inputs, outputs: vec![] }
    }

    /// Executes the imported graph.
    pub fn start(&mut self, g: &Graph) -> Result<()> {
        self.outputs = self.execute(g)?;
        Ok(())
    }

    fn execute(&self, g: &Graph) -> Result<Vec<Tensor>> {
        Interp::new(g).and_then(|i| i.run(self.inputs.clone())).map_err(input)
    }

    /// Executes the graph after a pass and returns the largest difference; an exact pass that changed the function is
    /// an error.
    pub fn after(&mut self, p: &dyn Pass, g: &Graph) -> Result<f64> {
        let now = self.execute(g)?;
        let difference =
            now.iter().zip(&self.outputs).map(|(a, b)| max_abs_difference(a, b)).fold(0.0, f64::max);
        let range = self.outputs.iter().map(range).fold(1e-3, f64::max);
        if p.guarantee() == Guarantee::Exact && difference > TOLERANCE * range {
            return Err(Error::Answer(format!(
                "pass {} is exact but moved an output by {difference:e} (range {range:e}): a bug in relinc",
                p.name()
            )));
        }
        self.outputs = now;
        Ok(difference)
    }
}

/// Largest absolute difference of two tensors of one shape; infinite when shapes or types differ, and wherever either is
/// not a number: a NaN never counts as equal.
pub fn max_abs_difference(a: &Tensor, b: &Tensor) -> f64 {
    match (a.as_f32(), b.as_f32()) {
        (Some(x), Some(y)) if a.shape() == b.shape() => {
            let differences = x.iter().zip(y).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs());
            differences.fold(0.0, |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) })
        }
        _ if a == b => 0.0,
        _ => f64::INFINITY,
    }
}

/// Largest minus smallest element.
pub fn range(t: &Tensor) -> f64 {
    let v = t.as_f32().unwrap_or_default();
    let (lo, hi) =
        v.iter().fold((f64::MAX, f64::MIN), |(l, h), &x| (l.min(f64::from(x)), h.max(f64::from(x))));
    if hi >= lo { hi - lo } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_never_equal() {
        let t = |v: f32| Tensor::f32([2], vec![1.0, v]);
        assert_eq!(max_abs_difference(&t(2.0), &t(2.5)), 0.5);
        for other in [t(f32::NAN), t(f32::INFINITY)] {
            assert_eq!(max_abs_difference(&t(0.0), &other), f64::INFINITY);
            assert_eq!(max_abs_difference(&other, &other), f64::INFINITY);
        }
    }
}
