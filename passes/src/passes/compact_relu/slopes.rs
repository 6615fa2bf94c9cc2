//! What becomes of the slopes of identity elements when a mask is lowered.

use crate::choice::Choice;
use crate::driver::Cx;
use crate::ir::NodeId;
use crate::masks::LayerMask;
use crate::passes::affine::absorbs_scale;
use crate::quotient;

/// The largest factor that a kept element may be multiplied by to undo its channel's slope: rings have few bits.
const UNDONE: f32 = 256.0;

/// See the module documentation.
pub(super) enum Slopes<'a> {
    /// None but 1.
    None,
    /// A product of all elements beside the others, for x is read elsewhere or nothing can take the factors.
    Beside(&'a [f32]),
    /// The weights under the mask take them, and kept elements are multiplied by their inverse.
    Absorbed(Vec<f32>),
    /// The weights take a factor a channel; identity and kept elements are taken so many times.
    Times {
        /// Of the weights.
        factor: Vec<f32>,
        /// Of an identity element and of a kept one.
        times: Vec<[u32; 2]>,
    },
}

impl<'a> Slopes<'a> {
    pub fn of(cx: &Cx<'_>, x: NodeId, mask: &'a LayerMask) -> Slopes<'a> {
        let Some(s) = mask.slopes() else { return Slopes::None };
        let channels = || s.iter().copied().zip(mask.values.chunks(mask.plane()));
        // A channel without identity elements has no use for its slope.
        let used: Vec<f32> =
            channels().map(|(s, m)| if m.contains(&Choice::Identity) { s } else { 1.0 }).collect();
        if used.iter().all(|&s| s == 1.0) {
            return Slopes::None;
        }
        // A quadratic is one of x itself.
        if mask.count(Choice::Quadratic) > 0 || !absorbs_scale(cx.graph, cx.facts, x) {
            return Slopes::Beside(s);
        }
        let shared = |m: &[Choice]| m.contains(&Choice::Identity) && m.iter().any(|c| c.compares());
        let quotient = |(s, m): (f32, &[Choice])| match (shared(m), m.contains(&Choice::Identity)) {
            (true, _) => quotient::of(s).map(|(a, b)| (1.0 / b as f32, [a, b])),
            (false, true) => s.is_finite().then_some((s, [1, 1])),
            (false, false) => Some((1.0, [1, 1])),
        };
        if let Some(all) = channels().map(quotient).collect::<Option<Vec<_>>>() {
            let (factor, times) = all.into_iter().unzip();
            return Slopes::Times { factor, times };
        }
        let undone = |s: &f32| s.is_normal() && s.recip().abs() <= UNDONE;
        if used.iter().all(undone) { Slopes::Absorbed(used) } else { Slopes::Beside(s) }
    }

    /// Factors a channel of x.
    pub fn factors(&self) -> Option<&[f32]> {
        match self {
            Slopes::None => None,
            Slopes::Beside(s) => Some(s),
            Slopes::Absorbed(f) | Slopes::Times { factor: f, .. } => Some(f),
        }
    }

    /// The whole multiples that are taken, rising.
    pub fn multiples(&self, mask: &[Choice]) -> Vec<u32> {
        let Slopes::Times { .. } = self else { return vec![1] };
        let n = mask.len();
        let mut all: Vec<u32> = (0..n)
            .filter_map(|i| match mask[i] {
                Choice::Identity => Some(self.identity(i, n)),
                Choice::Relu | Choice::Uncapped => Some(self.kept(i, n)),
                Choice::Zero | Choice::Quadratic => None,
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        if all.is_empty() { vec![1] } else { all }
    }

    /// The elements in parts of one slope, with the number of the first of each.
    pub fn parts<'m>(&self, mask: &'m [Choice]) -> impl Iterator<Item = (usize, &'m [Choice])> {
        let plane = match self {
            Slopes::Times { times, .. } => mask.len() / times.len().max(1),
            _ => mask.len(),
        };
        let plane = plane.max(1);
        mask.chunks(plane).enumerate().map(move |(k, part)| (k * plane, part))
    }

    /// How many times identity element `i` of `n` is taken.
    pub fn identity(&self, i: usize, n: usize) -> u32 {
        self.times(i, n)[0]
    }

    /// How many times kept element `i` of `n` is taken.
    pub fn kept(&self, i: usize, n: usize) -> u32 {
        self.times(i, n)[1]
    }

    fn times(&self, i: usize, n: usize) -> [u32; 2] {
        match self {
            Slopes::Times { times, .. } => times[i / (n / times.len().max(1)).max(1)],
            _ => [1, 1],
        }
    }

    /// What undoes them for these of `n` elements; nothing where no element needs it.
    pub fn back(&self, kept: impl Iterator<Item = usize>, n: usize) -> Option<Vec<f32>> {
        let Slopes::Absorbed(slope) = self else { return None };
        let plane = n / slope.len().max(1);
        let back: Vec<f32> = kept.map(|i| slope[i / plane].recip()).collect();
        back.iter().any(|&b| b != 1.0).then_some(back)
    }
}
