//! Operations that only move elements, followed by running them on the elements' numbers.

use super::Lower;
use crate::certify::program::Work;
use relinc_passes::ir::movement;
use relinc_passes::ir::{NodeId, Op};

/// The elements of a value by their numbers.
pub(super) fn numbered(n: usize) -> Vec<Option<usize>> {
    (0..n).map(Some).collect()
}

impl Lower<'_> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only these two are more than a movement of one operand"
    )]
    pub(super) fn movement(&mut self, id: NodeId, op: &Op) -> Result<usize, String> {
        let x = self.operand(id, 0)?;
        let (from, shape, out) = (self.step(x)?, self.shape(x), self.shape(id));
        let at = match op {
            Op::Gather { axis } => {
                let indices = self.constant(id, 1)?;
                Some((indices.positions(shape[*axis])?, indices.shape().to_vec()))
            }
            _ => None,
        };
        let at = at.as_ref().map(|(places, of)| (&places[..], &of[..]));
        let all = numbered(self.steps[from].len);
        let places =
            movement::moved(op, &[(&all[..], &shape[..])], at, &out, |_| None).ok_or("it moves nothing")?;
        let moved = self.moved(from, &places);
        match op {
            Op::Pad { value, .. } if *value != 0.0 => {
                let offset = places.iter().map(|p| if p.is_none() { *value } else { 0.0 }).collect();
                let n = places.len();
                Ok(self.add(Work::Scale { from: moved, factor: vec![1.0; n], offset }, n))
            }
            _ => Ok(moved),
        }
    }

    /// The sum of all parts, each at its place.
    pub(super) fn concatenation(&mut self, id: NodeId, op: &Op) -> Result<usize, String> {
        let operands = self.g.operands(id);
        let shapes: Vec<Vec<usize>> = operands.iter().map(|&o| self.shape(o)).collect();
        let out = self.shape(id);
        let mut total: Option<usize> = None;
        let mut constants: Vec<f32> = vec![];
        for (k, &operand) in operands.iter().enumerate() {
            let parts: Vec<Vec<Option<usize>>> = shapes
                .iter()
                .enumerate()
                .map(|(i, s)| {
                    let n = s.iter().product();
                    if i == k { numbered(n) } else { vec![None; n] }
                })
                .collect();
            let parts: Vec<(&[Option<usize>], &[usize])> =
                parts.iter().zip(&shapes).map(|(p, s)| (&p[..], &s[..])).collect();
            let places = movement::moved(op, &parts, None, &out, |_| None).ok_or("it moves nothing")?;
            if self.g.const_of(operand).is_some() {
                let values = self.numbers(id, k)?;
                constants.resize(places.len(), 0.0);
                let put = |(c, p): (&mut f32, &Option<usize>)| p.iter().for_each(|&p| *c = values[p]);
                constants.iter_mut().zip(&places).for_each(put);
                continue;
            }
            let from = self.step(operand)?;
            let part = self.moved(from, &places);
            total = Some(total.map_or(part, |t| self.sum(t, part)));
        }
        let total = total.ok_or("no part depends on the image")?;
        if constants.is_empty() {
            return Ok(total);
        }
        let n = constants.len();
        Ok(self.add(Work::Scale { from: total, factor: vec![1.0; n], offset: constants }, n))
    }

    /// A value broadcast to the dimensions of a node that reads it.
    pub(super) fn spread(&mut self, id: NodeId, x: NodeId) -> Result<usize, String> {
        let from = self.step(x)?;
        let places = movement::expand(&numbered(self.steps[from].len), &self.shape(x), &self.shape(id));
        Ok(self.moved(from, &places))
    }
}
