//! Which ReLUs to keep when a query may take only so long: how many, which layers vanish whole and which become quadratic.
//!
//! A layer costs its rounds as soon as one ReLU of it is left, and bytes for every one. What a removal costs in accuracy is
//! taken as the sum of the elements' first-order costs ([`super::worth`]). For a price λ of a second, layers fall apart:
//! each vanishes, becomes quadratic or keeps what is worth its bytes. The choices for a range of λ are candidates; each is filled up with
//! the dearest elements the time allows, the best is kept, and layers are then opened, closed and exchanged one at a time while
//! that helps.

use super::layers::dearest;

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// ReLUs to keep in all.
    pub keep: usize,
    /// What becomes of each layer.
    pub layers: Vec<State>,
    /// What that takes.
    pub seconds: f64,
    /// Summed costs of what is removed.
    pub cost: f64,
}

/// What becomes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Keeps ReLUs.
    Open,
    /// Becomes quadratic whole.
    Square,
    /// Vanishes whole.
    Gone,
}

/// What the layers cost in accuracy.
#[derive(Debug, Clone, Copy)]
pub struct Costs<'a> {
    /// Of each layer, one an element that is removed.
    pub removed: &'a [Vec<f64>],
    /// Of each layer as a quadratic; `None`, as behind the last, where it may be none.
    pub squared: &'a [Option<f64>],
    /// Layers that are to keep ReLUs while the limit can be met at all; as behind the last, the others.
    pub pinned: &'a [bool],
}

/// The limit cannot be met: even without any ReLU the query takes this long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unmet {
    /// Seconds of the all-linear network.
    pub floor: f64,
}

/// Seconds of a query whose layers keep these counts of ReLUs, those marked being quadratic.
pub type Seconds<'a> = dyn Fn(&[usize], &[bool]) -> f64 + 'a;

/// Chooses. `seconds` must not fall when a count that is not zero rises; a layer that opens should not make a query faster, but may.
pub fn choose(costs: Costs<'_>, limit: f64, seconds: &Seconds<'_>) -> Result<Fit, Unmet> {
    let n = costs.removed.len();
    let floor = seconds(&vec![0; n], &vec![false; n]);
    let loose = Costs { pinned: &[], ..costs };
    let pins = costs.pinned.contains(&true);
    let pinned = pins.then(|| Problem::new(costs, limit, seconds).best(floor)).flatten();
    pinned.or_else(|| Problem::new(loose, limit, seconds).best(floor)).ok_or(Unmet { floor })
}

/// The dearest elements that the limit allows in layers of which it is known what becomes of them; `None` where it allows not even none.
pub fn again(costs: Costs<'_>, limit: f64, seconds: &Seconds<'_>, layers: Vec<State>) -> Option<Fit> {
    Problem::new(Costs { pinned: &[], ..costs }, limit, seconds).filled(layers)
}

impl Fit {
    fn better_than(&self, other: &Fit) -> bool {
        self.cost < other.cost || self.cost == other.cost && self.keep > other.keep
    }

    /// The layers that keep no ReLU.
    pub fn closed(&self) -> Vec<bool> {
        self.layers.iter().map(|s| *s != State::Open).collect()
    }

    /// The layers that become quadratic.
    pub fn squares(&self) -> Vec<bool> {
        self.layers.iter().map(|s| *s == State::Square).collect()
    }
}

const STATES: [State; 3] = [State::Open, State::Square, State::Gone];
/// Layers of which any two are changed at once: every pair is another network to price.
const FEW: usize = 8;

struct Problem<'a> {
    /// Costs of each layer, dearest first.
    sorted: Vec<Vec<f64>>,
    /// (cost, layer) of all elements, dearest first.
    all: Vec<(f64, usize)>,
    costs: Costs<'a>,
    limit: f64,
    seconds: &'a Seconds<'a>,
}

