//! Which ReLU layers may become quadratic, and which are the last to give up their ReLUs.
//!
//! A square grows what is far out, and a sum carries it on: so squares stand inside blocks, where a normalisation is before them and
//! only the next product reads them, and a few ReLU layers between them, at the stem and at the end of each stage, reset what has grown.

use crate::train::loss::stage_outputs;
use relinc_passes::choice::Choice;
use relinc_passes::ir::{Graph, NodeId, Op};
use relinc_passes::layers::ReluLayer;

/// Where a ReLU layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its result goes only into the next convolution or linear layer.
    Inside,
    /// The first layer, or the last of a stage.
    Reset,
    /// Anywhere else: after an addition whose sum others read too.
    After,
}

/// Of each layer. The first and the last of each stage are resets wherever they stand; a layer with a cap is never inside.
pub fn places(g: &Graph, layers: &[ReluLayer]) -> Vec<Place> {
    let shapes: Vec<[usize; 3]> = layers.iter().map(|l| l.shape).collect();
    let ends = stage_outputs(&shapes);
    let place = |(i, l): (usize, &ReluLayer)| match () {
        () if i == 0 || ends.contains(&i) => Place::Reset,
        () if !l.capped() && into_product(g, l.node) => Place::Inside,
        () => Place::After,
    };
    layers.iter().enumerate().map(place).collect()
}

/// Does one product alone read the value, through operations that only move or average it?
fn into_product(g: &Graph, mut at: NodeId) -> bool {
    loop {
        let [(user, slot)] = g.users(at)[..] else { return false };
        match g.op(user) {
            Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul => return slot == 0,
            Op::BatchNorm { .. }
            | Op::AvgPool { .. }
            | Op::GlobalMean { .. }
            | Op::Reshape(_)
            | Op::Pad { .. } => at = user,
            _ => return false,
        }
    }
}

/// What becomes of each layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structure {
    /// Keeps no ReLU.
    pub closed: Vec<bool>,
    /// Is quadratic; such a layer is closed too.
    pub squares: Vec<bool>,
}

/// What a count of ReLUs leaves of the layers' places, where layers may be quadratic.
#[derive(Debug)]
pub struct Count<'a> {
    /// Where each stands.
    pub places: &'a [Place],
    /// Comparisons of each.
    pub sizes: &'a [usize],
    /// Comparisons that are kept, at most.
    pub keep: usize,
    /// Layers that keep some, at most.
    pub layers: Option<usize>,
    /// What layers become wherever they stand, quadratic or the identity, one entry a layer; empty where none is asked for.
    pub asked: &'a [Option<Choice>],
}

