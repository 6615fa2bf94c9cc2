//! Which ReLU layers stay when only so many may: a layer without ReLUs costs no rounds, and what is around it may merge.
//!
//! What a removal costs is taken as the sum of the elements' first-order costs, as for a budget in seconds
//! ([`super::latency`]); of the layers that stay, the dearest elements are kept. Layers are exchanged one at a time while that
//! helps. Where it is known how long a query takes without a set of layers, those are chosen of which a second of the query
//! keeps the most.

use rayon::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// How long a query takes without some of the ReLU layers. What is printed of it tells paces apart, for checkpoints.
pub trait Pace: Debug + Send + Sync {
    /// Seconds of one that keeps `keep` ReLUs; `closed` has one entry a layer.
    fn seconds(&self, closed: &[bool], keep: usize) -> f64;
}

/// Which ReLU layers vanish whole. A layer that vanishes is the identity, so that what is around it can merge.
#[derive(Debug, Clone)]
pub enum Vanish {
    /// These, one after the other as a search goes on; one entry a layer, empty for none.
    Given(Vec<bool>),
    /// All but so many, chosen as a search goes on.
    AllBut {
        /// Layers that may keep ReLUs when it is over.
        layers: usize,
        /// What a query takes without some; where absent, that does not matter.
        pace: Option<Arc<dyn Pace>>,
    },
}

impl Default for Vanish {
    fn default() -> Vanish {
        Vanish::Given(vec![])
    }
}

impl Vanish {
    /// The layers that vanish when the share `done` of a search is over and `keep` ReLUs are left; and how many ReLUs there is
    /// room for. `costs[l]` has one entry an element of layer l.
    pub fn at(&self, costs: &[Vec<f64>], keep: usize, done: f64) -> (Vec<bool>, usize) {
        let closed = match self {
            Vanish::Given(all) => so_far(all, costs, keep, done),
            Vanish::AllBut { layers, pace } => {
                vanishing(costs, keep, open_layers(costs.len(), *layers, done), pace.as_deref())
            }
        };
        let sizes: Vec<usize> = costs.iter().map(Vec::len).collect();
        let keep = keep.min(room(&sizes, &closed));
        (closed, keep)
    }

    /// ReLUs of the layers that may keep some; `sizes` has one entry a layer.
    pub fn room(&self, sizes: impl Iterator<Item = usize>) -> usize {
        match self {
            Vanish::Given(all) => sizes
                .enumerate()
                .filter(|(l, _)| !all.get(*l).copied().unwrap_or(false))
                .map(|(_, n)| n)
                .sum(),
            Vanish::AllBut { .. } => sizes.sum(),
        }
    }

    /// Must or may layers vanish?
    pub fn any(&self) -> bool {
        !matches!(self, Vanish::Given(closed) if closed.is_empty())
    }
}

/// How many are left on the way from `all` to `few`, along the cubic, when the share `left` of the way is still to go.
pub fn along_cubic(all: usize, few: usize, left: f64) -> usize {
    few + ((all - few) as f64 * left.powi(3)).round() as usize
}

/// Layers that may keep ReLUs when the share `done` of a search is over: from all to `layers` along the cubic of the budget.
pub fn open_layers(all: usize, layers: usize, done: f64) -> usize {
    along_cubic(all, layers.min(all), 1.0 - done.clamp(0.0, 1.0))
}

/// Of the layers that have to vanish, those that have when the share `done` of a search is over: the ones that are worth least
/// first.
fn so_far(all: &[bool], costs: &[Vec<f64>], keep: usize, done: f64) -> Vec<bool> {
    let goes = |l: usize| all.get(l).copied().unwrap_or(false);
    let n = costs.len();
    let goal = (0..n).filter(|&l| goes(l)).count();
    if goal == 0 {
        return vec![false; n];
    }
    let gone = n - open_layers(n, n - goal, done);
    let worth = alone(costs, keep);
    let mut order: Vec<usize> = (0..n).filter(|&l| goes(l)).collect();
    order.sort_by(|&a, &b| worth[a].total_cmp(&worth[b]).then(a.cmp(&b)));
    let mut closed = vec![false; n];
    order.iter().take(gone).for_each(|&l| closed[l] = true);
    closed
}

/// What each layer's share of the `keep` dearest elements is worth.
fn alone(costs: &[Vec<f64>], keep: usize) -> Vec<f64> {
    let mut worth = vec![0.0; costs.len()];
    dearest(costs).iter().take(keep).for_each(|&(c, l)| worth[l] += c);
    worth
}

/// (cost, layer) of all elements, dearest first.
pub(super) fn dearest(costs: &[Vec<f64>]) -> Vec<(f64, usize)> {
    let mut all: Vec<(f64, usize)> =
        costs.iter().enumerate().flat_map(|(l, c)| c.iter().map(move |&c| (c, l))).collect();
    all.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all
}

/// Elements of the layers that stay; `sizes` has one entry a layer.
pub fn room(sizes: &[usize], closed: &[bool]) -> usize {
    sizes.iter().zip(closed).filter(|(_, c)| !**c).map(|(n, _)| n).sum()
}