impl<'a> Problem<'a> {
    fn new(costs: Costs<'a>, limit: f64, seconds: &'a Seconds<'a>) -> Problem<'a> {
        let mut sorted = costs.removed.to_vec();
        sorted.iter_mut().for_each(|c| c.sort_unstable_by(|a, b| b.total_cmp(a)));
        Problem { all: dearest(costs.removed), sorted, costs, limit, seconds }
    }

    fn best(&self, floor: f64) -> Option<Fit> {
        let better = |a: Fit, b: Fit| if b.better_than(&a) { b } else { a };
        let all_open = [vec![State::Open; self.sorted.len()]];
        let first = all_open.into_iter().chain(self.candidates(floor));
        let mut best = first.filter_map(|states| self.filled(states)).reduce(better)?;
        loop {
            let next =
                self.neighbours(&best.layers).into_iter().filter_map(|s| self.filled(s)).reduce(better);
            match next {
                Some(n) if n.better_than(&best) => best = n,
                _ => return Some(best),
            }
        }
    }

    fn squared(&self, l: usize) -> Option<f64> {
        self.costs.squared.get(l).copied().flatten()
    }

    fn pinned(&self, l: usize) -> bool {
        self.costs.pinned.get(l).copied().unwrap_or(false)
    }

    /// As many of the dearest elements of the open layers as the limit allows; `None` where it allows not even none.
    fn filled(&self, states: Vec<State>) -> Option<Fit> {
        let open: Vec<(f64, usize)> =
            self.all.iter().copied().filter(|(_, l)| states[*l] == State::Open).collect();
        let squares: Vec<bool> = states.iter().map(|s| *s == State::Square).collect();
        let counts = |keep: usize| {
            let mut n = vec![0; states.len()];
            open.iter().take(keep).for_each(|(_, l)| n[*l] += 1);
            n
        };
        // The most that fits.
        let (mut fits, mut over) = (0, open.len() + 1);
        while over - fits > 1 {
            let middle = fits + (over - fits) / 2;
            if (self.seconds)(&counts(middle), &squares) <= self.limit {
                fits = middle
            } else {
                over = middle
            }
        }
        let n = counts(fits);
        let seconds = (self.seconds)(&n, &squares);
        if seconds > self.limit || (0..n.len()).any(|l| n[l] == 0 && self.pinned(l)) {
            return None;
        }
        // A layer of which nothing is left has vanished as well.
        let left = |(s, &n): (State, &usize)| if s == State::Open && n == 0 { State::Gone } else { s };
        let layers: Vec<State> = states.into_iter().zip(&n).map(left).collect();
        let cost = |l: usize| match (layers[l], self.squared(l)) {
            (State::Square, Some(cost)) => cost,
            (State::Open | State::Gone, _) | (State::Square, None) => {
                self.sorted[l][n[l]..].iter().sum::<f64>()
            }
        };
        let cost = (0..layers.len()).map(cost).sum();
        Some(Fit { keep: fits, layers, seconds, cost })
    }

    /// Another state of one layer, or two layers that exchange theirs; of a few layers two in any other states.
    fn neighbours(&self, states: &[State]) -> Vec<Vec<State>> {
        let n = states.len();
        let may = |l: usize, s: State| match s {
            State::Open => true,
            State::Square => self.squared(l).is_some(),
            State::Gone => !self.pinned(l),
        };
        let mut out = vec![];
        for a in 0..n {
            for s in STATES {
                if s != states[a] && may(a, s) {
                    let mut next = states.to_vec();
                    next[a] = s;
                    out.push(next);
                }
            }
            for b in a + 1..n {
                for (s, t) in STATES.into_iter().flat_map(|s| STATES.map(|t| (s, t))) {
                    if n <= FEW && s != states[a] && t != states[b] && may(a, s) && may(b, t) {
                        let mut next = states.to_vec();
                        (next[a], next[b]) = (s, t);
                        out.push(next);
                    }
                }
                // Of few layers it is among those above.
                if n > FEW && states[a] != states[b] && may(a, states[b]) && may(b, states[a]) {
                    let mut next = states.to_vec();
                    next.swap(a, b);
                    out.push(next);
                }
            }
        }
        out
    }

    /// What is best for each layer alone, at each of a range of prices of a second.
    fn candidates(&self, floor: f64) -> Vec<Vec<State>> {
        let layers = self.sorted.len();
        let alone = |l: usize, k: usize| {
            let mut n = vec![0; layers];
            n[l] = k;
            (self.seconds)(&n, &vec![false; layers]) - floor
        };
        let squared = |l: usize| {
            let squares: Vec<bool> = (0..layers).map(|i| i == l).collect();
            (self.seconds)(&vec![0; layers], &squares) - floor
        };
        let times: Vec<(f64, f64, f64)> = (0..layers)
            .map(|l| {
                let n = self.sorted[l].len().max(1);
                let (one, whole) = (alone(l, 1), alone(l, n));
                let square = self.squared(l).map_or(f64::INFINITY, |_| squared(l));
                (one, (whole - one) / (n - 1).max(1) as f64, square)
            })
            .collect();
        let total: f64 = self.sorted.iter().flatten().sum();
        let mut out: Vec<Vec<State>> = vec![];
        for step in 0..80 {
            let price = total.max(f64::MIN_POSITIVE) * 10f64.powf(-6.0 + step as f64 / 10.0);
            let states: Vec<State> = (0..layers).map(|l| self.cheapest(l, price, times[l])).collect();
            if !out.contains(&states) {
                out.push(states);
            }
        }
        out
    }

    /// What a layer costs least as, its time included; `times` are those of its first ReLU, of each further one, and as a quadratic.
    fn cheapest(&self, l: usize, price: f64, (first, each, square): (f64, f64, f64)) -> State {
        let c = &self.sorted[l];
        let kept = c.partition_point(|&c| c > price * each);
        let open = c[kept..].iter().sum::<f64>() + price * (first + each * kept.saturating_sub(1) as f64);
        let gone: f64 = c.iter().sum();
        let squared = self.squared(l).map_or(f64::INFINITY, |q| q + price * square);
        match () {
            () if self.pinned(l) => State::Open,
            () if squared < open.min(gone) => State::Square,
            () if gone <= open => State::Gone,
            () => State::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A second a layer that is there, a hundredth a ReLU, two without any.
    fn clock(n: &[usize], squares: &[bool]) -> f64 {
        let squares = squares.iter().filter(|s| **s).count() as f64;
        2.0 + 0.3 * squares + n.iter().map(|&k| f64::from(u8::from(k > 0)) + 0.01 * k as f64).sum::<f64>()
    }

    fn example() -> Vec<Vec<f64>> {
        vec![vec![5.0; 10], vec![0.5; 100], (0..50).map(|i| f64::from(i) / 10.0).collect()]
    }

    fn lines(removed: &[Vec<f64>]) -> Costs<'_> {
        Costs { removed, squared: &[], pinned: &[] }
    }

    fn closed(f: &Fit) -> Vec<bool> {
        f.layers.iter().map(|s| *s == State::Gone).collect()
    }

    #[test]
    fn everything_stays_when_there_is_time() {
        let c = choose(lines(&example()), 100.0, &clock).unwrap();
        assert_eq!((c.keep, c.cost, closed(&c)), (160, 0.0, vec![false; 3]));
    }

    #[test]
    fn the_floor_is_named_when_there_is_none() {
        assert_eq!(choose(lines(&example()), 1.9, &clock), Err(Unmet { floor: 2.0 }));
        let c = choose(lines(&example()), 2.0, &clock).unwrap();
        assert_eq!((c.keep, c.seconds), (0, 2.0));
    }

    #[test]
    fn a_layer_that_is_worth_less_than_its_rounds_vanishes() {
        // One layer fits with 10 ReLUs; the dear one stays.
        let c = choose(lines(&example()), 3.1, &clock).unwrap();
        assert_eq!((c.keep, closed(&c)), (10, vec![false, true, true]));
        // Two fit.
        let c = choose(lines(&example()), 4.7, &clock).unwrap();
        assert_eq!(closed(&c), vec![false, true, false]);
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
            let found = choose(lines(&costs), limit, &clock).unwrap();
            let p = Problem::new(lines(&costs), limit, &clock);
            let best = (0..64u32)
                .filter_map(|bits| {
                    let state = |l: u32| if bits >> l & 1 == 1 { State::Gone } else { State::Open };
                    p.filled((0..6).map(state).collect())
                })
                .map(|c| c.cost)
                .fold(f64::INFINITY, f64::min);
            assert!(found.seconds <= limit);
            assert!(found.cost <= best * 1.02 + 1e-9, "{} against {best}", found.cost);
        }
    }

    #[test]
    fn a_layer_becomes_quadratic_where_that_is_worth_its_time() {
        let removed = example();
        let squared = [Some(3.0), Some(60.0), None];
        let costs = Costs { removed: &removed, squared: &squared, pinned: &[] };
        // One layer fits with few ReLUs, and squares beside it.
        let c = choose(costs, 3.9, &clock).unwrap();
        assert!(c.seconds <= 3.9 && c.layers[0] == State::Square, "{c:?}");
        // A layer that is dearer as a quadratic than gone is none.
        assert_ne!(c.layers[1], State::Square);
        let plain = choose(lines(&removed), 3.9, &clock).unwrap();
        assert!(c.cost < plain.cost);
        // A pinned layer stays while that can be.
        let costs = Costs { pinned: &[false, true, false], ..costs };
        assert_eq!(choose(costs, 3.4, &clock).unwrap().layers[1], State::Open);
        assert_eq!(choose(costs, 2.4, &clock).unwrap().layers[1], State::Gone);
    }

    /// Against every choice of states for the layers.
    #[test]
    fn with_quadratics_as_good_as_all_choices_tried() {
        let mut random = relinc_passes::splitmix::SplitMix::new(3);
        for _ in 0..20 {
            let mut layer = || {
                (0..1 + (random.uniform() * 30.0) as usize)
                    .map(|_| f64::from(random.uniform()).powi(4))
                    .collect()
            };
            let removed: Vec<Vec<f64>> = (0..5).map(|_| layer()).collect();
            let share: Vec<f64> = (0..5).map(|_| f64::from(random.uniform())).collect();
            let squared: Vec<Option<f64>> = removed
                .iter()
                .zip(&share)
                .map(|(c, s)| (*s < 0.8).then(|| s * c.iter().sum::<f64>()))
                .collect();
            let limit = 2.0 + 5.0 * f64::from(random.uniform());
            let costs = Costs { removed: &removed, squared: &squared, pinned: &[] };
            let found = choose(costs, limit, &clock).unwrap();
            let p = Problem::new(costs, limit, &clock);
            let states = [State::Open, State::Square, State::Gone];
            let all = (0..243usize)
                .map(|code| (0..5).map(|l| states[code / 3usize.pow(l) % 3]).collect::<Vec<_>>());
            let allowed = all.filter(|s| (0..5).all(|l| s[l] != State::Square || squared[l].is_some()));
            let best = allowed.filter_map(|s| p.filled(s)).map(|c| c.cost).fold(f64::INFINITY, f64::min);
            assert!(
                found.seconds <= limit && found.cost <= best * 1.03 + 1e-9,
                "{} against {best}",
                found.cost
            );
        }
    }

    #[test]
    fn no_neighbour_is_listed_twice() {
        for layers in [3, FEW, FEW + 1] {
            let removed = vec![vec![1.0; 4]; layers];
            let squared = vec![Some(1.0); layers];
            let costs = Costs { removed: &removed, squared: &squared, pinned: &[] };
            let p = Problem::new(costs, 1.0, &clock);
            let states: Vec<State> = (0..layers).map(|l| STATES[l % 3]).collect();
            let all = p.neighbours(&states);
            let once = all.iter().enumerate().all(|(i, s)| *s != states && !all[..i].contains(s));
            assert!(once, "{layers} layers");
            // Two layers in each other's state are among them in either case.
            let mut swapped = states.clone();
            swapped.swap(0, 1);
            assert!(all.contains(&swapped));
        }
    }

    #[test]
    fn layers_of_known_states_are_filled_anew() {
        let removed = example();
        let states = vec![State::Open, State::Gone, State::Open];
        let fit = again(lines(&removed), 4.7, &clock, states.clone()).unwrap();
        assert_eq!((fit.layers, fit.keep), (states, 60));
        assert_eq!(again(lines(&removed), 1.0, &clock, vec![State::Gone; 3]), None);
    }
}