impl Count<'_> {
    fn asked(&self, l: usize) -> Option<Choice> {
        *self.asked.get(l)?
    }

    /// Which of the layers that keep no ReLU become quadratic: those inside, unless something else is asked for.
    pub fn squares(&self, closed: &[bool]) -> Vec<bool> {
        let of = |(l, p): (usize, &Place)| match self.asked(l) {
            Some(choice) => choice == Choice::Quadratic,
            None => *p == Place::Inside,
        };
        closed.iter().zip(self.places.iter().enumerate().map(of)).map(|(c, square)| *c && square).collect()
    }

    /// Layers inside are quadratic and those that are named what they are asked to be, others the identity, but for those that keep ReLUs: resets, then others after additions, then
    /// inside, each kind in the order of what going whole would cost (`costs`, one a layer), while they fit. One layer stays at least.
    pub fn structure(&self, costs: &[f64]) -> Structure {
        let n = self.places.len();
        let rank = |l: &usize| match self.places[*l] {
            Place::Reset => 0,
            Place::After => 1,
            Place::Inside => 2,
        };
        let mut order: Vec<usize> = (0..n).filter(|l| self.asked(*l).is_none()).collect();
        let cost = |l: usize| costs.get(l).copied().unwrap_or(0.0);
        order.sort_by(|a, b| rank(a).cmp(&rank(b)).then(cost(*b).total_cmp(&cost(*a))).then(a.cmp(b)));
        let (mut closed, mut room, mut open) = (vec![true; n], 0, 0);
        for l in order {
            // Resets stay whatever the count is: within them a search keeps the dearest.
            let fits = room + self.sizes[l] <= self.keep || self.places[l] == Place::Reset || open == 0;
            if fits && self.keep > 0 && self.layers.is_none_or(|most| open < most) {
                (closed[l], room, open) = (false, room + self.sizes[l], open + 1);
            }
        }
        let squares = self.squares(&closed);
        Structure { closed, squares }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use relinc_passes::architecture::{Architecture, Kind};
    use relinc_passes::ir::infer::infer;
    use relinc_passes::layers::name_layers;

    fn resnet20() -> (Graph, Vec<ReluLayer>) {
        let a = Architecture { kind: Kind::Resnet, depth: 20, width: None, classes: 10, input: [3, 32, 32] };
        let mut g = a.build(1).unwrap();
        let facts = infer(&g).unwrap();
        let layers = name_layers(&mut g, &facts);
        (g, layers)
    }

    #[test]
    fn a_residual_network_has_nine_layers_inside_and_four_resets() {
        let (g, layers) = resnet20();
        let p = places(&g, &layers);
        let of = |p: &[Place], what| (0..p.len()).filter(|&i| p[i] == what).collect::<Vec<_>>();
        assert_eq!(of(&p, Place::Reset), [0, 6, 12, 18]);
        assert_eq!(of(&p, Place::Inside), [1, 3, 5, 7, 9, 11, 13, 15, 17]);
        let sizes: Vec<usize> = layers.iter().map(ReluLayer::relus).collect();
        let count = |keep, layers| Count { places: &p, sizes: &sizes, keep, layers, asked: &[] };
        let four = count(45_056, None).structure(&[]);
        let kept = |s: &Structure| (0..19).filter(|&l| !s.closed[l]).collect::<Vec<_>>();
        assert_eq!(kept(&four), [0, 6, 12, 18]);
        assert_eq!(four.squares.iter().filter(|s| **s).count(), 9);
        // A smaller count is kept within the resets; a larger one opens layers after additions, the dearest first.
        assert_eq!(kept(&count(1000, None).structure(&[])), [0, 6, 12, 18]);
        let costs: Vec<f64> = (0..19).map(f64::from).collect();
        assert_eq!(kept(&count(45_056 + 9000, None).structure(&costs)), [0, 6, 12, 14, 16, 18]);
        assert_eq!(kept(&count(45_056, Some(2)).structure(&costs)), [12, 18]);
        let all = count(usize::MAX, None).structure(&costs);
        assert!(!all.closed.contains(&true) && !all.squares.contains(&true));
        assert!(!count(0, None).structure(&costs).closed.contains(&false));
        // The stem and the end of the first stage become quadratic where that is asked.
        let named = |l| (l == 0 || l == 6).then_some(Choice::Quadratic);
        let named: Vec<Option<Choice>> = (0..19).map(named).collect();
        let asked = Count { asked: &named, ..count(45_056, None) }.structure(&costs);
        assert_eq!(kept(&asked), [8, 10, 12, 14, 15, 16, 17, 18]);
        assert!(asked.squares[0] && asked.squares[6] && asked.squares.iter().filter(|s| **s).count() == 9);
        // A layer inside becomes the identity where that is asked.
        let named: Vec<Option<Choice>> = (0..19).map(|l| (l == 1).then_some(Choice::Identity)).collect();
        let asked = Count { asked: &named, ..count(45_056, None) }.structure(&[]);
        assert_eq!(kept(&asked), [0, 6, 12, 18]);
        assert!(asked.closed[1] && !asked.squares[1] && asked.squares.iter().filter(|s| **s).count() == 8);
    }
}