/// The layers that vanish, so that at most `layers` keep ReLUs, `keep` in all; `costs[l]` has one entry an element of layer l.
pub fn vanishing(costs: &[Vec<f64>], keep: usize, layers: usize, pace: Option<&dyn Pace>) -> Vec<bool> {
    let n = costs.len();
    if layers >= n {
        return vec![false; n];
    }
    let all = dearest(costs);
    let sizes: Vec<usize> = costs.iter().map(Vec::len).collect();
    // Room for the budget first, then what is kept.
    let kept = |closed: &[bool]| -> (usize, f64) {
        let sum: f64 = all.iter().filter(|(_, l)| !closed[*l]).take(keep).map(|(c, _)| c).sum();
        let seconds = pace.map_or(1.0, |p| p.seconds(closed, keep).max(f64::MIN_POSITIVE));
        (room(&sizes, closed).min(keep), sum / seconds)
    };
    let worth = alone(costs, keep);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]).then(a.cmp(&b)));
    let mut closed = vec![true; n];
    order.iter().take(layers).for_each(|&l| closed[l] = false);
    let mut best = kept(&closed);
    loop {
        let exchanged = |open: usize, close: usize| {
            let mut next = closed.clone();
            (next[open], next[close]) = (false, true);
            next
        };
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        let next = pairs
            .filter(|&(a, b)| closed[a] && !closed[b])
            .map(|(a, b)| exchanged(a, b))
            .map(|c| (kept(&c), c))
            .reduce(|x, y| if y.0 > x.0 { y } else { x });
        match next {
            Some((value, c)) if value > best => (best, closed) = (value, c),
            _ => return closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relinc_passes::splitmix::SplitMix;

    #[test]
    fn the_layers_that_are_worth_least_vanish() {
        let costs = vec![vec![5.0; 10], vec![0.5; 100], vec![4.0; 10]];
        assert_eq!(vanishing(&costs, 20, 2, None), [false, true, false]);
        // With more to keep, many cheap elements are worth more than ten dear ones.
        assert_eq!(vanishing(&[vec![5.0; 10], vec![0.6; 100]], 110, 1, None), [true, false]);
        assert_eq!(vanishing(&costs, 20, 3, None), [false; 3]);
        // Two layers of ten have no room for 60.
        assert_eq!(vanishing(&costs, 60, 2, None), [false, false, true]);
        assert_eq!(room(&[10, 100, 10], &[false, true, false]), 20);
        assert_eq!(vanishing(&costs, 20, 0, None), [true; 3]);
    }

    /// A query is faster where neighbours vanish together.
    #[derive(Debug)]
    struct Neighbours;

    impl Pace for Neighbours {
        fn seconds(&self, closed: &[bool], _keep: usize) -> f64 {
            2.0 - closed.windows(2).filter(|w| w[0] && w[1]).count() as f64
        }
    }

    #[test]
    fn layers_whose_absence_is_worth_more_vanish_first() {
        let costs = vec![vec![5.0], vec![4.0], vec![3.0], vec![4.5]];
        assert_eq!(vanishing(&costs, 4, 2, None), [false, true, true, false]);
        let costs = vec![vec![5.0], vec![3.0], vec![5.0], vec![3.5]];
        assert_eq!(vanishing(&costs, 4, 2, None), [false, true, false, true]);
        let closed = vanishing(&costs, 4, 2, Some(&Neighbours));
        assert!(closed.windows(2).any(|w| w[0] && w[1]), "{closed:?}");
        let v = Vanish::AllBut { layers: 2, pace: Some(Arc::new(Neighbours)) };
        assert_eq!(v.at(&costs, 4, 1.0), (closed, 2));
        let v = Vanish::Given(vec![true, true]);
        assert_eq!(v.at(&costs, 4, 0.0).0, [false; 4]);
        assert_eq!(v.at(&costs, 4, 0.3).0, [false, true, false, false], "the cheaper one first");
        assert_eq!(v.at(&costs, 4, 1.0), (vec![true, true, false, false], 2), "there is room for two");
    }

    #[test]
    fn as_good_as_all_choices_tried() {
        let mut random = SplitMix::new(7);
        let mut below = |n: u64| (random.next_u64() % n) as usize;
        for _ in 0..30 {
            let costs: Vec<Vec<f64>> = (0..7)
                .map(|_| (0..1 + below(40)).map(|_| (below(1000) as f64 / 1000.0).powi(4)).collect())
                .collect();
            let (keep, layers) = (1 + below(60), 1 + below(6));
            let value = |closed: &[bool]| -> f64 {
                let open = costs.iter().zip(closed).filter(|(_, c)| !**c);
                let mut e: Vec<f64> = open.flat_map(|(c, _)| c.iter().copied()).collect();
                e.sort_by(|a, b| b.total_cmp(a));
                e.iter().take(keep).sum()
            };
            let found = vanishing(&costs, keep, layers, None);
            assert_eq!(found.iter().filter(|c| !**c).count(), layers);
            let sizes: Vec<usize> = costs.iter().map(Vec::len).collect();
            let all: Vec<Vec<bool>> = (0..128u32)
                .map(|bits| (0..7).map(|l| bits >> l & 1 == 1).collect::<Vec<bool>>())
                .filter(|c| c.iter().filter(|c| !**c).count() == layers)
                .collect();
            let most = all.iter().map(|c| room(&sizes, c)).max().unwrap_or(0);
            let fits = |c: &&Vec<bool>| room(&sizes, c) >= keep.min(most);
            assert!(fits(&&found));
            let best = all.iter().filter(fits).map(|c| value(c)).fold(0.0, f64::max);
            assert!(value(&found) >= best * 0.98, "{} against {best}", value(&found));
        }
    }
}
