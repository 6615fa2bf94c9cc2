//! Which ReLUs to keep when a query may take only so long: how many, and which layers vanish whole.
//!
//! A layer costs its rounds as soon as one ReLU of it is left, and bytes for every one. What a removal costs in accuracy is
//! taken as the sum of the elements' first-order costs ([`super::worth`]). For a price λ of a second, layers fall apart:
//! each either vanishes or keeps what is worth its bytes. The choices for a range of λ are candidates; each is filled up with
//! the dearest elements the time allows, the best is kept, and layers are then opened, closed and exchanged one at a time while
//! that helps.

use super::layers::dearest;

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// ReLUs to keep in all.
    pub keep: usize,
    /// Layers that vanish whole.
    pub closed: Vec<bool>,
    /// What that takes.
    pub seconds: f64,
    /// Summed costs of what is removed.
    pub cost: f64,
}

/// The limit cannot be met: even without any ReLU the query takes this long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unmet {
    /// Seconds of the all-linear network.
    pub floor: f64,
}

/// Chooses for `costs[l]`, one an element of layer l. `seconds` of a count of ReLUs for each layer must not fall when one that
/// is not zero rises; a layer that opens should not make a query faster, but may.
pub fn choose(costs: &[Vec<f64>], limit: f64, seconds: &dyn Fn(&[usize]) -> f64) -> Result<Fit, Unmet> {
    let p = Problem::new(costs, limit, seconds);
    let floor = seconds(&vec![0; costs.len()]);
    let better = |a: Fit, b: Fit| if b.better_than(&a) { b } else { a };
    let all_open = [vec![false; costs.len()]];
    let first = all_open.into_iter().chain(p.candidates(floor));
    let mut best = first.filter_map(|closed| p.filled(closed)).reduce(better).ok_or(Unmet { floor })?;
    loop {
        let next = p.neighbours(&best.closed).filter_map(|closed| p.filled(closed)).reduce(better);
        match next {
            Some(n) if n.better_than(&best) => best = n,
            _ => return Ok(best),
        }
    }
}

impl Fit {
    fn better_than(&self, other: &Fit) -> bool {
        self.cost < other.cost || self.cost == other.cost && self.keep > other.keep
    }
}

struct Problem<'a> {
    /// Costs of each layer, dearest first.
    sorted: Vec<Vec<f64>>,
    /// (cost, layer) of all elements, dearest first.
    all: Vec<(f64, usize)>,
    limit: f64,
    seconds: &'a dyn Fn(&[usize]) -> f64,
}

