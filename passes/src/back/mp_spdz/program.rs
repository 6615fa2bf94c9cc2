//! One IR operation → one line of the program.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::driver::valid::Valid;
use crate::ir::movement;
use crate::ir::op::{Kind, ReduceKind};
use crate::ir::{Binary, Graph, NodeId, Op};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

const NO_FORM: &str = "has no form in an MP-SPDZ program of relinc";

/// A translated graph.
#[derive(Debug, Default)]
pub struct Program {
    /// The lines after the prelude.
    pub lines: String,
    /// Public index lists by name.
    pub index: BTreeMap<String, Vec<i64>>,
    /// The weights in the order they are read; flat.
    pub weights: Vec<Vec<f32>>,
}

/// Elements of a value: every one may stand in a list of places, in words.
const LARGEST: usize = 1 << 24;

/// Translates every node that the output depends on; else one sentence for each that has no form.
pub fn translate(valid: &Valid<'_>, input: NodeId, output: NodeId) -> Result<Program, Vec<String>> {
    let mut t = Translation { valid, g: valid.graph(), names: HashMap::new(), program: Program::default() };
    let n = t.size(input);
    t.line(input, format!("secret(IMAGE_PLAYER, {n})"));
    let mut errors = vec![];
    for &id in valid.order() {
        if matches!(t.g.op(id), Op::Input(_) | Op::Const(_)) {
            continue;
        }
        let fits = match t.size(id) {
            n if n > LARGEST => {
                Err(format!("has {n} elements an image, more than the {LARGEST} of an MP-SPDZ program"))
            }
            _ => t.node(id),
        };
        if let Err(why) = fits {
            errors.push(format!("{} '{}': {why}", t.g.op(id).mnemonic(), t.g.node(id).name));
            t.line(id, "None".into());
        }
    }
    let last = t.names.get(&output).cloned().unwrap_or_default();
    let _ = writeln!(t.program.lines, "{last}.print_reveal_nested()");
    if errors.is_empty() { Ok(t.program) } else { Err(errors) }
}

struct Translation<'a> {
    valid: &'a Valid<'a>,
    g: &'a Graph,
    names: HashMap<NodeId, String>,
    program: Program,
}