impl<'a> Problem<'a> {
    fn new(costs: &[Vec<f64>], limit: f64, seconds: &'a dyn Fn(&[usize]) -> f64) -> Problem<'a> {
        let mut sorted = costs.to_vec();
        sorted.iter_mut().for_each(|c| c.sort_unstable_by(|a, b| b.total_cmp(a)));
        Problem { all: dearest(costs), sorted, limit, seconds }
    }

    /// As many of the dearest elements of the open layers as the limit allows; `None` where it allows not even none.
    fn filled(&self, closed: Vec<bool>) -> Option<Fit> {
        let open: Vec<(f64, usize)> = self.all.iter().copied().filter(|(_, l)| !closed[*l]).collect();
        let counts = |keep: usize| {
            let mut n = vec![0; closed.len()];
            open.iter().take(keep).for_each(|(_, l)| n[*l] += 1);
            n
        };
        // The most that fits.
        let (mut fits, mut over) = (0, open.len() + 1);
        while over - fits > 1 {
            let middle = fits + (over - fits) / 2;
            if (self.seconds)(&counts(middle)) <= self.limit { fits = middle } else { over = middle }
        }
        let n = counts(fits);
        let cost = self.sorted.iter().zip(&n).map(|(c, &n)| c[n..].iter().sum::<f64>()).sum();
        let seconds = (self.seconds)(&n);
        if seconds > self.limit {
            return None;
        }
        // A layer of which nothing is left has vanished as well.
        let closed = n.iter().map(|&n| n == 0).collect();
        Some(Fit { keep: fits, closed, seconds, cost })
    }

    /// One layer opened or closed, or one opened for another that closes.
    fn neighbours(&self, closed: &[bool]) -> impl Iterator<Item = Vec<bool>> {
        let n = closed.len();
        let closed = closed.to_vec();
        let pairs = (0..n).flat_map(move |a| (a..n).map(move |b| (a, b)));
        pairs.filter_map(move |(a, b)| {
            let mut next = closed.clone();
            next[a] = !next[a];
            if a != b {
                if closed[a] == closed[b] {
                    return None;
                }
                next[b] = !next[b];
            }
            Some(next)
        })
    }

    /// The layers that vanish at each of a range of prices of a second.
    fn candidates(&self, floor: f64) -> Vec<Vec<bool>> {
        let layers = self.sorted.len();
        let alone = |l: usize, k: usize| {
            let mut n = vec![0; layers];
            n[l] = k;
            (self.seconds)(&n) - floor
        };
        let times: Vec<(f64, f64)> = (0..layers)
            .map(|l| {
                let n = self.sorted[l].len().max(1);
                let (one, whole) = (alone(l, 1), alone(l, n));
                (one, (whole - one) / (n - 1).max(1) as f64)
            })
            .collect();
        let total: f64 = self.sorted.iter().flatten().sum();
        let mut out: Vec<Vec<bool>> = vec![];
        for step in 0..80 {
            let price = total.max(f64::MIN_POSITIVE) * 10f64.powf(-6.0 + step as f64 / 10.0);
            let closed: Vec<bool> = (0..layers).map(|l| self.vanishes(l, price, times[l])).collect();
            if !out.contains(&closed) {
                out.push(closed);
            }
        }
        out
    }

    /// Is a layer worth less than the time of what would be kept of it?
    fn vanishes(&self, l: usize, price: f64, (first, each): (f64, f64)) -> bool {
        let c = &self.sorted[l];
        let kept = c.partition_point(|&c| c > price * each);
        let gained: f64 = c[..kept].iter().sum();
        gained <= price * (first + each * kept.saturating_sub(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A second a layer that is there, a hundredth a ReLU, two without any.
    fn clock(n: &[usize]) -> f64 {
        2.0 + n.iter().map(|&k| f64::from(u8::from(k > 0)) + 0.01 * k as f64).sum::<f64>()
    }

    fn example() -> Vec<Vec<f64>> {
        vec![vec![5.0; 10], vec![0.5; 100], (0..50).map(|i| f64::from(i) / 10.0).collect()]
    }

    #[test]
    fn everything_stays_when_there_is_time() {
        let c = choose(&example(), 100.0, &clock).unwrap();
        assert_eq!((c.keep, c.cost, c.closed), (160, 0.0, vec![false; 3]));
    }

    #[test]
    fn the_floor_is_named_when_there_is_none() {
        assert_eq!(choose(&example(), 1.9, &clock), Err(Unmet { floor: 2.0 }));
        let c = choose(&example(), 2.0, &clock).unwrap();
        assert_eq!((c.keep, c.seconds), (0, 2.0));
    }

    #[test]
    fn a_layer_that_is_worth_less_than_its_rounds_vanishes() {
        // One layer fits with 10 ReLUs; the dear one stays.
        let c = choose(&example(), 3.1, &clock).unwrap();
        assert_eq!((c.keep, c.closed), (10, vec![false, true, true]));
        // Two fit.
        let c = choose(&example(), 4.7, &clock).unwrap();
        assert_eq!(c.closed, vec![false, true, false]);
        assert!(c.seconds <= 4.7 && c.keep == 60);
    }

    /// Against every choice of layers, the elements of each filled as here.
    #[test]
    fn as_good_as_all_choices_tried() {
        let mut state = 7u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64 / (1u64 << 24) as f64
        };
        for _ in 0..30 {
            let costs: Vec<Vec<f64>> = (0..6)
                .map(|_| (0..1 + (random() * 40.0) as usize).map(|_| random().powi(4)).collect())
                .collect();
            let limit = 2.0 + 7.0 * random();
            let found = choose(&costs, limit, &clock).unwrap();
            let p = Problem::new(&costs, limit, &clock);
            let best = (0..64u32)
                .filter_map(|bits| p.filled((0..6).map(|l| bits >> l & 1 == 1).collect()))
                .map(|c| c.cost)
                .fold(f64::INFINITY, f64::min);
            assert!(found.seconds <= limit);
            assert!(found.cost <= best * 1.02 + 1e-9, "{} against {best}", found.cost);
        }
    }
}