impl Translation<'_> {
    fn shape(&self, id: NodeId) -> Vec<usize> {
        self.valid.facts().ty(id).at(1)
    }
    fn size(&self, id: NodeId) -> usize {
        self.shape(id).iter().product()
    }

    /// The variable of a node.
    fn variable(id: NodeId) -> String {
        format!("v{}", id.index())
    }

    fn line(&mut self, id: NodeId, value: String) {
        let name = Self::variable(id);
        let comment = self.g.node(id).layer.as_ref().map(|l| format!("  # {l}")).unwrap_or_default();
        let _ = writeln!(self.program.lines, "{name} = {value}{comment}");
        self.names.insert(id, name);
    }

    /// The variable of a value; a single number as itself; other constants are read from player 0 at their first use.
    fn value(&mut self, id: NodeId) -> Result<String, String> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let t = self.g.const_of(id).ok_or("reads a value that was not computed")?;
        let v = t.as_f32().ok_or("computes with an integer constant")?;
        if let [only] = v {
            return Ok(format!("{only:?}"));
        }
        Ok(self.weight(id, v.to_vec()))
    }

    fn weight(&mut self, id: NodeId, v: Vec<f32>) -> String {
        let name = format!("w{}", id.index());
        let _ = writeln!(self.program.lines, "{name} = secret(WEIGHTS_PLAYER, {})", v.len());
        self.program.weights.push(v);
        self.names.insert(id, name.clone());
        name
    }

    /// A weight of a linear operation: an array even where it is one number.
    fn parameter(&mut self, id: NodeId) -> Result<String, String> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let v = self.g.const_of(id).and_then(|t| t.as_f32()).ok_or("its weights are not constant")?;
        Ok(self.weight(id, v.to_vec()))
    }

    fn operand(&mut self, id: NodeId, slot: usize) -> Result<String, String> {
        let o = self.g.operand(id, slot).ok_or("has no operand")?;
        self.value(o)
    }

    fn bias(&mut self, id: NodeId) -> Result<String, String> {
        match self.g.operand(id, 2) {
            None => Ok("None".into()),
            Some(b) => self.parameter(b),
        }
    }

    /// `x` at flat indices: as it is, a run of neighbours, or by a public list.
    fn picked(&mut self, id: NodeId, x: &str, from: usize, list: Vec<i64>) -> String {
        let run = list.iter().zip(list.first().copied().unwrap_or(0)..).all(|(&a, b)| a == b);
        match (run, list.len()) {
            (true, n) if n == from => x.to_string(),
            (true, n) => format!("part({x}, {}, {n})", list.first().copied().unwrap_or(0)),
            _ => {
                let name = Self::variable(id);
                self.program.index.insert(name.clone(), list);
                format!("pick({x}, '{name}')")
            }
        }
    }

    /// An operation that only moves elements: those of its operands, one after the other, by their places.
    fn moved(&mut self, id: NodeId) -> Result<(), String> {
        let op = self.g.op(id);
        let mut operands = self.g.operands(id);
        let at = if let Op::Gather { axis } = op {
            let places = self.g.const_operand(id, 1).ok_or("its indices are not public")?;
            let dim = self.shape(operands[0])[*axis];
            Some((places.positions(dim)?, places.shape()))
        } else {
            None
        };
        operands.truncate(if matches!(op, Op::Concat { .. }) { operands.len() } else { 1 });
        let (mut names, mut lists, mut base) = (vec![], vec![], 0);
        for &o in &operands {
            names.push(self.value(o)?);
            let n = self.size(o);
            lists.push(((base as i64..(base + n) as i64).collect::<Vec<_>>(), self.shape(o)));
            base += n;
        }
        let parts: Vec<(&[i64], &[usize])> = lists.iter().map(|(v, s)| (&v[..], &s[..])).collect();
        let at = at.as_ref().map(|(p, s)| (&p[..], *s));
        let list =
            movement::moved(op, &parts, at, &self.shape(id), |_| 0).filter(|_| !matches!(op, Op::Pad { .. }));
        let list = list.ok_or(NO_FORM)?;
        let joined = matches!(op, Op::Concat { .. });
        let x = if joined { format!("join({})", names.join(", ")) } else { names.concat() };
        let y = self.picked(id, &x, base, list);
        if y == x && !joined {
            self.names.insert(id, y);
        } else {
            self.line(id, y);
        }
        Ok(())
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused by name")]
    fn node(&mut self, id: NodeId) -> Result<(), String> {
        let g = self.g;
        let from = g.operand(id, 0).map(|o| self.shape(o)).unwrap_or_default();
        let flat: Vec<i64> = (0..from.iter().product::<usize>() as i64).collect();
        let out = self.shape(id);
        match g.op(id) {
            op if op.kind() == Kind::Move => self.moved(id),
            Op::Conv(_) => self.conv(id),
            Op::Linear => self.linear(id),
            Op::Relu => {
                let x = self.operand(id, 0)?;
                self.line(id, format!("relu({x})"));
                Ok(())
            }
            Op::Clip { min, max } => {
                let x = self.operand(id, 0)?;
                self.line(id, format!("clip({x}, {min:?}, {max:?})"));
                Ok(())
            }
            Op::CappedRelu { cap } => {
                let x = self.operand(id, 0)?;
                self.line(id, format!("clip({x}, 0.0, {cap:?})"));
                Ok(())
            }
            Op::Binary(b) => self.binary(id, *b, &out),
            Op::GlobalMean { .. } => {
                let n = from[2..].iter().product();
                self.mean(id, flat, n)
            }
            Op::Reduce { kind: ReduceKind::Mean, axes, .. } => {
                let kept = (0..from.len()).filter(|a| !axes.contains(a));
                let perm: Vec<usize> = kept.chain(axes.iter().copied()).collect();
                let n = axes.iter().map(|&a| from[a]).product();
                self.mean(id, movement::transpose(&flat, &from, &perm).0, n)
            }
            Op::AvgPool { window: w, .. } if w.pads == [0; 4] && !w.ceil => {
                let mut list = vec![];
                for c in 0..out[1] {
                    for (r, k) in (0..out[2]).flat_map(|r| (0..out[3]).map(move |k| (r, k))) {
                        for i in 0..w.kernel[0] {
                            let row = (c * from[2] + r * w.strides[0] + i) * from[3] + k * w.strides[1];
                            list.extend((row..row + w.kernel[1]).map(|p| p as i64));
                        }
                    }
                }
                self.mean(id, list, w.kernel[0] * w.kernel[1])
            }
            _ => Err(NO_FORM.into()),
        }
    }

    fn mean(&mut self, id: NodeId, list: Vec<i64>, n: usize) -> Result<(), String> {
        let x = self.operand(id, 0)?;
        let from = self.g.operand(id, 0).map_or(0, |o| self.size(o));
        let parts = self.picked(id, &x, from, list);
        self.line(id, format!("mean({parts}, {n})"));
        Ok(())
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused by name")]
    fn binary(&mut self, id: NodeId, b: Binary, out: &[usize]) -> Result<(), String> {
        let word = match b {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            _ => return Err(NO_FORM.into()),
        };
        let mut names = vec![];
        for (slot, o) in self.g.operands(id).into_iter().enumerate() {
            let (name, shape) = (self.value(o)?, self.shape(o));
            let single = self.g.const_of(o).is_some_and(|t| t.len() == 1);
            if single && slot == 0 {
                return Err("has a constant as its first operand".into());
            }
            if single || shape.iter().product::<usize>() == out.iter().product::<usize>() {
                names.push(name);
                continue;
            }
            let flat: Vec<i64> = (0..shape.iter().product::<usize>() as i64).collect();
            let list = movement::expand(&flat, &shape, out);
            let spread = format!("{}_{slot}", Self::variable(id));
            self.program.index.insert(spread.clone(), list);
            names.push(format!("pick({name}, '{spread}')"));
        }
        self.line(id, format!("{word}({})", names.join(", ")));
        Ok(())
    }

    fn conv(&mut self, id: NodeId) -> Result<(), String> {
        let Op::Conv(c) = self.g.op(id) else { return Err("is no convolution".into()) };
        let (x, operands) = (self.operand(id, 0)?, self.g.operands(id));
        let (inputs, w, out) = (self.shape(operands[0]), self.shape(operands[1]), self.shape(id));
        let (kernel, bias) = (self.parameter(operands[1])?, self.bias(id)?);
        self.line(
            id,
            format!(
                "conv({x}, {kernel}, {bias}, {:?}, {:?}, {:?}, {:?}, {:?}, {:?}, {})",
                &inputs[1..],
                &out[1..],
                &w[2..],
                c.strides,
                c.dilations,
                c.pads,
                c.group
            ),
        );
        Ok(())
    }

    fn linear(&mut self, id: NodeId) -> Result<(), String> {
        let (x, operands) = (self.operand(id, 0)?, self.g.operands(id));
        let (w, n) = (self.shape(operands[1]), self.size(id));
        let (matrix, bias) = (self.parameter(operands[1])?, self.bias(id)?);
        self.line(id, format!("linear({x}, {matrix}, {bias}, {}, {}, {})", n / w[0], w[1], w[0]));
        Ok(())
    }
}
